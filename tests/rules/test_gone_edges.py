"""At its edges: what belongs to one round, what a silence is, and what stands in the way of "gone", to the second."""

from dataclasses import replace

from openhotline.rules.gone import Look, counting
from tests.rules.test_gone import at, both, judged, look


def numbered(minutes: float, vantage: str, what: str, number: int | None) -> Look:
    return replace(look(minutes, vantage, what), number=number)


def test_a_look_at_this_very_moment_counts() -> None:
    assert judged(look(5, "north", "up"), now=5).kind == "up"


def test_a_round_without_a_number_lasts_a_minute_to_the_second() -> None:
    pairs = [look(m + late, v, "miss") for m in (0, 4, 8) for v, late in (("north", 0), ("south", 1))]
    assert judged(*pairs).kind == "gone"
    longer = [replace(one, at=at(m + 1.02)) for one, m in zip(pairs[1::2], (0, 4, 8), strict=True)]
    assert judged(*pairs[::2], *longer).counted == 0


def test_a_number_alone_makes_a_round_however_long_it_took() -> None:
    slow = [
        numbered(m + 2 * place, v, "miss", m)
        for m in (0, 6, 12)
        for place, v in enumerate(("north", "south"))
    ]
    assert judged(*slow).kind == "gone"
    for first, second in ((None, 1), (1, None)):
        mixed = judged(numbered(0, "north", "miss", first), numbered(0.1, "south", "miss", second))
        assert (mixed.kind, mixed.counted) == ("first miss", 0)


def test_of_one_moment_the_lower_number_comes_first_and_none_before_all() -> None:
    pairs = [
        numbered(0, v, what, number) for v in ("north", "south") for number, what in ((1, "up"), (2, "miss"))
    ]
    verdict = judged(*pairs)
    assert (verdict.kind, verdict.counted) == ("first miss", 1)
    assert judged(numbered(0, "north", "miss", 1), numbered(0, "south", "up", None)).kind == "first miss"


def test_our_line_is_believed_for_one_minute_after_it_was_proved() -> None:
    assert judged(look(0, "north", "up"), look(1, "north", "miss", canary=False)).kind == "up"
    assert judged(look(0, "north", "up"), look(1.02, "north", "miss", canary=False)).kind == "cannot tell"
    assert judged().why == "Nobody has looked yet."
    assert "canary" in judged(look(0, "north", "up", canary=False)).why


def test_gone_rests_on_a_newest_round_that_missed_it() -> None:
    refused = judged(*both(0, 3, 6), *both(9, what="blocked"))
    assert refused.kind == "blocked for us"
    unclear = judged(*both(0, 3, 6), *both(9, what="unclear"))
    assert (unclear.kind, unclear.why) == ("cannot tell", "The newest look gave no clear answer.")
    assert not any("more round" in one for one in unclear.missing), "three have missed it"
    assert judged(*both(0, 3), *both(4.5, what="unclear"), *both(6)).kind == "gone"


def test_what_was_missed_first_is_the_first_miss() -> None:
    verdict = judged(*both(0, what="blocked"), *both(3))
    assert (verdict.kind, verdict.first_miss_at) == ("first miss", at(3))


def test_one_place_that_misses_three_rounds_over_three_minutes_is_kept_out() -> None:
    def north(*minutes: float) -> str:
        return judged(*(look(m, "north", "miss") for m in minutes)).kind

    assert north(0, 1.5, 3) == "blocked for us"
    assert north(0, 1.4, 2.9) == "first miss"
    assert north(0, 5) == "first miss"


def test_a_sight_counts_on_any_path_and_anything_else_only_on_the_one_that_is_known() -> None:
    assert judged(look(0, "north", "miss", "referrer"), look(5, "north", "up")).kind == "up"
    other = judged(look(0, "north", "up", "referrer"), *both(3))
    assert (other.kind, other.why) == (
        "cannot tell",
        "The newest look was on another path, which does not count.",
    )
    assert judged(look(0, "north", "up")).why == "Still there, seen from north."
    assert judged(look(0, "north", "changed")).why.startswith("Something else is there")


