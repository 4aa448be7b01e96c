"""Opening hours and holidays as an agreement may name them, and time counted only while they are open.

True here: what is counted is real time, so a day on which the clock is put forward is an hour shorter. Police and
child-at-risk traffic is never held by a calendar: the agreement refuses to put a police clock on one, and a
removal of a child at risk runs through (`agreement.py`). What is not here: finding zones (policy reading does).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from openhotline.rules.refusals import Refused

_LONGEST = 3_660  # days looked ahead; a calendar that is never open is a mistake, not a wait


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody is there: minutes of the local day per weekday (Monday first), and days off."""

    key: str
    name: str
    zone: tzinfo
    hours: tuple[tuple[int, int] | None, ...]
    holidays: frozenset[date] = frozenset()

    def opening(self, day: date) -> tuple[datetime, datetime] | None:
        """From when to when it is open on a local day, in UTC; None on a day off."""
        span = self.hours[day.weekday()]
        if span is None or day in self.holidays:
            return None
        return self._moment(day, span[0]), self._moment(day, span[1])

    def _moment(self, day: date, minute: int) -> datetime:
        if minute == 24 * 60:
            day, minute = day + timedelta(days=1), 0
        wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self.zone)
        return wall.astimezone(UTC)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


def staffed(text: str, zone: tzinfo) -> Calendar | None:
    """When a desk is staffed, as its unit writes it: "Mon-Fri 08:00-18:00, Sat 09:00-13:00". Nothing: always, None.

    Raises Refused for what cannot be read so.
    """
    if not text.strip():
        return None
    hours: list[tuple[int, int] | None] = [None] * 7
    for part in text.lower().replace(";", ",").split(","):
        read = _SPAN.fullmatch(" ".join(part.split()))
        ends = (read[1], read[2] or read[1]) if read else ("", "")
        start, end = (int(read[3]) * 60 + int(read[4]), int(read[5]) * 60 + int(read[6])) if read else (0, 0)
        if not set(ends) <= set(_DAYS) or not 0 <= start < end <= 24 * 60:
            raise Refused(
                f"“{part.strip()[:60]}” is no hours. Write Mon-Fri 08:00-18:00, Sat 09:00-13:00; "
                "leave it empty for a desk that is always staffed.",
                code="hours",
            )
        first, last = (_DAYS.index(day) for day in ends)
        for number in range(first, last + 1 if last >= first else last + 8):
            hours[number % 7] = (start, end)
    return Calendar("staffed", text, zone, tuple(hours))


def hours_text(calendar: Calendar) -> str:
    """What `staffed` reads: "Mon-Fri 09:00-17:00, Sat 09:00-13:00"."""
    parts, day = [], 0
    while day < len(_DAYS):
        span, first = calendar.hours[day], day
        while day + 1 < len(_DAYS) and calendar.hours[day + 1] == span:
            day += 1
        if span is not None:
            days = _DAYS[first].capitalize() if first == day else f"{_DAYS[first]}-{_DAYS[day]}".title()
            open_, shut = (f"{minute // 60:02}:{minute % 60:02}" for minute in span)
            parts.append(f"{days} {open_}-{shut}")
        day += 1
    return ", ".join(parts)


def next_open(at: datetime, calendar: Calendar | None) -> datetime:
    """`at` itself where it is open then, else when it opens next."""
    if calendar is None:
        return at
    day = at.astimezone(calendar.zone).date()
    for ahead in range(8):
        opening = calendar.opening(day + timedelta(days=ahead))
        if opening is not None and opening[1] > at:
            return max(opening[0], at)
    return at


def add(at: datetime, span: timedelta, calendar: Calendar | None) -> datetime:
    """When `span` of open time has passed since `at`; without a calendar every minute counts.

    Raises ValueError for a calendar that does not open often enough.
    """
    if calendar is None:
        return at + span
    left, now = span, at.astimezone(UTC)
    day = at.astimezone(calendar.zone).date()
    for _ in range(_LONGEST):
        opening = calendar.opening(day)
        if opening is not None:
            start, end = max(opening[0], now), opening[1]
            if end > start:
                if end - start >= left:
                    return start + left
                left -= end - start
        day += timedelta(days=1)
    raise ValueError(f"The calendar “{calendar.key}” is hardly ever open.")
