"""One question to the police on one screen: the facts, the clock and what silence leads to, what was answered.

Everything is plain words ready for the page; the page holds no logic of the case. Addresses are defanged.
What is not here: reading the officer's form (`decision`), other units' answers (`web/scoped`), any picture.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch

from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Answer, Consultation, ConsultationLine, PoliceRequest
from openhotline.rules import liaison, removal_path, words
from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD, UNDO_WITHIN, Agreement
from openhotline.rules.urls import defang
from openhotline.steps import consult
from openhotline.web.portal import told
from openhotline.web.portal.facts import NUMBERS, Fact, facts_of
from openhotline.web.portal.inbox import WAITING
from openhotline.web.portal.told import counted, length, short, zoned
from openhotline.web.scoped import Scoped

ASKS, HELD, LATER, OVER = "asks", "held", "later", "over"  # what the page is for


@dataclass(frozen=True, slots=True)
class Line:
    """One address of the question."""

    uid: str
    ref: str
    address: str
    state: str
    family: str
    status: str
    waiting: bool
    open: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Due:
    """The clock: words, bar, and what silence leads to."""

    left: str
    of: int
    now: int
    silence: str
    family: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer as it was recorded."""

    what: str
    scope: str
    when: str
    by: str
    details: tuple[str, ...]
    undone: bool = False
    undo: int = 0  # the answer's id while it can still be taken back
    undo_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """All the page shows."""

    number: str
    mode: str
    title: str
    sent: str
    asks: bool
    again: bool
    facts: tuple[Fact, ...]
    lines: tuple[Line, ...]
    due: Due | None
    recorded: tuple[Recorded, ...]
    after: tuple[str, ...]
    scope_words: str
    preserve_days: int


def read(consultation: Consultation, mine: Scoped, *, policy: Policy, at: datetime) -> Question:
    """Read one question for the officer whose scope is `mine`."""
    agreement = house_agreements(policy=policy).covering(
        consultation.agreement, consultation.agreement_version
    )
    rows = list(
        mine.consultation_lines()
        .filter(consultation=consultation)
        .select_related("removal__item", "removal__host")
        .order_by("removal__item__canonical", "pk")
    )
    passed = _passed(consultation, mine)
    held = set(
        mine.holds()
        .filter(removal__in=[row.removal_id for row in rows], released_at=None)
        .values_list("removal_id", flat=True)
    )
    lines = tuple(_line(row, passed, held) for row in rows)
    mode = _mode(lines, asks=consultation.asks, withdrawn=consultation.withdrawn_at is not None)
    answers = _answers(consultation, mine)
    waiting = [line for line in lines if line.waiting]
    scope = waiting or [line for line in lines if line.open]
    return Question(
        number=consultation.number,
        mode=mode,
        title=_title(mode, lines, consultation),
        sent=f"sent {zoned(consultation.told_at or consultation.asked_at, at)} by {_asker(consultation)}",
        asks=consultation.asks,
        again=consultation.again,
        facts=facts_of(consultation, rows, mine, at=at),
        lines=lines,
        due=_due(consultation, agreement, waiting, at=at) if mode == ASKS else None,
        recorded=tuple(_recorded(answer, at) for answer in answers),
        after=_after(lines, answers, at=at),
        scope_words=_all(len(scope)),
        preserve_days=agreement.preserve_days,
    )


def _asker(consultation: Consultation) -> str:
    by = consultation.asked_by
    return "the hotline" if by.startswith("machine") else by


def _passed(consultation: Consultation, mine: Scoped) -> set[int]:
    """Removals this unit passed on: they are another unit's to answer."""
    rows = mine.answers().filter(consultation=consultation, kind=words.PASS_ON, undone_at=None)
    return set(rows.values_list("lines__removal", flat=True)) - {None}


def _line(row: ConsultationLine, passed: set[int], held: set[int]) -> Line:
    removal = row.removal
    mine = removal.pk not in passed
    state, family = told.state_for_police(removal.status) if mine else ("passed to another unit", "idle")
    on_hold = mine and removal.pk in held
    if on_hold:
        state, family = "on hold by you", "hold"
    return Line(
        uid=str(removal.uid),
        ref=removal.item.ref,
        address=defang(removal.item.canonical) + (f" on {removal.server}" if removal.server else ""),
        state=state,
        family=family,
        status=removal.status,
        waiting=mine and not row.answered and removal.status in WAITING,
        open=mine and removal.status in removal_path.STILL_OPEN,
        held=on_hold,
    )


def _mode(lines: Sequence[Line], *, asks: bool, withdrawn: bool = False) -> str:
    if withdrawn:
        return OVER
    if asks and any(line.waiting for line in lines):
        return ASKS
    if any(line.held for line in lines):
        return HELD
    return LATER if any(line.open for line in lines) else OVER


def _title(mode: str, lines: Sequence[Line], consultation: Consultation) -> str:
    if mode == ASKS:
        what = "this" if sum(line.waiting for line in lines) == 1 else "these"
        return f"May we ask the host to remove {what} now?"
    if mode == HELD:
        return "On hold by your unit"
    if mode == OVER:
        return "Nothing is left to decide here"
    return (
        "Answered. You can still say “not yet”"
        if consultation.asks
        else "For your information: the host is asked now"
    )


