"""The form in which people write the next version of an agreement: what it asks, and how what was typed is read.

True here: every field has a unit and a plain sentence; whatever is wrong is a sentence for its field, and nothing typed
is changed. What is not here: what may be a next version (`rules/agreements.py`), and the page (`web/desk`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import Any

from openhotline.rules.agreement import (
    AUTHORISE_FIRST,
    DEEMED_CLEAR,
    DEEMED_HOLD,
    ESCALATE,
    NOTIFY_TOGETHER,
    TELL_AFTER,
    Agreement,
)
from openhotline.rules.agreement_words import CLASS_NAMES
from openhotline.rules.calendars import Calendar, hours_text, staffed
from openhotline.rules.refusals import Refused
from openhotline.rules.words import CLASSES

TEXT, DAY, ONE, SOME, SPAN, COUNT, HOURS, DAYS = (
    *("text", "day", "one", "some", "span", "count", "hours", "days"),
)
UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
_KINDS = tuple((cls, CLASS_NAMES[cls].capitalize()) for cls in CLASSES)


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form."""

    name: str
    kind: str
    label: str
    sentence: str
    choices: tuple[tuple[str, str], ...] = ()


GROUPS: tuple[tuple[str, tuple[Field, ...]], ...] = (
    (
        "What it is",
        (
            Field("name", TEXT, "Name", "As both sides call it."),
            Field("note", TEXT, "In a sentence", "What it is about, for whoever reads it first."),
            Field(
                "valid_from",
                DAY,
                "In force from",
                "From midnight of this day on. Tomorrow or later: what was asked before keeps its clocks.",
            ),
        ),
    ),
    (
        "Order",
        (
            Field(
                "order",
                ONE,
                "Who comes first",
                "Whether a notice to the host waits for the unit.",
                (
                    (AUTHORISE_FIRST, "Ask first: no notice leaves before the unit has answered"),
                    (NOTIFY_TOGETHER, "Notify together: the unit is told and the notice leaves at once"),
                    (TELL_AFTER, "Tell after: the notice leaves, and the unit is told when it has"),
                ),
            ),
            Field(
                "classes",
                SOME,
                "Covers",
                "What is not ticked is asked about first, under the agreement for all.",
                _KINDS,
            ),
            Field(
                "second_reader",
                SOME,
                "Second reader",
                "What a second person has to grade, blind, before the police hear of it.",
                _KINDS,
            ),
            Field(
                "silence",
                ONE,
                "What silence means",
                "When the time to answer is over and nobody has answered.",
                (
                    (ESCALATE, "Nothing: the duty desk is rung, then two people of the hotline decide"),
                    (DEEMED_HOLD, "A hold, which is looked at again"),
                    (DEEMED_CLEAR, "A go-ahead: the notice leaves"),
                ),
            ),
        ),
    ),
    (
        "Clocks of the unit",
        (
            Field("answer", SPAN, "Answer", "The unit answers within this; then its duty desk is rung."),
            Field("escalate", SPAN, "Escalation", "From the asking until both houses hear that it waits."),
            Field("managers", SPAN, "Managers", "From the asking until the managers of both sides come in."),
            Field("hold_review", SPAN, "Review of a hold", "A hold is looked at again within this."),
            Field("refuse_review", SPAN, "Review of a refusal", "A refusal is looked at again within this."),
        ),
    ),
    (
        "Clocks of the host",
        (
            Field("host_target", SPAN, "Host's time", "From the notice until a reminder leaves."),
            Field("host_ladder", SPAN, "Ladder", "From the notice until the next one up is asked."),
            Field(
                "preserve_days", COUNT, "Preservation", "Days for which a notice asks to keep files and logs."
            ),
            Field(
                "calendar_clocks",
                SOME,
                "Run only in opening hours",
                "Clocks of the unit, and those of a child at risk, always run through.",
                (("host_target", "The host's time"), ("host_ladder", "The ladder")),
            ),
            Field("hours", HOURS, "Opening hours", "For example Mon-Fri 09:00-17:00. Empty: no calendar."),
            Field("holidays", DAYS, "Closed on", "Days such as 2026-12-25, one a line. Past ones may stay."),
        ),
    ),
    (
        "What the hotline owes the unit",
        (
            Field("evidence", SPAN, "Evidence", "What the unit asks for is handed over within this."),
            Field(
                "feedback",
                SPAN,
                "Feedback",
                "The unit hears within this that something is gone, has moved or came back.",
            ),
        ),
    ),
)
FIELDS = tuple(field for _, fields in GROUPS for field in fields)
Typed = Mapping[str, Sequence[str]]


