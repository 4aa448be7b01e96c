"""The belief in a country, worked out by hand: independent sources, shared ones, round trips and old files."""

from dataclasses import replace

import pytest

from openhotline import policy
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_country import Trip, _of_lease, _spells, _written, belief
from openhotline.rules.trace_voices import Voice, error_of, voices
from openhotline.rules.trace_weights import Weights

ALONE = replace(
    policy.trace_weights(),
    countries=10,
    slope=1.0,
    offset=0.0,
    round_trip=0.1,
    round_trip_straight=0.5,
    common_registration=0.0,
    leased=0.0,
    leased_copied=0.3,
    moved_year=0.0,
    file_lag_days=0,
    common_all=0.0,
    common_escape=0.4,
)
GB, NL = Voice("registry", "GB", 0.2, 1.0), Voice("location", "NL", 0.1, 1.0)


def near(**chances: float) -> dict[str, object]:
    return {country: pytest.approx(chance, abs=1e-4) for country, chance in chances.items()}


def test_what_one_source_says_is_as_likely_as_it_is_right() -> None:
    found = belief([GB], [], ALONE)
    assert dict(found.chances) == near(GB=0.8)
    assert (found.country, found.score) == ("GB", 0.8)
    assert belief([], [Trip(frozenset({"NL"}))], ALONE) == ((), {"NL"})
    assert (belief([], [], ALONE).country, belief([], [], ALONE).score) == ("", 0.0)


def test_two_sources_that_differ_leave_room_for_a_third_country() -> None:
    gb, nl, other = 0.8 * 0.1 / 9, 0.9 * 0.2 / 9, 8 * 0.2 * 0.1 / 81
    total = gb + nl + other
    assert dict(belief([GB, NL], [], ALONE).chances) == near(NL=nl / total, GB=gb / total)
    assert [country for country, _ in belief([GB, NL], [], ALONE).chances] == ["NL", "GB"]
    few = replace(ALONE, countries=1)  # at least two that nobody named
    gb, nl, other = 0.8 * 0.1 / 3, 0.9 * 0.2 / 3, 2 * 0.2 * 0.1 / 9
    assert dict(belief([GB, NL], [], few).chances) == near(
        NL=nl / (gb + nl + other), GB=gb / (gb + nl + other)
    )


def test_a_round_trip_makes_a_country_a_tenth_as_likely_from_each_place() -> None:
    once = belief([GB], [Trip(frozenset({"GB", "FR"}))], ALONE)
    assert dict(once.chances) == near(GB=0.08 / 0.28)
    assert once.ruled_out == {"GB", "FR"}
    twice = belief([GB], [Trip(frozenset({"GB"})), Trip(frozenset({"GB"}))], ALONE)
    assert dict(twice.chances) == near(GB=0.008 / 0.208)


def test_a_round_trip_that_is_nearly_too_short_halves_and_rules_nothing_out() -> None:
    leaned = belief([GB], [Trip(frozenset({"FR"}), frozenset({"GB", "FR"}))], ALONE)
    assert dict(leaned.chances) == near(GB=0.4 / 0.6)
    assert leaned.ruled_out == {"FR"}


def test_registrations_that_share_one_office_are_one_source() -> None:
    shared = replace(ALONE, common_registration=1.0)
    # In truth GB: the shared lie is one of nine others, and the source escapes it (0.4) to the truth (half of it).
    # In truth elsewhere: the lie is GB (1 - 0.4), or one of eight others from which it escapes to GB by chance.
    truth, other = 0.2, (0.6 + 8 * 0.2 / 9) / 9
    assert dict(belief([GB], [], shared).chances) == near(GB=truth / (truth + 9 * other))
    both = [GB, Voice("autonomous system", "GB", 0.3, 1.0)]
    truth, other = 0.2**2, (0.6**2 + 8 * (0.2 / 9) ** 2) / 9
    assert dict(belief(both, [], shared).chances) == near(GB=truth / (truth + 9 * other))


