"""Raw answers that did not come through our sockets, read as those that do: by the connectors' own meaning.

Used to score the vote on made-up sites (`openhotline world score`), so that what is scored is the reading and the vote
together. What is not here: asking anybody, and where the answers are from (`world/score`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from openhotline.connectors.disclosure import meaning as disclosure
from openhotline.connectors.geo import meaning as geo
from openhotline.connectors.proxy import meaning as proxy
from openhotline.connectors.rdap import meaning as rdap
from openhotline.connectors.roundtrip import meaning as roundtrip
from openhotline.connectors.whois import meaning as whois
from openhotline.policy import proxies as proxy_lists
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer

extents = proxy_lists.extents
NO_ANSWER = "No answer within 10 seconds."


def names(resolver: str, addresses: Sequence[str]) -> MethodAnswer:
    """What one resolver gave."""
    return MethodAnswer(
        methods.DNS, True, answer=", ".join(addresses), addresses=tuple(addresses), source=resolver
    )


def registry(body: bytes | None, *, address: str, at: datetime) -> MethodAnswer:
    """RDAP about an address; None where nothing came."""
    if body is None:
        return MethodAnswer(methods.RDAP, ok=False, why=NO_ANSWER)
    return replace(rdap.read(body, source="registry", at=at, asked=address), addresses=(address,))


def system(body: bytes | None, *, asn: int, at: datetime) -> MethodAnswer:
    """RDAP about an autonomous system."""
    if body is None:
        return MethodAnswer(methods.RDAP_AS, ok=False, why=NO_ANSWER)
    return rdap.read(body, source="registry", at=at, method=methods.RDAP_AS, asked=str(asn))


def old_registry(body: bytes, *, address: str, at: datetime) -> MethodAnswer:
    """WHOIS text."""
    return whois.read(body, source="whois", at=at, asked=address)


def record(
    method: str, value: Mapping[str, object] | None, *, address: str, file: str, age_s: int
) -> MethodAnswer:
    """One file's record about an address."""
    if value is None:
        return MethodAnswer(method, ok=False, why="The file does not know this address.", source=file)
    asn, operator = geo.network_of(value) if method == methods.ORIGIN_NETWORK else (0, "")
    country = geo.country_of(value)
    return MethodAnswer(
        method,
        True,
        answer=f"AS{asn} {operator}" if asn else country,
        country=country,
        addresses=(address,),
        asn=asn,
        operator=operator,
        source=file,
        source_age_s=age_s,
        raw=repr(value),
    )


def trip(
    vantage: str, place: tuple[float, float], seconds: float, *, address: str, of: roundtrip.Extents
) -> MethodAnswer:
    """One round trip from one vantage point."""
    return roundtrip.answer(
        [seconds], vantage=vantage, place=place, extents=of, literal=address, port=443, through_exit=True
    )


def together(
    trips: Sequence[MethodAnswer], places: Mapping[str, tuple[float, float]], *, of: roundtrip.Extents
) -> list[MethodAnswer]:
    """What round trips rule out together, if that is more than each of them does: one answer or none."""
    joint = roundtrip.together(trips, places, of)
    return [joint] if joint else []


def front(
    address: str, headers: Sequence[tuple[str, str]], ranges: Sequence[tuple[str, str]], sign: str
) -> MethodAnswer:
    """Signs of a proxy, by the lists given."""
    lists = proxy.Lists.of(ranges, [(sign, "", "made-up CDN")], "made up")
    return proxy.look([address], headers, lists=lists, asked_headers=True)


def disclosed(body: bytes, *, canonical: str, by: str, at: datetime) -> MethodAnswer:
    """A CDN's reply to a trusted notifier."""
    return disclosure.read(body, canonical=canonical, discloser=by, source=by, at=at)
