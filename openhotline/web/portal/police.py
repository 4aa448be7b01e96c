"""The police desk: inbox, one question on one screen, holds, alarms. Every page is the own unit's alone.

A GET changes nothing; an answer is one POST to `steps.answer.record`, followed by the page that says what was
recorded and what happens next. What is not here: who may come in (`web/doors`), which rows exist for whom
(`web/scoped`), what an answer does (`rules/agreement`).
"""

from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import TooManyFieldsSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from openhotline import policy as policies
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Alarm, Consultation, Hold, Removal
from openhotline.rules import removal_path, words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.urls import defang
from openhotline.settings import load
from openhotline.steps import alarm as alarms_step
from openhotline.steps import answer as answer_step
from openhotline.steps import undo as undo_step
from openhotline.steps import units as units_step
from openhotline.web.portal import decision, question
from openhotline.web.portal.gate import SQLITE_FOOT, embedded, for_role
from openhotline.web.portal.inbox import Inbox, inbox
from openhotline.web.portal.inbox import earlier as inbox_earlier
from openhotline.web.portal.told import counted, full, length, short
from openhotline.web.scoped import Scoped, found

officers = for_role(words.OFFICER)
pressing = for_role(words.OFFICER, "POST")


class SeeOther(HttpResponseRedirect):
    """POST, then GET: a reload never answers twice."""

    status_code = 303


def _now() -> datetime:
    return load().clock().now()


def _policy() -> Policy:
    return policies.load(load().country)


def _page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    here: str,
    boxes: Inbox,
    status: int = 200,
) -> HttpResponse:
    """Render on the frame of the police desk: rail with counts, search, footer."""
    rail = {
        "here": here,
        "needs": len(boxes.needs.rows),
        "held": len(boxes.held.rows),
        "alarms": boxes.alarms,
    }
    frame = {"rail": rail, "inbox": boxes, "foot": SQLITE_FOOT if embedded() else ""}
    return render(request, f"portal/{template}.html", frame | context, status=status)


@officers
def start(request: HttpRequest) -> HttpResponseBase:
    """The inbox beside the question that has least time left."""
    mine, at = Scoped(request.user), _now()
    boxes = inbox(mine, at=at)
    if boxes.needs.rows:
        return _show(
            request, found(mine.consultations(), number=boxes.needs.rows[0].number), boxes=boxes, at=at
        )
    return lists(request)


@officers
def lists(request: HttpRequest) -> HttpResponse:
    """All lists on one page, or what was found of them."""
    mine, at = Scoped(request.user), _now()
    find = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    boxes = inbox(mine, at=at, find=find)
    earlier = inbox_earlier(mine, at=at, find=find)
    return _page(request, "lists", {"find": find, "earlier": earlier}, here="lists", boxes=boxes)