def test_a_file_built_before_a_move_knows_nothing_of_it_and_a_newer_one_does() -> None:
    moves = replace(ALONE, moved_year=0.5)
    old = Voice("location", "GB", 0.1, 1.0, 1.0)
    # In truth GB: no move and right, or a move from one of nine others and wrong by chance.
    truth = 0.5 * 0.9 + 0.5 * 0.1 / 9
    other = 0.5 * 0.1 / 9 + 0.5 * (0.9 + 8 * 0.1 / 9) / 9
    assert dict(belief([old], [], moves).chances) == near(GB=truth / (truth + 9 * other))

    new = Voice("location", "NL", 0.1, 1.0, 0.0)
    still = 0.5 * 0.9 * 0.1 / 9
    nl = still + 0.5 * 0.9 * (0.9 + 8 * 0.1 / 9) / 9
    gb = still + 0.5 * 0.1 / 9 * (0.1 / 9 + 8 * 0.1 / 9) / 9
    other = 0.5 * (0.1 / 9) ** 2 + 0.5 * 0.1 / 9 * (0.9 + 8 * 0.1 / 9) / 9
    total = nl + gb + 8 * other
    assert dict(belief([old, new], [], moves).chances) == near(NL=nl / total, GB=gb / total)
    late = replace(moves, moved_year=0.25, file_lag_days=365)  # as far back, by the supplier's delay
    assert dict(belief([old._replace(years=1.0)], [], late).chances)["GB"] == pytest.approx(
        dict(belief([old], [], moves).chances)["GB"], abs=1e-3
    )


def test_a_record_that_stood_before_the_files_were_built_speaks_against_a_move_they_missed() -> None:
    moves = replace(ALONE, moved_year=0.1, moved_unwritten=0.0, record_years=2.0)
    files = [Voice("location", "NL", 0.1, 1.0, years) for years in (1.0, 0.5)]

    def chances(written: float, weights: Weights = moves) -> list[float]:
        return [chance for chance, _, _ in _spells(files, written, weights)]

    # Half a year before the newest file, and half a year between the two; where no date is told, an even rate.
    assert chances(-1.0) == pytest.approx([0.05, 0.05])
    # Written a quarter of a year ago: at a move then, as likely as two years of other changes, or at one before.
    assert chances(0.25) == pytest.approx([0.1 * (2.0 + 0.25), 0.05])
    assert chances(0.75) == pytest.approx([0.0, 0.1 * (2.0 + 0.25)])
    assert chances(3.0) == [0.0, 0.0], "what moved since would have been written down"
    assert chances(3.0, replace(moves, moved_unwritten=0.2)) == pytest.approx([0.01, 0.01])

    def held(changed: float) -> float:
        said = [Voice("registry", "GB", 0.2, 1.0, changed=changed), *files]
        return dict(belief(said, [], moves).chances)["GB"]

    assert held(3.0) < held(-1.0) < held(0.25)
    other = [Voice("registry", "FR", 0.2, 1.0, changed=0.25), Voice("registry", "GB", 0.2, 1.0, changed=3.0)]
    assert (_written(other, "GB"), _written(other, "FR"), _written(other, "NL")) == (3.0, 0.25, -1.0)


def test_a_block_whose_holder_announces_it_is_hardly_leased() -> None:
    weights = replace(ALONE, leased=0.5, leased_own=0.1, operator_registry=0.4)

    def held(block: str) -> float:
        said = [GB._replace(block=block), Voice("location", "GB", 0.1, 1.0)]
        return dict(belief(said, [], weights).chances)["GB"]

    assert held("own") > held("") > held("other's")
    # Ten in a hundred leased blocks name who announces them, and sixty of all others.
    assert _of_lease([GB._replace(block="own")], weights) == pytest.approx(0.1 / 0.6)
    assert _of_lease([GB._replace(block="other's")], weights) == pytest.approx(0.9 / 0.4)
    assert _of_lease([GB], weights) == 1.0


def test_a_leased_block_names_its_owner_and_some_files_copy_that() -> None:
    leased = replace(ALONE, leased=1.0)
    said = [GB, Voice("location", "GB", 0.1, 1.0)]
    truth = 0.2 * 0.7 * 0.9
    other = (0.6 * (0.3 + 0.7 * 0.1 / 9) + 8 * 0.2 / 9 * 0.7 * 0.1 / 9) / 9
    assert dict(belief(said, [], leased).chances) == near(GB=truth / (truth + 9 * other))
    announced = [*said, Voice("autonomous system", "GB", 0.3, 1.0)]  # who announces it took no part in that
    truth, other = truth * 0.7, other * 0.3 / 9
    assert dict(belief(announced, [], leased).chances) == near(GB=truth / (truth + 9 * other))


