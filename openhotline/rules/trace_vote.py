"""Where is this held? Independent methods vote; what disagrees is said, never hidden.

True here: country, operator and host each get a verdict and a score, the estimated chance that the named value is
right. Edge and origin are two layers: what is said of a proxy never becomes a hosting country, and an origin that its
operator disclosed says by whom. *Agreed*, *disputed*, *behind proxy* and *unclear* are all real results; agreed needs
three independent methods that name the country. The order of the answers never matters. What is not here: asking
(connectors), the arithmetic (`trace_country.py`, `trace_names.py`), and what follows (`steps/trace`).
"""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from openhotline.rules import methods, trace_names
from openhotline.rules.countries import name_of
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_country import Belief, Trip, belief
from openhotline.rules.trace_reasons import EDGE, NO, ORIGIN, SAME, YES, Reason, ordered, reasons
from openhotline.rules.trace_voices import LOCATION, Voice, voices
from openhotline.rules.trace_weights import Weights

AGREED, DISPUTED, BEHIND_PROXY, UNCLEAR = "agreed", "disputed", "behind proxy", "unclear"
ROUND_TRIP = "round trip"  # as a method that agrees
MOST_FILES = 2  # location files count as at most so many methods
VERDICTS = (AGREED, DISPUTED, BEHIND_PROXY, UNCLEAR)


