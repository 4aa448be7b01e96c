"""How an agreement was kept in a year, by both sides, from what was stored at the time.

True here: every figure is counted from records, and what was owed and never done counts against whoever owed it; a
version that was never used says nothing. Time on hold is apart
from time to answer, and nothing is said of a single person. What is not here: what was agreed (`rules/agreement.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, Q

from openhotline.outbox.models import SENT, WITHDRAWN, Letter
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import (
    AgreementReply,
    AgreementVersion,
    Answer,
    AnswerLine,
    Consultation,
    Hold,
    NoticeLine,
    PoliceRequest,
    Removal,
    SilenceProposal,
    Unit,
)
from openhotline.rules import liaison, words
from openhotline.rules.agreement import Agreement

_TOLD = ("police-gone", "police-moved", "police-removed", "police-again")


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of one agreement in one year. Times in minutes; None where nothing was counted."""

    agreement: str
    version: str
    name: str
    year: int
    questions: int
    addresses: int
    # the unit's side
    answers_due: int  # questions answered, or past their time without an answer
    answered: int
    answered_in_time: int
    median_answer: int | None
    p90_answer: int | None
    rung: int
    escalated: int
    managers: int
    answers: dict[str, int]
    taken_back: int
    passed_on: int
    holds: int
    holds_open: int
    longest_hold: int | None
    # the hotline's side
    median_asking: int | None  # from traced to asked
    silence_by_people: int
    silence_as_agreed: int
    told: int  # letters that left, or should have by now
    told_in_time: int
    gone_before_notice: int
    notices_under_hold: int  # letters that left about what was on hold at that moment: must be nought
    evidence_wanted: int
    statements_wanted: int
    handed_over_due: int  # of what answers wanted: with an outcome, or past its time without one
    handed_over_in_time: int


def report(year: int, *, policy: Policy, at: datetime, unit: int | None = None) -> list[Kept]:
    """Every version that was used in `year`, over all units or for one (its id), by version.

    A unit reads its own questions only: how often a neighbour was asked, or holds, is the neighbour's to tell.
    """
    start, end = _bounds(year, policy)
    asked: dict[str, list[Consultation]] = defaultdict(list)
    rows = Consultation.objects.filter(asked_at__gte=start, asked_at__lt=end, withdrawn_at=None)
    for row in (rows if unit is None else rows.filter(unit=unit)).order_by("pk"):
        asked[row.agreement_version].append(row)
    agreements = house_agreements(policy=policy)
    return [
        _kept(agreements.covering(rows[0].agreement, version), rows, year=year, at=at)
        for version, rows in sorted(asked.items())
    ]


@dataclass(frozen=True, slots=True)
class InForce:
    """One version in one year: from which day, until which (None: on), and who agreed to it."""

    agreement: str
    version: str
    name: str
    since: date
    until: date | None  # the first day on which it is no longer in force
    questions: int
    proposed_by: str  # "" for a version from the policy's file
    agreed_by: str
    units: dict[str, str]  # {unit: its last word about it}


def _bounds(year: int, policy: Policy) -> tuple[datetime, datetime]:
    """When a year begins and ends on the house's wall."""
    first, last = (datetime(number, 1, 1, tzinfo=policy.zone) for number in (year, year + 1))
    return first, last


def in_force(year: int, *, policy: Policy, unit: Unit | None = None) -> list[InForce]:
    """Every version that was in force on a day of the year, or will be, whether or not anybody was asked under it.

    For a unit: those of the agreement it is under, its own questions and its own words.
    """
    agreements = house_agreements(policy=policy)
    first, over = date(year, 1, 1), date(year + 1, 1, 1)
    shown = [
        one
        for one in agreements.versions
        if one.valid_from < over
        and (one.valid_until is None or one.valid_until > first)
        and (unit is None or one.key == unit.agreement)
    ]
    names = [one.version for one in shown]
    rows = AgreementVersion.objects.filter(version__in=names).select_related("proposed_by", "agreed_by")
    kept = {row.version: row for row in rows}
    said: dict[str, dict[str, str]] = defaultdict(dict)
    replies = AgreementReply.objects.filter(version__in=rows).order_by("at", "pk")
    start, end = _bounds(year, policy)
    questions = Consultation.objects.filter(
        asked_at__gte=start, asked_at__lt=end, withdrawn_at=None, agreement_version__in=names
    )
    if unit is not None:
        replies, questions = replies.filter(unit=unit), questions.filter(unit=unit)
    for version, key, kind in replies.values_list("version__version", "unit__key", "kind"):
        said[version][key] = kind
    asked = Counter(questions.values_list("agreement_version", flat=True))
    return [
        InForce(
            agreement=one.key,
            version=one.version,
            name=one.name,
            since=one.valid_from,
            until=one.valid_until,
            questions=asked[one.version],
            proposed_by=_pseudonym(kept.get(one.version), "proposed_by"),
            agreed_by=_pseudonym(kept.get(one.version), "agreed_by"),
            units=said[one.version],
        )
        for one in shown
    ]


