"""Reads an officer's form into one answer, and offers the times of a hold.

True here: a hold is one choice of time and one of reason; nothing is guessed that the form does not say.
What is not here: what the answer does (`rules/agreement.py`) and recording it (`steps/answer`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.http import QueryDict

from openhotline.records.models import Unit
from openhotline.rules import words
from openhotline.rules.agreement import HOLD_REASONS, Agreement
from openhotline.rules.refusals import Refused
from openhotline.web.portal.told import by_wall, from_wall, local, zoned
from openhotline.web.scoped import Scoped

GO, HOLD, EVIDENCE, OTHER = "go", "hold", "evidence", "other"
WARRANT = timedelta(hours=24)
_NOTES = {"payment": "payment details shown", "headers": "pages' headers and our checks"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One offered value of a form."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer as the form gave it, ready for `steps.answer.record`."""

    kind: str
    until: datetime | None = None
    review_at: datetime | None = None
    reason: str = ""
    reference: str = ""
    conditions: tuple[str, ...] = ()
    note: str = ""
    pass_to: Unit | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page offers: times, reasons, other answers, units."""

    times: tuple[Choice, ...]
    reasons: tuple[Choice, ...]
    units: tuple[Choice, ...]
    earliest: str
    latest: str
    hours: int
    typed: dict[str, str] = field(default_factory=dict)


def offer(mine: Scoped, *, unit: int, agreement: Agreement, at: datetime, typed: str = "") -> Offer:
    """Times on the wall clock from now on: in two hours, this evening, tomorrow morning; at most the review.

    `typed`: a time that was refused. Where the clock shows it twice, both are offered by their zone.
    """
    most = agreement.hold_review
    latest = at + most
    wall = local(at)
    first = (wall + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    evening = wall.replace(hour=18, minute=0, second=0, microsecond=0)
    morning = (wall + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    later = (wall + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    moments = []
    for moment in (first, evening, morning, later):
        for utc in by_wall(moment.replace(tzinfo=None))[:1]:
            if at + timedelta(minutes=30) < utc <= latest and utc not in moments:
                moments.append(utc)
    moments = sorted(moments)[:3]
    times = [
        Choice(moment.isoformat(), zoned(moment, at), index == min(1, len(moments) - 1))
        for index, moment in enumerate(moments)
    ]
    times += [Choice(moment.isoformat(), zoned(moment, at)) for moment in _both(typed)]
    times.append(Choice("open", f"No end yet; ask us in {int(most.total_seconds() // 3600)} h", not times))
    return Offer(
        times=tuple(times),
        reasons=tuple(Choice(reason, reason[0].upper() + reason[1:]) for reason in HOLD_REASONS),
        units=tuple(Choice(row.key, row.name) for row in mine.units().exclude(pk=unit).order_by("name")),
        earliest=f"{local(at + timedelta(minutes=5)):%Y-%m-%dT%H:%M}",
        latest=f"{local(latest):%Y-%m-%dT%H:%M}",
        hours=int(most.total_seconds() // 3600),
    )


def _both(typed: str) -> list[datetime]:
    """The two times that the clock shows as this one, in the night in which it is put back; else none."""
    try:
        found = by_wall(datetime.fromisoformat(typed))
    except (ValueError, OverflowError):
        return []
    return found if len(found) > 1 else []


def read(form: QueryDict, mine: Scoped, *, agreement: Agreement, at: datetime) -> Decision:
    """What the officer pressed. Raises Refused with a sentence where something is missing."""
    pressed = form.get("d", "")
    reference = _line(form.get("reference", ""), 200)
    valid = _moment(form.get("valid", ""))
    if pressed == GO:
        return Decision(words.GO_AHEAD, reference=reference, valid_until=valid)
    if pressed == HOLD:
        until, review = _time(form.get("t", ""), form.get("until", ""), agreement=agreement, at=at)
        return Decision(
            words.HOLD, until, review, form.get("why", ""), reference, note=_line(form.get("note", ""), 2000)
        )
    if pressed == EVIDENCE:
        return _evidence(form, reference, at=at)
    if pressed == OTHER:
        return _other(form, mine, reference, valid, agreement=agreement, at=at)
    raise Refused("Choose one of the answers on the page.", code="answer")


def _evidence(form: QueryDict, reference: str, *, at: datetime) -> Decision:
    wanted = form.getlist("want")
    conditions = (
        (words.EVIDENCE_WANTED, words.STATEMENT_WANTED) if "statement" in wanted else (words.EVIDENCE_WANTED,)
    )
    extra = [_NOTES[name] for name in wanted if name in _NOTES]
    note = f"Evidence: {', '.join(extra)}." if extra else ""
    if "warrant" in wanted:
        return Decision(
            words.GO_AHEAD_AFTER,
            at + WARRANT,
            None,
            "evidence first",
            reference,
            conditions,
            f"Waits for a warrant. {note}".strip(),
        )
    return Decision(words.EVIDENCE_WANTED, reference=reference, conditions=conditions, note=note)


def _moment(typed: str) -> datetime | None:
    """A date and time typed, or None where nothing was. Raises Refused for anything else."""
    if not typed.strip():
        return None
    try:
        return from_wall(datetime.fromisoformat(typed))
    except (ValueError, OverflowError):
        raise Refused("Write that time as a date and a time.", code="valid") from None


def _other(
    form: QueryDict,
    mine: Scoped,
    reference: str,
    valid: datetime | None,
    *,
    agreement: Agreement,
    at: datetime,
) -> Decision:
    kind = form.get("kind", "")
    note = _line(form.get("note", ""), 2000)
    if kind == words.GO_AHEAD_AFTER:
        until, _ = _time("typed", form.get("after", ""), agreement=agreement, at=at)
        return Decision(kind, until, None, form.get("after_why", ""), reference, note=note)
    if kind == words.REFUSE:
        return Decision(kind, None, None, "already investigating", reference, note=note)
    if kind == words.GO_AHEAD:
        return Decision(kind, reference=reference, note=note, valid_until=valid)
    if kind in (words.STATEMENT_WANTED, words.NO_INTEREST):
        return Decision(kind, reference=reference, note=note, valid_until=valid)
    if kind == words.PASS_ON:
        unit = mine.units().filter(key=form.get("unit", "")).first()
        return Decision(kind, reference=reference, note=note, pass_to=unit)
    raise Refused("Choose one of the other answers first.", code="answer")


def _time(
    chosen: str, typed: str, *, agreement: Agreement, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """(end, review). A time typed wins over the choice "other"; an end lies within the agreement's review."""
    if chosen == "open":
        return None, at + agreement.hold_review
    try:
        if chosen in ("typed", "o"):
            until = from_wall(datetime.fromisoformat(typed))
        else:
            until = datetime.fromisoformat(chosen)
            if until.tzinfo is None:
                raise ValueError
    except (ValueError, OverflowError):
        raise Refused("Choose until when: one of the times, or type a date and time.", code="until") from None
    hours = int(agreement.hold_review.total_seconds() // 3600)
    if until > at + agreement.hold_review:
        raise Refused(
            f"A hold lasts {hours} hours at most; then we ask you again. Choose an earlier time.",
            code="until",
        )
    return until, None


def _line(text: str, longest: int) -> str:
    return text.replace("\x00", "").strip()[:longest]


def chosen(form: QueryDict, offered: Sequence[str]) -> list[str]:
    """The addresses ticked, of those that were offered."""
    known = set(offered)
    return [uid for uid in form.getlist("one") if uid in known]
