"""How many independent methods spoke and agree, and what verdict that makes; and what a fact is before it is told."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from openhotline import policy
from openhotline.rules import methods, trace_vote
from openhotline.rules.facts import CheckFacts, MethodAnswer
from openhotline.rules.trace_country import Belief, Voice

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
