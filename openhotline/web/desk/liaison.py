"""The police liaison's pages: holds with whom they block, requests of units, units to contact.

True here: who holds what and why, and what police wrote, is for the lead, the liaison and managers; to others these
pages are refused with a sentence. What is not here: agreements (`agreements`), questions and silence (`lists`,
`settling`), what an officer sees (`web/portal`).
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.outbox.models import CONTACT_NEEDED, IN_DOUBT, PENDING, SENDING
from openhotline.records.models import Hold, PoliceRequest
from openhotline.rules import liaison, removal_path
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import defang
from openhotline.steps import deconflict, requests
from openhotline.web.desk import bench, times
from openhotline.web.scoped import found


def _closed_circle(request: HttpRequest) -> None:
    """The lead, the liaison and managers; to anybody else the page of every "no" at the desk."""
    if not bench.sees_holds(request):
        raise PermissionDenied


# --- holds ------------------------------------------------------------------------------------------


@require_safe
def holds(request: HttpRequest) -> HttpResponse:
    """What is on hold, for how long, until when, and whom it blocks."""
    _closed_circle(request)
    at, scoped = bench.now(request), bench.scoped(request)
    rows = (
        scoped.holds()
        .filter(released_at=None)
        .select_related(
            "answer__consultation__unit", "silent_on__unit", "removal__item", "removal__host", "answer__by"
        )
        .order_by("placed_at", "pk")[:5000]
    )
    groups: dict[tuple[int, int, int], list[Hold]] = defaultdict(list)
    for hold in rows:
        groups[hold.answer_id or 0, hold.silent_on_id or 0, hold.removal.host_id or 0].append(hold)
    shown = [_held(request, group, at) for group in groups.values()]
    return render(request, "desk/holds.html", {"holds": shown, "count": sum(one["count"] for one in shown)})


def _held(request: HttpRequest, group: list[Hold], at: datetime) -> dict[str, Any]:
    first = group[0]
    question = first.answer.consultation if first.answer else first.silent_on
    pks = [hold.removal_id for hold in group]
    scoped = bench.scoped(request)
    waiting = (
        scoped.letters()
        .filter(state__in=[PENDING, CONTACT_NEEDED, SENDING, IN_DOUBT], lines__removal__in=pks)
        .values_list("kind", "number", "recipient")
        .distinct()
    )
    host = first.removal.host.name if first.removal.host else "the host"
    blocks = [f"{kind} {number} to {recipient or 'nobody yet'}" for kind, number, recipient in waiting]
    statuses = {hold.removal.status for hold in group}
    if statuses & {removal_path.HELD, removal_path.ASKED, removal_path.SILENT, removal_path.CLEARED}:
        blocks.append(f"the notice to {host}")
    if statuses & set(removal_path.WITH_HOST):
        blocks.append(f"reminders to {host}, and the ladder; its clock stands still")
    if removal_path.TRACED in statuses:
        blocks.append("asking or handing it on")
    blocks.append("every list and partner's export")
    return {
        "number": question.number if question else "",
        "unit": question.unit.name if question else "",
        "host": host,
        "count": len(group),
        "refs": [hold.removal.item.ref for hold in group[:8]],
        "reason": first.reason if first.answer else "the unit had not answered",
        "since": times.when(first.placed_at, at),
        "held_for": times.span(at - first.placed_at),
        "ends": f"by itself {times.when(first.until, at)}, as its answer said"
        if first.until
        else "not by itself",
        "review": times.when(first.review_at, at),
        "late": first.review_at <= at,
        "blocks": blocks,
    }


# --- what police ask --------------------------------------------------------------------------------


@require_safe
def police_requests(request: HttpRequest) -> HttpResponse:
    """Requests of units and notes both ways, those that wait first."""
    return requests_page(request)


def requests_page(request: HttpRequest, refusal: Refused | None = None) -> HttpResponse:
    """Requests of units, and the form for a note to one."""
    _closed_circle(request)
    at, scoped = bench.now(request), bench.scoped(request)
    rows = scoped.police_requests().select_related("unit", "by")
    waiting = rows.filter(outcome="").order_by("due_at", "pk")[:100]
    done = rows.exclude(outcome="").order_by("-outcome_at", "-pk")[:100]
    return render(
        request,
        "desk/requests.html",
        {
            "waiting": [
                (row, _what(row), times.left(row.due_at, at, whole=row.due_at - row.at)) for row in waiting
            ],
            "done": [(row, _what(row), liaison.OUTCOME_NAMES[row.outcome]) for row in done],
            "units": scoped.units().order_by("name"),
            "marks": [(mark, liaison.MARK_NAMES[mark]) for mark in liaison.MARKS],
            "typed": request.POST,
            "refusal": refusal.sentence if refusal else "",
        },
    )


def _what(row: PoliceRequest) -> str:
    return "Our note" if row.outgoing else liaison.NAMES[row.kind]


@require_POST
@bench.kept(requests_page)
def send_note(request: HttpRequest) -> HttpResponse:
    """An intelligence note to a unit, with its handling mark."""
    unit = found(bench.scoped(request).units(), key=request.POST.get("unit", ""))
    made = requests.send_note(
        unit,
        text=request.POST.get("text", "").replace("\x00", ""),
        mark=request.POST.get("mark", ""),
        by=bench.actor(request),
        at=bench.now(request),
        policy=bench.policy(),
    )
    return HttpResponseRedirect(reverse("police-request-page", args=[made.number]), status=303)


@require_safe
def police_request(request: HttpRequest, number: str) -> HttpResponse:
    """One request with its addresses and outcome."""
    return request_page(request, number)


def request_page(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    """One request with its addresses and outcome."""
    _closed_circle(request)
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.police_requests().select_related("unit", "by"), number=number)
    lines = list(
        scoped.police_request_lines().filter(request=row).select_related("item").order_by("position")[:1000]
    )
    known = requests.states(lines)
    return render(
        request,
        "desk/request.html",
        {
            "row": row,
            "what": _what(row),
            "mark": liaison.MARK_NAMES.get(row.mark, ""),
            "clock": times.left(row.due_at, at, whole=row.due_at - row.at),
            "asked": times.when(row.at, at),
            "lines": [
                (defang(line.reported)[:300], line.item.ref if line.item else "", known[line.pk][0])
                for line in lines
            ],
            "outcome": liaison.OUTCOME_NAMES.get(row.outcome, ""),
            "outcomes": [(key, liaison.OUTCOME_NAMES[key]) for key in liaison.OUTCOMES],
            "typed": request.POST,
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(request_page)
def settle(request: HttpRequest, number: str) -> HttpResponse:
    """The outcome report."""
    row = found(bench.scoped(request).police_requests().select_related("unit"), number=number)
    requests.settle(
        row,
        outcome=request.POST.get("outcome", ""),
        text=request.POST.get("text", "").replace("\x00", ""),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("police-request-page", args=[number]), status=303)


# --- units to contact --------------------------------------------------------------------------------


@require_safe
def matches(request: HttpRequest) -> HttpResponse:
    """Before anything is done about these: contact this unit. Nothing else is known."""
    return matches_page(request)


def matches_page(request: HttpRequest, pk: int = 0, refusal: Refused | None = None) -> HttpResponse:
    """Units to contact, those nobody has rung first."""
    _closed_circle(request)
    at = bench.now(request)
    rows = (
        bench.scoped(request).digest_matches().select_related("unit", "item").order_by("contacted_at", "at")
    )
    return render(
        request,
        "desk/matches.html",
        {
            "waiting": [(row, times.when(row.at, at)) for row in rows.filter(contacted_at=None)[:200]],
            "done": [
                (row, times.when(row.contacted_at or at, at)) for row in rows.exclude(contacted_at=None)[:100]
            ],
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(matches_page)
def contacted(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has rung the unit."""
    row = found(bench.scoped(request).digest_matches().select_related("unit", "item"), pk=pk)
    deconflict.contacted(row, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("matches"), status=303)
