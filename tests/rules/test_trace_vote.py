"""Three methods vote on the country, and say so when they do not agree."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_vote import VERDICTS, VOTING, Vote, vote

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
DNS = MethodAnswer("dns", True, answer="192.0.2.44", addresses=("192.0.2.44", "2001:db8:44::10"))


def says(method: str, country: str, **more: object) -> MethodAnswer:
    return MethodAnswer(method, True, country=country, **more)  # type: ignore[arg-type]


def fails(method: str, why: str = "No answer within 10 seconds.") -> MethodAnswer:
    return MethodAnswer(method, False, why=why)


def weigh(*answers: MethodAnswer) -> Vote:
    return vote(TraceFacts("http://example.test/", "example.test", NOON, (DNS, *answers)), rules_version="t")


def test_three_of_three_agree() -> None:
    result = weigh(
        says("rdap", "GB", operator="North Rack (invented)", network="192.0.2.0/24"),
        says("origin-network", "GB", asn=64500, network="192.0.2.0/24"),
        says("location", "gb"),
    )
    assert (result.verdict, result.country, result.score) == ("agreed", "GB", 1.0)
    assert (result.agreeing, result.asked) == (3, 3)
    assert (result.operator, result.asn, result.network) == ("North Rack (invented)", 64500, "192.0.2.0/24")
    assert result.host_address == "192.0.2.44"
    assert result.addresses == ("192.0.2.44", "2001:db8:44::10")
    assert result.why == "GB. 3 of 3 methods agree."


def test_two_of_three_agree_and_the_third_is_named() -> None:
    result = weigh(says("rdap", "GB"), says("origin-network", "GB"), says("location", "NL"))
    assert (result.verdict, result.country, result.agreeing) == ("agreed", "GB", 2)
    assert result.score == pytest.approx(2 / 3, abs=1e-4)
    table = {reason.method: reason.agrees for reason in result.reasons}
    assert table == {"dns": "same", "rdap": "yes", "origin-network": "yes", "location": "no"}
    assert any("Names NL, the others GB." in reason.why for reason in result.reasons)


def test_three_that_all_differ_are_disputed() -> None:
    result = weigh(says("rdap", "GB"), says("origin-network", "DE"), says("location", "NL"))
    assert result.verdict == "disputed"
    assert "DE 1, GB 1, NL 1" in result.why


@pytest.mark.parametrize("missing", VOTING)
def test_fewer_than_three_answers_are_unclear(missing: str) -> None:
    answers = [fails(method) if method == missing else says(method, "GB") for method in VOTING]
    result = weigh(*answers)
    assert (result.verdict, result.country) == ("unclear", "GB")
    assert "Only 2 of 3" in result.why
    assert result.score < 0.7


def test_no_answers_at_all_are_unclear() -> None:
    result = vote(TraceFacts("http://example.test/", "example.test", NOON), rules_version="t")
    assert (result.verdict, result.country, result.score, result.operator, result.asn) == (
        "unclear",
        "",
        0.0,
        "",
        0,
    )
    assert result.addresses == ()
    assert result.host_address == ""


def test_an_answer_without_a_country_does_not_vote() -> None:
    result = weigh(says("rdap", ""), says("origin-network", "GB"), says("location", "EUROPE"))
    assert result.verdict == "unclear"
    assert {reason.method for reason in result.reasons if reason.agrees == "-"} == {"rdap", "location"}


def test_a_proxy_in_front_is_a_result_of_its_own() -> None:
    result = weigh(
        *(says(method, "US") for method in VOTING), MethodAnswer("proxy", True, answer="Front Net (invented)")
    )
    assert result.verdict == "behind proxy"
    assert "Front Net" in result.why


def test_the_registry_has_the_word_on_the_operator() -> None:
    result = weigh(
        says("origin-network", "GB", operator="Carrier (invented)", asn=64500),
        says("rdap", "GB", operator="North Rack (invented)"),
        says("location", "GB"),
    )
    assert result.operator == "North Rack (invented)"


COUNTRIES = st.sampled_from(["GB", "NL", "DE", "", "xx", "1!"])
ANSWER = st.builds(
    MethodAnswer,
    st.sampled_from([*VOTING, "dns", "proxy", "other"]),
    st.booleans(),
    why=st.sampled_from(["", "why."]),
    answer=st.text(max_size=5),
    country=COUNTRIES,
    addresses=st.lists(st.sampled_from(["192.0.2.1", "198.51.100.1"]), max_size=2).map(tuple),
    asn=st.integers(0, 3),
    operator=st.sampled_from(["", "A", "B"]),
)


@given(st.lists(ANSWER, max_size=8), st.integers(0, 1000))
def test_the_order_of_the_answers_changes_nothing(answers: list[MethodAnswer], seed: int) -> None:
    result = weigh(*answers)
    assert result.verdict in VERDICTS
    assert 0 <= result.score <= 1
    assert len(result.reasons) == len(answers) + 1
    assert all(reason.why for reason in result.reasons)
    shuffled = list(answers)
    random.Random(seed).shuffle(shuffled)
    again = weigh(*shuffled)
    same = ("verdict", "country", "score", "asn", "operator", "agreeing", "asked", "why")
    assert [getattr(again, name) for name in same] == [getattr(result, name) for name in same]
    if result.verdict == "agreed":
        assert result.agreeing >= 2
        assert result.country
