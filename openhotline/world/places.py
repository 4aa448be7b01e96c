"""Who holds which network in the synthetic internet, and where its own servers stand.

True here: every address is from the documentation ranges (RFC 5737, RFC 3849), every autonomous system from
64496-64511 (RFC 5398), every domain ends in .example or is an example.* (RFC 2606); XA is a user-assigned
country code, so it is nowhere. Not here: what is held there (`scenario.py`).
"""

import ipaddress
import math
from dataclasses import dataclass
from functools import lru_cache

NAME_SERVER = "192.0.2.53"  # port 53, TCP
NAME_SERVER_2 = "192.0.2.54"  # another operator's; it says the same unless it is told to lie
WHOIS_ROOT_NAME, WHOIS_ROOT = "whois.root.example", "192.0.2.44"  # port 43; knows who knows
WHOIS_NAME, WHOIS = "whois.registry.example", "192.0.2.45"  # port 43
# News servers, port 119: two of one provider, one of another, one abroad.
NEWS_SERVERS = {
    "news.northrack.example": "192.0.2.77",
    "reader.northrack.example": "192.0.2.78",
    "news.quaydata.example": "192.0.2.93",
    "news.poldercloud.example": "198.51.100.119",
}
REGISTRY_ADDRESS = "192.0.2.43"  # port 80
REGISTRY_NAME = "rdap.registry.example"
CANARY_ADDRESS, CANARY_ADDRESS_6 = "192.0.2.40", "2001:db8:f::40"
CANARY_NAME = "canary.example.org"
CANARY_URL = f"http://{CANARY_NAME}/"
NORTH, SOUTH, WEST = "north", "south", "west"
VANTAGES = (NORTH, SOUTH, WEST)
ONIONS = ("onion-one", "onion-two")  # the vantage points that carry onion addresses
# Where each vantage point stands: a host may show a page in one country and hide it in another.
STANDS_IN = {NORTH: "GB", SOUTH: "DE", WEST: "XA"}
# Where vantage points and countries stand, for the speed of light: latitude, longitude. XA is nowhere, and far.
PLACES = {NORTH: (55.95, -3.19), SOUTH: (53.55, 10.0)}
CAPITALS = {
    "GB": (51.51, -0.13),
    "NL": (52.37, 4.9),
    "DE": (52.52, 13.4),
    "US": (38.9, -77.04),
    "IE": (53.35, -6.26),
}
NOWHERE_KM = 10_000.0
FIBRE_KM_S = 204_000.0  # light in glass

# Mail and phone of the units that policy/gb names. The numbers are from Ofcom's range for drama.
POLICE_DOMAIN = "police.example"
UNITS = {
    "NU": ("duty@national.police.example", "01632 960 301"),
    "EU": ("duty@eastern.police.example", "01632 960 302"),
    "AU": ("duty@special.police.example", "01632 960 303"),
}
PARTNER_COUNTRY = "NL"
PARTNER_COUNTRIES = ("NL", "DE", "IE")  # one server plays the hotlines of all three

_RANGES = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_NAMES = ("example.com", "example.net", "example.org")
_ENDINGS = (".example", ".test", *(f".{name}" for name in _NAMES))


@dataclass(frozen=True, slots=True)
class Network:
    """One network and the organisation that holds it. `abuse`: mailboxes the registry names, best first."""

    key: str
    operator: str
    asn: int
    country: str  # ISO 3166-1 alpha-2
    prefix: str
    prefix6: str
    abuse: tuple[str, ...] = ()

    def holds(self, address: str) -> bool:
        """True if the literal is in one of the two prefixes."""
        ip = ipaddress.ip_address(address)
        return ip in ipaddress.ip_network(self.prefix6 if ip.version == 6 else self.prefix)

    def address(self, number: int) -> str:
        """The IPv4 literal `number` places into the network."""
        return str(ipaddress.ip_network(self.prefix)[number])

    def address6(self, number: int) -> str:
        """The IPv6 literal `number` places into the network."""
        return str(ipaddress.ip_network(self.prefix6)[number])


REGISTRY = Network("registry", "World Registry", 64496, "GB", "192.0.2.32/27", "2001:db8:f::/48")
NORTH_RACK = Network(
    "north-rack", "North Rack", 64500, "GB", "192.0.2.64/28", "2001:db8:1::/48", ("abuse@northrack.example",)
)
QUAY_DATA = Network(
    "quay-data", "Quay Data", 64501, "GB", "192.0.2.80/28", "2001:db8:2::/48", ("abuse@quaydata.example",)
)
SLOW_HOSTING = Network(
    "slow-hosting", "Slow Hosting", 64502, "GB", "192.0.2.96/28", "2001:db8:3::/48", ("abuse@slow.example",)
)
MUTE_HOSTING = Network(
    "mute-hosting", "Mute Hosting", 64503, "GB", "192.0.2.112/28", "2001:db8:4::/48", ("abuse@mute.example",)
)
BULK_RACK = Network(
    "bulk-rack", "Bulk Rack", 64504, "GB", "192.0.2.128/26", "2001:db8:5::/48", ("abuse@bulkrack.example",)
)
OLD_MILL = Network(
    "old-mill",
    "Old Mill Servers",
    64505,
    "GB",
    "192.0.2.192/28",
    "2001:db8:6::/48",
    ("abuse@oldmill.example", "noc@oldmill.example"),
)
POLDER = Network(
    "polder-cloud",
    "Polder Cloud",
    64506,
    "NL",
    "198.51.100.0/25",
    "2001:db8:7::/48",
    ("abuse@poldercloud.example",),
)
RHINE = Network(
    "rhine-colo",
    "Rhine Colo",
    64507,
    "DE",
    "198.51.100.128/25",
    "2001:db8:8::/48",
    ("abuse@rhinecolo.example",),
)
FAR_SHORE = Network(
    "far-shore",
    "Far Shore Hosting",
    64508,
    "XA",
    "203.0.113.0/25",
    "2001:db8:9::/48",
    ("abuse@farshore.example",),
)
# A content delivery network: its servers are edges, and what they answer for stands elsewhere.
EDGE = Network(
    "world-edge",
    "World Edge",
    64509,
    "US",
    "203.0.113.224/28",
    "2001:db8:e::/48",
    ("abuse@worldedge.example",),
)
NETWORKS = (
    REGISTRY,
    NORTH_RACK,
    QUAY_DATA,
    SLOW_HOSTING,
    MUTE_HOSTING,
    BULK_RACK,
    OLD_MILL,
    POLDER,
    RHINE,
    FAR_SHORE,
    EDGE,
)
# Mailboxes the registry names but nobody reads: the server answers 550.
DEAD_MAILBOXES = ("abuse@oldmill.example",)


@lru_cache(maxsize=4096)
def is_reserved(address: str) -> bool:
    """True if the literal is from the documentation ranges. Raises ValueError for what is no literal."""
    ip = ipaddress.ip_address(address)
    return any(ip in network for network in _RANGES)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle."""
    a, b, step = math.radians(one[0]), math.radians(other[0]), math.radians(other[1] - one[1])
    return 6371.0 * math.acos(
        min(1.0, math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(step))
    )


def is_reserved_name(name: str) -> bool:
    """True if nobody can ever own this domain name."""
    low = name.lower().rstrip(".")
    return low in _NAMES or low.endswith(_ENDINGS)
