"""What the agreement says: clocks, silence, and what each answer of the police does."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from openhotline import policy
from openhotline.rules import words
from openhotline.rules.agreement import AUTHORISE_FIRST, ESCALATE, NOTIFY_TOGETHER, Effect, effect_of
from openhotline.rules.calendars import Calendar
from openhotline.rules.refusals import Refused

GB = policy.load("gb")
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
FIRST, TOGETHER = (GB.agreements.on(key, NOON) for key in (AUTHORISE_FIRST, NOTIFY_TOGETHER))


def hours(count: float) -> datetime:
    return NOON + timedelta(hours=count)


def answer(kind: str, **more: object) -> Effect:
    return effect_of(kind, agreement=FIRST, at=NOON, **more)  # type: ignore[arg-type]


def test_authorise_first_is_the_default_and_asks_while_the_other_tells() -> None:
    assert GB.agreements.standing(NOON) is FIRST
    assert FIRST.asks and not TOGETHER.asks
    assert FIRST.version != TOGETHER.version
    assert FIRST.silence == TOGETHER.silence == ESCALATE


def test_the_shipped_clocks() -> None:
    for agreement in (FIRST, TOGETHER):
        assert agreement.answer_due(NOON) == hours(2)
        assert agreement.escalate_at(NOON) == hours(8)
        assert agreement.managers_at(NOON) == hours(24)
        assert agreement.host_due(NOON) == hours(4)
        assert agreement.ladder_at(NOON) == hours(24)
        assert agreement.hold_review == timedelta(hours=72)
        assert agreement.refuse_review == timedelta(days=28)
        assert agreement.preserve_days == 90


def test_clocks_run_through_the_weekend() -> None:
    friday = datetime(2026, 5, 15, 23, tzinfo=UTC)
    assert FIRST.answer_due(friday) == datetime(2026, 5, 16, 1, tzinfo=UTC)


def test_illegal_classes_need_a_second_reader() -> None:
    assert FIRST.needs_second_reader(words.CHILD_SEXUAL_ABUSE)
    assert FIRST.needs_second_reader(words.NON_PHOTOGRAPHIC)
    assert not FIRST.needs_second_reader("")


@pytest.mark.parametrize("kind", [words.GO_AHEAD, words.NO_INTEREST])
def test_go_ahead_and_no_interest_clear(kind: str) -> None:
    effect = answer(kind)
    assert (effect.clears, effect.holds, effect.ends_at, effect.review_at, effect.conditions) == (
        True,
        False,
        None,
        None,
        (),
    )


def test_go_ahead_after_a_time_holds_until_then() -> None:
    effect = answer(words.GO_AHEAD_AFTER, until=hours(6))
    assert effect.holds and not effect.clears
    assert (effect.ends_at, effect.review_at) == (hours(6), hours(6))
    late = answer(words.GO_AHEAD_AFTER, until=hours(100))
    assert (late.ends_at, late.review_at) == (hours(100), hours(72))


def test_a_hold_ends_by_itself_or_is_reviewed() -> None:
    assert answer(words.HOLD, until=hours(3)).ends_at == hours(3)
    reviewed = answer(words.HOLD, review=hours(10))
    assert (reviewed.ends_at, reviewed.review_at) == (None, hours(10))
    assert answer(words.HOLD, until=hours(20), review=hours(10)).review_at == hours(10)


def test_a_refusal_has_no_end_and_is_reviewed_within_28_days() -> None:
    effect = answer(words.REFUSE)
    assert effect.holds and effect.ends_at is None
    assert effect.review_at == NOON + timedelta(days=28)
    assert answer(words.REFUSE, review=NOON + timedelta(days=7)).review_at == NOON + timedelta(days=7)


def test_evidence_and_statement_ride_on_either_answer() -> None:
    both = (words.STATEMENT_WANTED, words.EVIDENCE_WANTED)
    assert answer(words.GO_AHEAD, conditions=both).conditions == (
        words.EVIDENCE_WANTED,
        words.STATEMENT_WANTED,
    )
    held = answer(words.HOLD, until=hours(2), conditions=(words.EVIDENCE_WANTED,))
    assert held.holds and held.conditions == (words.EVIDENCE_WANTED,)
    alone = answer(words.EVIDENCE_WANTED)
    assert alone.clears and alone.conditions == (words.EVIDENCE_WANTED,)
    assert answer(words.STATEMENT_WANTED).conditions == (words.STATEMENT_WANTED,)


def test_pass_on_neither_clears_nor_holds_and_asks_anew() -> None:
    effect = answer(words.PASS_ON)
    assert (effect.clears, effect.holds, effect.asks_anew) == (False, False, True)


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("perhaps", {}, "Choose one of the answers"),
        (words.GO_AHEAD, {"conditions": ("flowers",)}, "not a condition"),
        (words.GO_AHEAD, {"until": hours(2)}, "go ahead after"),
        (words.GO_AHEAD_AFTER, {}, "from when"),
        (words.GO_AHEAD_AFTER, {"until": NOON}, "has passed"),
        (words.HOLD, {}, "needs a time"),
        (words.HOLD, {"until": hours(-1)}, "has passed"),
        (words.HOLD, {"review": hours(73)}, "within 72 hours"),
        (words.HOLD, {"until": hours(2), "review": hours(3)}, "after the end"),
        (words.REFUSE, {"until": hours(2)}, "no end of its own"),
        (words.REFUSE, {"review": NOON + timedelta(days=29)}, "within 28 days"),
        (words.PASS_ON, {"conditions": (words.EVIDENCE_WANTED,)}, "without conditions"),
    ],
)
def test_incomplete_answers_are_refused_with_a_sentence(
    kind: str, more: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        answer(kind, **more)


def test_every_answer_there_is_has_an_effect() -> None:
    for kind in words.ANSWERS:
        more = {"until": hours(1)} if kind in (words.HOLD, words.GO_AHEAD_AFTER) else {}
        effect = answer(kind, **more)
        assert effect.clears + effect.holds + effect.asks_anew == 1
        if effect.holds:
            assert effect.review_at is not None


def test_a_version_is_in_force_from_its_first_day_until_before_its_last() -> None:
    one = replace(FIRST, valid_from=date(2026, 5, 2), valid_until=date(2026, 5, 4))
    assert [one.in_force(date(2026, 5, day)) for day in (1, 2, 3, 4, 5)] == [False, True, True, False, False]
    assert replace(one, valid_until=None).in_force(date(2099, 1, 1))


def test_a_calendar_holds_only_the_clocks_that_are_on_it_and_never_a_child_at_risk() -> None:
    shut = Calendar("c", "Sundays", UTC, (None,) * 6 + ((0, 24 * 60),))
    one = replace(FIRST, calendar=shut, calendar_clocks=("host_target",))
    assert one.host_due(NOON) == datetime(2026, 5, 17, 4, tzinfo=UTC), "the next Sunday"
    assert one.host_due(NOON, at_risk=True) == hours(4)
    assert one.ladder_at(NOON) == hours(24)
    assert replace(one, calendar_clocks=("host_ladder",)).host_due(NOON) == hours(4)


def test_only_a_go_ahead_can_run_out() -> None:
    for kind in (words.GO_AHEAD, words.NO_INTEREST, words.EVIDENCE_WANTED, words.STATEMENT_WANTED):
        assert answer(kind, valid=hours(1)).valid_until == hours(1)
    for kind, more in ((words.HOLD, {"until": hours(1)}), (words.REFUSE, {}), (words.PASS_ON, {})):
        with pytest.raises(Refused, match="Only a go-ahead"):
            answer(kind, valid=hours(1), **more)
    with pytest.raises(Refused, match="has passed"):
        answer(words.GO_AHEAD, valid=NOON)
    with pytest.raises(Refused, match="go ahead after"):
        answer(words.GO_AHEAD, review=hours(1))


def test_a_review_may_be_at_the_very_end_and_at_the_very_latest() -> None:
    assert answer(words.HOLD, until=hours(3), review=hours(3)).review_at == hours(3)
    assert answer(words.HOLD, review=hours(72)).review_at == hours(72)
    for most, spoken in (
        (47, "47 hours"),
        (48, "48 hours"),
        (72, "72 hours"),
        (73, "3 days"),
        (97, "4 days"),
    ):
        shorter = replace(FIRST, hold_review=timedelta(hours=most))
        with pytest.raises(Refused) as refused:
            effect_of(words.HOLD, agreement=shorter, at=NOON, review=hours(most + 1))
        assert f"within {spoken}." in refused.value.sentence


@pytest.mark.parametrize("which", ["until", "valid"])
def test_a_time_more_than_a_year_away_is_refused(which: str) -> None:
    kind = words.GO_AHEAD if which == "valid" else words.HOLD
    year = NOON + timedelta(days=366)
    assert answer(kind, **{which: year})
    with pytest.raises(Refused, match="more than a year"):
        answer(kind, **{which: year + timedelta(seconds=1)})