@officers
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One question."""
    mine, at = Scoped(request.user), _now()
    return _show(request, found(mine.consultations(), number=number), boxes=inbox(mine, at=at), at=at)


def _show(
    request: HttpRequest,
    asked: Consultation,
    *,
    boxes: Inbox,
    at: datetime,
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    mine, policy = Scoped(request.user), _policy()
    read = question.read(asked, mine, policy=policy, at=at)
    offer = decision.offer(
        mine,
        unit=asked.unit_id,
        agreement=house_agreements(policy=policy).covering(asked.agreement, asked.agreement_version),
        at=at,
        typed=(request.POST.get("until") or request.POST.get("after", "")) if fault else "",
    )
    some = "some" in request.GET or "some" in request.POST
    context = {
        "question": read,
        "offer": offer,
        "some": some,
        "just": "done" in request.GET and bool(read.recorded),
        "fault": fault,
        "typed": request.POST if fault else {},
        "ticked": set(request.POST.getlist("one")) if fault else set(),
        "reload": request.path,
    }
    return _page(request, "question", context, here="questions", boxes=boxes, status=status)


@pressing
def answer(request: HttpRequest, number: str) -> HttpResponse:
    """Record what the officer pressed. A refusal is a sentence on the same page; nothing typed is lost."""
    mine, at, policy = Scoped(request.user), _now(), _policy()
    asked = found(mine.consultations().select_related("unit"), number=number)
    try:
        form = request.POST
    except TooManyFieldsSent:
        return _refused(
            request, asked, "Too many addresses were ticked at once. Answer for all, or for fewer.", at=at
        )
    try:
        wanted = decision.read(
            form,
            mine,
            agreement=house_agreements(policy=policy).covering(asked.agreement, asked.agreement_version),
            at=at,
        )
        removals = _scope(form, mine, asked, wanted, policy=policy, at=at)
        with transaction.atomic():  # the answer and what it says of the future, or neither
            answer_step.record(
                asked,
                kind=wanted.kind,
                by=request.actor,  # type: ignore[attr-defined]
                at=at,
                policy=policy,
                removals=removals,
                until=wanted.until,
                review_at=wanted.review_at,
                reason=wanted.reason,
                reference=wanted.reference,
                conditions=()
                if wanted.kind in wanted.conditions and len(wanted.conditions) == 1
                else wanted.conditions,
                note_text=wanted.note,
                pass_to=wanted.pass_to,
                valid_until=wanted.valid_until,
            )
            if wanted.pass_to is not None and form.get("from_now_on"):
                _reroute(request, wanted, removals, at=at)
    except NotPermitted:
        raise
    except Refused as refusal:
        return _refused(request, asked, refusal.sentence, at=at)
    if form.get("back") == "holds":
        return SeeOther(f"{reverse('holds')}?{urlencode({'done': number})}")
    return SeeOther(f"{reverse('question', args=[number])}?done=1")


def _reroute(
    request: HttpRequest, wanted: decision.Decision, removals: list[Removal], *, at: datetime
) -> None:
    """The unit says itself that this host is another unit's from now on; the hotline confirms."""
    to, host = wanted.pass_to, removals[0].host
    assert to is not None
    if host is None:
        raise Refused("It is not known who the host is. Pass it on without “from now on”.", code="host")
    units_step.propose_reroute(
        to,
        classes=sorted({row.item.cls for row in removals}),
        host=host,
        why=wanted.note or "Passed on, from now on.",
        by=request.actor,  # type: ignore[attr-defined]
        at=at,
    )


