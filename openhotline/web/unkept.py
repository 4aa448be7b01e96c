"""What no database keeps: a NUL, half a character. Typed or sent by whoever tries, it is refused with a sentence.

True here: nothing was stored, because the act that met it was undone whole. An address of ours that holds one is an
address that is not there. What is not here: reports, whose words are kept whatever they hold (`steps/intake`).
"""

from collections.abc import Callable

from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

SENTENCE = (
    "There is a character in this that cannot be kept. Type it again; what is copied may hold one unseen."
)


def cannot_be_kept(error: BaseException) -> bool:
    """Whether an act failed on such a character alone."""
    return isinstance(error, UnicodeEncodeError) or (
        isinstance(error, DataError | ValueError) and "NUL" in str(error)
    )


class Unkept:
    """Middleware: the page says it, instead of a fault of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not cannot_be_kept(error):
            return None
        if "\x00" in request.path:
            raise Http404
        return render(request, "refused.html", {"sentence": SENTENCE}, status=422)