def _pseudonym(row: AgreementVersion | None, field: str) -> str:
    person = getattr(row, field) if row else None
    return person.pseudonym if person else ""


def _kept(one: Agreement, rows: Sequence[Consultation], *, year: int, at: datetime) -> Kept:
    pks = [row.pk for row in rows]
    removals = Removal.objects.filter(consultation_lines__consultation__in=pks).distinct()
    given = Answer.objects.filter(consultation__in=pks)
    standing = given.filter(undone_at=None)
    first = _first_answers(pks)
    waits = sorted(first[row.pk] - row.asked_at for row in rows if row.asks and row.pk in first)
    holds = list(
        Hold.objects.filter(Q(answer__consultation__in=pks) | Q(silent_on__in=pks)).values_list(
            "placed_at", "released_at"
        )
    )
    asking = sorted(
        t3 - t2
        for t2, t3 in removals.filter(t2_traced__isnull=False, t3_asked__isnull=False).values_list(
            "t2_traced", "t3_asked"
        )
        if t2 is not None and t3 is not None and t3 >= t2
    )
    owed = Letter.objects.filter(kind__in=_TOLD, number__in=[row.number for row in rows]).exclude(
        state=WITHDRAWN
    )
    told = list(
        owed.filter(Q(state=SENT) | Q(put_at__lte=at - one.feedback)).values_list("put_at", "sent_at")
    )
    wanted = PoliceRequest.objects.filter(answer__consultation__in=pks).exclude(outcome=liaison.TAKEN_BACK)
    handed = list(wanted.filter(~Q(outcome="") | Q(due_at__lte=at)).values_list("due_at", "outcome_at"))
    people = SilenceProposal.objects.filter(consultation__in=pks, confirmed_by__isnull=False)
    decided = set(people.values_list("consultation", flat=True))
    silent = [row for row in rows if row.rung_at and row.pk not in first]
    conditions = Counter(name for row in standing.values_list("conditions", flat=True) for name in row)
    return Kept(
        agreement=one.key,
        version=rows[0].agreement_version,
        name=one.name,
        year=year,
        questions=len(rows),
        addresses=removals.count(),
        answers_due=sum(row.asks and (row.pk in first or row.rung_at is not None) for row in rows),
        answered=len(waits),
        answered_in_time=sum(row.asks and row.pk in first and first[row.pk] <= row.due_at for row in rows),
        median_answer=_minutes(waits, 0.5),
        p90_answer=_minutes(waits, 0.9),
        rung=sum(row.rung_at is not None for row in rows),
        escalated=sum(row.escalated_at is not None for row in rows),
        managers=sum(row.managers_at is not None for row in rows),
        answers=dict(sorted(Counter(standing.values_list("kind", flat=True)).items())),
        taken_back=given.exclude(undone_at=None).count(),
        passed_on=standing.filter(kind=words.PASS_ON).count(),
        holds=len(holds),
        holds_open=sum(released is None for _, released in holds),
        longest_hold=_minutes(sorted((released or at) - placed for placed, released in holds), 1.0),
        median_asking=_minutes(asking, 0.5),
        silence_by_people=len(decided),
        silence_as_agreed=sum(row.pk not in decided for row in silent) if one.silence != "escalate" else 0,
        told=len(told),
        told_in_time=sum(sent is not None and sent - put <= one.feedback for put, sent in told),
        gone_before_notice=removals.filter(t8_gone__isnull=False, t5_sent=None).count(),
        notices_under_hold=_under_hold(pks),
        evidence_wanted=conditions[words.EVIDENCE_WANTED],
        statements_wanted=conditions[words.STATEMENT_WANTED],
        handed_over_due=len(handed),
        handed_over_in_time=sum(done is not None and done <= due for due, done in handed),
    )


