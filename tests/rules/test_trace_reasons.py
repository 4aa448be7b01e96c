"""One sentence for each method of a trace, and the name that two kinds of source give: worked out by hand."""

from dataclasses import replace

import pytest

from openhotline import policy
from openhotline.rules import methods, trace_names
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_reasons import NO, NONE, SAME, YES, ordered, reasons

WEIGHTS = replace(policy.trace_weights(), old_days=100, round_trip_rules_out=3)
DAY = 86_400


def says(method: str, country: str = "", **more: object) -> MethodAnswer:
    return MethodAnswer(method, True, country=country, **more)  # type: ignore[arg-type]


def told(*answers: MethodAnswer, country: str = "GB", edge: bool = False) -> list[tuple[str, str]]:
    return [(one.agrees, one.why) for one in reasons(answers, country, edge=edge, weights=WEIGHTS)]


def test_what_has_no_say_says_so() -> None:
    front = says(methods.PROXY, layer="edge", answer="Front")
    assert told(replace(front, ok=False)) == [(NONE, "No answer came.")]
    assert told(replace(front, ok=False, why="Lost.")) == [(NONE, "Lost.")]
    assert told(front) == [(NONE, "A proxy stands in front: Front.")]
    assert told(replace(front, why="By its name.")) == [(NONE, "By its name.")]
    assert told(replace(front, layer="")) == [(SAME, "No sign of a proxy was found.")]
    assert told(replace(front, layer="", why="Nothing.")) == [(SAME, "Nothing.")]
    assert told(says(methods.DNS)) == [(SAME, "Names addresses or names; it has no say in the country.")]
    assert told(says(methods.DNS, why="Two.")) == [(SAME, "Two.")]
    for method in (methods.RDAP_DOMAIN, methods.ONION, methods.NEWS_SERVER):
        assert told(says(method))[0][0] == NONE
    assert told(says(methods.RDAP, "nowhere")) == [(NONE, "The answer names no country.")]


def test_a_source_that_differs_says_why_it_may() -> None:
    whose = says(methods.RDAP_AS, "nl")
    assert told(says(methods.RDAP, "GB")) == [(YES, "Names United Kingdom.")]
    assert told(says(methods.DISCLOSED, "GB", disclosed_by="the host")) == [(YES, "Told to us by the host.")]
    assert told(says(methods.RDAP, "NL"))[0] == (
        NO,
        "Names Netherlands: where the network is registered, which need not be the server’s place.",
    )
    registered = (
        "Names Netherlands: registered office of the holder or its parent company, not the server’s place."
    )
    assert told(says(methods.RDAP, "NL"), whose)[0] == (NO, registered)
    assert told(says(methods.WHOIS, "NL"), replace(whose, ok=False))[0][1] != registered
    assert told(says(methods.WHOIS, "NL"), says(methods.ORIGIN_NETWORK, "NL"))[0][1] != registered
    for method in (methods.RDAP_AS, methods.ORIGIN_NETWORK):
        assert told(says(method, "NL"))[0][1].endswith("not where its servers stand.")
    for other in (says(methods.DISCLOSED, "NL"), says(methods.LOCATION, "NL", source_age_s=0)):
        assert told(other) == [(NO, "Names Netherlands, the others United Kingdom.")]
        assert told(other, country="") == [(NO, "Names Netherlands.")]


def test_an_old_source_is_called_old_from_its_day() -> None:
    def age(method: str, days: int | None) -> str:
        seconds = None if days is None else days * DAY
        return told(says(method, "GB", source_age_s=seconds))[0][1].partition("Kingdom.")[2]

    assert (age(methods.LOCATION, 99), age(methods.LOCATION, 100)) == ("", " The file is 100 days old.")
    assert age(methods.LOCATION, None) == " The file does not tell its age."
    assert (age(methods.RDAP, None), age(methods.RDAP, 100)) == ("", " The source is 100 days old.")
    assert age(methods.ORIGIN_NETWORK, 100) == " The file is 100 days old."
    ahead = " The file is dated 2 days ahead, so how old it is nobody knows."
    assert (age(methods.LOCATION, -1), age(methods.LOCATION, -2)) == ("", ahead)


