"""Which answers of a trace have a say in the country, and what is known of each: one `Voice` for each.

True here: answers of one family copy from one another and share one voice; each location file has its own, since what
they have in common is weighed as common (`trace_country.py`). What is not here: the weighing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from openhotline.rules import methods
from openhotline.rules.company_names import folded
from openhotline.rules.countries import code_of
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_weights import DAY_S, YEAR_S, Weights

REGISTRY, AUTONOMOUS, LOCATION, DISCLOSED = "registry", "autonomous system", "location", "disclosed"
FAMILY = {
    methods.RDAP: REGISTRY,
    methods.WHOIS: REGISTRY,
    methods.RDAP_AS: AUTONOMOUS,
    methods.ORIGIN_NETWORK: AUTONOMOUS,
    methods.LOCATION: LOCATION,
    methods.DISCLOSED: DISCLOSED,
}
OWN, OTHERS = "own", "other's"
WORST = 0.6  # however old a source is, it is not believed to be wrong more often than this


class Voice(NamedTuple):
    """One say in the vote: who says it, where, how often such a source errs, its share of a voice, and its age."""

    family: str
    country: str
    error: float
    power: float
    years: float = 0.0  # of a location file
    changed: float = -1.0  # years since a registry last changed its record; -1 where it does not say
    block: str = ""  # of a registry: OWN if it names who announces the block, OTHERS if another; "" unknown


def voices(answers: Sequence[MethodAnswer], weights: Weights) -> list[Voice]:
    """The voices among the answers."""
    given = [
        answer for answer in answers if answer.ok and answer.method in FAMILY and code_of(answer.country)
    ]
    sizes = Counter(FAMILY[answer.method] for answer in given)
    announcers = _announcers(answers)
    return sorted(_voice(answer, sizes, announcers, weights) for answer in given)


def _voice(answer: MethodAnswer, sizes: Counter[str], announcers: frozenset[str], weights: Weights) -> Voice:
    family, block, changed = FAMILY[answer.method], "", -1.0
    if family == REGISTRY:
        block = _block(answer, announcers)
        changed = -1.0 if answer.changed_s is None else max(answer.changed_s, 0) / YEAR_S
    return Voice(
        family,
        code_of(answer.country),
        error_of(answer, weights, block),
        1.0 if family == LOCATION else 1.0 / sizes[family],
        _years(answer, weights),
        changed,
        block,
    )


def _announcers(answers: Iterable[MethodAnswer]) -> frozenset[str]:
    """The names of who announces the address, folded."""
    return frozenset(
        folded(answer.operator)
        for answer in answers
        if answer.ok and answer.operator and FAMILY.get(answer.method) == AUTONOMOUS
    )


def _block(answer: MethodAnswer, announcers: frozenset[str]) -> str:
    if not answer.operator or not announcers:
        return ""
    return OWN if folded(answer.operator) in announcers else OTHERS


def error_of(answer: MethodAnswer, weights: Weights, block: str = "") -> float:
    """How often a source of this kind and age names another country than the server's.

    A registry that names another than who announces the block has often missed that it changed hands.
    """
    family = FAMILY[answer.method]
    if family == LOCATION:
        return min(weights.location + weights.location_year * _years(answer, weights), WORST)
    if family == REGISTRY and block == OTHERS:
        return weights.registry_other
    if answer.method == methods.WHOIS:
        return weights.whois
    rates = {
        REGISTRY: weights.registry,
        AUTONOMOUS: weights.autonomous_system,
        DISCLOSED: weights.disclosed,
    }
    return rates[family]


def _years(answer: MethodAnswer, weights: Weights) -> float:
    if FAMILY[answer.method] != LOCATION:
        return 0.0
    age = answer.source_age_s
    if age is None or answer.dated_ahead:
        age = weights.unknown_age_days * DAY_S
    return max(age, 0) / YEAR_S
