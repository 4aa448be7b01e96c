"""The mailbox: mail nobody could be shown to have sent, proposed answers of the police, hosts' open questions.

True here: reading changes nothing but the ledger's line that it was read; every press is a person's. What is not
here: what a message was taken for (`steps/mailbox`).
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Mail, NoticeMessage, ProposedAnswer
from openhotline.rules.permits import ACTS
from openhotline.rules.refusals import Refused
from openhotline.steps import mailbox as step
from openhotline.steps import public_key, returned
from openhotline.web.desk import bench, times
from openhotline.web.scoped import Scoped, found

KINDS = {
    "unverified": ("Not verified", "warn"),
    "threaded": ("Reply, sender not verified", "warn"),
    "report": ("Report by mail", "info"),
    "delivery": ("About a letter’s way", "idle"),
    "proposed": ("Signed by the unit", "info"),
}


def replies(scoped: Scoped, numbers: Iterable[str], at: datetime) -> list[tuple[str, Mail]]:
    """(when, message) of mail about these alerts or referrals, newest first."""
    rows = scoped.mails().filter(about__in=list(numbers)).order_by("-at", "-pk")[:50]
    return [(times.when(row.at, at), row) for row in rows]


def channel(
    rows: QuerySet[NoticeMessage], at: datetime
) -> list[tuple[NoticeMessage, str, times.Left | None]]:
    """(message, when, clock of what waits) of questions and answers, oldest first."""
    return [
        (
            one,
            times.when(one.at, at),
            times.left(one.due_at, at) if one.due_at and not one.answered_at else None,
        )
        for one in rows.order_by("at", "pk")
    ]


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """What waits for a person; `?all=1` shows the settled too."""
    return page(request)


def page(request: HttpRequest, refusal: Refused | None = None, **_: object) -> HttpResponse:
    """The mailbox's page."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    every = request.GET.get("all") == "1"
    mails = scoped.mails().select_related("notice", "unit")
    if not every:
        mails = mails.filter(settled_at=None)
    proposed = scoped.proposed_answers().filter(settled_at=None).select_related("mail", "consultation__unit")
    questions = scoped.notice_messages().filter(side="host", answered_at=None)
    units = scoped.units().prefetch_related("mail_keys").order_by("name", "pk")
    return render(
        request,
        "desk/mailbox.html",
        {
            "mails": [
                (row, *KINDS[row.kind], times.when(row.at, at)) for row in mails.order_by("-at", "-pk")[:200]
            ],
            "proposed": [
                (
                    row,
                    times.when(row.at, at),
                    _what(row),
                    f"{row.signed_at:%d %B %Y %H:%M} UTC" if row.signed_at else "",
                )
                for row in proposed.order_by("at", "pk")[:100]
            ],
            "questions": [
                (row, times.left(row.due_at, at), times.when(row.at, at))
                for row in questions.select_related("notice__host", "page").order_by("due_at", "pk")[:100]
                if row.due_at
            ],
            "units": [
                (unit, [key for key in unit.mail_keys.all() if key.retired_at is None]) for unit in units[:50]
            ],
            "who": who.who,
            "may_confirm": who.role in ACTS["mail.confirm"],
            "every": every,
            "refusal": refusal.sentence if refusal else "",
        },
    )


def _what(row: ProposedAnswer) -> str:
    """ "hold until 12 May 2026 18:00 UTC (covert work)"."""
    until = f" until {row.until:%d %B %Y %H:%M} UTC" if row.until else ""
    return f"{row.kind.replace('-', ' ')}{until}{f' ({row.reason})' if row.reason else ''}"


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One message."""
    return message(request, pk)


def message(
    request: HttpRequest, pk: int, refusal: Refused | None = None, whole: str = "", **_: object
) -> HttpResponse:
    """The message's page; `whole` is every byte of it as text, once somebody asked."""
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.mails().select_related("notice", "unit"), pk=pk)
    word, family = KINDS[row.kind]
    return render(
        request,
        "desk/mail.html",
        {
            "row": row,
            "word": word,
            "family": family,
            "when": times.when(row.at, at),
            "host": scoped.host_alerts().filter(number=row.about).values_list("host", flat=True).first(),
            "whole": whole,
            "letter": None if row.settled_at else returned.letter_of(row),
            "typed": request.POST.get("note", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(message)
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody read it and says what they did, or that a letter came back indeed; or asks for the whole message."""
    row = found(bench.scoped(request).mails(), pk=pk)
    if request.POST.get("whole"):
        return message(request, pk, whole=step.whole(row, by=bench.actor(request), at=bench.now(request)))
    done = returned.borne_out if request.POST.get("back") else step.settle
    done(row, note=request.POST.get("note", ""), by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("mailbox"), status=303)


@require_POST
@bench.kept(page)
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """A person takes a signed mail for the unit's answer, or does not."""
    scoped = bench.scoped(request)
    row = found(scoped.proposed_answers().select_related("consultation__unit", "mail"), pk=pk)
    step.confirm_answer(
        row,
        take=request.POST.get("press") == "take",
        policy=bench.policy(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("mailbox"), status=303)


@require_POST
@bench.kept(page)
def unit_key(request: HttpRequest, unit: int) -> HttpResponse:
    """A unit's key: brought by one, its fingerprint typed by another, or retired."""
    scoped, by, at = bench.scoped(request), bench.actor(request), bench.now(request)
    owner = found(scoped.units(), pk=unit)
    press = request.POST.get("press", "")
    if press == "bring":
        public_key.propose(owner, request.POST.get("key", ""), by=by, at=at)
    else:
        row = found(scoped.unit_keys(), pk=bench.row_key(request.POST.get("row", "")), unit=owner)
        if press == "retire":
            public_key.retire(row, by=by, at=at)
        else:
            public_key.verify(row, request.POST.get("fingerprint", ""), by=by, at=at)
    return HttpResponseRedirect(reverse("mailbox"), status=303)