class Named(NamedTuple):
    """One question and what the vote came to: `score` is the estimated chance that `value` is right."""

    what: str  # country, operator, host
    verdict: str
    value: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the hosting: the proxy in front (edge), or where it is held (origin)."""

    layer: str  # edge or origin
    named: tuple[Named, ...]  # country, operator, host
    asn: int
    addresses: tuple[str, ...]
    network: str
    disclosed_by: str = ""

    def of(self, what: str) -> Named:
        """The verdict on one question."""
        return next(one for one in self.named if one.what == what)


@dataclass(frozen=True, slots=True)
class Vote:
    """The result. What stands here in plain words is the origin's; the edge has its own layer."""

    layers: tuple[Layer, ...]  # the origin first; an edge only where a proxy stands in front
    addresses: tuple[str, ...]  # IP literals: the origin's first, then those the name leads to
    reasons: tuple[Reason, ...]  # one for each answer, in the order of `trace_reasons.ordered`
    agreeing: int
    asked: int  # answers that had a say
    rules_version: str
    weights_version: str

    @property
    def origin(self) -> Layer:
        """Where it is held."""
        return self.layers[0]

    @property
    def edge(self) -> Layer | None:
        """The proxy in front, if one was found."""
        return self.layers[1] if len(self.layers) > 1 else None

    @property
    def verdict(self) -> str:
        """The verdict on the country."""
        return self.origin.of("country").verdict

    @property
    def score(self) -> float:
        """The estimated chance that `country` is right."""
        return self.origin.of("country").score

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2: the leading one even when disputed; "" if none was named or only a proxy was seen."""
        return self.origin.of("country").value

    @property
    def why(self) -> str:
        """One sentence over all."""
        return self.origin.of("country").why

    @property
    def operator(self) -> str:
        """Who runs the network, or ""."""
        return self.origin.of("operator").value

    @property
    def host(self) -> str:
        """Who can remove it, or ""."""
        return self.origin.of("host").value

    @property
    def asn(self) -> int:
        """The number of the autonomous system, or 0."""
        return self.origin.asn

    @property
    def network(self) -> str:
        """The network as a prefix, or ""."""
        return self.origin.network

    @property
    def disclosed_by(self) -> str:
        """Who named the origin behind a proxy, or ""."""
        return self.origin.disclosed_by


def vote(facts: TraceFacts, *, rules_version: str, weights: Weights) -> Vote:
    """Weigh all answers of one trace. The order of the answers does not matter."""
    answers = ordered(facts.answers)
    sign = next((a for a in answers if a.method == methods.PROXY and a.ok and a.layer == EDGE), None)
    behind = sign is not None or any(a.layer == EDGE and a.ok for a in answers)
    front = [a for a in answers if a.layer != ORIGIN and a.method != methods.DISCLOSED] if behind else []
    back = [a for a in answers if a not in front] if behind else answers
    origin = _layer(ORIGIN, back, weights)
    layers = [origin]
    if behind:
        if not any(a.ok for a in back):
            shown = f" ({sign.answer})" if sign and sign.answer else ""
            why = f"A proxy stands in front{shown}. Where the server behind it stands is not known yet."
            layers = [replace(origin, named=tuple(_hidden(one, why) for one in origin.named))]
        layers.append(_layer(EDGE, front, weights))
    countries = {ORIGIN: origin.of("country").value, EDGE: layers[-1].of("country").value}
    table = [
        *reasons(front, countries[EDGE], edge=True, weights=weights),
        *reasons(back, countries[ORIGIN], edge=False, weights=weights),
    ]
    placed = dict(zip([id(a) for a in [*front, *back]], table, strict=True))
    told = tuple(placed[id(a)] for a in answers)
    return Vote(
        layers=tuple(layers),
        addresses=_addresses([*back, *front]),
        reasons=told,
        agreeing=sum(one.agrees == YES for one in told),
        asked=sum(one.agrees in (YES, NO) for one in told),
        rules_version=rules_version,
        weights_version=weights.version,
    )


def _hidden(one: Named, why: str) -> Named:
    return Named(one.what, BEHIND_PROXY, "", 0.0, why)


def _layer(layer: str, answers: Sequence[MethodAnswer], weights: Weights) -> Layer:
    operator, host = trace_names.operator(answers, weights), trace_names.host(answers, weights)
    networks = [a.network for a in answers if a.ok and a.network]
    disclosed = sorted({a.disclosed_by for a in answers if a.ok and a.disclosed_by})
    return Layer(
        layer=layer,
        named=(
            _country(answers, weights),
            _name("operator", operator, weights),
            _name("host", host, weights),
        ),
        asn=operator.asn,
        addresses=_addresses(answers),
        network=_most(networks),
        disclosed_by="; ".join(disclosed),
    )


def _country(answers: Sequence[MethodAnswer], weights: Weights) -> Named:
    said = voices(answers, weights)
    trips = [a for a in answers if a.method == methods.ROUND_TRIP and a.ok]
    against = [Trip(*map(frozenset, (trip.impossible, trip.unlikely))) for trip in trips]
    held = belief(said, against, weights)
    country = held.country
    share = _share_of_names(answers, weights)
    score = round(held.score * share, 4)
    agree, spoke = _methods(said, trips, country, weights)
    verdict, why = _verdict(said, held, score, share, agree, spoke, weights)
    return Named("country", verdict, country, score, why)


def _methods(
    said: Sequence[Voice], trips: Sequence[MethodAnswer], country: str, weights: Weights
) -> tuple[Counter[str], Counter[str]]:
    """(methods that name the country, methods that spoke), by family.

    A family is one method however often it was asked, and agrees with most of its voice. Location files are up to two:
    they are made apart, and yet draw on each other.
    """
    spoke = Counter(dict.fromkeys({voice.family for voice in said}, 1))
    agree: Counter[str] = Counter()
    for family in spoke:
        here = sum(voice.power for voice in said if voice.family == family and voice.country == country)
        if here * 2 >= sum(voice.power for voice in said if voice.family == family) and here:
            agree[family] = min(round(here), MOST_FILES) if family == LOCATION else 1
    if spoke[LOCATION]:
        spoke[LOCATION] = min(sum(voice.family == LOCATION for voice in said), MOST_FILES)
    if any(len(trip.impossible) >= weights.round_trip_rules_out for trip in trips):
        spoke[ROUND_TRIP] = 1
        if country and not any(country in trip.impossible for trip in trips):
            agree[ROUND_TRIP] = 1
    return agree, spoke


def _verdict(
    said: Sequence[Voice],
    held: Belief,
    score: float,
    share: float,
    agree: Counter[str],
    spoke: Counter[str],
    weights: Weights,
) -> tuple[str, str]:
    named = [country for country, _ in held.chances]
    if not named:
        return UNCLEAR, "No method could name a country."
    if all(country in held.ruled_out for country in named):
        return UNCLEAR, (
            "Round trips rule out every country that was named: the server answers from several places at once"
            " (anycast), or every source is wrong."
        )
    needed, yes, all_ = weights.methods_needed, agree.total(), spoke.total()
    if all_ < needed or len(spoke) < 2:
        return UNCLEAR, (
            f"Only {all_} of {needed} independent methods answered; {needed} of at least two kinds are needed."
        )
    if share <= 0.5:
        return (
            DISPUTED,
            "The resolvers give different addresses for this name, and no majority of them agrees.",
        )
    if yes >= needed and len(agree) > 1 and score >= weights.agreed:
        return AGREED, f"{name_of(held.country)}. {yes} of {all_} independent methods agree."
    if len(named) > 1:
        return DISPUTED, f"The methods disagree: {_tally(said)}."
    return UNCLEAR, (
        f"{yes} of {all_} independent methods name {name_of(held.country)}, but their sources are too"
        " old or too few to be sure."
    )


def _name(what: str, held: trace_names.Held, weights: Weights) -> Named:
    if not held.name:
        return Named(what, UNCLEAR, "", 0.0, "No method named one.")
    if held.agree < held.spoke:
        return Named(what, DISPUTED, held.name, held.score, "The registry and the announcing network differ.")
    if held.agree >= 2 and held.score >= weights.agreed_name:
        return Named(
            what, AGREED, held.name, held.score, "The registry and the announcing network say the same."
        )
    return Named(what, UNCLEAR, held.name, held.score, "One kind of source alone names it.")


def _share_of_names(answers: Sequence[MethodAnswer], weights: Weights) -> float:
    """How far the resolvers back the addresses the other methods spoke about: 1, or less where they differ.

    Addresses in one network are one place: a name that gives its addresses in turn is no contradiction.
    """
    told = [frozenset(a.addresses) for a in answers if a.method == methods.DNS and a.ok and a.addresses]
    if len(told) < 2:
        return 1.0
    every = frozenset().union(*told)
    if any(a.method == methods.LOCATION and a.ok and a.country and every <= {*a.addresses} for a in answers):
        return 1.0  # a file knows all of them, and all of them are in one country
    place = _places(every, answers)
    told = [frozenset(place[literal] for literal in one) for one in told]
    if frozenset.intersection(*told):
        return 1.0
    asked = {
        place[lit] for a in answers if a.method != methods.DNS and a.ok for lit in a.addresses if lit in place
    }
    counts = Counter(one for answer in told for one in answer if one in asked or not asked)
    best = max(counts.values(), default=0) / len(told)
    return 1 - weights.split_names if best > 0.5 else best


def _places(literals: frozenset[str], answers: Sequence[MethodAnswer]) -> dict[str, str]:
    """literal -> the widest network an answer named that holds it, or itself."""
    networks = []
    for text in sorted({a.network for a in answers if a.ok and "/" in a.network}):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            continue  # a hostile or odd prefix holds nothing
    networks.sort(key=lambda net: (net.version, net.prefixlen, str(net)))
    found = {}
    for literal in literals:
        try:
            address = ipaddress.ip_address(literal)
        except ValueError:
            found[literal] = literal
            continue
        holder = next((net for net in networks if net.version == address.version and address in net), None)
        found[literal] = str(holder) if holder else literal
    return found


def _addresses(answers: Sequence[MethodAnswer]) -> tuple[str, ...]:
    """IP literals, those disclosed first, then those from DNS, each once."""
    place = {methods.DISCLOSED: 0, methods.DNS: 1}
    chosen = sorted((a for a in answers if a.ok), key=lambda a: place.get(a.method, 2))
    return tuple(dict.fromkeys(literal for answer in chosen for literal in answer.addresses))


def _most(values: Sequence[str]) -> str:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else ""


def _tally(said: Sequence[Voice]) -> str:
    counts = Counter(voice.country for voice in said)
    return ", ".join(
        f"{country} {count}" for country, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


__all__ = [
    "AGREED",
    "BEHIND_PROXY",
    "DISPUTED",
    "SAME",
    "UNCLEAR",
    "Layer",
    "Named",
    "Reason",
    "Vote",
    "vote",
]
