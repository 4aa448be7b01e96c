"""What the prober is told at its start, and the limits it keeps. Nothing here changes while it runs.

Not here: rates and turns (the scheduler keeps those on the house clock), keys, databases.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from openhotline.connectors.probe.tracing import Tracing
from openhotline.connectors.probe.ways import DIRECT, SOCKS5, SOCKS5_UNIX, Way
from openhotline.rules.signs import NO_WORDS, SignWords

# What the start-up self-test must find out of reach, besides what the house adds (its database).
NEVER_REACHED = (("127.0.0.1", 80), ("::1", 80), ("169.254.169.254", 80))

# A common browser's name, never ours. Operators may set the one that is common in their country.
USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Resolver(NamedTuple):
    """One recursive resolver: literal, port, "tcp", "tls" or "udp", and for TLS the name on its certificate."""

    address: str
    port: int = 53
    transport: str = "tcp"
    name: str = ""


class MmdbFile(NamedTuple):
    """One MMDB file: path, what it answers ("origin" or "location") and under which licence."""

    path: str
    kind: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one look (security.md 3e). Seconds and bytes."""

    connect_s: float = 5.0
    tls_s: float = 5.0
    first_byte_s: float = 10.0  # from the request to the first header line
    slow_after_s: float = 5.0  # from here on an answer must come at `slow_bytes` a second
    slow_bytes: int = 1024
    total_s: float = 20.0
    job_s: float = 25.0  # a job at work longer than this is given up, whatever it is doing
    dns_s: float = 2.0
    header_bytes: int = 32 * 1024
    header_lines: int = 100
    redirects: int = 5
    html_bytes: int = 256 * 1024
    wire_bytes: int = 2 * 1024 * 1024  # of one answer, before anything is unpacked or thrown away
    rdap_bytes: int = 512 * 1024
    in_flight: int = 200  # looks at one time, all hosts
    per_host: int = 64  # looks at one time at one host, when not polite
    gap_s: float = 1.0  # polite: between two requests to one host from one vantage point, or more
    onion_gap_s: float = 300.0
    turn_s: float = 30.0  # a look whose next turn is further off than this is given back
    per_second: float = 20.0  # polite: requests to all hosts together
    steps: int = 8  # pages that must be visited before the one that is looked at
    bodies: int = 24 * 1024 * 1024  # of all pages in hand together
    memory: int = 64 * 1024 * 1024  # above what the process needs at rest


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """The prober's whole knowledge of its surroundings.

    `vantages` maps a vantage point's name to its exit, a `Way`: ("direct",) or ("socks5-unix", path) ...
    `rdap_base` is one server for everything (the world's); without it `rdap_bootstrap` names RFC 9224 files.
    """

    vantages: Mapping[str, tuple[str, ...]]
    resolvers: tuple[Resolver, ...] = ()
    rdap_base: str = ""
    rdap_bootstrap: tuple[str, ...] = ()
    mmdb: tuple[MmdbFile, ...] = ()
    signs: SignWords = NO_WORDS  # words by which a page says that it is not the thing any more
    canary: str = ""
    limits: Limits = field(default_factory=Limits)
    lift_documentation: bool = False
    polite: bool = True
    ports: tuple[int, ...] = (80, 443)
    own_ranges: tuple[str, ...] = ()
    user_agent: str = USER_AGENT
    trace_vantage: str = ""  # "" -> the first that is not for onions
    onion: tuple[str, ...] = ()  # vantage points whose SOCKS5 exits carry onion addresses
    tracing: Tracing = field(default_factory=Tracing)  # what only traces need
    drop_to: str = "nobody"  # the user to become when started as root
    wall: bool = True  # without one that keeps it from this machine and the database, it does not start
    never: tuple[tuple[str, int], ...] = NEVER_REACHED
    trust: str = ""  # a certificate authority of the operator's own (PEM), for proxies spoken to in TLS

    def __post_init__(self) -> None:
        """Refuse what would be unsafe. Raises ValueError with a sentence."""
        if not self.vantages:
            raise ValueError("The prober needs at least one vantage point.")
        for name, way in self.vantages.items():
            if len(way) > len(Way._fields):
                raise ValueError(f"The exit of vantage point {name} has too many parts.")
            if why := Way(*way).fault():
                raise ValueError(f"The exit of vantage point {name} {why}.")
            if self.lift_documentation and Way(*way).kind == DIRECT:
                raise ValueError("Documentation ranges are lifted for the world's exit only, never direct.")
        for name in self.onion:
            if Way(*self.vantages.get(name, (DIRECT,))).kind not in (SOCKS5, SOCKS5_UNIX):
                raise ValueError(
                    f"{name} is to carry onion addresses: it must be a vantage point with a SOCKS5 exit."
                )
        for literal, _ in self.never:
            ipaddress.ip_address(literal)
        for resolver in self.resolvers:
            ipaddress.ip_address(resolver.address)
            if resolver.transport not in ("tcp", "tls", "udp"):
                raise ValueError("A resolver speaks tcp, tls or udp.")
        for mmdb in self.mmdb:
            if mmdb.kind not in ("origin", "location"):
                raise ValueError("An MMDB file answers origin or location.")
        for text in self.own_ranges:
            ipaddress.ip_network(text)
        if self.trace_vantage and self.trace_vantage not in self.vantages:
            raise ValueError("The trace vantage point is not among the vantage points.")

    @property
    def trace_from(self) -> str:
        """The vantage point that traces use."""
        return self.trace_vantage or next(iter(self.ordinary or self.vantages))

    @property
    def ordinary(self) -> tuple[str, ...]:
        """The vantage points for all but onion addresses."""
        return tuple(name for name in self.vantages if name not in self.onion)

    def to_json(self) -> str:
        """The form in which a supervisor hands it over."""
        value = {name: getattr(self, name) for name in self.__slots__}
        value["vantages"] = {name: Way(*way).written for name, way in self.vantages.items()}
        value["limits"] = asdict(self.limits)
        value["tracing"] = asdict(self.tracing)
        value["signs"] = asdict(self.signs)
        return json.dumps(value)

    @classmethod
    def from_json(cls, text: str) -> "ProbeConfig":
        """Read `to_json` or a hand-written file. Raises ValueError with a sentence on anything else."""
        try:
            value: dict[str, Any] = json.loads(text)
            value["vantages"] = {str(k): tuple(map(str, v)) for k, v in value["vantages"].items()}
            value["resolvers"] = tuple(Resolver(*r) for r in value.get("resolvers", ()))
            value["mmdb"] = tuple(MmdbFile(*m) for m in value.get("mmdb", ()))
            value["limits"] = Limits(**value.get("limits", {}))
            if "never" in value:
                value["never"] = tuple((str(host), int(port)) for host, port in value["never"])
            value["tracing"] = Tracing.of(value.get("tracing", {}))
            if "signs" in value:
                phrases = tuple(
                    (str(sign), tuple(map(str, said))) for sign, said in value["signs"]["phrases"]
                )
                value["signs"] = SignWords(str(value["signs"]["version"]), phrases)
            for name in ("rdap_bootstrap", "ports", "own_ranges", "onion"):
                if name in value:
                    value[name] = tuple(value[name])
            return cls(**value)
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as fault:
            raise ValueError(f"The prober's configuration cannot be read: {fault}.") from None
