"""What each source sends about a made-up site, as it would send it.

True here: RDAP is JSON as RFC 9083 has it, WHOIS is text as port 43 gives it, a file's record is the dictionary such
a file holds. What is not here: what is true and who lies (`sites.py`), and what any of it means (connectors).
"""

import json
from dataclasses import dataclass
from datetime import datetime

SIGN = "x-front-edge"  # the header these CDNs put on an answer


@dataclass(frozen=True, slots=True)
class File:
    """One location or origin file's record about the address; None where it does not know it."""

    name: str
    age_s: int
    record: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Trip:
    """One round trip. `place` is where the vantage point is said to be."""

    vantage: str
    place: tuple[float, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Said:
    """Everything about one address. None: that source did not answer."""

    address: str
    rdap: bytes | None
    rdap_as: bytes | None
    whois: bytes | None
    origin: tuple[File, ...]
    location: tuple[File, ...]
    trips: tuple[Trip, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """One site: what is true, and what everybody says. `lie` names its lying source."""

    host: str
    at: datetime
    country: str  # where it is held; "" if one address answers from several places
    asn: int
    operator: str  # who runs the network it is held in
    holder: str  # who can remove it there
    lie: str
    resolvers: tuple[tuple[str, tuple[str, ...]], ...]  # (resolver, addresses it gives)
    direct: Said  # about the address the name leads to: an edge's where a proxy stands in front
    proxied: bool = False
    edge_country: str = ""  # where the edge we see stands
    ranges: tuple[tuple[str, str], ...] = ()  # the list of proxies' networks, as far as it goes
    headers: tuple[tuple[str, str], ...] = ()
    disclosure: bytes | None = None  # the CDN's reply
    behind: Said | None = None  # about the address that was disclosed


def rdap_ip(*, network: str, name: str, holder: str, country: str, changed: datetime) -> bytes:
    """RFC 9083 5.4, with its abuse contact nested in the registrant."""
    prefix, length = network.split("/")
    abuse = {
        "objectClassName": "entity",
        "roles": ["abuse"],
        "vcardArray": ["vcard", [["fn", {}, "text", "Abuse"], ["email", {}, "text", "abuse@holder.example"]]],
    }
    value = {
        "objectClassName": "ip network",
        "handle": name,
        "name": name,
        "country": country,
        "ipVersion": "v6",
        "cidr0_cidrs": [{"v6prefix": prefix, "length": int(length)}],
        "entities": [
            {
                "objectClassName": "entity",
                "roles": ["registrant"],
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", holder]]],
                "entities": [abuse],
            }
        ],
        "events": [{"eventAction": "last changed", "eventDate": changed.isoformat()}],
    }
    return json.dumps(value).encode()


def rdap_autnum(*, asn: int, holder: str, country: str) -> bytes:
    """RFC 9083 5.5."""
    value = {
        "objectClassName": "autnum",
        "handle": f"AS{asn}",
        "startAutnum": asn,
        "endAutnum": asn,
        "name": f"AS{asn}",
        "country": country,
        "entities": [
            {
                "objectClassName": "entity",
                "roles": ["registrant"],
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", holder]]],
            }
        ],
    }
    return json.dumps(value).encode()


def whois(*, network: str, name: str, holder: str, country: str, changed: datetime) -> bytes:
    """Port 43, as three of the five registries spell it."""
    lines = (
        "% made up",
        f"inet6num:       {network}",
        f"netname:        {name}",
        f"org-name:       {holder}",
        f"country:        {country}",
        f"last-modified:  {changed:%Y-%m-%dT%H:%M:%SZ}",
    )
    return "\n".join((*lines, "")).encode()


def disclosure(*, canonical: str, address: str, country: str, operator: str, at: datetime) -> bytes:
    """A CDN's reply to a trusted notifier."""
    value = {
        "address": canonical,
        "reference": "26-00000-A",
        "at": at.isoformat(),
        "origin": {
            "addresses": [address],
            "country": country,
            "operator": operator,
            "abuse": "abuse@holder.example",
        },
    }
    return json.dumps(value).encode()
