"""When to look again: bands by state and age, jitter that a replay draws again, turns at a host, what 429 asks for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.rules import gone, pace
from openhotline.rules.pace import ABROAD, JITTER, STATES, WAITING, WITH_HOST, Band

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


def test_a_silence_is_looked_at_often_enough_to_be_known() -> None:
    """The longest wait after silence, with jitter and up to the next of the grid, is shorter than a gap may be."""
    slowest = max(max(band.every, PACE.unsure_most) for band in PACE.bands) * (1 + JITTER)
    assert slowest + 2 * pace.LONG_GRID < gone.UNWATCHED


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
    assert pace.retry_after(429, {"retry-after": text}, NOON, PACE) == NOON + wanted


def test_a_fault_asks_for_rest_only_where_it_names_a_time() -> None:
    def until(status: int, **headers: str) -> datetime | None:
        return pace.retry_after(status, {f"retry-{name}": text for name, text in headers.items()}, NOON, PACE)

    assert until(503, after="1800") == until(503, after="Tue, 12 May 2026 12:30:00 GMT") == NOON + 30 * MINUTE
    assert until(503, after="99999999") == NOON + DAY
    assert [until(503), until(503, after="soon"), until(500, after="60"), until(200, after="60")] == [
        None
    ] * 4


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


def test_a_band_ends_where_the_next_begins() -> None:
    two = replace(PACE, bands=(Band("up", HOUR, MINUTE), Band("up", None, DAY)))
    assert two.every("up", HOUR - MINUTE) == MINUTE
    assert two.every("up", HOUR) == DAY


@pytest.mark.parametrize("drawn", [-1.0, 0.0, 0.5])
def test_a_wait_is_worked_out_to_the_second(drawn: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "jitter", lambda number, step: drawn)
    figures = replace(
        PACE, bands=(Band("up", None, HOUR),), again=4 * MINUTE, unsure=MINUTE, unsure_most=2 * HOUR
    )

    def waits(kind: str, unsure: int = 0) -> float:
        wait = pace.wait(figures, kind, state="up", age=DAY, number=1, step=1, unsure=unsure)
        return wait / MINUTE

    def spread(minutes: float) -> object:
        return pytest.approx(minutes * (1 + 0.3 * drawn))

    assert waits(gone.FIRST_MISS) == pytest.approx(4 * (1 + 0.15 * (drawn + 1)))
    assert waits(gone.UP) == spread(60)
    for kind in (gone.CANNOT_TELL, gone.BLOCKED_FOR_US, gone.MOVED):
        told = [waits(kind, unsure) for unsure in (0, 1, 2, 3, 7, 8, 99)]
        assert told == [spread(minutes) for minutes in (1, 1, 2, 4, 64, 120, 120)]
    slow = replace(figures, bands=(Band("up", None, 30 * DAY),), unsure_most=MINUTE)
    far = pace.wait(slow, gone.MOVED, state="up", age=DAY, number=1, step=1, unsure=99)
    assert far / MINUTE == spread(256), "doubled eight times at the most"


def test_the_grid_is_of_one_minute_up_to_the_long_wait_and_of_five_from_it_on() -> None:
    odd = NOON + timedelta(minutes=6, seconds=20)
    assert pace.on_the_grid(odd, pace.LONG_WAIT - MINUTE) == NOON + 7 * MINUTE
    assert pace.on_the_grid(odd, pace.LONG_WAIT) == NOON + 10 * MINUTE
    assert pace.on_the_grid(NOON + 10 * MINUTE, pace.LONG_WAIT) == NOON + 10 * MINUTE


def test_one_host_is_asked_at_its_own_distance() -> None:
    figures = replace(PACE, between=MINUTE, between_watch=HOUR, between_onion=DAY)
    for watched in (False, True):
        assert pace.between(figures, watched=watched, onion=True) == DAY
        assert pace.between(figures, watched=watched, onion=False) == (HOUR if watched else MINUTE)


def test_a_time_without_a_zone_is_utc_and_digits_are_ascii() -> None:
    def until(text: str) -> datetime | None:
        return pace.retry_after(429, {"retry-after": text}, NOON, PACE)

    assert until("Tue, 12 May 2026 12:30:00") == NOON + 30 * MINUTE
    assert until("Tue, 12 May 2026 14:30:00 +0200") == NOON + 30 * MINUTE
    assert until("١٢٠") == NOON + 5 * MINUTE
    assert until("9" * 9) == NOON + DAY
    assert until("0" * 10 + "9") == until("0" * 9 + "9") == NOON + 5 * MINUTE, "too long to be meant"
