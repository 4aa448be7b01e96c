"""The agreements with police, as a policy file gives them and as the house keeps its own versions.

True here: both are the same schema read by the same reader, so what a page proposes has to hold what a file has to
hold. What is not here: how one field is read (`policy/table.py`), and what follows from a version (`rules/agreement`).
"""

import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from openhotline.policy.table import PolicyFault, Table
from openhotline.rules import words
from openhotline.rules.agreement import (
    CALENDAR_CLOCKS,
    CLOCKS,
    DEEMED_CLEAR,
    DEEMED_HOLD,
    ESCALATE,
    ORDERS,
    Agreement,
    faults,
)
from openhotline.rules.calendars import Calendar

_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def versions(table: Table) -> tuple[Agreement, ...]:
    """`[[calendar]]` and `[[agreement]]` of agreements.toml. Raises PolicyFault with a sentence."""
    calendars = {one.key: one for one in table.read("calendar", calendar, optional=True)}
    return table.read("agreement", lambda row: agreement(row, calendars), by="version")


def stored(text: str) -> Agreement:
    """One version as the house keeps it: the same tables as JSON, days written 2026-01-01. Raises PolicyFault."""
    try:
        value = json.loads(text)
        for row in value["agreement"]:
            for key in {"valid_from", "valid_until"} & set(row):
                row[key] = date.fromisoformat(row[key])
        for row in value["calendar"]:
            row["holidays"] = [date.fromisoformat(day) for day in row["holidays"]]
    except (ValueError, TypeError, KeyError) as fault:
        raise PolicyFault(f"A stored agreement cannot be read: {fault!r}.") from None
    found = versions(Table("agreement", value if value["calendar"] else {"agreement": value["agreement"]}))
    if len(found) != 1:
        raise PolicyFault("A stored agreement holds more than one version.")
    return found[0]


def text_of(one: Agreement) -> str:
    """What `stored` reads: one line of JSON, the same for the same version."""
    row: dict[str, Any] = {
        "key": one.key,
        "version": one.version,
        "name": one.name,
        "note": one.note,
        "order": one.order,
        "classes": list(one.classes),
        "silence": one.silence,
        "valid_from": one.valid_from.isoformat(),
        "calendar": one.calendar.key if one.calendar else "none",
        "calendar_clocks": list(one.calendar_clocks),
        "second_reader": list(one.second_reader),
        "preserve_days": one.preserve_days,
        "clocks": {clock: _span(getattr(one, clock)) for clock in CLOCKS},
    }
    if one.valid_until is not None:
        row["valid_until"] = one.valid_until.isoformat()
    calendars = [] if one.calendar is None else [_calendar(one.calendar)]
    return json.dumps({"agreement": [row], "calendar": calendars}, ensure_ascii=False, sort_keys=True)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


def _calendar(one: Calendar) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "zone": str(one.zone),
        "hours": {
            day: f"{span[0] // 60:02}:{span[0] % 60:02}-{span[1] // 60:02}:{span[1] % 60:02}"
            for day, span in zip(_DAYS, one.hours, strict=True)
            if span
        },
        "holidays": sorted(day.isoformat() for day in one.holidays),
    }


def calendar(row: Table) -> Calendar:
    """`[[calendar]]` of agreements.toml: opening hours per weekday, days off, and the zone they are told in."""
    hours: list[tuple[int, int] | None] = [None] * 7
    given = row.get("hours", dict)
    for number, name in enumerate(_DAYS):
        if name in given:
            read = _HOURS.fullmatch(str(given[name]))
            start, end = (
                (int(read[1]) * 60 + int(read[2]), int(read[3]) * 60 + int(read[4])) if read else (0, 0)
            )
            if not 0 <= start < end <= 24 * 60:
                raise row.fault("hours", f"has “{given[name]}” for {name}; write 09:00-17:00")
            hours[number] = (start, end)
    off = row.get("holidays", list, [])
    if set(given) - set(_DAYS) or not any(hours):
        raise row.fault("hours", "should name days from mon to sun, at least one")
    if not all(isinstance(day, date) for day in off):
        raise row.fault("holidays", "should be a list of days such as 2026-12-25")
    return Calendar(row.text("key"), row.text("name"), row.zone("zone"), tuple(hours), frozenset(off))


def agreement(row: Table, calendars: Mapping[str, Calendar]) -> Agreement:
    """`[[agreement]]` of agreements.toml."""
    on = row.text("calendar", "none")
    if on != "none" and on not in calendars:
        raise row.fault(
            "calendar", f"names a calendar “{on}” that is no [[calendar]] of this file; write none, or add it"
        )
    inner = row.table("clocks")
    made = Agreement(
        key=row.text("key"),
        version=row.text("version"),
        name=row.text("name"),
        note=row.text("note", ""),
        order=row.one_of("order", ORDERS),
        classes=row.texts("classes", words.CLASSES),
        silence=row.one_of("silence", (ESCALATE, DEEMED_CLEAR, DEEMED_HOLD)),
        preserve_days=row.get("preserve_days", int),
        second_reader=row.texts("second_reader", words.CLASSES),
        valid_from=row.day("valid_from"),
        valid_until=row.day_or_none("valid_until"),
        calendar=calendars.get(on),
        # Police clocks are never on a calendar: only a host's may be.
        calendar_clocks=row.texts("calendar_clocks", CALENDAR_CLOCKS),
        **{clock: inner.span(clock) for clock in CLOCKS},
    )
    for field, sentence in faults(made):
        raise PolicyFault(f"{row.file}: “{row.where}.{field}”: {sentence}")
    return made