def _all(count: int) -> str:
    if count == 1:
        return "the one address"
    return f"all {NUMBERS[count] if count < len(NUMBERS) else format(count, ',')} addresses"


# --- the clock ------------------------------------------------------------------------------------


def _due(consultation: Consultation, agreement: Agreement, waiting: Sequence[Line], *, at: datetime) -> Due:
    whole = max(int((consultation.due_at - consultation.asked_at).total_seconds() // 60), 1)
    rest = consultation.due_at - at
    if rest > timedelta(0):
        return Due(
            f"{length(rest)} left",
            whole,
            min(int(rest.total_seconds() // 60), whole),
            f"No answer by {zoned(consultation.due_at, at)}: {_silence(agreement)}",
            "warn",
        )
    began = consult.clock_from(consultation)
    escalate, managers = agreement.escalate_at(began), agreement.managers_at(began)
    if escalate > at:
        then = f"We ring your duty desk. From {short(escalate, at)} the leads of both sides are told"
    elif managers > at:
        then = f"The leads of both sides are told. From {short(managers, at)} the managers decide"
    else:
        then = "The managers of both sides decide. Your answer still counts first"
    return Due(f"ended {length(-rest)} ago", whole, 0, then, "bad")


def _silence(agreement: Agreement) -> str:
    if agreement.silence == DEEMED_CLEAR:
        return "it counts as go ahead"
    if agreement.silence == DEEMED_HOLD:
        return "it counts as a hold"
    return "we ring your duty desk"


# --- what was recorded, and what happens next -------------------------------------------------------


def _answers(consultation: Consultation, mine: Scoped) -> list[Answer]:
    rows = mine.answers().filter(consultation=consultation).select_related("by").annotate(size=Count("lines"))
    rows = rows.prefetch_related(Prefetch("requests", mine.police_requests().order_by("pk")))
    return list(rows.order_by("-at", "-pk")[:50])


def _recorded(answer: Answer, at: datetime) -> Recorded:
    details = []
    left = int((answer.at + UNDO_WITHIN - at).total_seconds())
    if answer.until:
        details.append(f"Until {short(answer.until, at)}, then it goes ahead by itself.")
    elif answer.review_at:
        details.append(f"We ask you again at {short(answer.review_at, at)}.")
    if answer.reason:
        details.append(f"Reason: {answer.reason}.")
    if answer.conditions:
        details.append(f"Wanted: {', '.join(told.CONDITIONS.get(c, c) for c in answer.conditions)}.")
    details += [_wanted(made, at) for made in answer.requests.all()]
    if answer.note:
        details.append(answer.note)
    if answer.valid_until:
        details.append(
            f"Valid until {short(answer.valid_until, at)}; if no notice has left by then, we ask again."
        )
    if answer.undone_at:
        details.append(f"Taken back at {told.full(answer.undone_at)}.")
    if answer.reference:
        details.append(f"Your reference: {answer.reference}")
    return Recorded(
        what=told.KINDS.get(answer.kind, answer.kind),
        scope=counted(answer.size, "address", "addresses"),  # type: ignore[attr-defined]
        when=told.full(answer.at),
        by=answer.by.pseudonym,
        details=tuple(details),
        undone=answer.undone_at is not None,
        undo=answer.pk if left > 0 and answer.undone_at is None else 0,
        undo_seconds=left,
    )


def _wanted(made: PoliceRequest, at: datetime) -> str:
    """What this answer wants besides stands under *Requests*, with its clock or what came of it."""
    if made.outcome:
        return f"{made.number}: {liaison.OUTCOME_NAMES[made.outcome].lower()}."
    return f"{made.number} under Requests, due {short(made.due_at, at)}."


def _after(lines: Sequence[Line], answers: Sequence[Answer], *, at: datetime) -> tuple[str, ...]:
    """What happens next, from where the removals stand."""
    statuses = Counter(line.status for line in lines if line.open and not line.held)
    after = []
    if statuses[removal_path.CLEARED]:
        after.append(
            f"{_where_to(statuses[removal_path.CLEARED])} the host is traced once more, then the notice leaves."
        )
    with_host = sum(statuses[status] for status in (*removal_path.WITH_HOST, removal_path.GONE_MAYBE))
    if with_host:
        after.append(
            f"{_where_to(with_host)} the host has the notice. We look from outside until it is gone."
        )
    held = [line for line in lines if line.held]
    if held:
        ends = next(
            (
                answer.until
                for answer in answers
                if answer.until and answer.until > at and not answer.undone_at
            ),
            None,
        )
        until = f" It ends by itself at {short(ends, at)}." if ends else ""
        after.append(f"{_where_to(len(held))} no letter leaves while it is on hold.{until}")
    waiting = sum(line.waiting for line in lines)
    if waiting and answers:
        after.append(f"{_where_to(waiting)} still waiting for your answer.")
    gone = sum(line.family == "ok" for line in lines)
    if gone:
        after.append(f"{_where_to(gone)} gone. We keep looking, and tell you if it comes back.")
    if after and any(line.open for line in lines) and answers:
        after.append("We tell you by mail when it is gone. The mail carries this number and no facts.")
    return tuple(after)


def _where_to(count: int) -> str:
    return f"{counted(count, 'address', 'addresses')}:"
