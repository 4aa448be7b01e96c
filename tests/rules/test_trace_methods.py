"""How many independent methods spoke and agree, and what verdict that makes; and what a fact is before it is told."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from openhotline import policy
from openhotline.rules import methods, trace_names, trace_vote
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts
from openhotline.rules.trace_country import Belief
from openhotline.rules.trace_voices import Voice

WEIGHTS = replace(
    policy.trace_weights(), round_trip_rules_out=2, methods_needed=3, agreed=0.9, agreed_name=0.8
)
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def voice(family: str, country: str, power: float = 1.0) -> Voice:
    return Voice(family, country, 0.1, power)


def trip(*impossible: str) -> MethodAnswer:
    return MethodAnswer(methods.ROUND_TRIP, True, impossible=impossible)


def counted(
    said: list[Voice], *trips: MethodAnswer, country: str = "GB"
) -> tuple[dict[str, int], dict[str, int]]:
    agree, spoke = trace_vote._methods(said, trips, country, WEIGHTS)
    return dict(+agree), dict(+spoke)


def test_a_family_agrees_with_half_of_its_voice_and_files_are_two_at_the_most() -> None:
    half = [voice("registry", "GB", 0.5), voice("registry", "NL", 0.5)]
    assert counted(half) == ({"registry": 1}, {"registry": 1})
    assert counted(half, country="FR") == ({}, {"registry": 1})
    third = [voice("registry", "GB", 1 / 3), *[voice("registry", "NL", 1 / 3)] * 2]
    assert counted(third) == ({}, {"registry": 1})
    files = [voice("location", "GB")] * 3
    assert counted(files) == ({"location": 2}, {"location": 2})
    assert counted([voice("location", "GB"), voice("registry", "NL")]) == (
        {"location": 1},
        {"location": 1, "registry": 1},
    )


def test_a_round_trip_is_a_method_once_it_rules_out_enough() -> None:
    said = [voice("registry", "GB")]
    assert counted(said, trip("NL")) == ({"registry": 1}, {"registry": 1})
    assert counted(said, trip("NL", "DE")) == (
        {"registry": 1, "round trip": 1},
        {"registry": 1, "round trip": 1},
    )
    assert counted(said, trip("NL", "GB")) == ({"registry": 1}, {"registry": 1, "round trip": 1})
    assert counted([], trip("NL", "DE"), country="") == ({}, {"round trip": 1})


def verdict(
    agree: dict[str, int], spoke: dict[str, int], score: float = 0.95, share: float = 1.0, **more: object
) -> str:
    held = Belief(more.get("chances", (("GB", 0.95),)), frozenset(more.get("out", ())))  # type: ignore[arg-type]
    said = [voice("registry", "GB")]
    return trace_vote._verdict(said, held, score, share, Counter(agree), Counter(spoke), WEIGHTS)[0]


def test_it_is_agreed_from_three_methods_of_two_kinds_that_are_sure_enough() -> None:
    three = {"registry": 1, "location": 2}
    assert verdict(three, three) == "agreed"
    assert verdict(three, three, score=0.9) == "agreed"
    assert verdict(three, three, score=0.8999) == "unclear"
    assert verdict({"location": 2}, three) == "unclear"
    assert verdict({"location": 3}, three) == "unclear"
    assert verdict({"location": 3}, {"location": 3}) == "unclear"
    assert verdict({"registry": 1, "location": 1}, {"registry": 1, "location": 1}) == "unclear"
    assert verdict(three, three, share=0.5) == "disputed"
    two = (("GB", 0.6), ("NL", 0.4))
    assert verdict({"location": 2}, three, chances=two) == "disputed"
    assert verdict(three, three, chances=two, out=("GB", "NL")) == "unclear"
    assert verdict(three, three, chances=two, out=("NL",)) == "agreed"
    assert verdict(three, three, chances=()) == "unclear"


def test_a_fact_says_nothing_before_it_is_told() -> None:
    answer, look = MethodAnswer("dns", True), CheckFacts("a", "north", NOON, "timeout")
    assert (answer.asn, answer.seconds, answer.source_age_s) == (0, 0.0, None)
    assert (look.status, look.seconds, look.words, look.canary_up) == (0, 0.0, 0, True)


def says(method: str, *addresses: str, **more: object) -> MethodAnswer:
    return MethodAnswer(method, True, addresses=addresses, **more)  # type: ignore[arg-type]


def test_a_literal_is_in_the_widest_network_that_an_answer_named() -> None:
    answers = [
        says("rdap", network=one)
        for one in ("192.0.2.0/28", "192.0.2.0/24", "odd/9", "192.0.2.9", "2001:db8::/32")
    ]
    wanted = {
        "192.0.2.1": "192.0.2.0/24",
        "2001:db8::1": "2001:db8::/32",
        "198.51.100.1": "198.51.100.1",
        "odd": "odd",
    }
    assert trace_vote._places(frozenset(wanted), answers) == wanted
    unsaid = replace(answers[1], ok=False)
    assert trace_vote._places(frozenset({"192.0.2.77"}), [answers[0], unsaid]) == {"192.0.2.77": "192.0.2.77"}


def test_the_share_of_the_resolvers() -> None:
    split = replace(WEIGHTS, split_names=0.25)

    def share(*answers: MethodAnswer) -> float:
        return trace_vote._share_of_names(answers, split)

    a, b, c = (says("dns", f"192.0.2.{number}") for number in (1, 2, 3))
    assert share(a) == share(a, replace(b, ok=False)) == share(a, says("dns")) == 1.0
    assert share(a, a) == share(a, says("dns", "192.0.2.1", "192.0.2.9")) == 1.0
    assert share(a, b) == 0.5 and share(a, b, c) == 1 / 3
    assert share(a, a, b) == 0.75, "most of them"
    assert share(a, b, says("rdap", network="192.0.2.0/24")) == 1.0
    file = says("location", "192.0.2.1", "192.0.2.2", country="GB")
    assert share(a, b, file) == 1.0
    for less in ({"ok": False}, {"country": ""}, {"addresses": ("192.0.2.1",)}, {"method": "rdap"}):
        assert share(a, b, replace(file, **less)) == 0.5, less  # type: ignore[arg-type]
    spoken = says("location", "192.0.2.2")
    assert share(a, a, b, spoken) == 1 / 3, "the others spoke of the one that few gave"
    assert share(a, a, b, replace(spoken, ok=False)) == 0.75
    assert share(a, b, says("location", "198.51.100.1")) == 0.5, "of none of them"


def test_addresses_come_disclosed_first_then_from_dns_each_once() -> None:
    given = [
        says("rdap", "3"),
        says("dns", "2", "1"),
        says("disclosed", "1"),
        replace(says("dns", "9"), ok=False),
    ]
    assert trace_vote._addresses(given) == ("1", "2", "3")


def test_a_name_is_agreed_from_two_sources_that_are_sure_enough() -> None:
    def named(agree: int, spoke: int, score: float, name: str = "Rack") -> tuple[str, float]:
        found = trace_vote._name("host", trace_names.Held(name, 0, score, agree, spoke), WEIGHTS)
        return found.verdict, found.score

    assert named(2, 2, 0.8) == ("agreed", 0.8)
    assert named(2, 2, 0.79) == ("unclear", 0.79)
    assert named(1, 1, 0.99) == ("unclear", 0.99)
    assert named(1, 2, 0.99) == ("disputed", 0.99)
    assert named(2, 2, 0.9, name="") == ("unclear", 0.0)


def test_a_proxy_in_front_makes_a_layer_of_its_own() -> None:
    def weighed(*answers: MethodAnswer) -> trace_vote.Vote:
        facts = TraceFacts("http://a.example/", "a.example", NOON, answers)
        return trace_vote.vote(facts, rules_version="t", weights=WEIGHTS)

    sign = says("proxy", layer="edge", answer="Front")
    hidden = weighed(sign, says("rdap", country="GB"))
    assert hidden.edge is not None and hidden.verdict == "behind proxy" and hidden.score == 0.0
    assert "A proxy stands in front (Front)." in hidden.why
    assert "in front. Where" in weighed(replace(sign, answer="")).why
    assert weighed(replace(sign, layer="")).edge is weighed(replace(sign, ok=False)).edge is None
    for other in (says("rdap", layer="edge"), says("dns", layer="edge")):
        assert weighed(other).edge is not None
        assert weighed(replace(other, ok=False)).edge is None
        assert "(" not in weighed(replace(other, answer="Other")).why
    told = says("disclosed", country="NL", disclosed_by="the host")
    assert weighed(sign, told).origin.disclosed_by == "the host"
    assert weighed(sign, told, replace(told, disclosed_by="x", ok=False)).origin.disclosed_by == "the host"
    mixed = [says("rdap", network="b"), *[replace(says("rdap", network="a"), ok=False)] * 2]
    assert weighed(*mixed).network == "b"
    none = weighed(replace(says("round-trip", impossible=("GB",)), ok=False), says("rdap", country="GB"))
    assert (
        none.score
        == weighed(says("rdap", country="GB")).score
        > weighed(says("round-trip", impossible=("GB",)), says("rdap", country="GB")).score
    )
