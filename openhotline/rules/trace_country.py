"""How sure a country is, given what every source said: the arithmetic of the vote, nothing else.

True here: sources that copy from each other count once. Answers of one family share one voice; and a lie that
registrations share (a parent company's registered office), that location files share, or that all share (a leased
block) is weighed as the one lie it is, so more copies cannot make anybody surer than the chance of a common lie
allows. What is not here: which answers there are and what they mean in words (`trace_vote.py`, `trace_reasons.py`).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from openhotline.rules import methods
from openhotline.rules.countries import code_of
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_weights import DAY_S, YEAR_S, Weights

REGISTRY, AUTONOMOUS, LOCATION, DISCLOSED = "registry", "autonomous system", "location", "disclosed"
ROUND_TRIP = "round trip"
FAMILY = {
    methods.RDAP: REGISTRY,
    methods.WHOIS: REGISTRY,
    methods.RDAP_AS: AUTONOMOUS,
    methods.ORIGIN_NETWORK: AUTONOMOUS,
    methods.LOCATION: LOCATION,
    methods.DISCLOSED: DISCLOSED,
}
_REGISTRATIONS = frozenset((REGISTRY, AUTONOMOUS))
WORST = 0.6  # however old a source is, it is not believed to be wrong more often than this


class Voice(NamedTuple):
    """One say in the vote: who says it, where, how often such a source errs, and its share of a voice."""

    family: str
    country: str
    error: float
    power: float


class Belief(NamedTuple):
    """Every country that was named, with its chance. `ruled_out`: those a round trip excludes."""

    chances: tuple[tuple[str, float], ...]  # most likely first, then by code
    ruled_out: frozenset[str]

    @property
    def country(self) -> str:
        """The most likely one, or "" if none was named."""
        return self.chances[0][0] if self.chances else ""

    @property
    def score(self) -> float:
        """Its chance."""
        return self.chances[0][1] if self.chances else 0.0


def voices(answers: Iterable[MethodAnswer], weights: Weights) -> list[Voice]:
    """The voices among the answers. Several answers of one family share one voice, but each location file has its
    own: what they have in common is weighed as common."""
    given = [
        (FAMILY[answer.method], code_of(answer.country), error_of(answer, weights))
        for answer in answers
        if answer.ok and answer.method in FAMILY and code_of(answer.country)
    ]
    sizes = Counter(family for family, _, _ in given)
    return sorted(
        Voice(family, country, error, 1.0 if family == LOCATION else 1.0 / sizes[family])
        for family, country, error in given
    )


def error_of(answer: MethodAnswer, weights: Weights) -> float:
    """How often a source of this kind and age names another country than the server's."""
    family = FAMILY[answer.method]
    if family == LOCATION:
        age = answer.source_age_s
        years = (weights.unknown_age_days * DAY_S if age is None else max(age, 0)) / YEAR_S
        return min(weights.location + weights.location_year * years, WORST)
    rates = {
        REGISTRY: weights.registry,
        AUTONOMOUS: weights.autonomous_system,
        DISCLOSED: weights.disclosed,
    }
    return rates[family]


def belief(said: Sequence[Voice], ruled_out: Sequence[frozenset[str]], weights: Weights) -> Belief:
    """The chance of every named country. `ruled_out`: per vantage point, the countries its round trip excludes."""
    named = sorted({voice.country for voice in said})
    excluded = frozenset().union(*ruled_out) if ruled_out else frozenset()
    if not named:
        return Belief((), excluded)
    others = max(weights.countries, len(named) + 2) - len(named)  # countries nobody named
    lies = [(country, 1) for country in named] + [("", others)]
    likely: dict[str, float] = {}
    for truth, count in lies:
        chance = _chance(said, truth, lies, others + len(named), weights)
        for one in ruled_out:
            if truth in one:
                chance *= weights.round_trip
        likely[truth] = chance * count
    total = sum(likely.values())
    chances = ((country, _calibrated(likely[country] / total, weights)) for country in named)
    return Belief(tuple(sorted(chances, key=lambda one: (-one[1], one[0]))), excluded)


def _chance(
    said: Sequence[Voice], truth: str, lies: Sequence[tuple[str, int]], countries: int, weights: Weights
) -> float:
    """How likely these answers are if the server stands in `truth` ("": a country nobody named)."""
    wrong = countries - 1
    registrations = [voice for voice in said if voice.family in _REGISTRATIONS]
    files = [voice for voice in said if voice.family == LOCATION]
    rest = [voice for voice in said if voice.family not in _REGISTRATIONS and voice.family != LOCATION]
    alone_registered = _apart(registrations, truth, wrong)
    alone_files = _apart(files, truth, wrong)
    told = _apart(rest, truth, wrong)
    escape = weights.common_escape
    shared_registered = shared_files = shared_all = 0.0
    for lie, count in lies:
        count = count - 1 if lie == truth == "" else count
        if count <= 0 or (lie == truth and lie):
            continue
        one = _together(registrations, truth, lie, escape, wrong)
        two = _together(files, truth, lie, escape, wrong)
        shared_registered += count * one / wrong
        shared_files += count * two / wrong
        shared_all += count * one * two / wrong
    registered, located, both = weights.common_registration, weights.common_location, weights.common_all
    none = max(0.0, 1 - registered) * alone_registered + registered * shared_registered
    apart = none * ((1 - located) * alone_files + located * shared_files)
    return ((1 - both) * apart + both * shared_all) * told


def _apart(said: Sequence[Voice], truth: str, wrong: int) -> float:
    chance = 1.0
    for voice in said:
        chance *= (1 - voice.error if voice.country == truth else voice.error / wrong) ** voice.power
    return chance


def _together(said: Sequence[Voice], truth: str, lie: str, escape: float, wrong: int) -> float:
    """All carry one lie; now and then one does not, and then mostly tells the truth."""
    chance = 1.0
    for voice in said:
        if voice.country == lie:
            each = 1 - escape
        elif voice.country == truth:
            each = escape / 2
        else:
            each = escape / 2 / wrong
        chance *= each**voice.power
    return chance


def _calibrated(chance: float, weights: Weights) -> float:
    bounded = min(max(chance, 1e-6), 1 - 1e-6)
    odds = weights.slope * math.log(bounded / (1 - bounded)) + weights.offset
    return round(min(max(1 / (1 + math.exp(-odds)), 0.001), 0.999), 4)