def test_a_round_trip_speaks_for_itself_and_against_others() -> None:
    trip = says(methods.ROUND_TRIP, answer="9 ms", vantage="London", impossible=("NL", "DE"))
    assert told(trip) == [(NONE, "9 ms from London rules out 2 other countries only.")]
    assert told(trip, country="NL") == [(NO, "9 ms from London rules out Netherlands.")]
    assert told(replace(trip, answer="9 ms from LONDON", impossible=())) == [
        (NONE, "9 ms from LONDON rules nothing out.")
    ]
    assert told(replace(trip, answer="", vantage="", impossible=())) == [
        (NONE, "The round trip rules nothing out.")
    ]
    unplaced = replace(trip, impossible=(), why="Where it stands is not configured.")
    assert told(unplaced) == [
        (NONE, "9 ms from London rules nothing out. Where it stands is not configured.")
    ]
    many = replace(trip, impossible=("NL", "DE", "FR"))
    assert told(many) == [(YES, "9 ms from London fits United Kingdom and rules out 3 other countries.")]
    assert told(many, country="") == [(YES, "9 ms from London rules out 3 other countries.")]
    named = says(methods.RDAP, "NL")
    assert told(named, trip)[0][1].endswith("9 ms from London rules out Netherlands.")
    for none in (
        replace(trip, ok=False),
        replace(trip, method=methods.DNS),
        replace(trip, impossible=("DE",)),
    ):
        assert "9 ms" not in told(named, none)[0][1]


def test_behind_a_proxy_what_speaks_of_a_place_speaks_of_the_proxy() -> None:
    trip = says(methods.ROUND_TRIP, impossible=("NL",))
    found = told(
        says(methods.RDAP, "GB"),
        says(methods.RDAP, "NL"),
        says(methods.RDAP),
        says(methods.DNS),
        trip,
        edge=True,
    )
    fronts = [why.startswith("Speaks of the proxy") for _, why in found]
    assert fronts == [True, True, False, False, False]
    assert [agrees for agrees, _ in found] == [NONE, NONE, NONE, SAME, NONE]
    assert told(trip, country="NL", edge=True)[0][1].startswith("Speaks of the proxy")


def test_resolvers_with_nothing_in_common_do_not_agree() -> None:
    one, two = (
        says(methods.DNS, addresses=("192.0.2.1", "192.0.2.2")),
        says(methods.DNS, addresses=("192.0.2.77",)),
    )

    def agree(*more: MethodAnswer) -> list[str]:
        return [agrees for agrees, _ in told(one, two, *more)][:2]

    every = (*one.addresses, *two.addresses)
    file = says(methods.LOCATION, "GB", addresses=every, source_age_s=0)
    assert agree() == [NO, NO]
    assert agree(replace(one, ok=False)) == [NO, NO]
    assert [agrees for agrees, _ in told(one, two, replace(one, ok=False))][2] == NONE
    assert [agrees for agrees, _ in told(one, replace(two, ok=False))] == [SAME, NONE]
    assert [agrees for agrees, _ in told(one, replace(two, addresses=()))] == [SAME, SAME]
    assert [agrees for agrees, _ in told(one, replace(two, addresses=one.addresses[:1]))] == [SAME, SAME]
    assert agree(says(methods.RDAP, network="192.0.2.0/24")) == [SAME, SAME]
    for odd in ("", "no network", "198.51.100.0/24", "192.0.2.0/29"):
        assert agree(says(methods.RDAP, network=odd)) == [NO, NO]
    assert agree(replace(says(methods.RDAP, network="192.0.2.0/24"), ok=False)) == [NO, NO]
    assert agree(file) == agree(replace(file, addresses=(*every, "192.0.2.9"))) == [SAME, SAME]
    for less in ({"ok": False}, {"country": ""}, {"addresses": one.addresses}, {"method": methods.RDAP}):
        assert agree(replace(file, **less)) == [NO, NO]  # type: ignore[arg-type]