def filled(one: Agreement, *, begins: date) -> dict[str, list[str]]:
    """The form with this version in it, to begin on a day."""
    values: dict[str, list[str]] = {}
    for field in FIELDS:
        value: Any = getattr(one, field.name, None)
        if field.kind == SPAN:
            values[field.name], values[f"{field.name}_unit"] = _split(value)
        elif field.kind == SOME:
            values[field.name] = list(value)
        else:
            values[field.name] = [str(value)]
    values["valid_from"] = [begins.isoformat()]
    values["hours"] = [hours_text(one.calendar) if one.calendar else ""]
    days = sorted(one.calendar.holidays) if one.calendar else []
    values["holidays"] = ["\n".join(day.isoformat() for day in days)]
    return values


def _split(span: timedelta) -> tuple[list[str], list[str]]:
    name = next((n for n in ("days", "hours") if span % UNITS[n] == timedelta(0)), "minutes")
    if span == timedelta(days=1):
        name = "hours"
    return [str(span // UNITS[name])], [name]


def read(typed: Typed, *, key: str, zone: tzinfo) -> tuple[Agreement | None, dict[str, str]]:
    """The version that was typed, without its own name; or None and {field: sentence} for all that cannot be read."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in FIELDS:
        try:
            values[field.name] = _READERS[field.kind](field, typed)
        except Refused as refusal:
            wrong[field.name] = refusal.sentence
    if wrong:
        return None, wrong
    hours, off = values.pop("hours"), values.pop("holidays")
    calendar = staffed(hours, zone)
    if calendar is None and off:
        return None, {"hours": "Write the opening hours too, or leave the days on which it is closed empty."}
    values["calendar"] = calendar and Calendar("hours", "Opening hours", zone, calendar.hours, off)
    return Agreement(key=key, version="", **values), {}


def _first(field: Field, typed: Typed) -> str:
    return next(iter(typed.get(field.name, ())), "").strip()


def _text(field: Field, typed: Typed) -> str:
    text = " ".join(_first(field, typed).split())
    most = 60 if field.name == "name" else 300
    if field.name == "name" and not text:
        raise Refused("Write the agreement's name.")
    if len(text) > most or not text.isprintable():
        raise Refused(f"Write at most {most} letters.")
    return f"{text}." if field.name == "note" and text and text[-1] not in ".!?" else text


def _day(field: Field, typed: Typed) -> date:
    return _date(_first(field, typed))


def _date(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"“{text[:20]}” is no day. Write year, month and day, such as 2027-03-01.")


def _one(field: Field, typed: Typed) -> str:
    value = _first(field, typed)
    if value not in dict(field.choices):
        raise Refused("Choose one of these.")
    return value


def _some(field: Field, typed: Typed) -> tuple[str, ...]:
    ticked = set(typed.get(field.name, ()))
    if ticked - set(dict(field.choices)):
        raise Refused("Tick only what is on the page.")
    return tuple(value for value, _ in field.choices if value in ticked)


def _whole(text: str) -> int:
    if not text:
        raise Refused("Write a whole number, 1 or more.")
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text)):
        raise Refused(f"“{text[:20]}” is no number that fits. Write a whole number, 1 or more.")
    return int(text)


def _count(field: Field, typed: Typed) -> int:
    return _whole(_first(field, typed))


def _span(field: Field, typed: Typed) -> timedelta:
    unit = next(iter(typed.get(f"{field.name}_unit", ())), "")
    if unit not in UNITS:
        raise Refused("Choose minutes, hours or days.")
    return _whole(_first(field, typed)) * UNITS[unit]


def _hours(field: Field, typed: Typed) -> str:
    text = _first(field, typed)
    try:
        staffed(text, UTC)  # whether it can be read; in which zone comes later
    except Refused:
        raise Refused(f"“{text[:60]}” is no hours. Write Mon-Fri 09:00-17:00, Sat 09:00-13:00.") from None
    return text


def _days(field: Field, typed: Typed) -> frozenset[date]:
    lines = [line.strip() for line in _first(field, typed).splitlines()]
    return frozenset(_date(line) for line in lines if line)


_READERS: dict[str, Callable[[Field, Typed], Any]] = {
    TEXT: _text,
    DAY: _day,
    ONE: _one,
    SOME: _some,
    SPAN: _span,
    COUNT: _count,
    HOURS: _hours,
    DAYS: _days,
}
