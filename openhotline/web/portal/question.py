"""One question to the police on one screen: the facts, the clock and what silence leads to, what was answered.

Everything is plain words ready for the page; the page holds no logic of the case. Addresses are defanged.
What is not here: reading the officer's form (`decision`), other units' answers (`web/scoped`), any picture.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Sum

from openhotline.policy import Policy
from openhotline.records.models import Answer, Consultation, ConsultationLine, Trace
from openhotline.rules import removal_path, words
from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD, Agreement
from openhotline.rules.urls import defang
from openhotline.web.portal import told
from openhotline.web.portal.inbox import WAITING
from openhotline.web.portal.told import counted, length, short
from openhotline.web.scoped import Scoped

ASKS, HELD, LATER, OVER = "asks", "held", "later", "over"  # what the page is for
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


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
class Fact:
    """One cell of the fact sheet: what, the answer, the evidence under it."""

    name: str
    value: str
    under: str = ""
    mono: bool = False
    family: str = ""


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
    agreement = policy.agreement(consultation.agreement)
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
    mode = _mode(lines, asks=consultation.asks)
    answers = _answers(consultation, mine)
    waiting = [line for line in lines if line.waiting]
    scope = waiting or [line for line in lines if line.open]
    return Question(
        number=consultation.number,
        mode=mode,
        title=_title(mode, lines, consultation),
        sent=f"sent {short(consultation.asked_at, at)} by {_asker(consultation)}",
        asks=consultation.asks,
        again=consultation.again,
        facts=_facts(consultation, rows, mine, at=at),
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
    rows = mine.answers().filter(consultation=consultation, kind=words.PASS_ON)
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
        address=defang(removal.item.canonical),
        state=state,
        family=family,
        status=removal.status,
        waiting=mine and not row.answered and removal.status in WAITING,
        open=mine and removal.status in removal_path.STILL_OPEN,
        held=on_hold,
    )


def _mode(lines: Sequence[Line], *, asks: bool) -> str:
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
    return f"all {_NUMBERS[count] if count < len(_NUMBERS) else format(count, ',')} addresses"


# --- the six facts --------------------------------------------------------------------------------


def _facts(
    consultation: Consultation, rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime
) -> tuple[Fact, ...]:
    items = [row.removal.item_id for row in rows]
    return (
        _what(rows, items, mine),
        *_where(consultation, rows, mine, at=at),
        Fact("Addresses, one host", f"{len(rows):,}", "\n".join(_places(rows)), mono=True),
        Fact(
            "Known already",
            "Removed before, back again" if consultation.again else "Not looked up",
            "No list of known files is connected to this house.",
        ),
        _risk(rows, mine, at=at),
    )


def _what(rows: Sequence[ConsultationLine], items: Sequence[int], mine: Scoped) -> Fact:
    categories = Counter(row.removal.item.category for row in rows)
    grades = ", ".join(sorted(filter(None, categories)))
    value = f"Category {grades}" if grades else told.CLASSES.get(rows[0].removal.item.cls, "") if rows else ""
    readings = mine.assessments().filter(item__in=items, opinion=words.ILLEGAL)
    files = readings.filter(reading="first").aggregate(files=Sum("files"))["files"] or 0
    readers = readings.values("item").annotate(n=Count("by", distinct=True)).values_list("n", flat=True)
    least = min(readers, default=0)
    agree = f"{_NUMBERS[least].capitalize()} readers agree." if 2 <= least <= 10 else "One reader."
    return Fact("What", value or "Graded", f"{counted(files, 'file')}. {agree}" if files else agree)


def _where(
    consultation: Consultation, rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime
) -> tuple[Fact, Fact]:
    removals = [row.removal_id for row in rows]
    newest: dict[int, Trace] = {}
    for trace in mine.traces().filter(removal__in=removals).defer("answers").order_by("at", "pk"):
        newest[trace.item_id] = trace
    traces = list(newest.values())
    countries = Counter(row.removal.country for row in rows)
    country = countries.most_common(1)[0][0] if countries else ""
    seen = mine.checks().filter(removal__in=removals, meaning="up").aggregate(at=Max("at"))["at"]
    under = [_agreement(traces), f"Still up at {short(seen, at)}." if seen else "Not looked at yet."]
    addresses = list(
        dict.fromkeys(literal for trace in traces for literal in trace.address.split(",") if literal)
    )
    host = consultation.host
    more = f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""
    network = " · ".join(
        filter(None, [", ".join(addresses[:2]) + more, f"AS{host.asn}" if host and host.asn else ""])
    )
    return (
        Fact("Where", told.country(country), " ".join(filter(None, under))),
        Fact("Host", host.name if host else "Not known", network, mono=True),
    )


def _agreement(traces: Sequence[Trace]) -> str:
    """ "3 of 3 trace methods agree", of the weakest trace in the bundle."""
    weakest = (0, 0)
    for trace in traces:
        marks = [reason[1] for reason in trace.reasons if len(reason) > 1]
        pair = (marks.count("yes"), marks.count("yes") + marks.count("no"))
        if pair[1] and (weakest == (0, 0) or pair[0] * weakest[1] < weakest[0] * pair[1]):
            weakest = pair
    return f"{weakest[0]} of {weakest[1]} trace methods agree." if weakest[1] else ""


def _places(rows: Sequence[ConsultationLine]) -> list[str]:
    """The host names with how many addresses each; three at most."""
    names = Counter(row.removal.item.host or row.removal.item.kind for row in rows)
    shown = [f"{_name(name)}" + (f" ×{n}" if n > 1 else "") for name, n in names.most_common(3)]
    return [*shown, f"and {len(names) - 3} more names"] if len(names) > 3 else shown


def _name(host: str) -> str:
    front, dot, last = host.rpartition(".")
    return f"{front}[.]{last}" if dot else host


def _risk(rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime) -> Fact:
    name = "Sign of a child at risk now"
    alarms = list(mine.alarms().filter(item__in=[row.removal.item_id for row in rows]).order_by("-at"))
    if alarms:
        open_ = sum(alarm.acknowledged_at is None for alarm in alarms)
        state = f"{open_} not acknowledged yet." if open_ else "Acknowledged."
        return Fact(name, "Yes", f"Alarm raised {short(alarms[0].at, at)}. {state}", family="bad")
    if any(row.removal.item.at_risk for row in rows):
        return Fact(name, "Yes", "An alarm was raised. Ring the duty analyst.", family="bad")
    return Fact(name, "None seen")


# --- the clock ------------------------------------------------------------------------------------


def _due(consultation: Consultation, agreement: Agreement, waiting: Sequence[Line], *, at: datetime) -> Due:
    whole = max(int((consultation.due_at - consultation.asked_at).total_seconds() // 60), 1)
    rest = consultation.due_at - at
    if rest > timedelta(0):
        return Due(
            f"{length(rest)} left",
            whole,
            min(int(rest.total_seconds() // 60), whole),
            f"No answer by {short(consultation.due_at, at)}: {_silence(agreement)}",
            "warn",
        )
    escalate, managers = (
        agreement.escalate_at(consultation.asked_at),
        agreement.managers_at(consultation.asked_at),
    )
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
    return list(rows.order_by("-at", "-pk")[:50])


def _recorded(answer: Answer, at: datetime) -> Recorded:
    details = []
    if answer.until:
        details.append(f"Until {short(answer.until, at)}, then it goes ahead by itself.")
    elif answer.review_at:
        details.append(f"We ask you again at {short(answer.review_at, at)}.")
    if answer.reason:
        details.append(f"Reason: {answer.reason}.")
    if answer.conditions:
        details.append(f"Wanted: {', '.join(told.CONDITIONS.get(c, c) for c in answer.conditions)}.")
    if answer.note:
        details.append(answer.note)
    if answer.reference:
        details.append(f"Your reference: {answer.reference}")
    return Recorded(
        what=told.KINDS.get(answer.kind, answer.kind),
        scope=counted(answer.size, "address", "addresses"),  # type: ignore[attr-defined]
        when=told.full(answer.at),
        by=answer.by.pseudonym,
        details=tuple(details),
    )


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
        ends = next((answer.until for answer in answers if answer.until and answer.until > at), None)
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
