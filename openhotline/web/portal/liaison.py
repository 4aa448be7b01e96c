"""The police desk's other pages: requests to the hotline, digests for de-confliction.

A GET changes nothing. What a unit uploads as digests is sealed to the matcher before it is stored, and the answer to
an upload is the same whatever it matches. What is not here: the agreement (`agreement`), the questions (`police`), who sees which row (`web/scoped`).
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from openhotline.records import sealing
from openhotline.records.models import PoliceRequest
from openhotline.rules import deconflict as digests
from openhotline.rules import liaison
from openhotline.rules.incoming import MOST_OF_A_FILE
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.urls import defang, split_lines
from openhotline.settings import load
from openhotline.steps import deconflict, requests
from openhotline.web.portal.inbox import inbox
from openhotline.web.portal.police import SeeOther, _now, _page, _policy, officers, pressing
from openhotline.web.portal.told import counted, full, length
from openhotline.web.scoped import Scoped, found

SHOWN = 100


@officers
def asked(request: HttpRequest) -> HttpResponse:
    """What this unit asked of the hotline, notes to it, and the form."""
    return _requests(request)


def _requests(request: HttpRequest, *, fault: str = "", status: int = 200) -> HttpResponse:
    mine, at = Scoped(request.user), _now()
    rows = mine.police_requests().select_related("by").order_by("outcome_at", "-at")
    context = {
        "rows": [_row(row, at) for row in rows[:SHOWN]],
        "kinds": [(kind, liaison.NAMES[kind]) for kind in liaison.KINDS],
        "marks": [(mark, liaison.MARK_NAMES[mark]) for mark in liaison.MARKS],
        "fault": fault,
        "typed": request.POST if fault else {},
    }
    return _page(request, "requests", context, here="requests", boxes=inbox(mine, at=at), status=status)


def _row(row: PoliceRequest, at: datetime) -> dict[str, Any]:
    rest = row.due_at - at
    if row.outcome:
        clock, family = liaison.OUTCOME_NAMES[row.outcome], "ok"
    elif rest.total_seconds() < 0:
        clock, family = f"ended {length(-rest)} ago", "warn"
    else:
        clock, family = f"{length(rest)} left", "info"
    return {
        "number": row.number,
        "what": "Note from the hotline" if row.outgoing else liaison.NAMES[row.kind],
        "at": full(row.at),
        "clock": clock,
        "family": family,
        "reference": row.reference,
    }


@pressing
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for something, or hand over a note."""
    mine, at, form = Scoped(request.user), _now(), request.POST
    unit = found(mine.units(), pk=request.user.unit_id)  # type: ignore[union-attr]
    try:
        made = requests.ask(
            unit,
            kind=form.get("kind", ""),
            text=_clean(form.get("text", "")),
            addresses=split_lines(_clean(form.get("addresses", ""))),
            reference=_clean(form.get("reference", "")),
            mark=form.get("mark", ""),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
            policy=_policy(),
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        return _requests(request, fault=refusal.sentence, status=422)
    return SeeOther(reverse("police-request", args=[made.number]))


@officers
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One request: its clock, its addresses with what we know, its outcome report."""
    return _one(request, number)


def _one(request: HttpRequest, number: str, *, fault: str = "", status: int = 200) -> HttpResponse:
    mine, at = Scoped(request.user), _now()
    row = found(mine.police_requests().select_related("by", "unit"), number=number)
    lines = list(mine.police_request_lines().filter(request=row).order_by("position")[:1000])
    known = requests.states(lines) if row.kind == liaison.CHECK else {}
    context = {
        "row": _row(row, at),
        "request_row": row,
        "mark": liaison.MARK_NAMES.get(row.mark, ""),
        "lines": [
            {"address": defang(line.reported)[:300], "state": known[line.pk][0] if line.pk in known else ""}
            for line in lines
        ],
        "outcome_at": full(row.outcome_at) if row.outcome_at else "",
        "outcomes": [(key, liaison.OUTCOME_NAMES[key]) for key in liaison.OUTCOMES],
        "ours": row.outgoing and not row.outcome,
        "fault": fault,
    }
    return _page(request, "request", context, here="requests", boxes=inbox(mine, at=at), status=status)


@pressing
def settle(request: HttpRequest, number: str) -> HttpResponse:
    """What came of a note that the hotline sent to this unit."""
    mine, at = Scoped(request.user), _now()
    row = found(mine.police_requests().select_related("unit"), number=number)
    try:
        requests.settle(
            row,
            outcome=request.POST.get("outcome", ""),
            text=_clean(request.POST.get("text", "")),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        return _one(request, number, fault=refusal.sentence, status=422)
    return SeeOther(reverse("police-request", args=[number]))


# --- de-confliction -----------------------------------------------------------------------------------


@officers
def keys_and_digests(request: HttpRequest) -> HttpResponse:
    """This year's key, and how many digests were handed in under it. Never what they match."""
    return _digests(request)


def _digests(request: HttpRequest, *, fault: str = "", status: int = 200) -> HttpResponse:
    mine, at = Scoped(request.user), _now()
    key = mine.digest_keys().filter(retired_at=None).first()
    taken = sum(mine.digest_uploads().filter(key=key).values_list("count", flat=True)) if key else 0
    context = {
        "key": key,
        "ends": full(key.ends_at) if key else "",
        "taken": counted(taken, "digest"),
        "most": f"{digests.MOST:,}",
        "done": "done" in request.GET,
        "fault": fault,
    }
    return _page(request, "digests", context, here="digests", boxes=inbox(mine, at=at), status=status)


@pressing
def hand_in(request: HttpRequest) -> HttpResponse:
    """A key for a year, or digests under it."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_OF_A_FILE:
        fault = f"This is more than 10 MB, and nothing of it was taken. Hand in at most {digests.MOST:,} digests at once."
        return _digests(request, fault=fault, status=413)
    mine, at, form = Scoped(request.user), _now(), request.POST
    unit = found(mine.units(), pk=request.user.unit_id)  # type: ignore[union-attr]
    public = sealing.matcher_public(load().keys)
    upload = request.FILES.get("file")
    text = _clean(form.get("digests", ""))
    if upload is not None:
        text = f"{text}\n{upload.read().decode('ascii', 'replace')}"
    try:
        if form.get("what") == "key":
            deconflict.hand_in_key(unit, form.get("key", ""), public=public, by=request.actor, at=at)  # type: ignore[attr-defined]
        else:
            deconflict.upload(unit, text, public=public, by=request.actor, at=at)  # type: ignore[attr-defined]
    except NotPermitted:
        raise
    except Refused as refusal:
        return _digests(request, fault=refusal.sentence, status=422)
    return SeeOther(f"{reverse('digests')}?done=1")


def _clean(text: str) -> str:
    return text.replace("\x00", "")
