"""The form: four short pages, a fifth for an e-mail, and the receipt. No script, no cookie, no session.

True here: the address is sealed and on the disk before page 2 is shown; each page only adds to it. State
between pages is a draft that only the page's own address can open (`drafts`). There is no token against
forged requests, because there is nothing a visitor is signed in to: a form filled by another site is a
report like any other. What is not here: filing, de-duplication, and judging what was typed; that is the
worker's and the analyst's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from openhotline.records.spool import OPENED, SENT, SpoolError
from openhotline.rules import incoming
from openhotline.settings import load
from openhotline.web.public import box, drafts, forms, texts

FAULT = "openhotline.fault"  # in a request's environment: why `first` could not answer itself
form_page = require_http_methods(["GET", "HEAD", "POST"])


class SeeOther(HttpResponseRedirect):
    """POST, then GET: a reload never sends twice."""

    status_code = 303


def message(request: HttpRequest, which: str, status: int) -> HttpResponse:
    """A calm page that says what happened and what to do; the words are in `public/message.html`."""
    return render(request, "public/message.html", {"message": which}, status=status)


def careful(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A full disk is a sentence, never a bare error."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except SpoolError:
            return message(request, "not-kept", 503)
        except OSError:
            # Only drafts are written outside the spool: what page 1 brought lies in the spool already.
            return message(request, "kept-but-stuck", 503)

    return wrapped


def with_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hand the view the draft its address opens; without one say so, or show the receipt if it was sent."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        draft = drafts.load(box.drafts_folder(), token)
        if draft is not None:
            return view(request, token, draft)
        if drafts.receipt(box.drafts_folder(), token) is not None:
            return SeeOther(reverse("receipt", args=[token]))
        return message(request, "draft-gone", 410)

    return careful(wrapped)


def page(request: HttpRequest, name: str, number: int, of: int = 4, **context: Any) -> HttpResponse:
    """Render one page of the form with its place in the row of pages. A fault shown makes it a 422."""
    context |= {"number": number, "of": of, "bar": [step < number for step in range(of)]}
    return render(request, f"public/{name}.html", context, status=422 if context.get("fault") else 200)


@form_page
@careful
def where(request: HttpRequest) -> HttpResponse:
    """Page 1. An address is kept at once; an empty page asks, gently and once."""
    if FAULT in request.META:
        raise request.META[FAULT]
    box.tidy()
    if request.method != "POST":
        return page(request, "where", 1)
    given = forms.fields(request)
    lines, cut = forms.addresses(given)
    if not lines and not cut and not given.get("asked"):
        return page(request, "where", 1, fault=True)
    return _begin(request, Start(lines, cut, given.odd))


@form_page
@careful
def app(request: HttpRequest) -> HttpResponse:
    """Page 1 for what has no web address: an app, a game, a chat. It becomes one line of the report."""
    if request.method != "POST":
        return page(request, "app", 1)
    given = forms.fields(request)
    parts = [
        f"{label}: {' '.join(given.get(name, '').split())}"
        for name, label in (("place", "App, game or chat"), ("who", "Name or channel"))
        if given.get(name, "").strip()
    ]
    if not parts and not given.get("asked"):
        return page(request, "app", 1, fault=True)
    return _begin(request, Start(("; ".join(parts),) if parts else (), odd=given.odd))


@dataclass(frozen=True, slots=True)
class Start:
    """What one page 1 brought."""

    lines: tuple[str, ...]
    cut: str = ""  # the line in which a page that is too long was cut
    odd: str = ""  # the sentence that says so


def begin(starts: Sequence[Start]) -> list[str]:
    """Keep what each page 1 brought, all in one flush, then open a draft for the rest of each. Returns their tokens.

    Raises SpoolError where nothing was kept, OSError where the addresses are safe in the spool and only the rest
    of the form cannot go on.
    """
    now = load().clock().now()
    opened = {
        drafts.new_token(): drafts.Draft(
            uuid4(), now, start.lines, box.new_words(), cut=start.cut, odd=start.odd
        )
        for start in starts
    }
    kept = [_report(draft, complete=False) for draft in opened.values() if draft.lines or draft.cut]
    if kept:
        box.keep(OPENED, kept)
    drafts.save(box.drafts_folder(), opened)
    return list(opened)


def _begin(request: HttpRequest, start: Start) -> HttpResponse:
    try:
        (token,) = begin([start])
    except OSError:
        return message(request, "kept-but-stuck" if start.lines or start.cut else "not-kept", 503)
    return SeeOther(reverse("what", args=[token]))


@form_page
@with_draft
def again(request: HttpRequest, token: str, draft: drafts.Draft) -> HttpResponse:
    """Page 1 once more, to change what was typed. The changed lines are kept at once, under the same id."""
    if request.method != "POST":
        return page(request, "where", 1, token=token, typed="\n".join(draft.lines))
    given = forms.fields(request)
    lines, cut = forms.addresses(given)
    if cut or (lines and lines != draft.lines):
        draft = replace(draft, lines=lines, cut=cut or draft.cut, odd=given.odd or draft.odd)
        box.keep(OPENED, [_report(draft, complete=False)])
    return _go_on(token, draft, "what")


@form_page
@with_draft
def what(request: HttpRequest, token: str, draft: drafts.Draft) -> HttpResponse:
    """Page 2: one large choice, and where to look."""
    if request.method != "POST":
        return page(request, "what", 2, token=token, draft=draft, choices=texts.SEEN)
    given = forms.fields(request)
    seen = texts.kept(given.get("kind", ""), texts.SEEN)
    odd = given.odd or draft.odd
    return _go_on(token, replace(draft, seen=seen, help_text=given.get("help", "").strip(), odd=odd), "hear")


@form_page
@with_draft
def hear(request: HttpRequest, token: str, draft: drafts.Draft) -> HttpResponse:
    """Page 3: how to hear back, if at all."""
    if request.method != "POST":
        return page(request, "hear", 3, token=token, draft=draft, choices=texts.FOLLOW)
    follow = texts.kept(forms.fields(request).get("follow", ""), texts.FOLLOW) or "none"
    if follow == "mail":
        drafts.save(box.drafts_folder(), {token: replace(draft, follow=follow)})
        return SeeOther(reverse("mail", args=[token]))
    draft = replace(draft, follow=follow, mail="", reached_end=True)
    return _go_on(token, draft, "send")


@form_page
@with_draft
def mail(request: HttpRequest, token: str, draft: drafts.Draft) -> HttpResponse:
    """The page between, for those who chose e-mail."""
    if request.method != "POST":
        return page(request, "mail", 4, 5, token=token, typed=draft.mail)
    typed = forms.fields(request).get("mail", "").strip()
    if not _looks_like_mail(typed):
        return page(request, "mail", 4, 5, token=token, typed=typed, fault=True)
    return _go_on(token, replace(draft, follow="mail", mail=typed, reached_end=True), "send")


@form_page
@with_draft
def send(request: HttpRequest, token: str, draft: drafts.Draft) -> HttpResponse:
    """The last page: everything in plain sight, then sent."""
    if draft.follow == "mail" and not draft.mail:
        draft = replace(draft, follow="code")  # the e-mail page was skipped by hand
    if request.method != "POST":
        number = 5 if draft.follow == "mail" else 4
        shown = {
            "lines": list(forms.shortened(draft.lines)),
            "seen": texts.title_of(draft.seen, texts.SEEN),
            "follow": texts.FOLLOW_SHORT[draft.follow],
            "back": "mail" if draft.follow == "mail" else "hear",
        }
        return page(request, "send", number, number, token=token, draft=draft, **shown)
    words = draft.words if draft.follow == "code" else ()
    box.keep(SENT, [_report(draft, complete=True, receipt_hash=box.hash_of(words) if words else "")])
    receipt_ = drafts.Receipt(load().clock().now(), draft.follow, words, draft.seen)
    try:
        drafts.finish(box.drafts_folder(), token, receipt_)
    except OSError:
        return _receipt(request, token, receipt_)  # sent and safe, but only this answer can show the words
    return SeeOther(reverse("receipt", args=[token]))


@require_safe
@careful
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """The seven words, for a quarter of an hour; then they are erased."""
    found = drafts.receipt(box.drafts_folder(), token)
    if found is None:
        return message(request, "words-gone", 410)
    return _receipt(request, token, found)


@require_safe
@careful
def words_file(request: HttpRequest, token: str) -> HttpResponse:
    """The same words as a small text file. Its name and text do not name the subject."""
    found = drafts.receipt(box.drafts_folder(), token)
    if found is None or not found.words:
        return message(request, "words-gone", 410)
    lines = [f"{number}. {word}" for number, word in enumerate(found.words, 1)]
    address = f"{load().public_url}{reverse('follow')}"
    text = "\n".join(["Seven words, in order:", "", *lines, "", f"Where to type them: {address}", ""])
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="seven-words.txt"'
    return response


def _receipt(request: HttpRequest, token: str, found: drafts.Receipt) -> HttpResponse:
    return render(request, "public/receipt.html", {"token": token, "receipt": found})


def _go_on(token: str, draft: drafts.Draft, following: str) -> HttpResponse:
    """Save and show the following page, or the check page for those who came from there."""
    drafts.save(box.drafts_folder(), {token: draft})
    return SeeOther(reverse("send" if draft.reached_end else following, args=[token]))


def _report(draft: drafts.Draft, *, complete: bool, receipt_hash: str = "") -> incoming.IncomingReport:
    return incoming.public(
        draft.report_id,
        draft.lines,
        draft.exact_at,
        seen=draft.seen,
        help_text=draft.help_text,
        follow=draft.follow if complete else "none",
        receipt_hash=receipt_hash,
        mail=draft.mail if complete and draft.follow == "mail" else "",
        complete=complete,
        odd=draft.odd,
        raw=draft.cut,
    )


def _looks_like_mail(text: str) -> bool:
    """Enough of a look to catch a slip; whether it can be reached is seen when we write."""
    name, at, domain = text.rpartition("@")
    return bool(
        at
        and name
        and "." in domain.strip(".")
        and len(text) <= 254
        and text.isprintable()
        and " " not in text
    )