def test_what_registries_and_files_share_is_one_lie_of_both() -> None:
    shared = replace(ALONE, common_all=1.0)
    said = [Voice("registry", "GB", 0.2, 1.0), Voice("location", "GB", 0.1, 1.0)]
    truth = 9 * 0.2**2 / 9
    other = (0.6**2 + 8 * (0.2 / 9) ** 2) / 9
    assert dict(belief(said, [], shared).chances) == near(GB=truth / (truth + 9 * other))
    half = replace(ALONE, common_all=0.5)
    truth, other = (truth + 0.8 * 0.9) / 2, (other + 0.2 * 0.1 / 81) / 2
    assert dict(belief(said, [], half).chances) == near(GB=truth / (truth + 9 * other))


def answer(method: str, country: str = "GB", age: int | None = None) -> MethodAnswer:
    return MethodAnswer(method, True, country=country, source_age_s=age)


def test_a_family_has_one_voice_and_each_file_one_of_its_own() -> None:
    given = [
        answer(methods.RDAP), answer(methods.WHOIS, "NL"), answer(methods.LOCATION, age=0), answer(methods.LOCATION, "nl", 0),
        answer(methods.LOCATION, "nowhere"), replace(answer(methods.RDAP_AS), ok=False), answer(methods.DNS),
    ]  # fmt: skip
    said = [(voice.family, voice.country, voice.power) for voice in voices(given, ALONE)]
    assert said == [
        ("location", "GB", 1.0),
        ("location", "NL", 1.0),
        ("registry", "GB", 0.5),
        ("registry", "NL", 0.5),
    ]


def test_a_registry_is_known_by_the_holder_it_names_and_the_day_it_was_written() -> None:
    weights = replace(ALONE, registry=0.1, whois=0.2, registry_other=0.4)
    given = [
        replace(answer(methods.RDAP), operator="NORTH RACK", changed_s=365 * 86_400),
        replace(answer(methods.WHOIS), operator="Old Holder Ltd"),
        replace(answer(methods.ORIGIN_NETWORK), operator="North Rack Ltd"),
    ]
    rdap, whois = (
        next(voice for voice in voices(given, weights) if (voice.family, voice.block) == ("registry", block))
        for block in ("own", "other's")
    )
    assert (rdap.error, rdap.changed, whois.error, whois.changed) == (0.1, 1.0, 0.4, -1.0)
    assert {voice.block for voice in voices(given[:2], weights)} == {""}, "nobody is known to announce it"


def test_a_file_errs_more_often_the_older_it_is_up_to_a_point() -> None:
    weights = replace(ALONE, location=0.1, location_year=0.2, unknown_age_days=730)
    year = 365 * 86_400

    def error(age: int | None) -> float:
        return error_of(answer(methods.LOCATION, age=age), weights)

    assert [error(age) for age in (-5, 0, year, 99 * year)] == pytest.approx([0.1, 0.1, 0.3, 0.6], abs=1e-3)
    assert error(None) == pytest.approx(0.5, abs=1e-3)
    rates = replace(weights, registry=0.11, autonomous_system=0.12, disclosed=0.13, whois=0.14)
    for method, rate in (
        (methods.RDAP, 0.11),
        (methods.ORIGIN_NETWORK, 0.12),
        (methods.DISCLOSED, 0.13),
        (methods.WHOIS, 0.14),
    ):
        assert error_of(answer(method, age=9 * year), rates) == rate


def test_a_score_is_never_certainty() -> None:
    sure = belief([Voice("disclosed", "GB", 1e-12, 1.0)], [], ALONE)
    assert sure.score == 0.9999
    unsure = belief([Voice("disclosed", "GB", 1 - 1e-12, 1.0)], [], ALONE)
    assert unsure.score == 0.001
    steeper = replace(ALONE, slope=2.0, offset=0.5)
    assert belief([GB], [], steeper).score == pytest.approx(1 / (1 + (1 / 16) * 2.718281828**-0.5), abs=1e-4)
