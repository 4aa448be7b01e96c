"""When is it gone? Three misses, two places, three minutes, our own line proved; nothing less."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.rules.facts import CheckFacts
from openhotline.rules.gone import KINDS, Look, Verdict, judge, meaning

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def look(minutes: float, vantage: str, what: str, path: str = "direct", canary: bool = True) -> Look:
    return Look(at(minutes), vantage, what, path, canary)


def judged(*looks: Look, now: float = 60) -> Verdict:
    return judge(looks, now=at(now))


def facts(outcome: str, status: int = 0, canary: bool = True) -> CheckFacts:
    return CheckFacts("http://example.test/", "north", NOON, outcome, status=status, canary_up=canary)


@pytest.mark.parametrize(
    ("outcome", "status", "what"),
    [
        ("answered", 200, "up"),
        ("answered", 206, "up"),
        ("answered", 404, "miss"),
        ("answered", 410, "miss"),
        ("answered", 401, "unclear"),
        ("answered", 403, "unclear"),
        ("answered", 429, "unclear"),
        ("answered", 451, "unclear"),
        ("answered", 302, "unclear"),
        ("answered", 204, "unclear"),
        ("answered", 500, "unclear"),
        ("answered", 503, "unclear"),
        ("no-name", 0, "miss"),
        ("refused", 0, "miss"),
        ("timeout", 0, "miss"),
        ("cut-off", 0, "unclear"),
        ("blocked", 0, "unclear"),
        ("error", 0, "unclear"),
    ],
)
def test_what_one_look_means(outcome: str, status: int, what: str) -> None:
    assert meaning(facts(outcome, status)) == what


@pytest.mark.parametrize("outcome", ["refused", "timeout"])
def test_silence_counts_only_with_our_own_line_proved(outcome: str) -> None:
    assert meaning(facts(outcome, canary=False)) == "unclear"


def test_three_misses_from_two_places_three_minutes_apart() -> None:
    verdict = judged(look(0, "north", "miss"), look(0, "south", "miss"), look(3, "north", "miss"))
    assert (verdict.kind, verdict.first_miss_at, verdict.counted) == ("gone", at(0), 3)


def test_each_condition_alone_is_not_enough() -> None:
    two = judged(look(0, "north", "miss"), look(4, "south", "miss"))
    assert (two.kind, two.counted) == ("first miss", 2)
    hasty = judged(look(0, "north", "miss"), look(1, "south", "miss"), look(2.9, "north", "miss"))
    assert hasty.kind == "first miss"
    one_place = judged(look(0, "north", "miss"), look(3, "north", "miss"), look(6, "north", "miss"))
    assert one_place.kind == "blocked for us"
    assert "Another place" in one_place.why


def test_a_sight_of_it_between_starts_the_count_again() -> None:
    looks = [
        look(0, "north", "miss"),
        look(0, "south", "miss"),
        look(3, "north", "up"),
        look(6, "north", "miss"),
    ]
    verdict = judged(*looks)
    assert (verdict.kind, verdict.first_miss_at, verdict.counted) == ("first miss", at(6), 1)
    assert judged(*looks[:3]).kind == "up"


def test_an_unclear_look_neither_counts_nor_breaks_the_run() -> None:
    verdict = judged(
        look(0, "north", "miss"),
        look(1, "south", "unclear"),
        look(3, "south", "miss"),
        look(6, "north", "miss"),
    )
    assert (verdict.kind, verdict.counted) == ("gone", 3)


def test_looks_without_our_canary_never_count() -> None:
    missing = [look(m, v, "miss", canary=False) for m in (0, 3, 6) for v in ("north", "south")]
    assert judged(*missing).kind == "cannot tell"
    mixed = judged(*missing, look(7, "north", "miss"))
    assert (mixed.kind, mixed.counted) == ("first miss", 1)
    stale = judged(look(0, "north", "up"), look(10, "north", "miss", canary=False))
    assert stale.kind == "cannot tell"


def test_whoever_sees_it_in_the_same_round_outvotes_who_does_not() -> None:
    rounds = [
        look(m + d, v, w) for m in (0, 3, 6, 9) for v, w, d in (("north", "up", 0), ("south", "miss", 0.2))
    ]
    assert judged(*rounds).kind == "up"
    other_order = [look(m, v, w) for m in (0, 3, 6) for v, w in (("south", "miss"), ("north", "up"))]
    assert judged(*other_order).kind == "up"


def test_a_miss_soon_after_a_sight_from_the_same_place_is_a_miss() -> None:
    verdict = judged(look(0, "north", "up"), look(0.5, "north", "miss"))
    assert (verdict.kind, verdict.first_miss_at) == ("first miss", at(0.5))


def test_a_direct_visit_proves_nothing_gone_where_the_way_in_is_a_referrer() -> None:
    direct = [look(m, v, "miss") for m in (0, 3, 6) for v in ("north", "south")]
    assert judged(*direct).kind == "gone"
    known = [*direct, look(7, "north", "up", "referrer")]
    assert judged(*known).kind == "up"
    later = [*known, *(look(m, v, "miss") for m in (10, 13, 16) for v in ("north", "south"))]
    assert judged(*later).kind == "cannot tell"
    there = [*known, *(look(m, v, "miss", "referrer") for m in (10, 13, 16) for v in ("north", "south"))]
    assert judged(*there).kind == "gone"


def test_nothing_known_and_nothing_from_the_future() -> None:
    assert judged().kind == "cannot tell"
    assert judged(look(5, "north", "up"), now=1).kind == "cannot tell"


LOOKS = st.lists(
    st.builds(
        look,
        st.integers(0, 40).map(lambda half: half / 2),
        st.sampled_from(["north", "south", "east"]),
        st.sampled_from(["miss", "up", "unclear"]),
        st.sampled_from(["direct", "referrer"]),
        st.booleans(),
    ),
    max_size=14,
)


@given(LOOKS, st.randoms())
def test_gone_is_never_said_without_its_four_conditions(looks: list[Look], chance: object) -> None:
    verdict = judged(*looks)
    assert verdict.kind in KINDS
    assert verdict.why.endswith(".")
    shuffled = sorted(looks, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert judged(*shuffled).kind == verdict.kind
    if verdict.kind == "gone":
        sights = [one.at for one in looks if one.meaning == "up" and one.canary_up]
        since = max(sights, default=at(-1))
        counted = [one for one in looks if one.meaning == "miss" and one.canary_up and one.at >= since]
        assert len(counted) >= 3
        assert len({one.vantage for one in counted}) >= 2
        assert max(one.at for one in counted) - min(one.at for one in counted) >= timedelta(minutes=3)