def test_a_silence_is_of_three_rounds_and_of_nothing_else() -> None:
    day = 24 * 60
    assert judged(*both(0, 500, 1000, day, what="silent")).kind == "gone"
    assert judged(*both(0, 500, 1000, day - 0.1, what="silent")).kind == "cannot tell"
    assert judged(*both(1000, day, what="silent"), silent_since=at(0)).kind == "cannot tell", "two rounds"
    assert judged(*both(day, day + 1, what="silent"), silent_since=at(0)).kind == "cannot tell"
    quiet = [*both(*(60.0 * hour for hour in range(25)), what="silent"), look(600, "east", "unclear")]
    broken = judged(*quiet)
    assert (broken.kind, broken.silent_since) == ("cannot tell", at(660))
    missed = judged(*both(0, 2, day))
    assert (missed.kind, missed.counted) == ("first miss", 2), "misses are no silence"


def test_what_is_missing_is_said_to_the_last_round() -> None:
    later = "of misses, each three minutes or more after the last"
    nothing = (f"3 more rounds {later}", "a miss from two places in each of them")
    assert judged().missing == nothing
    assert judged(look(0, "north", "miss", canary=False)).missing == nothing
    assert judged(*both(0, what="blocked")).missing == nothing
    one = judged(look(0, "north", "miss")).missing
    assert one == (f"3 more rounds {later}", "a miss from another place in each of them")
    assert judged(*both(0)).missing == (f"2 more rounds {later}",)
    assert judged(*both(0, 3)).missing == (f"1 more round {later}",)
    assert judged(*both(0, 3, 6), *both(9, what="blocked")).missing == ("the newest look must miss it too",)


def test_a_silence_is_not_known_to_have_lasted_while_nobody_looked() -> None:
    """A house that was shut over the weekend, or whose clock leapt a day, has not seen a day of silence."""
    day, most = 24 * 60, 9 * 60
    leapt = judged(*both(0, 4, 12, day + 12, day + 16, what="silent"))
    assert (leapt.kind, leapt.silent_since) == ("cannot tell", at(day + 12))
    assert judged(*both(0, most, 2 * most, 3 * most, what="silent")).silent_since == at(0)
    assert judged(*both(0, most + 0.1, what="silent")).silent_since == at(most + 0.1)
    unproved = [replace(look(n, "north", "unclear", canary=False), number=n) for n in range(8)]
    assert judged(*unproved, silent_since=at(0)).silent_since is None, "eight rounds of our own outage"
    assert judged(*unproved[1:], silent_since=at(0)).silent_since == at(0)


def test_the_order_of_rounds_is_that_in_which_they_were_taken_whatever_the_clock_said() -> None:
    """Set back an hour, the clock put a sight before misses that were older: three misses in a row there never were."""
    taken = [(60, "miss"), (64, "miss"), (5, "up"), (68, "miss")]
    looks = [numbered(m, v, what, n) for n, (m, what) in enumerate(taken, 1) for v in ("north", "south")]
    verdict = judged(*looks)
    assert (verdict.kind, verdict.counted) == ("first miss", 1)


def test_the_misses_that_count_are_those_of_the_verdict_also_where_a_clock_was_set_back() -> None:
    rounds = [numbered(m, v, "miss", n) for n, m in ((1, 50), (2, 4), (3, 8)) for v in ("north", "south")]
    told = counting(rounds, now=at(60))
    assert {number for number, _ in told} == {1}
    assert judged(*rounds).counted == 1
    later = [numbered(m, v, "miss", n) for n, m in ((4, 53), (5, 56)) for v in ("north", "south")]
    assert {number for number, _ in counting([*rounds, *later], now=at(53))} == {1, 4}


def test_a_round_with_the_number_nought_is_not_one_without() -> None:
    mixed = judged(numbered(0, "north", "miss", 0), numbered(0.1, "south", "miss", None))
    assert (mixed.kind, mixed.counted) == ("first miss", 0)


def test_a_silence_handed_in_goes_on_in_silence_alone_and_needs_three_rounds_of_its_own() -> None:
    day = at(-24 * 60)
    assert judged(look(0, "north", "up"), silent_since=day).kind == "up"
    assert judged(*both(0, 1.5, 3), silent_since=day).kind == "first miss", (
        "misses are counted, not waited for"
    )
    assert judged(*both(0, 5, what="silent"), silent_since=day).kind == "cannot tell"
    assert judged(*both(0, 5, 10, what="silent"), silent_since=day).kind == "gone"
    stopped = [numbered(0, v, "silent", n) for n in (1, 2, 3) for v in ("north", "south")]
    assert judged(*stopped, silent_since=day).kind == "gone", "a clock that stands still ends no silence"
