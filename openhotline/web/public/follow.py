"""Follow my report: seven words in, one of five phases out, nothing else.

Every answer is one look-up and a page of the same length, so that neither the time nor the size of it tells
an onlooker on the line which answer it was. What is not here: what a phase means for a case (`phases`).
"""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openhotline.rules import words
from openhotline.settings import load
from openhotline.web.public import box, forms, texts
from openhotline.web.public.limits import Bucket
from openhotline.web.public.phases import phase_of
from openhotline.web.public.views import careful, form_page, message

TRIES = Bucket(per_second=5, burst=40)
LENGTH = 16 * 1024  # every answer is filled up with spaces to a multiple of this
LONGEST_TYPED = 1000

_ROW = (
    ("Received", (words.RECEIVED,)),
    ("In progress", (words.IN_PROGRESS, words.MORE_DETAIL)),
    ("Removed, or closed", (words.REMOVED_PHASE, words.CLOSED_PHASE)),
)


@form_page
@careful
def follow(request: HttpRequest) -> HttpResponse:
    """GET asks for the words, POST answers. Nothing is changed, so there is nothing to redirect to."""
    if request.method != "POST":
        return render(request, "public/follow.html")
    typed = forms.fields(request).get("words", "")[:LONGEST_TYPED]
    if not typed.strip():
        return _same_length(render(request, "public/follow.html", {"fault": "empty"}, status=422))
    if not TRIES.take():
        return _same_length(
            render(request, "public/follow.html", {"fault": "busy", "typed": typed}, status=429)
        )
    read = box.read_words(typed)
    try:
        # Words that are not words are looked up too, so that no answer comes sooner than another.
        phase = phase_of(box.hash_of(read or ("",) * 7), at=load().clock().now())
    except DatabaseError:
        return message(request, "cannot-look", 503)
    if read is None or phase not in texts.PHASES:
        fault = "unknown" if read else "not-seven"
        return _same_length(
            render(request, "public/follow.html", {"fault": fault, "typed": typed}, status=422)
        )
    title, sentence = texts.PHASES[phase]
    row = [{"name": name, "on": phase in phases} for name, phases in _ROW]
    return _same_length(
        render(request, "public/phase.html", {"title": title, "sentence": sentence, "row": row})
    )


def _same_length(response: HttpResponse) -> HttpResponse:
    """Fill up with spaces behind the page, and ask proxies to leave it so."""
    response.content += b" " * (-len(response.content) % LENGTH)
    response["Cache-Control"] = "no-store, no-transform"
    return response
