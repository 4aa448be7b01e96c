"""When to look again: bands by state and age, jitter that a replay draws again, turns at a host, what 429 asks for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.rules import gone, pace
from openhotline.rules.pace import ABROAD, JITTER, STATES, WAITING, WITH_HOST

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
PACE = policy.load("gb").pace
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_intervals_grow_with_age_and_differ_by_state() -> None:
    for state in STATES:
        spans = [PACE.every(state, age) for age in (0 * HOUR, 3 * HOUR, 12 * HOUR, 2 * DAY, 30 * DAY)]
        assert spans == sorted(spans)
    assert PACE.first(WITH_HOST) < PACE.first(WAITING) < PACE.first(ABROAD)
    with pytest.raises(ValueError, match="no band"):
        PACE.every("nowhere", HOUR)


@given(st.integers(1, 10**9), st.integers(0, 10**6), st.sampled_from(STATES), st.integers(0, 60 * 24 * 40))
def test_jitter_is_within_thirty_per_cent_and_the_same_in_a_replay(
    number: int, step: int, state: str, minutes: int
) -> None:
    given_ = {"state": state, "age": minutes * MINUTE, "number": number, "step": step}
    usual = PACE.every(state, minutes * MINUTE)
    drawn = pace.wait(PACE, gone.UP, **given_)  # type: ignore[arg-type]
    assert usual * (1 - JITTER) <= drawn <= usual * (1 + JITTER)
    assert drawn == pace.wait(PACE, gone.UP, **given_)  # type: ignore[arg-type]
    again = pace.wait(PACE, gone.FIRST_MISS, **given_)  # type: ignore[arg-type]
    assert gone.APART <= PACE.again <= again <= PACE.again * (1 + JITTER)


def test_jitter_spreads_evenly() -> None:
    drawn = [pace.jitter(number, 1) for number in range(2000)]
    assert -0.06 < sum(drawn) / len(drawn) < 0.06
    assert min(drawn) < -0.9
    assert max(drawn) > 0.9


def test_what_tells_nothing_is_asked_less_and_less_often() -> None:
    waits = [
        pace.wait(PACE, gone.CANNOT_TELL, state=WITH_HOST, age=3 * DAY, number=7, step=0, unsure=count)
        for count in range(1, 9)
    ]
    assert waits == sorted(waits)
    assert waits[-1] <= PACE.unsure_most * (1 + JITTER)
    far = pace.wait(PACE, gone.BLOCKED_FOR_US, state=ABROAD, age=30 * DAY, number=7, step=0, unsure=900)
    assert far >= 3 * HOUR


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("120", 2 * MINUTE),
        ("", 5 * MINUTE),
        ("soon", 5 * MINUTE),
        ("-4", 5 * MINUTE),
        ("99999999", DAY),
        ("9" * 40, 5 * MINUTE),
        ("0", timedelta(seconds=1)),
        ("Tue, 12 May 2026 12:30:00 GMT", 30 * MINUTE),
        ("Tue, 12 May 2026 11:30:00 GMT", timedelta(seconds=1)),
        ("Tue, 12 May 9999 11:30:00 GMT", DAY),
    ],
)
def test_a_host_is_left_alone_as_long_as_it_asks_within_bounds(text: str, wanted: timedelta) -> None:
    assert pace.retry_after({"retry-after": text}, NOON, PACE) == NOON + wanted


def test_a_bundle_takes_its_turns_within_eight_minutes() -> None:
    slots = [pace.slot(PACE, NOON, NOON, rank, PACE.between) for rank in range(433)]
    assert slots == sorted(slots)
    assert slots[PACE.turn - 1] == NOON < slots[PACE.turn]
    assert slots[-1] <= NOON + 8 * MINUTE
    for moment in set(slots):
        assert slots.count(moment) <= PACE.turn
    watch = [pace.slot(PACE, NOON, NOON, rank, PACE.between_watch) for rank in range(5)]
    assert watch == [NOON + rank * MINUTE for rank in range(5)]


def test_looks_leave_on_whole_minutes() -> None:
    odd = NOON + timedelta(minutes=3, seconds=20)
    assert pace.on_the_grid(odd, 2 * MINUTE) == NOON + 4 * MINUTE
    assert pace.on_the_grid(odd, HOUR) == NOON + 5 * MINUTE
    assert pace.on_the_grid(NOON, HOUR) == NOON
    assert pace.on_the_grid(odd, 3 * MINUTE, gone.FIRST_MISS) == NOON + timedelta(minutes=3, seconds=30)
