"""Clocks equal a table made by hand: summer and winter time, leap days, holidays, clock jumps.

Every expected time was worked out on paper from the clock changes of 2026 to 2028 in London (29 March and 25
October 2026; 28 March 2027), not by the code under test.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from openhotline import policy as policies
from openhotline.rules.calendars import Calendar, add

GB = policies.load("gb")
FIRST = GB.agreements.history("authorise-first")[0]
LONDON = ZoneInfo("Europe/London")
NINE_TO_FIVE = (9 * 60, 17 * 60)
OFFICE = Calendar(
    "office",
    "Monday to Friday, 9 to 17",
    LONDON,
    (NINE_TO_FIVE,) * 5 + (None, None),
    frozenset({date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)}),
)
SUNDAYS = Calendar("sundays", "Sundays, 0 to 4", LONDON, (None,) * 6 + ((0, 4 * 60),))
ALL_DAY = Calendar("all-day", "Every day, all day", LONDON, ((0, 24 * 60),) * 7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# asked at (UTC), which clock, when it ends (UTC)
THROUGH = [
    ("2026-05-12T12:00", "answer", "2026-05-12T14:00"),
    ("2026-05-12T12:00", "escalate", "2026-05-12T20:00"),
    ("2026-05-12T12:00", "managers", "2026-05-13T12:00"),
    ("2026-05-16T23:30", "answer", "2026-05-17T01:30"),  # Saturday night: runs through
    ("2026-03-29T00:30", "answer", "2026-03-29T02:30"),  # 01:00 to 02:00 local is skipped; two real hours
    ("2026-03-28T12:00", "managers", "2026-03-29T12:00"),  # a local day of 23 hours: still 24 h
    ("2026-10-25T00:30", "answer", "2026-10-25T02:30"),  # 01:00 to 02:00 local comes twice
    ("2026-10-24T12:00", "managers", "2026-10-25T12:00"),  # a local day of 25 hours
    ("2028-02-28T23:00", "answer", "2028-02-29T01:00"),  # into a leap day
    ("2028-02-29T12:00", "managers", "2028-03-01T12:00"),  # out of it
    ("2027-02-28T12:00", "managers", "2027-03-01T12:00"),  # no leap day that year
    ("2026-12-31T23:00", "answer", "2027-01-01T01:00"),  # over the year, a holiday
    ("2026-12-25T10:00", "escalate", "2026-12-25T18:00"),  # Christmas: police clocks know no holiday
    ("2026-05-12T12:00", "host_target", "2026-05-12T16:00"),
    ("2026-05-12T12:00", "host_ladder", "2026-05-13T12:00"),
]


@pytest.mark.parametrize(("at", "name", "ends"), THROUGH)
def test_a_clock_without_a_calendar_counts_every_minute(at: str, name: str, ends: str) -> None:
    ask = {
        "answer": FIRST.answer_due,
        "escalate": FIRST.escalate_at,
        "managers": FIRST.managers_at,
        "host_target": FIRST.host_due,
        "host_ladder": FIRST.ladder_at,
    }[name]
    assert ask(utc(at)) == utc(ends)


# from (UTC), hours of open time, calendar, ends (UTC)
OPEN_HOURS = [
    ("2026-05-12T12:00", 2, OFFICE, "2026-05-12T14:00"),  # Tuesday 13:00 local, open till 16:00 UTC
    ("2026-05-12T14:00", 4, OFFICE, "2026-05-13T10:00"),  # two hours left today, two tomorrow from 08:00 UTC
    ("2026-05-15T15:00", 4, OFFICE, "2026-05-18T11:00"),  # Friday, over the weekend
    ("2026-05-16T10:00", 1, OFFICE, "2026-05-18T09:00"),  # begins on a Saturday
    ("2026-05-12T05:00", 1, OFFICE, "2026-05-12T09:00"),  # before opening
    ("2026-05-12T16:00", 1, OFFICE, "2026-05-13T09:00"),  # at closing time, to the minute
    ("2026-03-27T16:00", 4, OFFICE, "2026-03-30T11:00"),  # Friday in winter time, Monday in summer time
    ("2026-10-23T15:00", 4, OFFICE, "2026-10-26T12:00"),  # Friday in summer time, Monday in winter time
    ("2026-12-24T16:00", 9, OFFICE, "2026-12-29T17:00"),  # over two holidays and a weekend
    ("2026-12-31T16:00", 4, OFFICE, "2027-01-04T12:00"),  # New Year, then a weekend
    ("2028-02-28T16:00", 8, OFFICE, "2028-02-29T16:00"),  # Tuesday 29 February is a day like others
    ("2026-03-28T12:00", 4, SUNDAYS, "2026-04-05T00:00"),  # the night of 29 March has three hours only
    ("2026-10-24T12:00", 5, SUNDAYS, "2026-10-25T04:00"),  # that of 25 October has five
    ("2026-03-28T12:00", 24, ALL_DAY, "2026-03-29T12:00"),
    ("2026-10-24T12:00", 24, ALL_DAY, "2026-10-25T12:00"),
]


@pytest.mark.parametrize(("at", "hours", "calendar", "ends"), OPEN_HOURS)
def test_open_time_is_counted_as_the_table_says(at: str, hours: int, calendar: Calendar, ends: str) -> None:
    assert add(utc(at), timedelta(hours=hours), calendar) == utc(ends)


def test_a_calendar_stretches_a_hosts_clock_and_never_that_of_a_child_at_risk() -> None:
    office = replace(FIRST, calendar=OFFICE, calendar_clocks=("host_target", "host_ladder"))
    friday = utc("2026-05-15T15:00")
    assert office.host_due(friday) == utc("2026-05-18T11:00")
    assert office.host_due(friday, at_risk=True) == utc("2026-05-15T19:00")
    assert office.ladder_at(friday) == utc("2026-05-20T15:00")  # 24 open hours: 1 + 8 + 8 + 7
    assert office.ladder_at(friday, at_risk=True) == utc("2026-05-16T15:00")
    assert office.answer_due(friday) == utc("2026-05-15T17:00"), "no police clock is on a calendar"


def test_a_calendar_that_is_never_open_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="hardly ever open"):
        add(utc("2026-05-12T12:00"), timedelta(hours=1), replace(OFFICE, hours=(None,) * 7))
