"""Lists of what goes outward: questions to the police, notices, referrals, letters; and reports left early.

True here: a page of a list is at most a hundred rows, newest or most urgent first. What is not here: acting
on police silence and deciding a letter in doubt (`settling.py`).
"""

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.outbox.models import CONTACT_NEEDED, FAILED, IN_DOUBT, PENDING, SENDING, SENT, STATES
from openhotline.rules import permits, removal_path
from openhotline.rules.ladder import NAMES
from openhotline.rules.package import CHANNELS
from openhotline.rules.refusals import Refused
from openhotline.steps import confirm
from openhotline.web.desk import bench, mailbox, outward, rows, times, traced
from openhotline.web.scoped import Scoped, found

PAGE = 100


def cut(request: HttpRequest, all_rows: QuerySet[Any]) -> tuple[list[Any], str]:
    """One page of a list by primary key, descending: rows and where the next page begins."""
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 18:
        all_rows = all_rows.filter(pk__lt=int(before))
    listed = list(all_rows.order_by("-pk")[: PAGE + 1])
    return listed[:PAGE], str(listed[PAGE - 1].pk) if len(listed) > PAGE else ""


@require_safe
def police(request: HttpRequest) -> HttpResponse:
    """Questions that wait, silent ones first; then those answered lately."""
    at, scoped = bench.now(request), bench.scoped(request)
    open_to = bench.sees_holds(request)
    base = (
        scoped.consultations()
        .select_related("unit", "host")
        .annotate(
            covered=Count("lines", distinct=True),
            silent=Count("lines", filter=Q(lines__removal__status=removal_path.SILENT), distinct=True),
            held=Count("lines", filter=Q(lines__removal__status=removal_path.HELD), distinct=True),
        )
    )
    open_lines = scoped.consultation_lines().filter(
        answered=False, removal__status__in=[removal_path.ASKED, removal_path.SILENT]
    )
    still = Q(asks=True, answered_at=None, pk__in=open_lines.values("consultation"))
    waiting = base.filter(still).order_by(F("rung_at").asc(nulls_last=True), "due_at", "pk")[:PAGE]
    done, more = cut(request, base.exclude(still))
    return render(
        request,
        "desk/police.html",
        {
            "waiting": [
                (row, times.left(row.due_at, at, whole=row.due_at - row.asked_at)) for row in waiting
            ],
            "done": [(row, _answered(row, at)) for row in done],
            "before": more,
            "open_to": open_to,
            "waits": _beside(scoped, at) if open_to else {},
            "proposed": scoped.agreement_versions().filter(agreed_at=None, withdrawn_at=None).count(),
        },
    )


def _beside(scoped: Scoped, at: Any) -> dict[str, Any]:
    """What waits on the pages beside this one: {page: (how many, whether one of them is past its time)}."""
    holds = scoped.holds().filter(released_at=None)
    asked = scoped.police_requests().filter(outcome="", outgoing=False)
    return {
        "holds": (holds.count(), holds.filter(review_at__lte=at, until=None).exists()),
        "requests": (asked.count(), asked.filter(due_at__lte=at).exists()),
        "matches": (scoped.digest_matches().filter(contacted_at=None).count(), False),
    }


def _answered(row: Any, at: Any) -> str:
    if not row.asks:
        return f"told {times.when(row.told_at, at)}" if row.told_at else "told once the notice has left"
    if row.answered_at is None:
        return "not answered; nothing waits"
    return f"answered in {times.span(row.answered_at - row.asked_at)}"


@require_safe
def consultation(request: HttpRequest, number: str) -> HttpResponse:
    """What one question covers, and where each removal is now."""
    return consultation_page(request, number)


def consultation_page(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    """What one question covers, and where each removal is now."""
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.consultations().select_related("unit", "host"), number=number)
    removals = (
        scoped.removals()
        .filter(consultation_lines__consultation=row)
        .select_related("item", "host")
        .order_by("pk")
    )
    return render(
        request,
        "desk/bundle.html",
        {
            "title": row.number,
            "what": f"{'Question to' if row.asks else 'Information to'} {row.unit.name}",
            "row": row,
            "parent": ("police-list", "Police"),
            "asked": outward.question(scoped, row, open_to=bench.sees_holds(request), at=at),
            "rows": rows.of_removals(list(removals[:1000]), scoped, open_to=bench.sees_holds(request), at=at),
            "refusal": refusal.sentence if refusal else "",
            **silence_of(request, row),
        },
    )


