"""Hours a desk is staffed, read from what a person types; when it opens next; time that counts while it is open."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from openhotline.rules import calendars
from openhotline.rules.calendars import Calendar
from openhotline.rules.refusals import Refused

LONDON = ZoneInfo("Europe/London")
WORK = (8 * 60 + 5, 18 * 60 + 30)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def staffed(text: str) -> tuple[tuple[int, int] | None, ...] | None:
    read = calendars.staffed(text, LONDON)
    return read.hours if read else None


def test_hours_are_read_as_people_write_them() -> None:
    assert staffed("") is None and staffed("  ") is None, "always staffed"
    assert staffed("Mon-Fri 08:05-18:30") == (*(WORK,) * 5, None, None)
    assert staffed("Sat-Mon 08:05-18:30, Wed 00:00-24:00") == (WORK, None, (0, 1440), None, None, WORK, WORK)
    for number, day in enumerate(DAYS):
        assert staffed(f"{day} 08:05-18:30") == (*(None,) * number, WORK, *(None,) * (6 - number))
        assert staffed(f"{day}-{day} 08:05-18:30") == staffed(f"{day} 08:05-18:30")
    assert staffed("Mon-Sun 23:00-23:01") == ((1380, 1381),) * 7
    assert staffed("mon  08:05-18:30; tue 08:05-18:30") == (WORK, WORK, *(None,) * 5)
    read = calendars.staffed("Sun 09:00-10:00", LONDON)
    assert read is not None and (read.zone, read.name) == (LONDON, "Sun 09:00-10:00")


@pytest.mark.parametrize(
    "text",
    [
        "always", "Mon 9-5", "Mon 08:00-08:00", "Mon 18:00-08:00", "Mon 08:00-24:01", "Mon-Xyz 08:00-18:00",
        "Xyz 08:00-18:00", f"Mon 08:00-18:00, {'x' * 70}",
    ],
)  # fmt: skip
def test_what_is_no_hours_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="is no hours") as refused:
        calendars.staffed(text, LONDON)
    assert refused.value.code == "hours"
    cut = refused.value.sentence.partition("”")[0]
    assert len(cut) <= 61, "a stranger's words are cut"


def test_a_desk_opens_next_when_its_hours_say() -> None:
    desk = calendars.staffed("Mon 08:00-18:00, Tue 09:00-10:00", UTC)

    def opens(day: int, hour: int, minute: int = 0) -> tuple[int, int, int]:
        moment = calendars.next_open(datetime(2026, 5, day, hour, minute, tzinfo=UTC), desk)
        return moment.day, moment.hour, moment.minute

    assert opens(11, 7) == (11, 8, 0)  # the 11th is a Monday
    assert opens(11, 8) == (11, 8, 0)
    assert opens(11, 17, 59) == (11, 17, 59)
    assert opens(11, 18) == (12, 9, 0)
    assert opens(12, 10) == (18, 8, 0)
    only = calendars.staffed("Mon 08:00-18:00", UTC)
    assert calendars.next_open(datetime(2026, 5, 11, 18, tzinfo=UTC), only) == datetime(
        2026, 5, 18, 8, tzinfo=UTC
    )
    at = datetime(2026, 5, 11, 3, tzinfo=UTC)
    assert calendars.next_open(at, None) == at
    assert calendars.next_open(at, Calendar("never", "never", UTC, (None,) * 7)) == at


def test_time_counts_to_the_very_end_of_a_day_and_of_the_years_looked_ahead() -> None:
    desk = Calendar("d", "d", UTC, ((8 * 60, 10 * 60), *(None,) * 6))
    monday = datetime(2026, 5, 11, 8, tzinfo=UTC)
    assert calendars.add(monday, timedelta(hours=2), desk) == monday + timedelta(hours=2)
    assert calendars.add(monday + timedelta(hours=2), timedelta(0), desk) == monday + timedelta(days=7)
    assert calendars.add(monday, timedelta(hours=4), desk) == monday + timedelta(days=7, hours=2)
    weeks = 523  # Mondays in 3,660 days that begin on one
    assert calendars.add(monday, timedelta(hours=2 * weeks), desk) == monday + timedelta(
        days=7 * 522, hours=2
    )
    with pytest.raises(ValueError, match="“d” is hardly ever open"):
        calendars.add(monday, timedelta(hours=2 * weeks + 1), desk)
    with pytest.raises(ValueError, match="hardly ever"):
        calendars.add(monday, timedelta(hours=1), Calendar("n", "n", UTC, (None,) * 7))


def test_a_day_that_is_open_to_its_end_ends_at_midnight() -> None:
    whole = Calendar("w", "w", UTC, ((0, 24 * 60),) * 7)
    monday = datetime(2026, 5, 11, tzinfo=UTC)
    assert whole.opening(monday.date()) == (monday, monday + timedelta(days=1))
    assert staffed("Tue 00:00-00:01") == (None, (0, 1), *(None,) * 5)
