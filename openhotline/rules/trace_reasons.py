"""Why a method agrees or does not, in words for the table of a trace and for a court.

True here: one reason for every answer, in the order of `ordered`; a reason names what the rule used and nothing it
did not know. What is not here: the verdict (`trace_vote.py`).
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from openhotline.rules import methods
from openhotline.rules.countries import code_of, name_of
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_voices import FAMILY, LOCATION, REGISTRY
from openhotline.rules.trace_weights import DAY_S, Weights

SAME, YES, NO, NONE = "same", "yes", "no", "-"  # the word in the table's last column
EDGE, ORIGIN = "edge", "origin"
NO_SAY = "Names addresses or names; it has no say in the country."


class Reason(NamedTuple):
    """One method in the table: what it was, whether it agrees (YES, NO, SAME, NONE), and why in a sentence."""

    method: str
    agrees: str
    why: str


def ordered(answers: Iterable[MethodAnswer]) -> list[MethodAnswer]:
    """The answers in the order of the table: by method as they are listed, then by everything else they say."""
    place = {method: number for number, method in enumerate(methods.ALL)}
    return sorted(
        answers,
        key=lambda a: (
            a.layer == ORIGIN,
            place.get(a.method, len(place)),
            a.method,
            a.source,
            a.vantage,
            a.answer,
            a.country,
            a.addresses,
            a.why,
            repr(a),
        ),
    )


def reasons(
    answers: Sequence[MethodAnswer], country: str, *, edge: bool, weights: Weights
) -> tuple[Reason, ...]:
    """One for each answer, in their order. `country` is what the layer's vote came to; `edge`: a proxy stands there."""
    round_trips = [a for a in answers if a.method == methods.ROUND_TRIP and a.ok]
    held = {a.country.upper() for a in answers if a.ok and a.method == methods.RDAP_AS}
    apart = _apart(answers)
    made = []
    for answer in answers:
        agrees, why = _reason(answer, country, round_trips, held, weights)
        if edge and answer.method in _OF_A_PLACE and agrees in (YES, NO):
            agrees, why = NONE, f"Speaks of the proxy, not of the server behind it. {why}"
        if apart and answer.method == methods.DNS and answer.ok:
            agrees = NO
        made.append(Reason(answer.method, agrees, why))
    return tuple(made)


_OF_A_PLACE = (*FAMILY, methods.ROUND_TRIP)
_OF_NO_PLACE = (methods.RDAP_DOMAIN, methods.ONION, methods.NEWS_SERVER)  # nothing to be compared with


def _apart(answers: Sequence[MethodAnswer]) -> bool:
    """Whether the resolvers give addresses that have nothing in common: neither one of them, nor a network that a
    registry named, nor a country in a file that knows them all."""
    told = [frozenset(a.addresses) for a in answers if a.method == methods.DNS and a.ok and a.addresses]
    if len(told) < 2 or frozenset.intersection(*told):
        return False
    networks = sorted({a.network for a in answers if a.ok and a.network})
    if frozenset.intersection(*(frozenset(_home(one, networks) for one in each) for each in told)):
        return False
    every = frozenset().union(*told)
    return not any(
        a.method == methods.LOCATION and a.ok and a.country and every <= {*a.addresses} for a in answers
    )


def _home(literal: str, networks: Sequence[str]) -> str:
    """The first of the networks that holds a literal, or itself."""
    for network in networks:
        try:
            if ipaddress.ip_address(literal) in ipaddress.ip_network(network):
                return network
        except ValueError:
            continue  # a hostile or odd prefix holds nothing
    return literal


def _reason(
    answer: MethodAnswer,
    country: str,
    round_trips: Sequence[MethodAnswer],
    held: set[str],
    weights: Weights,
) -> tuple[str, str]:
    if not answer.ok:
        return NONE, answer.why or "No answer came."
    if answer.method == methods.ROUND_TRIP:
        return _round_trip(answer, country, weights)
    if answer.method == methods.PROXY:
        if answer.layer == EDGE:
            return NONE, answer.why or f"A proxy stands in front: {answer.answer}."
        return SAME, answer.why or "No sign of a proxy was found."
    if answer.method not in FAMILY:
        none = answer.method in _OF_NO_PLACE
        return NONE if none else SAME, answer.why or NO_SAY
    named = code_of(answer.country)
    if not named:
        return NONE, answer.why or "The answer names no country."
    old = _age(answer, weights)
    if named == country:
        by = f"Told to us by {answer.disclosed_by}." if answer.disclosed_by else f"Names {name_of(named)}."
        return YES, " ".join(filter(None, (by, old)))
    return NO, " ".join(
        filter(None, (_differs(answer, named, country, held), old, _ruled(named, round_trips)))
    )


def _differs(answer: MethodAnswer, named: str, country: str, held: set[str]) -> str:
    """Why such a source may name another country, as far as the answers show it."""
    where = f"Names {name_of(named)}"
    if FAMILY[answer.method] == REGISTRY:
        if named in held:
            return f"{where}: registered office of the holder or its parent company, not the server’s place."
        return f"{where}: where the network is registered, which need not be the server’s place."
    if FAMILY[answer.method] == LOCATION:
        return f"{where}, the others {name_of(country)}." if country else f"{where}."
    if answer.method in (methods.RDAP_AS, methods.ORIGIN_NETWORK):
        return f"{where}: where the autonomous system is registered, not where its servers stand."
    return f"{where}, the others {name_of(country)}." if country else f"{where}."


def _age(answer: MethodAnswer, weights: Weights) -> str:
    days = int((answer.source_age_s or 0) / DAY_S)
    if FAMILY.get(answer.method) == LOCATION and answer.source_age_s is None:
        return "The file does not tell its age."
    thing = "file" if answer.method in (methods.LOCATION, methods.ORIGIN_NETWORK) else "source"
    if answer.dated_ahead:
        return f"The {thing} is dated {-days} days ahead, so how old it is nobody knows."
    return f"The {thing} is {days} days old." if days >= weights.old_days else ""


def _ruled(named: str, round_trips: Sequence[MethodAnswer]) -> str:
    for trip in round_trips:
        if named in trip.impossible:
            return f"{_measured(trip)} rules out {name_of(named)}."
    return ""


def _round_trip(answer: MethodAnswer, country: str, weights: Weights) -> tuple[str, str]:
    if not answer.impossible:
        return NONE, f"{_measured(answer)} rules nothing out. {answer.why}".rstrip()
    if country in answer.impossible:
        return NO, f"{_measured(answer)} rules out {name_of(country)}."
    count = len(answer.impossible)
    if count < weights.round_trip_rules_out:
        return NONE, f"{_measured(answer)} rules out {count} other countries only."
    fits = f"fits {name_of(country)} and " if country else ""
    return YES, f"{_measured(answer)} {fits}rules out {count} other countries."


def _measured(answer: MethodAnswer) -> str:
    """ "18 ms from Stockholm", or as near as the answer tells it."""
    shown = answer.answer or "The round trip"
    where = answer.vantage
    return shown if not where or where.casefold() in shown.casefold() else f"{shown} from {where}"