def silence_of(request: HttpRequest, row: Any) -> dict[str, object]:
    """What the page of a question needs to know about its silence."""
    scoped, actor = bench.scoped(request), bench.actor(request)
    proposal = (
        scoped.silence_proposals()
        .filter(consultation=row, settled_at=None)
        .select_related("proposed_by")
        .first()
    )
    silent = (
        scoped.removals()
        .filter(
            Q(status=removal_path.SILENT)
            | Q(status=removal_path.HELD, holds__silent_on=row, holds__released_at=None),
            consultation_lines__consultation=row,
        )
        .distinct()
        .count()
    )
    return {
        "silent": silent,
        "may_settle": permits.may(removal_path.PATH, "settle_silence", actor),
        "proposal": proposal,
        "proposed_by_me": proposal is not None and proposal.proposed_by_id == actor.user_id,
        "why": request.POST.get("why", ""),
    }


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Notices, newest first, with the state of the letter that carries each."""
    at, scoped = bench.now(request), bench.scoped(request)
    listed, more = cut(
        request,
        scoped.notices()
        .select_related("host", "contact")
        .annotate(
            covered=Count("lines", filter=Q(lines__dropped="")),
            open_now=Count(
                "lines",
                filter=Q(lines__dropped="", lines__removal__status__in=removal_path.STILL_OPEN),
            ),
        ),
    )
    states = dict(
        scoped.letters()
        .filter(kind="notice", number__in=[row.number for row in listed])
        .values_list("number", "state")
    )
    shown = []
    for row in listed:
        word, family = outward.LETTER_FAMILIES.get(states.get(row.number, PENDING), ("waiting", "idle"))
        runs = row.due_at and row.sent_at and row.open_now and row.withdrawn_at is None
        clock = times.left(row.due_at, at, whole=row.due_at - row.sent_at) if runs else None
        shown.append((row, word, family, clock, times.when(row.drafted_at, at)))
    return render(request, "desk/notices.html", {"notices": shown, "before": more})


@require_safe
def notice(request: HttpRequest, number: str) -> HttpResponse:
    """One notice: what it covers, what was asked and answered, and its text as frozen at departure."""
    return notice_page(request, number)


@require_POST
def answer_host(request: HttpRequest, number: str) -> HttpResponse:
    """An answer in the channel of a notice: on the host's page and by letter."""
    row = found(bench.scoped(request).notices(), number=number)
    try:
        text, to = request.POST.get("text", ""), confirm.reached(row)
        confirm.reply(row, text, to=to, by=bench.actor(request), at=bench.now(request))
    except Refused as refusal:
        response = notice_page(request, number, refusal)
        response.status_code = bench.status_of(refusal)
        return response
    return HttpResponseRedirect(reverse("notice-page", args=[number]), status=303)


def notice_page(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    """The notice's page."""
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.notices().select_related("host", "contact"), number=number)
    removals = (
        scoped.removals().filter(notice_lines__notice=row).select_related("item", "host").order_by("pk")
    )
    letters = scoped.letters().filter(number__startswith=row.number).order_by("pk")
    behind = {page.key: page for page in scoped.secure_pages().filter(notice=row)}
    pages = {letter.number: behind[letter.key] for letter in letters if letter.key in behind}
    return render(
        request,
        "desk/bundle.html",
        {
            "title": row.number,
            "what": f"Notice to {row.host.name}",
            "row": row,
            "parent": ("notices", "Notices"),
            "refusal": refusal.sentence if refusal else "",
            "channel": mailbox.channel(scoped.notice_messages().filter(notice=row), at),
            "may_answer": row.sent_at is not None,
            "typed": request.POST.get("text", ""),
            "letters": letters,
            "rungs": [
                (
                    times.when(one.at, at),
                    NAMES.get(one.step, one.step),
                    one.recipient,
                    "withdrawn before it left" if one.stopped_at else one.why,
                    pages.get(one.number),
                )
                for one in scoped.rungs().filter(notice=row).select_related("notice").order_by("at", "pk")
            ],
            "ways": _ways(scoped, [letter.key for letter in letters], at),
            "rows": rows.of_removals(list(removals[:1000]), scoped, open_to=bench.sees_holds(request), at=at),
        },
    )


