"""Independent methods vote on country, operator and host, and say so when they do not agree."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.policy.reading import looks
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_reasons import ordered
from openhotline.rules.trace_vote import VERDICTS, Vote, vote

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
DNS = MethodAnswer("dns", True, answer="192.0.2.44", addresses=("192.0.2.44", "2001:db8:44::10"))
WEIGHTS = policy.trace_weights()
DAY = 86_400
FAR = ("AU", "JP", "SG", "BR", "AR", "ZA", "IN", "CN", "KR", "NZ", "CL", "MX", "US", "CA", "TH")


def says(method: str, country: str, **more: object) -> MethodAnswer:
    return MethodAnswer(method, True, country=country, **more)  # type: ignore[arg-type]


def located(country: str, name: str = "a.mmdb", days: int = 5, **more: object) -> MethodAnswer:
    return says(methods.LOCATION, country, source=name, source_age_s=days * DAY, **more)


def fails(method: str, why: str = "No answer within 10 seconds.") -> MethodAnswer:
    return MethodAnswer(method, False, why=why)


def weigh(*answers: MethodAnswer) -> Vote:
    facts = TraceFacts("http://example.test/", "example.test", NOON, (DNS, *answers))
    return vote(facts, rules_version="t", weights=WEIGHTS)


def why_of(result: Vote, answers: tuple[MethodAnswer, ...], wanted: MethodAnswer) -> str:
    return next(r.why for a, r in zip(ordered((DNS, *answers)), result.reasons, strict=True) if a is wanted)


def test_three_of_three_agree() -> None:
    result = weigh(
        says("rdap", "GB", operator="North Rack Ltd", network="192.0.2.0/24"),
        says("origin-network", "GB", asn=64500, operator="NORTH RACK", network="192.0.2.0/24"),
        located("gb"),
    )
    assert (result.verdict, result.country) == ("agreed", "GB")
    assert result.score >= WEIGHTS.agreed
    assert (result.agreeing, result.asked) == (3, 3)
    assert (result.host, result.asn, result.network) == ("North Rack Ltd", 64500, "192.0.2.0/24")
    assert result.origin.of("operator").verdict == "agreed", "two spellings of one name are one name"
    assert result.addresses == ("192.0.2.44", "2001:db8:44::10")
    assert result.why == "United Kingdom. 3 of 3 independent methods agree."
    assert result.edge is None


def test_two_of_three_are_not_three_that_agree() -> None:
    result = weigh(says("rdap", "GB"), says("origin-network", "GB"), located("NL"))
    assert result.verdict == "disputed"
    assert "GB 2, NL 1" in result.why


def test_one_liar_among_many_is_outvoted_and_named() -> None:
    stale = says("rdap", "NL")
    answers = (
        stale,
        says("rdap-as", "NL", asn=64500),
        located("GB"),
        located("GB", "b.mmdb"),
        says("round-trip", "", answer="1.9 ms", vantage="London", impossible=("NL", *FAR)),
        says("disclosed", "GB", disclosed_by="the host itself"),
    )
    result = weigh(*answers)
    assert (result.verdict, result.country) == ("agreed", "GB")
    told = why_of(result, answers, stale)
    assert "registered office of the holder or its parent company, not the server’s place" in told
    assert "1.9 ms from London rules out Netherlands." in told


def test_copies_of_one_lie_do_not_count_thrice() -> None:
    honest = (says("rdap", "GB"), says("rdap-as", "GB"), located("GB"))
    once = weigh(*honest, says("whois", "NL"))
    often = weigh(*honest, *(says("whois", "NL", source=f"copy {n}") for n in range(6)))
    assert once.country == often.country == "GB"
    assert often.score >= once.score - 0.05
    many = weigh(says("rdap", "NL"), *(says("whois", "NL", source=str(n)) for n in range(9)))
    assert many.verdict == "unclear", "ten copies of one registry are one method"


def test_location_files_alone_never_make_anybody_sure() -> None:
    result = weigh(*(located("GB", f"{n}.mmdb") for n in range(12)))
    assert result.verdict == "unclear", "they may all copy one mistake"
    assert "two kinds" in result.why


def test_an_old_file_weighs_less_and_says_so() -> None:
    def with_file(days: int) -> Vote:
        return weigh(says("rdap", "GB"), says("origin-network", "GB"), located("GB", days=days))

    assert with_file(5).score > with_file(400).score > with_file(2000).score
    assert with_file(0).score == with_file(-1).score > with_file(-2).score, (
        "a date that lies ahead is no fresh one"
    )
    old = located("NL", days=400)
    answers = (says("rdap", "GB"), old)
    assert "The file is 400 days old." in why_of(weigh(*answers), answers, old)


def test_files_that_are_older_than_a_move_may_all_be_wrong_together() -> None:
    # Both registrations say one country and every file another: a parent's office, or a block that moved since.
    def files_of(days: int) -> Vote:
        return weigh(
            says("rdap", "GB"), says("rdap-as", "GB"), *(located("NL", f"{n}.mmdb", days) for n in range(3))
        )

    new, old = files_of(3), files_of(500)
    assert new.country == "NL"
    assert old.score < new.score or old.country == "GB", "the older the files, the likelier it is the move"


def test_a_round_trip_leans_against_what_only_a_very_straight_path_would_reach() -> None:
    def with_trip(*unlikely: str) -> Vote:
        trip = says("round-trip", "", answer="30 ms", vantage="London", impossible=FAR, unlikely=unlikely)
        return weigh(says("rdap", "GB"), says("rdap-as", "DE"), located("GB"), located("GB", "b.mmdb"), trip)

    plain, against, for_it = with_trip(), with_trip("GB"), with_trip("DE")
    assert for_it.score > plain.score > against.score
    assert against.score > 0.01, "it leans; only what light cannot reach is ruled out"


def test_a_missing_file_lowers_the_score_and_says_so() -> None:
    whole = weigh(says("rdap", "GB"), says("origin-network", "GB"), located("GB"))
    missing = fails("location", "No file of countries is installed.")
    answers = (says("rdap", "GB"), says("origin-network", "GB"), missing)
    less = weigh(*answers)
    assert less.score < whole.score
    assert (less.verdict, less.country) == ("unclear", "GB")
    assert why_of(less, answers, missing) == "No file of countries is installed."


def test_three_that_all_differ_are_disputed() -> None:
    result = weigh(says("rdap", "GB"), says("origin-network", "DE"), located("FR"))
    assert result.verdict == "disputed"
    assert result.score < 0.9


def test_no_answers_at_all_are_unclear_and_no_country_is_invented() -> None:
    facts = TraceFacts("http://example.test/", "example.test", NOON)
    result = vote(facts, rules_version="t", weights=WEIGHTS)
    assert (result.verdict, result.country, result.score, result.operator, result.asn) == (
        *("unclear", "", 0.0, "", 0),
    )
    assert result.addresses == ()


def test_an_answer_without_a_country_does_not_vote() -> None:
    result = weigh(says("rdap", ""), says("origin-network", "GB"), says("location", "EUROPE"))
    assert result.verdict == "unclear"
    assert {reason.method for reason in result.reasons if reason.agrees == "-"} == {"rdap", "location"}


def proxy(**more: object) -> MethodAnswer:
    return MethodAnswer("proxy", True, answer="Front Net", layer="edge", **more)  # type: ignore[arg-type]


SAID_OF_THE_EDGE = (
    says("rdap", "US", operator="Front Net", asn=64510),
    says("origin-network", "US", operator="Front Net", asn=64510),
    located("US"),
)


def test_a_proxys_country_never_becomes_the_hosting_country() -> None:
    trip = says("round-trip", "", answer="2 ms", vantage="Virginia", impossible=tuple(FAR))
    result = weigh(*SAID_OF_THE_EDGE, proxy(), trip)
    assert (result.verdict, result.country, result.host, result.operator) == ("behind proxy", "", "", "")
    assert "Front Net" in result.why
    assert result.edge is not None
    assert result.edge.of("country").value == "US"
    assert result.edge.of("host").value == "Front Net"
    assert (result.agreeing, result.asked) == (0, 0), "nobody spoke of the server behind it"


def test_an_origin_that_was_disclosed_says_by_whom_and_is_voted_on_alone() -> None:
    by = "Front Net, to a trusted notifier"
    answers = (
        *SAID_OF_THE_EDGE,
        proxy(),
        MethodAnswer("disclosed", True, country="NL", addresses=("198.51.100.9",), disclosed_by=by),
        says("rdap", "NL", layer="origin", operator="Polder Cloud", asn=64506),
        replace(located("NL"), layer="origin"),
    )
    result = weigh(*answers)
    assert (result.verdict, result.country, result.host) == ("agreed", "NL", "Polder Cloud")
    assert result.disclosed_by == by
    assert result.addresses[0] == "198.51.100.9"
    assert result.edge is not None
    assert result.edge.of("country").value == "US"
    assert by in why_of(result, answers, answers[4])
    assert (result.agreeing, result.asked) == (3, 3), (
        "what is said of the edge counts neither for nor against"
    )


def test_answers_from_several_places_at_once_are_no_country() -> None:
    near = says("round-trip", "", answer="2 ms", vantage="London", impossible=("US", *FAR))
    also = says("round-trip", "", answer="3 ms", vantage="Virginia", impossible=("GB", *FAR[:10]))
    result = weigh(says("rdap", "US"), says("rdap-as", "US"), located("US"), located("GB", "b"), near, also)
    assert result.verdict == "unclear"
    assert "anycast" in result.why


def test_resolvers_that_differ_are_no_agreement() -> None:
    other = MethodAnswer("dns", True, addresses=("203.0.113.9",), source="resolver 2")
    spoken = ("192.0.2.44",)
    answers = (
        says("rdap", "GB", addresses=spoken),
        says("rdap-as", "GB"),
        located("GB", addresses=spoken),
    )
    result = weigh(other, *answers)
    assert result.verdict == "disputed"
    assert "different addresses" in result.why
    assert [one.agrees for one in result.reasons if one.method == "dns"] == ["no", "no"]
    third = replace(DNS, source="resolver 3")
    assert weigh(other, third, *answers).verdict == "agreed", "two of three resolvers agree"


def test_addresses_of_one_network_given_in_turn_are_one_place() -> None:
    other = MethodAnswer("dns", True, addresses=("192.0.2.45",), source="resolver 2")
    answers = (
        says("rdap", "GB", addresses=("192.0.2.44",), network="192.0.2.0/24"),
        says("rdap-as", "GB"),
        located("GB", addresses=("192.0.2.44",)),
    )
    result = weigh(other, *answers)
    assert result.verdict == "agreed"
    assert [one.agrees for one in result.reasons if one.method == "dns"] == ["same", "same"]


def test_the_registry_has_the_word_on_the_host_and_the_announcer_on_the_operator() -> None:
    result = weigh(
        says("origin-network", "GB", operator="Carrier", asn=64500),
        says("rdap", "GB", operator="North Rack"),
        located("GB"),
    )
    assert (result.host, result.operator) == ("North Rack", "Carrier")
    assert result.origin.of("host").verdict == "disputed"
    assert 0.5 < result.origin.of("host").score < 0.9


COUNTRIES = st.sampled_from(["GB", "NL", "DE", "", "xx", "1!"])
ANSWER = st.builds(
    MethodAnswer,
    st.sampled_from([*methods.ALL, "other"]),
    st.booleans(),
    why=st.sampled_from(["", "why."]),
    answer=st.text(max_size=5),
    country=COUNTRIES,
    addresses=st.lists(st.sampled_from(["192.0.2.1", "198.51.100.1", "odd"]), max_size=2).map(tuple),
    asn=st.integers(0, 3),
    operator=st.sampled_from(["", "A", "B Ltd", "ltd"]),
    network=st.sampled_from(["", "192.0.2.0/24", "odd/99", "192.0.2.1 - 192.0.2.9"]),
    source_age_s=st.sampled_from([None, -5, 0, 10**12]),
    layer=st.sampled_from(["", "", "edge", "origin"]),
    impossible=st.sampled_from([(), ("GB",), ("GB", "NL", *FAR)]),
)


@given(st.lists(ANSWER, max_size=9), st.integers(0, 1000))
def test_the_order_of_the_answers_changes_nothing(answers: list[MethodAnswer], seed: int) -> None:
    result = weigh(*answers)
    assert result.verdict in VERDICTS
    assert len(result.reasons) == len(answers) + 1
    assert all(reason.why for reason in result.reasons)
    for layer in result.layers:
        assert all(0 <= one.score <= 1 for one in layer.named)
    shuffled = list(answers)
    random.Random(seed).shuffle(shuffled)
    assert replace(weigh(*shuffled), addresses=()) == replace(result, addresses=())
    said = {a.country.upper() for a in answers if a.ok}
    assert result.country in {*said, ""}, "never a country that nobody named"
    if result.verdict == "agreed":
        assert result.score >= WEIGHTS.agreed
        assert result.agreeing >= 2
    if result.edge is not None and not any(a.layer == "origin" or a.method == "disclosed" for a in answers):
        assert result.country == ""


@pytest.mark.parametrize("key", ["agreed", "registry"])
def test_a_chance_that_is_none_is_refused(key: str) -> None:
    from importlib.resources import files

    text = (files(policy) / "trace.toml").read_text()
    line = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
    with pytest.raises(policy.PolicyFault, match=key):
        looks.weights(policy.Table.of("t", text.replace(line, f"{key} = 1.5").encode()), "00" * 32)


def test_a_round_trip_tells_by_what_it_rules_out() -> None:
    def told(impossible: tuple[str, ...]) -> str:
        trip = says("round-trip", "", answer="9 ms", vantage="London", impossible=impossible)
        answers = (says("rdap", "GB"), says("origin-network", "GB"), located("GB"), trip)
        return why_of(weigh(*answers), answers, trip)

    assert told(()) == "9 ms from London rules nothing out."
    assert told(("NL", "DE")) == "9 ms from London rules out 2 other countries only."
    assert told(FAR) == f"9 ms from London fits United Kingdom and rules out {len(FAR)} other countries."


def test_resolvers_that_differ_are_one_place_where_a_file_knows_all_they_said() -> None:
    other = replace(DNS, addresses=("198.51.100.7",), answer="198.51.100.7")
    every = (*DNS.addresses, *other.addresses)
    named = (says("rdap", "GB"), says("origin-network", "GB"))
    known = weigh(other, *named, located("GB", addresses=every))
    assert known.verdict == "agreed"
    assert weigh(other, *named, located("GB", addresses=DNS.addresses)).score < known.score