def _first_answers(pks: Sequence[int]) -> dict[int, datetime]:
    """When each question had its first standing answer."""
    rows = AnswerLine.objects.filter(answer__consultation__in=pks, answer__undone_at=None)
    first: dict[int, datetime] = {}
    for pk, moment in rows.values_list("answer__consultation", "answer__at").distinct():
        first[pk] = min(moment, first.get(pk, moment))
    return first


def _under_hold(pks: Sequence[int]) -> int:
    sent = NoticeLine.objects.filter(
        dropped="",
        notice__sent_at__isnull=False,
        removal__consultation_lines__consultation__in=pks,
        removal__holds__placed_at__lt=F("notice__sent_at"),
    ).filter(Q(removal__holds__released_at=None) | Q(removal__holds__released_at__gt=F("notice__sent_at")))
    return sent.values("pk").distinct().count()


def _minutes(sorted_spans: Sequence[timedelta], share: float) -> int | None:
    """The span at `share` of the list, in whole minutes; None of an empty list."""
    if not sorted_spans:
        return None
    place = max(int(len(sorted_spans) * share + 0.999999) - 1, 0)
    return int(sorted_spans[min(place, len(sorted_spans) - 1)].total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side did of what it owed: the finding, `done` of `owed` in the agreed time, and the figures."""

    finding: str
    done: int
    owed: int
    rows: tuple[tuple[str, str], ...]


def sides(kept: Kept) -> tuple[Side, Side]:
    """The report as people read it, the unit's side and the hotline's: on the desk, at the portal, on the command line."""
    given = ", ".join(f"{name.replace('-', ' ')} {count:,}" for name, count in kept.answers.items()) or "none"
    unit = Side(
        _finding("The unit answered", kept.answered_in_time, kept.answers_due, "questions"),
        kept.answered_in_time,
        kept.answers_due,
        (
            ("Questions", f"{kept.questions:,}, about {_counted(kept.addresses, 'address', 'addresses')}"),
            ("Answered", f"{kept.answered:,}"),
            ("Past their time, without an answer", _none(kept.answers_due - kept.answered)),
            ("Time to answer", _half(kept.median_answer, kept.p90_answer)),
            ("Answers", given),
            ("Taken back within its minute", _none(kept.taken_back)),
            ("Duty desk rung", _none(kept.rung)),
            ("Leads of both sides told", _none(kept.escalated)),
            ("Managers brought in", _none(kept.managers)),
            ("Holds", _holds(kept)),
        ),
    )
    hotline = Side(
        _finding("The hotline told what became of it", kept.told_in_time, kept.told, "times"),
        kept.told_in_time,
        kept.told,
        (
            ("From traced to asked", _half(kept.median_asking)),
            ("Silence settled by two people", _none(kept.silence_by_people)),
            ("Silence settled as agreed", _none(kept.silence_as_agreed)),
            ("Evidence wanted", _none(kept.evidence_wanted)),
            ("Statements wanted", _none(kept.statements_wanted)),
            (
                "Of these with an outcome in the agreed time",
                f"{kept.handed_over_in_time:,} of {kept.handed_over_due:,}"
                if kept.handed_over_due
                else "nothing to count yet",
            ),
            ("Gone before a notice", _none(kept.gone_before_notice)),
            ("Notices that left under a hold", _none(kept.notices_under_hold)),
        ),
    )
    return unit, hotline


def _finding(did: str, in_time: int, of: int, what: str) -> str:
    return f"{did} in the agreed time: {in_time:,} of {of:,} {what}" if of else f"{did}: nothing to count yet"


def _half(median: int | None, p90: int | None = None) -> str:
    if median is None:
        return "nothing to count yet"
    return f"half within {_time(median)}" + ("" if p90 is None else f", nine in ten within {_time(p90)}")


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{minutes:,} min" if hours < 2 else f"{hours:,} h {rest} min" if rest else f"{hours:,} h"


def _none(count: int) -> str:
    return f"{count:,}" if count else "none"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _holds(kept: Kept) -> str:
    if not kept.holds:
        return "none"
    running = f", {kept.holds_open:,} still running" if kept.holds_open else ""
    longest = "" if kept.longest_hold is None else f"; the longest lasted {_time(kept.longest_hold)}"
    return f"on {_counted(kept.holds, 'address', 'addresses')}{running}{longest}"
