"""Every guard of a letter at departure, one at a time and two at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from openhotline.rules import departure, removal_path
from openhotline.rules.departure import GO, NOTHING_LEFT, WAIT, Consent, Departure, Line

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GOOD = Line(
    1,
    status=removal_path.CLEARED,
    held=False,
    here=True,
    covered=True,
    traced_at=NOON - MINUTE,
    trace_ends=NOON + MINUTE,
    agreed=True,
)


def test_a_good_line_leaves_and_nothing_drops_out() -> None:
    for frozen in (False, True):
        found = departure.notice([GOOD, replace(GOOD, removal=2)], frozen=frozen, at=NOON)
        assert (found.verdict, found.stay, found.waiting, found.dropped) == (GO, (1, 2), (), {})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (replace(GOOD, removal=2, held=True), "Held."),
        (replace(GOOD, removal=2, status=removal_path.NOTICED), "It is noticed now."),
        (replace(GOOD, removal=2, covered=False), "No answer of the police covers it any more."),
        (replace(GOOD, removal=2, here=False), "It is at another host now."),
        (replace(GOOD, removal=2, held=True, covered=False, here=False), "Held."),
    ],
)
def test_what_does_not_hold_any_more_drops_out_and_the_rest_goes(bad: Line, why: str) -> None:
    found = departure.notice([GOOD, bad], frozen=False, at=NOON)
    assert (found.verdict, found.stay, found.dropped) == (GO, (1,), {why: (2,)})
    # Frozen bytes cannot be shortened, and a letter without a line has nothing to say.
    assert departure.notice([GOOD, bad], frozen=True, at=NOON).verdict == NOTHING_LEFT
    alone = departure.notice([bad], frozen=False, at=NOON)
    assert (alone.verdict, alone.stay, alone.dropped) == (NOTHING_LEFT, (), {why: (2,)})
    two = departure.notice([bad, replace(bad, removal=3)], frozen=False, at=NOON)
    assert two.dropped == {why: (2, 3)}


@pytest.mark.parametrize(
    "stale",
    [
        replace(GOOD, removal=2, traced_at=NOON - 16 * MINUTE),
        replace(GOOD, removal=2, traced_at=None),
        replace(GOOD, removal=2, trace_ends=None),
        replace(GOOD, removal=2, trace_ends=NOON - MINUTE),
        replace(GOOD, removal=2, agreed=False),
    ],
)
def test_a_stale_or_unclear_trace_waits_and_keeps_nobody(stale: Line) -> None:
    alone = departure.notice([stale], frozen=False, at=NOON)
    assert (alone.verdict, alone.waiting, alone.dropped) == (WAIT, (2,), {})
    both = departure.notice([GOOD, stale], frozen=False, at=NOON)
    assert (both.verdict, both.stay, both.waiting) == (GO, (1,), (2,))
    assert both.dropped == {departure.RETRACED: (2,)}
    assert departure.RETRACED == "It is being traced again; it goes in a letter of its own."
    assert departure.notice([GOOD, stale], frozen=True, at=NOON).verdict == NOTHING_LEFT
    held = departure.notice([replace(GOOD, removal=3, held=True), stale], frozen=False, at=NOON)
    assert (held.verdict, held.dropped) == (WAIT, {}), "nothing changes while a letter waits"


def test_a_trace_is_fresh_for_a_quarter_of_an_hour_and_to_its_end() -> None:
    assert departure.fresh(replace(GOOD, traced_at=NOON - 15 * MINUTE), NOON)
    assert not departure.fresh(replace(GOOD, traced_at=NOON - 15 * MINUTE - timedelta(seconds=1)), NOON)
    assert departure.fresh(replace(GOOD, trace_ends=NOON), NOON)
    assert departure.fresh(replace(GOOD, traced_at=None), NOON) is False
    assert timedelta(minutes=15) == departure.RETRACE_WITHIN


def test_a_referral_waits_for_a_hold_and_for_a_trace_and_ends_when_nothing_is_left() -> None:
    abroad = replace(GOOD, status=removal_path.TRACED)
    assert departure.referral([abroad], at=NOON).stay == (1,)
    assert departure.referral([abroad], at=NOON).verdict == GO
    assert departure.referral([replace(abroad, trace_ends=NOON)], at=NOON).verdict == GO
    held = departure.referral([abroad, replace(abroad, removal=2, held=True)], at=NOON)
    assert (held.verdict, held.dropped) == (WAIT, {"Held.": (1, 2)})
    for ends in (None, NOON - MINUTE):
        stale = departure.referral([replace(abroad, trace_ends=ends)], at=NOON)
        assert (stale.verdict, stale.waiting, stale.dropped) == (WAIT, (1,), {})
    assert departure.referral([GOOD], at=NOON).verdict == NOTHING_LEFT
    assert departure.referral([replace(GOOD, held=True), abroad], at=NOON).verdict == GO
    assert departure.referral([], at=NOON).verdict == NOTHING_LEFT


def test_a_reminder_goes_about_what_is_late_free_and_freshly_traced() -> None:
    old = replace(GOOD, removal=3, status=removal_path.OVERDUE, traced_at=NOON - timedelta(minutes=16))
    for status in (*removal_path.WITH_HOST, removal_path.GONE_MAYBE):
        late = replace(GOOD, removal=1, status=status)
        held = replace(late, removal=2, held=True)
        for frozen in (False, True):
            assert departure.reminder([late, GOOD], frozen=frozen, at=NOON) == Departure(GO, (1,))
            assert departure.reminder([held, GOOD], frozen=frozen, at=NOON) == Departure(
                NOTHING_LEFT, dropped={departure.HELD: (2,)}
            )
            assert departure.reminder([old], frozen=frozen, at=NOON) == Departure(WAIT, waiting=(3,))
            assert departure.reminder([GOOD], frozen=frozen, at=NOON) == Departure(NOTHING_LEFT)
        assert departure.reminder([late, held], frozen=False, at=NOON) == Departure(GO, (1,))
        assert departure.reminder([late, held], frozen=True, at=NOON).verdict == NOTHING_LEFT
        assert departure.reminder([late, old], frozen=False, at=NOON) == Departure(GO, (1,), (3,))
        assert departure.reminder([late, old], frozen=True, at=NOON) == Departure(WAIT, waiting=(3,))


@pytest.mark.parametrize(
    ("consent", "covers"),
    [
        (Consent(), False),
        (Consent(clears=True, ended=True, silence=True), False),
        (Consent(asked=False), True),
        (Consent(asked=True), False),
        (Consent(asked=True, clears=True), True),
        (Consent(asked=True, ended=True), True),
        (Consent(asked=True, silence=True), True),
        (Consent(asked=True, clears=True, valid_until=NOON + MINUTE), True),
        (Consent(asked=True, clears=True, valid_until=NOON), False),
        (Consent(asked=True, clears=True, valid_until=NOON - MINUTE), False),
        (Consent(asked=True, valid_until=NOON + MINUTE), False),
    ],
)
def test_consent_must_cover_the_scope(consent: Consent, covers: bool) -> None:
    assert departure.covers(consent, NOON) is covers