@pressing
def undo(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Take an answer back within its minute; the question stands again as before."""
    mine, at = Scoped(request.user), _now()
    asked = found(mine.consultations(), number=number)
    given = found(mine.answers().select_related("consultation"), pk=pk, consultation=asked)
    try:
        undo_step.undo(given, by=request.actor, at=at)  # type: ignore[attr-defined]
    except NotPermitted:
        raise
    except Refused as refusal:
        return _refused(request, asked, refusal.sentence, at=at)
    return SeeOther(reverse("question", args=[number]))


@pressing
def single_keys(request: HttpRequest) -> HttpResponse:
    """Single keys on or off, for this person (WCAG 2.1.4)."""
    user: Any = request.user
    user.single_keys = request.POST.get("keys") == "on"
    user.save(update_fields=["single_keys"])
    return SeeOther(reverse("start"))


def _refused(request: HttpRequest, asked: Consultation, sentence: str, *, at: datetime) -> HttpResponse:
    boxes = inbox(Scoped(request.user), at=at)
    return _show(request, asked, boxes=boxes, at=at, fault=sentence, status=422)


def _scope(
    form: Any, mine: Scoped, asked: Consultation, wanted: decision.Decision, *, policy: Policy, at: datetime
) -> list[Removal]:
    """What the answer covers: the ticked ones, the ones of a hold, else all that wait, else all still open.

    Raises Refused where that is nothing, or where a question answered already would be answered again by a
    second press.
    """
    read = question.read(asked, mine, policy=policy, at=at)
    lines = [line for line in read.lines if line.open]
    if "some" in form:
        ticked = set(decision.chosen(form, [line.uid for line in lines]))
        if not ticked:
            raise Refused("Tick at least one address, or answer for all.", code="scope")
        lines = [line for line in lines if line.uid in ticked]
    elif form.get("of", "").isdecimal():
        held = mine.holds().filter(answer=int(form["of"][:18]), answer__consultation=asked, released_at=None)
        ids = {str(uid) for uid in held.values_list("removal__uid", flat=True)}
        lines = [line for line in lines if line.uid in ids]
    else:
        lines = [line for line in lines if line.waiting] or lines
    if wanted.kind == words.PASS_ON:
        lines = [line for line in lines if line.waiting]
    elif wanted.kind not in (words.HOLD, words.GO_AHEAD_AFTER, words.REFUSE):
        lines = [line for line in lines if line.waiting or line.held or line.status == removal_path.HELD]
    if not lines:
        raise Refused(
            "Nothing here is left for this answer: it is answered already, or gone. See below.", code="empty"
        )
    removals = mine.removals().filter(uid__in=[line.uid for line in lines])
    return list(removals)


# --- holds ------------------------------------------------------------------------------------------


@officers
def holds(request: HttpRequest) -> HttpResponse:
    """All that is on hold by the own unit, by answer: go ahead now, or hold on."""
    mine, at, policy = Scoped(request.user), _now(), _policy()
    rows = (
        mine.holds()
        .filter(released_at=None)
        .select_related("answer__consultation__host", "answer__by", "removal__item")
        .order_by("review_at", "answer_id", "pk")
    )
    groups: dict[int, list[Hold]] = defaultdict(list)
    for hold in rows:
        groups[hold.answer_id or 0].append(hold)
    shown = [_held(group, mine, policy=policy, at=at) for group in groups.values()]
    context = {"holds": shown, "done": request.GET.get("done", "")[:24]}
    return _page(request, "holds", context, here="holds", boxes=inbox(mine, at=at))


def _held(group: list[Hold], mine: Scoped, *, policy: Policy, at: datetime) -> dict[str, Any]:
    first = group[0]
    given = first.answer
    assert given is not None  # the scope of an officer holds no other
    asked = given.consultation
    ends = f"Ends {short(first.until, at)}, then it goes ahead" if first.until else "Has no end of its own"
    return {
        "of": given.pk,
        "number": asked.number,
        "host": asked.host.name if asked.host else "Host not known",
        "count": counted(len(group), "address", "addresses"),
        "refs": ", ".join(hold.removal.item.ref for hold in group[:6]) + (" …" if len(group) > 6 else ""),
        "reason": first.reason,
        "reference": given.reference,
        "placed": f"{full(first.placed_at)}, by {given.by.pseudonym}",
        "ends": ends,
        "review": "now due for review" if first.review_at <= at else f"review {short(first.review_at, at)}",
        "late": first.review_at <= at and first.until is None,
        "offer": decision.offer(
            mine,
            unit=asked.unit_id,
            agreement=house_agreements(policy=policy).covering(asked.agreement, asked.agreement_version),
            at=at,
        ),
    }


# --- alarms -----------------------------------------------------------------------------------------


@officers
def alarms(request: HttpRequest) -> HttpResponse:
    """A child may be at risk now: alarms raised with the own unit, open ones first."""
    mine, at = Scoped(request.user), _now()
    rows = mine.alarms().select_related("item", "by").order_by("acknowledged_at", "-at")
    waiting = [_alarm(row, at) for row in rows.filter(acknowledged_at=None)]
    over = [_alarm(row, at) for row in rows.filter(acknowledged_at__isnull=False).order_by("-at")[:50]]
    context = {"waiting": waiting, "over": over, "fault": ""}
    return _page(request, "alarms", context, here="alarms", boxes=inbox(mine, at=at))


def _alarm(row: Alarm, at: datetime) -> dict[str, Any]:
    rest = row.due_at - at
    late = rest.total_seconds() < 0
    return {
        "pk": row.pk,
        "ref": row.item.ref,
        "address": defang(row.item.canonical),
        "raised": full(row.at),
        "by": row.by.pseudonym,
        "clock": f"ended {length(-rest)} ago" if late else f"{length(rest)} left",
        "acknowledged": full(row.acknowledged_at) if row.acknowledged_at else "",
        "acknowledged_by": row.acknowledged_by,
        "reference": row.reference,
    }


@pressing
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """The unit has it."""
    mine, at = Scoped(request.user), _now()
    row = found(mine.alarms().select_related("item"), pk=pk)
    reference = request.POST.get("reference", "").replace("\x00", "").strip()[:200]
    alarms_step.acknowledge(row, reference=reference, by=request.actor, at=at)  # type: ignore[attr-defined]
    return SeeOther(reverse("alarms"))
