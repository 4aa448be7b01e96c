"""The agreement between the hotline and police: whom to ask, in which order, which clocks, what silence means.

True here: an answer either clears or holds, and the conditions ride on either (architecture.md 2). What is
not here: recording the answer (`steps/answer`) and the versions a house holds
(`rules/agreements.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from openhotline.rules.calendars import Calendar, add
from openhotline.rules.refusals import Refused
from openhotline.rules.words import (
    ANSWERS,
    EVIDENCE_WANTED,
    GO_AHEAD,
    GO_AHEAD_AFTER,
    HOLD,
    NO_INTEREST,
    PASS_ON,
    REFUSE,
    STATEMENT_WANTED,
)

AUTHORISE_FIRST, NOTIFY_TOGETHER, TELL_AFTER = "authorise-first", "notify-together", "tell-after"
ORDERS = (AUTHORISE_FIRST, NOTIFY_TOGETHER, TELL_AFTER)
ESCALATE, DEEMED_CLEAR, DEEMED_HOLD = "escalate", "clear", "hold"
FURTHEST = timedelta(days=366)  # nobody agrees to wait, or to a go-ahead, beyond that
UNDO_WITHIN = timedelta(seconds=60)  # an answer can be taken back; what would leave on it waits as long
CALENDAR_CLOCKS = ("host_target", "host_ladder")
HOLD_REASONS = ("arrest or search planned", "covert work", "evidence first", "already investigating", "other")
CONDITIONS = (EVIDENCE_WANTED, STATEMENT_WANTED)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of one agreement. Every duration runs through nights and weekends, but for those of a host's
    clocks that the agreement puts on its calendar; those of a child at risk are never on one."""

    key: str
    version: str
    name: str
    order: str  # one of ORDERS
    classes: tuple[str, ...]  # covered; anything else is asked about first
    silence: str  # what it leads to: ESCALATE (people decide), DEEMED_CLEAR, DEEMED_HOLD
    answer: timedelta  # the unit answers; then its duty desk is rung
    escalate: timedelta  # from the asking: escalated inside both houses
    managers: timedelta  # from the asking: managers decide
    host_target: timedelta
    host_ladder: timedelta
    hold_review: timedelta  # a hold is reviewed at the latest after this
    refuse_review: timedelta
    preserve_days: int
    second_reader: tuple[str, ...]  # classes that a second reader must confirm before police are asked
    valid_from: date = date.min
    valid_until: date | None = None  # the first day on which it is no longer in force
    calendar: Calendar | None = None
    calendar_clocks: tuple[str, ...] = ()  # of CALENDAR_CLOCKS: police clocks are never among them
    evidence: timedelta = timedelta(days=3)  # what a unit asks for is handed over within this
    feedback: timedelta = timedelta(minutes=15)  # the unit is told what became of it within this
    note: str = ""  # what it is in a sentence

    @property
    def asks(self) -> bool:
        """True: the unit is asked and the notice waits. False: the notice leaves at once, and the unit is told."""
        return self.order == AUTHORISE_FIRST

    def answer_due(self, at: datetime) -> datetime:
        """When the unit's answer is due if asked at `at`."""
        return at + self.answer

    def escalate_at(self, at: datetime) -> datetime:
        """When silence is escalated."""
        return at + self.escalate

    def managers_at(self, at: datetime) -> datetime:
        """When the managers of both sides are brought in."""
        return at + self.managers

    def host_due(self, at: datetime, *, at_risk: bool = False) -> datetime:
        """When a notice sent at `at` should have been acted on."""
        return self._open("host_target", at, self.host_target, at_risk)

    def ladder_at(self, at: datetime, *, at_risk: bool = False) -> datetime:
        """When the ladder (upstream, registrar, regulator) begins for a notice sent at `at`."""
        return self._open("host_ladder", at, self.host_ladder, at_risk)

    def _open(self, clock: str, at: datetime, span: timedelta, at_risk: bool) -> datetime:
        held = self.calendar if clock in self.calendar_clocks and not at_risk else None
        return add(at, span, held)

    def in_force(self, day: date) -> bool:
        """Whether this version is in force on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)

    def needs_second_reader(self, cls: str) -> bool:
        """True if a second, blind reader must agree before anything of this class leaves."""
        return cls in self.second_reader


CLOCKS = (
    *("answer", "escalate", "managers", "host_target", "host_ladder"),
    *("hold_review", "refuse_review", "evidence", "feedback"),
)
LONGEST = timedelta(days=366)
MOST_PRESERVED = 3_650  # days


def faults(one: Agreement) -> list[tuple[str, str]]:
    """(field, sentence) for whatever cannot be true of one version; the same for a file and for a page."""
    wrong = []
    if not one.classes:
        wrong.append(("classes", "Choose at least one class that it covers."))
    if not 1 <= one.preserve_days <= MOST_PRESERVED:
        wrong.append(
            (
                "preserve_days",
                f"Preservation lasts between 1 and {MOST_PRESERVED:,} days. Write such a number.",
            )
        )
    wrong += [
        (clock, "A clock runs for at most 366 days. Write a shorter time.")
        for clock in CLOCKS
        if getattr(one, clock) > LONGEST
    ]
    if not one.answer < one.escalate:
        wrong.append(("escalate", "Escalation comes after the time to answer. Make it longer than that."))
    if not one.escalate < one.managers:
        wrong.append(("managers", "Managers come in after the escalation. Make it longer than that."))
    if not one.host_target < one.host_ladder:
        wrong.append(("host_ladder", "The ladder begins after the host's time. Make it longer than that."))
    if (one.calendar is None) != (not one.calendar_clocks):
        wrong.append(
            (
                "calendar_clocks",
                "A calendar and the clocks that are on it belong together. Give both, or neither.",
            )
        )
    return wrong


@dataclass(frozen=True, slots=True)
class Effect:
    """What an answer does. Exactly one of `clears` and `holds`, except a pass-on, which does neither yet."""

    kind: str
    clears: bool
    holds: bool
    ends_at: datetime | None  # the hold ends by itself then
    review_at: datetime | None  # the hold is looked at again then, at the latest
    conditions: tuple[str, ...]
    asks_anew: bool = False
    valid_until: datetime | None = None  # a go-ahead that has not been used by then is asked for again


def effect_of(
    kind: str,
    *,
    agreement: Agreement,
    at: datetime,
    until: datetime | None = None,
    review: datetime | None = None,
    conditions: Sequence[str] = (),
    valid: datetime | None = None,
) -> Effect:
    """What an answer of `kind`, given at `at`, does under `agreement`.

    *Go ahead* and *no interest* clear. *Go ahead after T*, *hold* and *refuse* hold: the first ends at T, the
    second needs a time to end or to be reviewed, the third has no end of its own. *Evidence wanted* and
    *statement wanted*, given alone, clear and are their own condition. *Pass on* asks the new unit on the same clock.
    Raises Refused with a sentence for an incomplete or impossible answer.
    """
    if kind not in ANSWERS:
        raise Refused("Choose one of the answers on the page.", code="answer")
    unknown = [c for c in conditions if c not in CONDITIONS]
    if unknown:
        raise Refused(
            f"“{unknown[0]}” is not a condition. Choose evidence or a statement.", code="conditions"
        )
    for time in (until, review, valid):
        if time is not None and time <= at:
            raise Refused("That time has passed. Choose one that is still to come.", code="past")
        if time is not None and time > at + FURTHEST:
            raise Refused("That time is more than a year away. Choose an earlier one.", code="far")
    if valid is not None and kind not in (GO_AHEAD, NO_INTEREST, EVIDENCE_WANTED, STATEMENT_WANTED):
        raise Refused("Only a go-ahead can run out. Leave that time empty.", code="valid")
    riding = tuple(c for c in CONDITIONS if c in conditions or c == kind)
    if kind == PASS_ON:
        if riding:
            raise Refused(
                "The unit you pass this to says itself what it wants. Pass it on without conditions.",
                code="conditions",
            )
        return Effect(kind, False, False, None, None, (), asks_anew=True)
    if kind in (GO_AHEAD, NO_INTEREST, EVIDENCE_WANTED, STATEMENT_WANTED):
        if until is not None or review is not None:
            raise Refused(
                "A go-ahead has no end. To wait until a time, choose “go ahead after” or “hold”.",
                code="until",
            )
        return Effect(kind, True, False, None, None, riding, valid_until=valid)
    if kind == GO_AHEAD_AFTER and until is None:
        raise Refused("Say from when you agree: choose a date and time.", code="until")
    if kind == HOLD and until is None and review is None:
        raise Refused("A hold needs a time when it ends or is looked at again. Choose one.", code="review")
    if kind == REFUSE and until is not None:
        raise Refused("A refusal has no end of its own. To wait until a time, choose “hold”.", code="until")
    return Effect(kind, False, True, until, _review(kind, agreement, at, until, review), riding)


def _review(
    kind: str, agreement: Agreement, at: datetime, until: datetime | None, review: datetime | None
) -> datetime:
    """When the hold is looked at again: as asked, never later than the agreement allows."""
    most = agreement.refuse_review if kind == REFUSE else agreement.hold_review
    if review is not None and review > at + most:
        raise Refused(
            f"A hold like this is looked at again within {_words(most)}. Choose an earlier time.",
            code="review",
        )
    if until is not None and review is not None and review > until:
        raise Refused("The review lies after the end. Choose a time before it.", code="review")
    latest = at + most if until is None else min(until, at + most)
    return review or latest


def _words(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours} hours" if hours <= 72 else f"{hours // 24} days"