def _ways(scoped: Scoped, keys: list[str], at: datetime) -> list[tuple[str, str, str]]:
    """(when, state, words) of every word about these letters' way, oldest first."""
    rows_ = scoped.deliveries().filter(letter__in=keys).order_by("at", "pk")[:100]
    return [(times.when(one.at, at), one.state, one.words) for one in rows_]


@require_safe
def referrals(request: HttpRequest) -> HttpResponse:
    """Hand-overs abroad, newest first."""
    at, scoped = bench.now(request), bench.scoped(request)
    listed, more = cut(
        request,
        scoped.referrals()
        .select_related("partner", "unit")
        .annotate(
            covered=Count("lines"),
            open_now=Count("lines", filter=Q(lines__removal__status__in=removal_path.STILL_OPEN)),
        ),
    )
    numbers = [row.number for row in listed]
    letters = scoped.letters().filter(kind="referral", state=FAILED, number__in=numbers)
    refused = set(letters.values_list("number", flat=True))
    shown = [
        (
            row,
            times.left(row.due_at, at) if row.due_at and row.open_now and not row.queried_at else None,
            times.when(row.drafted_at, at),
            row.number in refused,
        )
        for row in listed
    ]
    return render(request, "desk/referrals.html", {"referrals": shown, "before": more})


@require_safe
def referral(request: HttpRequest, number: str) -> HttpResponse:
    """What one referral covers."""
    return referral_page(request, number)


def referral_page(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    """What one referral covers, and what became of the letter that carries it."""
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.referrals().select_related("partner"), number=number)
    pack = scoped.packages().filter(referral=row).first()
    removals = (
        scoped.removals().filter(referral_lines__referral=row).select_related("item", "host").order_by("pk")
    )
    return render(
        request,
        "desk/bundle.html",
        {
            "title": row.number,
            "what": f"Referral to {row.partner.name if row.partner else traced.country_name(row.country)}",
            "row": row,
            "parent": ("referrals", "Referrals"),
            "handed": outward.handed(scoped, row, at),
            "lost": row.lost.splitlines(),
            "replies": mailbox.replies(scoped, [row.number], at),
            "package": pack,
            "channel": CHANNELS.get(pack.channel, "") if pack else "",
            "refused": scoped.letters().filter(kind="referral", number=row.number, state=FAILED).last(),
            "may_decide": permits.may_act("letter.decide", bench.actor(request)),
            "refusal": refusal.sentence if refusal else "",
            "rows": rows.of_removals(list(removals[:1000]), scoped, open_to=bench.sees_holds(request), at=at),
        },
    )


_ABOUT = {"N": "notice-page", "P": "consultation", "R": "referral"}


def _about(number: str) -> str:
    """The page of what a letter is about, by its number: "" where it has none."""
    what, name = number.partition("/")[0], _ABOUT.get(number[:1], "")
    return reverse(name, args=[what]) if name and number[1:2] == "-" else ""


_FIRST = (IN_DOUBT, CONTACT_NEEDED, FAILED, SENDING, PENDING)


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """Letters by state; what waits for a person comes first."""
    at, scoped = bench.now(request), bench.scoped(request)
    letters = scoped.letters().exclude(transport="prober")
    counts = dict(letters.values_list("state").annotate(n=Count("pk")).order_by())
    state = request.GET.get("state", "")
    state = state if state in STATES else next((one for one in _FIRST if counts.get(one)), SENT)
    listed, more = cut(request, letters.filter(state=state))
    return render(
        request,
        "desk/outbox.html",
        {
            "state": state,
            "states": [(one, counts.get(one, 0), one in (IN_DOUBT, FAILED)) for one in STATES],
            "letters": [
                (row, _about(row.number), times.when(row.put_at, at), *outward.LETTER_FAMILIES[row.state])
                for row in listed
            ],
            "before": more,
        },
    )