def test_the_table_has_the_methods_in_their_order_and_the_origin_last() -> None:
    origin = says(methods.DNS, layer="origin")
    given = [
        origin,
        says("unheard"),
        says(methods.LOCATION, source="b"),
        says(methods.LOCATION, source="a"),
        says(methods.DNS),
    ]
    assert [(one.method, one.source) for one in ordered(given)] == [
        (methods.DNS, ""), (methods.LOCATION, "a"), (methods.LOCATION, "b"), ("unheard", ""), (methods.DNS, ""),
    ]  # fmt: skip
    assert ordered(given)[-1] is origin


# --- names ----------------------------------------------------------------------------------------

NAMING = replace(
    WEIGHTS, operator_as=0.1, operator_registry=0.3, host_as=0.3, host_registry=0.1, disclosed=0.05
)


def test_a_name_is_as_sure_as_its_sources() -> None:
    as_, registry = (
        says(methods.ORIGIN_NETWORK, operator="North Rack", asn=64500),
        says(methods.RDAP, operator="Quay"),
    )
    alone = trace_names.operator([as_], NAMING)
    assert (alone.name, alone.asn, alone.agree, alone.spoke) == ("North Rack", 64500, 1, 1)
    assert alone.score == pytest.approx(0.9 / (0.9 + 50 * 0.1 / 50), abs=1e-4)
    north, quay, nobody = 0.9 * 0.3 / 50, 0.7 * 0.1 / 50, 50 * (0.1 / 50) * (0.3 / 50)
    both = trace_names.operator([as_, registry], NAMING)
    assert (both.name, both.agree, both.spoke) == ("North Rack", 1, 2)
    assert both.score == pytest.approx(north / (north + quay + nobody), abs=1e-4)
    assert trace_names.host([as_, registry], NAMING).name == "Quay", "the registry holds the block"
    same = trace_names.operator([as_, replace(registry, operator="NORTH RACK Ltd.")], NAMING)
    assert (same.name, same.agree, same.spoke) == ("NORTH RACK Ltd.", 2, 2), "as the registry spells it"
    right, nobody = 0.9 * 0.7, 50 * (0.1 / 50) * (0.3 / 50)
    assert same.score == pytest.approx(right / (right + nobody), abs=1e-4)


def test_answers_of_one_family_share_a_voice_and_a_failed_one_has_none() -> None:
    as_, registry = says(methods.ORIGIN_NETWORK, operator="North Rack"), says(methods.RDAP, operator="Quay")
    twice = trace_names.operator([as_, registry, replace(registry, method=methods.WHOIS)], NAMING)
    assert twice == trace_names.operator([as_, registry], NAMING)
    for none in (
        replace(registry, ok=False),
        replace(registry, operator=""),
        replace(registry, method=methods.LOCATION),
    ):
        assert trace_names.operator([as_, none], NAMING) == trace_names.operator([as_], NAMING)
    assert trace_names.operator([replace(as_, operator="", asn=7)], NAMING) == ("", 7, 0.0, 0, 0)


def test_the_number_is_that_of_most_who_announce_it() -> None:
    def number(*answers: MethodAnswer) -> int:
        return trace_names.operator(answers, NAMING).asn

    first, second = says(methods.ORIGIN_NETWORK, asn=2), says(methods.ORIGIN_NETWORK, asn=1)
    other = says(methods.RDAP_AS, asn=9)
    assert number(first, second) == 1 and number(first, second, first) == 2
    assert number(other, other, first) == 2, "who announces it says so first"
    assert number(other) == 9 and number() == 0
    assert number(replace(first, ok=False), other) == 9 and number(replace(first, asn=0), other) == 9
