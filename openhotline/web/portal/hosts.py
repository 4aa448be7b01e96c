"""The host's page: one notice, by its signed link without an account, or by the host's own account. Another letter's page
by its link is the same page.

GET and HEAD change nothing: mail scanners open links. Only a pressed button counts, and even that stops no
clock: our own checks close. Nothing about the reporter, the analyst or the police is here; a notice that is
on hold with us reads like any other. The link is the secret, so these pages set and need no cookie.
"""

import json
from email import message_from_bytes
from email import policy as mail_policy
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from openhotline import policy as policies
from openhotline.policy import Policy
from openhotline.records.models import Notice, SecurePage
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.settings import load
from openhotline.steps import confirm, secure_page
from openhotline.web.bearers import by_link, letter_of, of_link
from openhotline.web.doors import open_door
from openhotline.web.headers import without_script
from openhotline.web.portal.gate import for_role
from openhotline.web.portal.letters import page_behind
from openhotline.web.portal.notices import NoticePage, page_of
from openhotline.web.scoped import Scoped, found

_NOT_YET = "We are still recording that this notice left. Please try again in a few minutes, or call us."


class SeeOther(HttpResponseRedirect):
    """POST, then GET: a reload never answers twice."""

    status_code = 303


Asked = Notice | SecurePage


def _linked(token: str) -> Asked:
    asked = by_link(token)
    if asked is None:
        raise Http404
    return asked


def _page(asked: Asked, mine: Scoped) -> NoticePage:
    at = load().clock().now()
    if isinstance(asked, SecurePage):
        return page_behind(asked, mine, at=at)
    return page_of(asked, mine, at=at)


# --- by signed link ---------------------------------------------------------------------------------


@open_door
@csrf_exempt
@without_script
@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: HttpRequest, token: str) -> HttpResponse:
    """The notice or other letter behind a link. POST records what was pressed."""
    asked = _linked(token)
    mine = of_link(asked)
    if request.method == "POST":
        after = f"{reverse('notice-receipt', args=[token])}"
        by = secure_page.by_page(asked) if isinstance(asked, SecurePage) else confirm.by_link(asked)
        return _press(request, asked, mine, by=by, after=after, token=token)
    return _show(request, asked, mine, token=token)


@open_door
@without_script
@require_safe
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """What was answered so far, dated. Without an answer yet, the notice itself."""
    asked = _linked(token)
    page = _page(asked, of_link(asked))
    if not page.answered and not page.messages:
        return SeeOther(reverse("notice", args=[token]))
    return render(request, "portal/receipt.html", {"notice": page, "back": reverse("notice", args=[token])})


@open_door
@require_safe
def xarf(request: HttpRequest, token: str) -> HttpResponse:
    """The XARF reports exactly as they were sent: one object, or a list of them."""
    return _xarf(_linked(token))


@open_door
@require_safe
def text(request: HttpRequest, token: str) -> HttpResponse:
    """The letter's text exactly as it was sent."""
    return _text(_linked(token))


# --- by account -------------------------------------------------------------------------------------


@for_role(words.HOST)
def mine(request: HttpRequest) -> HttpResponse:
    """All notices to this host, open ones first."""
    scope, at = Scoped(request.user), load().clock().now()
    rows = scope.notices().select_related("host").order_by("-sent_at", "-pk")[:500]
    pages = [page_of(row, scope, at=at) for row in rows]
    context = {
        "open": [page for page in pages if page.open],
        "over": [page for page in pages if not page.open],
    }
    return render(request, "portal/notices.html", context)


@for_role(words.HOST, "GET", "HEAD", "POST")
def account_notice(request: HttpRequest, number: str) -> HttpResponse:
    """One of this host's notices, answered as the signed-in desk."""
    scope = Scoped(request.user)
    asked = found(scope.notices().select_related("host"), number=number)
    if request.method == "POST":
        after = reverse("account-notice", args=[number])
        return _press(request, asked, scope, by=request.actor, after=after)  # type: ignore[attr-defined]
    return _show(request, asked, scope)


@for_role(words.HOST)
def account_xarf(request: HttpRequest, number: str) -> HttpResponse:
    """The XARF reports of one of this host's notices."""
    return _xarf(found(Scoped(request.user).notices(), number=number))


@for_role(words.HOST)
def account_text(request: HttpRequest, number: str) -> HttpResponse:
    """The text of one of this host's notices."""
    return _text(found(Scoped(request.user).notices(), number=number))


