"""Where is this held? Independent methods vote on the country; what disagrees is said, never hidden.

Foundation rules: the registry (RDAP), the origin network and the location file each name a country and vote;
DNS has no vote but must have found an address. Agreed needs three answers and two thirds of them. *Disputed* and
*behind proxy* are real results. What is not here: asking the methods (connectors) and what follows (`steps/trace`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from openhotline.rules.facts import MethodAnswer, TraceFacts

AGREED, DISPUTED, BEHIND_PROXY, UNCLEAR = "agreed", "disputed", "behind proxy", "unclear"
VERDICTS = (AGREED, DISPUTED, BEHIND_PROXY, UNCLEAR)

DNS, RDAP, ORIGIN_NETWORK, LOCATION, PROXY = "dns", "rdap", "origin-network", "location", "proxy"
VOTING = (RDAP, ORIGIN_NETWORK, LOCATION)
NEEDED = 3  # methods that must have named a country (domain.md 1c: "at least three methods")
SAME, YES, NO, NONE = "same", "yes", "no", "-"  # the word in the table's last column


Value = TypeVar("Value", int, str)


class Reason(NamedTuple):
    """One method in the table: what it was, whether it agrees (YES, NO, SAME, NONE), and why in a sentence."""

    method: str
    agrees: str
    why: str


@dataclass(frozen=True, slots=True)
class Vote:
    """The result. `country` is the leading one even when disputed; `score` is the share that agrees, 0..1."""

    verdict: str
    score: float
    country: str  # ISO 3166-1 alpha-2, upper case; "" if nobody named one
    operator: str
    asn: int
    addresses: tuple[str, ...]
    network: str
    reasons: tuple[Reason, ...]
    agreeing: int
    asked: int  # voting methods asked
    why: str  # one sentence over all
    rules_version: str

    @property
    def host_address(self) -> str:
        """The first IP literal, or ""."""
        return self.addresses[0] if self.addresses else ""


def vote(facts: TraceFacts, *, rules_version: str) -> Vote:
    """Weigh all answers of one trace. The order of the answers does not matter."""
    answers = sorted(facts.answers, key=lambda answer: (answer.method, answer.source, answer.answer))
    voters = [answer for answer in answers if answer.method in VOTING]
    given = [
        (answer, answer.country.upper()) for answer in voters if answer.ok and _is_country(answer.country)
    ]
    counts = Counter(country for _, country in given)
    country, tie = _leader(counts)
    agreeing = counts[country]
    proxy = next(
        (answer for answer in answers if answer.method == PROXY and answer.ok and answer.answer), None
    )
    verdict, why = _verdict(counts, country, tie, len(voters), proxy)
    return Vote(
        verdict=verdict,
        score=round(agreeing / max(len(given), NEEDED), 4) if given else 0.0,
        country=country,
        operator=_operator(answers, country),
        asn=_most([answer.asn for answer in answers if answer.ok and answer.asn > 0]) or 0,
        addresses=_addresses(answers),
        network=_most([answer.network for answer in answers if answer.ok and answer.network]) or "",
        reasons=tuple(_reason(answer, country) for answer in answers),
        agreeing=agreeing,
        asked=len(voters),
        why=why,
        rules_version=rules_version,
    )


def _verdict(
    counts: Counter[str], country: str, tie: bool, asked: int, proxy: MethodAnswer | None
) -> tuple[str, str]:
    given = sum(counts.values())
    if proxy is not None:
        return (
            BEHIND_PROXY,
            f"A proxy stands in front ({proxy.answer}). The country is the proxy's, not the server's.",
        )
    if not given:
        return UNCLEAR, "No method could name a country."
    if given < NEEDED:
        heard = f"{given} of {max(asked, NEEDED)}"
        return UNCLEAR, f"Only {heard} methods answered; {NEEDED} are needed."
    if tie:
        return DISPUTED, f"The methods disagree: {_tally(counts)}."
    if counts[country] * 3 < given * 2:
        return DISPUTED, f"Fewer than two thirds agree: {_tally(counts)}."
    return AGREED, f"{country}. {counts[country]} of {given} methods agree."


def _leader(counts: Counter[str]) -> tuple[str, bool]:
    """The most named country (first in the alphabet in a tie) and whether there is a tie."""
    if not counts:
        return "", False
    best = max(counts.values())
    leaders = sorted(country for country, count in counts.items() if count == best)
    return leaders[0], len(leaders) > 1


def _reason(answer: MethodAnswer, country: str) -> Reason:
    if not answer.ok:
        return Reason(answer.method, NONE, answer.why or "No answer came.")
    if answer.method not in VOTING:
        return Reason(answer.method, SAME, answer.why or answer.answer or "An answer without a country.")
    if not _is_country(answer.country):
        return Reason(answer.method, NONE, answer.why or "The answer names no country.")
    named = answer.country.upper()
    if named == country:
        return Reason(answer.method, YES, answer.why or f"Names {named}.")
    return Reason(answer.method, NO, answer.why or f"Names {named}, the others {country}.")


def _operator(answers: Sequence[MethodAnswer], country: str) -> str:
    """Who holds the network: the registry's word first, then whoever agrees on the country, then anyone."""
    named = [answer for answer in answers if answer.ok and answer.operator]
    named.sort(key=lambda a: (a.method != RDAP, a.country.upper() != country, a.method, a.operator))
    return named[0].operator if named else ""


def _addresses(answers: Sequence[MethodAnswer]) -> tuple[str, ...]:
    """IP literals, those from DNS first, each once."""
    ordered = sorted((a for a in answers if a.ok), key=lambda a: a.method != DNS)
    return tuple(dict.fromkeys(literal for answer in ordered for literal in answer.addresses))


def _most(values: Sequence[Value]) -> Value | None:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha()


def _tally(counts: Counter[str]) -> str:
    return ", ".join(
        f"{country} {count}" for country, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    )
