"""Who runs the network, and who can remove it: names weighed as countries are, in a smaller way.

True here: two spellings of one name ("North Rack Ltd", "NORTH RACK") are one name; the registry and the announcing
network are the two voices, however often each was asked. What is not here: countries (`trace_country.py`).
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from openhotline.rules import methods
from openhotline.rules.company_names import folded
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_voices import AUTONOMOUS, DISCLOSED, FAMILY, REGISTRY
from openhotline.rules.trace_weights import Weights

_OTHERS = 50  # names a wrong source may spread over


class Claim(NamedTuple):
    """One name, who says it, how often such a source is wrong, and its share of a voice."""

    family: str
    name: str
    asn: int
    error: float
    power: float


class Held(NamedTuple):
    """The most likely name with its number (0 if unknown), its chance, and how many families say so of how many."""

    name: str
    asn: int
    score: float
    agree: int
    spoke: int


def operator(answers: Sequence[MethodAnswer], weights: Weights) -> Held:
    """Who runs the network: mostly who announces it."""
    return _weigh(answers, weights.operator_as, weights.operator_registry, weights)


def host(answers: Sequence[MethodAnswer], weights: Weights) -> Held:
    """Who can remove it: mostly who holds the network in the registry, down to a customer's own block."""
    return _weigh(answers, weights.host_as, weights.host_registry, weights)


def _weigh(answers: Sequence[MethodAnswer], announced: float, registered: float, weights: Weights) -> Held:
    errors = {REGISTRY: registered, AUTONOMOUS: announced, DISCLOSED: weights.disclosed}
    said = [
        (FAMILY[answer.method], answer)
        for answer in answers
        if answer.ok and answer.operator and FAMILY.get(answer.method) in errors
    ]
    sizes = Counter(family for family, _ in said)
    claims = [
        Claim(family, answer.operator, answer.asn, errors[family], 1.0 / sizes[family])
        for family, answer in said
    ]
    number = _number(answers)
    if not claims:
        return Held("", number, 0.0, 0, 0)
    likely: dict[str, float] = {}
    for truth in sorted({folded(claim.name) for claim in claims}):
        chance = 1.0
        for claim in claims:
            right = folded(claim.name) == truth
            chance *= (1 - claim.error if right else claim.error / _OTHERS) ** claim.power
        likely[truth] = chance
    nobody = float(_OTHERS)
    for claim in claims:
        nobody *= (claim.error / _OTHERS) ** claim.power
    best = min(likely, key=lambda name: (-likely[name], name))
    agree = {claim.family for claim in claims if folded(claim.name) == best}
    spelled = sorted((claim.family != REGISTRY, claim.name) for claim in claims if folded(claim.name) == best)
    return Held(
        spelled[0][1],
        number,
        round(min(likely[best] / (sum(likely.values()) + nobody), 0.999), 4),
        len(agree),
        len(sizes),
    )


def _number(answers: Sequence[MethodAnswer]) -> int:
    """The number of the autonomous system: who announces it says so first."""
    for wanted in ((methods.ORIGIN_NETWORK,), methods.ALL):
        counts = Counter(a.asn for a in answers if a.ok and a.asn > 0 and a.method in wanted)
        if counts:
            return min(counts, key=lambda asn: (-counts[asn], asn))
    return 0
