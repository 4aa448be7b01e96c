"""When is it gone? Three rounds, two places in each, three minutes apart, our own line proved; nothing less."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.rules.facts import CheckFacts
from openhotline.rules.gone import KINDS, Look, Verdict, counting, decides_alone, judge, meaning
from openhotline.rules.signs import MEANINGS

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def look(minutes: float, vantage: str, what: str, path: str = "direct", canary: bool = True) -> Look:
    return Look(at(minutes), vantage, what, path, canary)


def both(*minutes: float, what: str = "miss", path: str = "direct", canary: bool = True) -> list[Look]:
    """One round from two places at each of these minutes."""
    return [look(m, v, what, path, canary) for m in minutes for v in ("north", "south")]


def judged(*looks: Look, now: float = 9999, silent_since: datetime | None = None) -> Verdict:
    return judge(looks, now=at(now), silent_since=silent_since)


def facts(outcome: str, status: int = 0, canary: bool = True) -> CheckFacts:
    return CheckFacts("http://example.test/", "north", NOON, outcome, status=status, canary_up=canary)


@pytest.mark.parametrize(
    ("outcome", "status", "what"),
    [
        ("answered", 200, "up"),
        ("answered", 206, "up"),
        ("answered", 404, "miss"),
        ("answered", 410, "miss"),
        ("answered", 401, "blocked"),
        ("answered", 403, "blocked"),
        ("answered", 429, "blocked"),
        ("answered", 451, "blocked"),
        ("answered", 302, "unclear"),
        ("answered", 204, "unclear"),
        ("answered", 500, "unclear"),
        ("answered", 503, "unclear"),
        ("no-name", 0, "miss"),
        ("refused", 0, "silent"),
        ("timeout", 0, "silent"),
        ("cut-off", 0, "silent"),
        ("blocked", 0, "unclear"),
        ("error", 0, "unclear"),
    ],
)
def test_what_one_look_means(outcome: str, status: int, what: str) -> None:
    assert meaning(facts(outcome, status)) == what


@pytest.mark.parametrize("outcome", ["refused", "timeout", "cut-off"])
def test_silence_says_nothing_at_all_where_our_own_line_was_not_proved(outcome: str) -> None:
    assert meaning(facts(outcome, canary=False)) == "unclear"


def test_three_rounds_from_two_places_three_minutes_apart() -> None:
    verdict = judged(*both(0, 3, 6))
    assert (verdict.kind, verdict.first_miss_at, verdict.counted) == ("gone", at(0), 3)
    assert "3 rounds (12 May 12:00, 12:03 and 12:06 UTC) from north and south" in verdict.why
    assert verdict.missing == ()
    watched = judged(*both(0, 3, 6, 24 * 60, 3 * 24 * 60))
    assert "(12 May 12:00, 12:03 and 12:06 UTC) and 2 since from" in watched.why, "the watch only adds to it"


def test_two_rounds_of_two_are_not_three_misses_a_court_would_trust() -> None:
    verdict = judged(*both(0, 3))
    assert (verdict.kind, verdict.counted) == ("first miss", 2)
    assert verdict.missing[0].startswith("1 more round of misses")


def test_each_condition_alone_is_not_enough() -> None:
    hasty = judged(*both(0, 1.5, 2.9))
    assert (hasty.kind, hasty.counted) == ("first miss", 1)
    one_place = judged(*(look(m, "north", "miss") for m in (0, 3, 6)))
    assert one_place.kind == "blocked for us"
    assert "Another place" in one_place.why
    in_turn = judged(
        *(look(m, v, "miss") for m, v in ((0, "north"), (3, "south"), (6, "north"), (9, "south")))
    )
    assert (in_turn.kind, in_turn.counted) == ("first miss", 0), "two places in every round"


def test_a_sight_of_it_between_starts_the_count_again() -> None:
    looks = [*both(0, 3), look(6, "north", "up"), *both(9)]
    verdict = judged(*looks)
    assert (verdict.kind, verdict.first_miss_at, verdict.counted) == ("first miss", at(9), 1)
    assert judged(*looks[:5]).kind == "up"
    assert judged(*both(0, 3), look(6, "north", "changed"), *both(9, 12)).kind == "first miss"


@pytest.mark.parametrize("between", ["unclear", "silent", "blocked", "moved"])
def test_what_tells_nothing_neither_counts_nor_breaks_the_run(between: str) -> None:
    verdict = judged(*both(0), *both(3, what=between), *both(6, 9))
    assert (verdict.kind, verdict.counted) == ("gone", 3)


def test_looks_without_our_canary_never_count() -> None:
    missing = both(0, 3, 6, canary=False)
    assert judged(*missing).kind == "cannot tell"
    mixed = judged(*missing, *both(7))
    assert (mixed.kind, mixed.counted) == ("first miss", 1)
    stale = judged(look(0, "north", "up"), look(10, "north", "miss", canary=False))
    assert stale.kind == "cannot tell"
    half = [look(m, v, "miss", canary=v == "north") for m in (0, 3, 6) for v in ("north", "south")]
    assert judged(*half).kind == "blocked for us", "one line proved is one place"


def test_a_verdict_of_before_does_not_stand_once_our_line_is_down() -> None:
    assert judged(*both(0, 3, 6), *both(60, canary=False)).kind == "cannot tell"


def test_whoever_sees_it_in_the_same_round_outvotes_who_does_not() -> None:
    rounds = [
        look(m + d, v, w) for m in (0, 3, 6, 9) for v, w, d in (("north", "up", 0), ("south", "miss", 0.2))
    ]
    assert judged(*rounds).kind == "up"
    other_order = [look(m, v, w) for m in (0, 3, 6) for v, w in (("south", "miss"), ("north", "up"))]
    assert judged(*other_order).kind == "up"


def test_rounds_with_numbers_are_told_apart_by_them() -> None:
    one = [Look(at(0), v, "up", number=1) for v in ("north", "south")]
    two = [Look(at(0), v, "miss", number=2) for v in ("north", "south")]
    assert judged(*one, *two).kind == "first miss"


def test_a_direct_visit_proves_nothing_gone_where_the_way_in_is_a_referrer() -> None:
    direct = both(0, 3, 6)
    assert judged(*direct).kind == "gone"
    known = [*direct, look(7, "north", "up", "referrer")]
    assert judged(*known).kind == "up"
    later = [*known, *both(10, 13, 16)]
    assert judged(*later).kind == "cannot tell"
    there = [*known, *both(10, 13, 16, path="referrer")]
    assert judged(*there).kind == "gone"


def test_blocked_moved_changed_are_verdicts_of_their_own() -> None:
    assert judged(*both(0, 3, 6, 9, what="blocked")).kind == "blocked for us"
    assert judged(*both(0, what="moved")).kind == "moved"
    assert judged(*both(0, what="changed")).kind == "changed"
    mixed = judged(look(0, "north", "changed"), look(0, "south", "up"))
    assert mixed.kind == "up"


def test_silence_is_gone_only_after_a_day_of_nothing_else() -> None:
    quiet = [hour * 60.0 for hour in range(25)]
    verdict = judged(*both(*quiet[:24], what="silent"))
    assert (verdict.kind, verdict.silent_since) == ("cannot tell", at(0))
    assert judged(*both(*quiet, what="silent")).kind == "gone"
    # The looks of long ago are not handed in again: what began is carried on.
    few = both(*quiet[-4:], what="silent")
    assert judged(*few).kind == "cannot tell"
    carried = judged(*few, silent_since=at(0))
    assert (carried.kind, carried.first_miss_at) == ("gone", at(0))
    broken = judged(*both(quiet[-5], what="unclear"), *few, silent_since=at(0))
    assert (broken.kind, broken.silent_since) == ("cannot tell", at(quiet[-4]))
    from_one_place = judged(*(look(m, "north", "silent") for m in quiet))
    assert from_one_place.kind == "cannot tell"


def test_nothing_known_and_nothing_from_the_future() -> None:
    assert judged().kind == "cannot tell"
    assert judged(look(5, "north", "up"), now=1).kind == "cannot tell"


LOOKS = st.lists(
    st.builds(
        look,
        st.integers(0, 40).map(lambda half: half / 2),
        st.sampled_from(["north", "south", "east"]),
        st.sampled_from(MEANINGS),
        st.sampled_from(["direct", "referrer"]),
        st.booleans(),
    ),
    max_size=18,
)


@given(LOOKS, st.randoms())
def test_gone_is_never_said_without_its_conditions(looks: list[Look], chance: object) -> None:
    verdict = judged(*looks)
    assert verdict.kind in KINDS
    assert verdict.why.endswith(".")
    assert bool(verdict.missing) is not (verdict.kind == "gone" and verdict.silent_since is None)
    shuffled = sorted(looks, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert judged(*shuffled).kind == verdict.kind
    if verdict.kind == "gone":
        sights = [one.at for one in looks if one.meaning in ("up", "changed") and one.canary_up]
        since = max(sights, default=at(-1))
        counted = [one for one in looks if one.meaning == "miss" and one.canary_up and one.at > since]
        assert len(counted) >= 6
        assert len({one.vantage for one in counted}) >= 2
        assert max(one.at for one in counted) - min(one.at for one in counted) >= timedelta(minutes=6)


@given(LOOKS)
def test_what_was_not_missed_in_this_run_is_never_gone(looks: list[Look]) -> None:
    tame = [one for one in looks if one.meaning != "miss"]
    assert judged(*tame).kind != "gone", "twenty minutes of anything but misses"


def test_what_counts_is_said_of_each_look_as_the_verdict_counts_it() -> None:
    """A miss from one place alone, one too soon after the last, and one on a line that was not proved count for nothing."""

    def round_of(number: int, minutes: float, *places: str, canary: bool = True) -> list[Look]:
        return [Look(at(minutes), place, "miss", canary_up=canary, number=number) for place in places]

    looks = [
        *round_of(1, 0, "north"),
        *round_of(2, 4, "north", "south"),
        *round_of(3, 5, "north", "south"),
        *round_of(4, 9, "north", "south", canary=False),
        *round_of(5, 13, "north", "south", "west"),
    ]
    counted = {(2, "north"), (2, "south"), (5, "north"), (5, "south"), (5, "west")}
    assert counting(looks, now=at(14)) == counted and judge(looks, now=at(14)).counted == 2
    seen = Look(at(20), "west", "up", number=6)
    assert counting([*looks, seen], now=at(21)) == set()


LOOKS = st.builds(
    look,
    st.integers(0, 30),
    st.sampled_from(["north", "south", "west"]),
    st.sampled_from(MEANINGS),
    st.sampled_from(["direct", "cookie"]),
    st.booleans(),
)


@given(st.lists(st.lists(LOOKS, min_size=1, max_size=3), min_size=1, max_size=6))
def test_a_proved_sight_leaves_the_rounds_before_nothing_to_say(rounds: list[list[Look]]) -> None:
    looks = [[replace(one, number=number) for one in found] for number, found in enumerate(rounds)]
    newest = looks[-1]
    if decides_alone(newest):
        whole = [one for found in looks for one in found]
        assert judged(*newest) == judged(*whole) == judged(*whole, silent_since=NOON)