# --- what both do -----------------------------------------------------------------------------------


def _show(
    request: HttpRequest, asked: Asked, mine: Scoped, *, token: str = "", fault: str = "", status: int = 200
) -> HttpResponse:
    page = _page(asked, mine)
    name, key = ("notice", token) if token else ("account-notice", page.number)
    context: dict[str, Any] = {
        "notice": page,
        "account": not token,
        "fault": fault,
        "typed": request.POST if fault and request.method == "POST" else {},
        "xarf_url": reverse(f"{name}-xarf", args=[key]),
        "text_url": reverse(f"{name}-text", args=[key]),
        "receipt_url": reverse("notice-receipt", args=[token]) if token else "",
    }
    return render(request, "portal/notice.html", context, status=status)


def _press(
    request: HttpRequest, asked: Asked, mine: Scoped, *, by: Actor, after: str, token: str = ""
) -> HttpResponse:
    at, via = load().clock().now(), "link" if token else "account"
    try:
        page = _page(asked, mine)
        if not page.ready:
            raise Refused(_NOT_YET, code="not-yet")
        said = _said(request, page)
        words_ = request.POST.get("text", "").replace("\x00", "")[:10_000]
        if not said:
            confirm.ask(asked, words_.strip(), via=via, policy=_policy(), by=by, at=at)
            if isinstance(asked, SecurePage):
                secure_page.opened(asked, at=at)
            else:
                confirm.opened(asked, at=at)
            return SeeOther(after)
        more = {
            "ticket": _line(request.POST.get("ticket", ""), 200),
            "contact": _line(request.POST.get("contact", ""), 254),
            "text": words_,
        }
        if isinstance(asked, SecurePage):
            secure_page.press(asked, said, policy=_policy(), at=at, **more)
        else:
            confirm.press(asked, said, via=via, policy=_policy(), by=by, at=at, **more)
    except TooManyFieldsSent:
        request.POST = {}  # type: ignore[assignment]
        sentence = "These are too many answers for one form. Use the one press for all, or answer by mail."
        return _show(request, asked, mine, token=token, fault=sentence, status=422)
    except Refused as refusal:
        return _show(request, asked, mine, token=token, fault=refusal.sentence, status=422)
    return SeeOther(after)


def _said(request: HttpRequest, page: NoticePage) -> dict[int, str]:
    """Removal id -> what was pressed. The one press covers every address that is still open."""
    form = request.POST
    lines = [line for line in page.lines if line.open]
    if not lines:
        raise Refused(
            f"This {page.noun} is closed: nothing in it is left to answer. Thank you.", code="closed"
        )
    if form.get("all") == page.done:
        return {line.pk: page.done for line in lines}
    said = {line.pk: form[f"u-{line.uid}"] for line in lines if form.get(f"u-{line.uid}")}
    if not said and form.get("ask") and form.get("text", "").strip():
        return {}
    unknown = set(said.values()) - {key for key, _ in page.choices}
    if not said or unknown:
        raise Refused("Choose an answer for at least one address. What you typed is kept.", code="empty")
    return said


def _policy() -> Policy:
    return policies.load(load().country)


def _line(value: str, longest: int) -> str:
    return " ".join(value.replace("\x00", "").split())[:longest]


def _mail(asked: Asked) -> Any:
    letter = letter_of(asked) if isinstance(asked, Notice) else None
    body = asked.inner or (letter.body if letter else None)
    if not body:
        raise Http404
    return message_from_bytes(bytes(body), policy=mail_policy.default)


def _xarf(asked: Asked) -> HttpResponse:
    reports = []
    for part in _mail(asked).walk():
        if part.get_content_type() == "application/json":
            reports.append(json.loads(part.get_content()))
    if not reports:
        raise Http404
    value = reports[0] if len(reports) == 1 else reports
    body = json.dumps(value, ensure_ascii=True, sort_keys=True, indent=1) + "\n"
    return _file(body, "application/json", f"{_serial(asked)}.json")


def _text(asked: Asked) -> HttpResponse:
    mail = _mail(asked)
    part = mail.get_body(preferencelist=("plain",))
    body = str(part.get_content()) if part is not None else ""
    return _file(body, "text/plain; charset=utf-8", f"{_serial(asked)}.txt")


def _serial(asked: Asked) -> str:
    return asked.serial if isinstance(asked, SecurePage) else asked.number


def _file(body: str, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
