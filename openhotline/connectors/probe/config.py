"""What the prober is told at its start, and the limits it keeps. Nothing here changes while it runs.

Not here: rates and turns (the scheduler keeps those on the house clock), keys, databases.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

DIRECT, SOCKS5_UNIX = "direct", "socks5-unix"

# A common browser's name, never ours. Operators may set the one that is common in their country.
USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Resolver(NamedTuple):
    """One recursive resolver: literal, port, "tcp" or "tls", and for TLS the name on its certificate."""

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
    total_s: float = 20.0
    job_s: float = 25.0  # a job older than this is given up, whatever it is doing
    dns_s: float = 2.0
    header_bytes: int = 32 * 1024
    header_lines: int = 100
    redirects: int = 5
    html_bytes: int = 256 * 1024
    rdap_bytes: int = 512 * 1024
    in_flight: int = 200  # looks at one time, all hosts
    per_host: int = 64  # looks at one time at one host, when not polite


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """The prober's whole knowledge of its surroundings.

    `vantages` maps a vantage point's name to its exit: ("direct",) or ("socks5-unix", path).
    `rdap_base` is one server for everything (the world's); without it `rdap_bootstrap` names RFC 9224 files.
    """

    vantages: Mapping[str, tuple[str, ...]]
    resolvers: tuple[Resolver, ...] = ()
    rdap_base: str = ""
    rdap_bootstrap: tuple[str, ...] = ()
    mmdb: tuple[MmdbFile, ...] = ()
    canary: str = ""
    limits: Limits = field(default_factory=Limits)
    lift_documentation: bool = False
    polite: bool = True
    ports: tuple[int, ...] = (80, 443)
    own_ranges: tuple[str, ...] = ()
    user_agent: str = USER_AGENT
    trace_vantage: str = ""  # "" -> the first
    drop_to: str = "nobody"  # the user to become when started as root

    def __post_init__(self) -> None:
        """Refuse what would be unsafe. Raises ValueError with a sentence."""
        if not self.vantages:
            raise ValueError("The prober needs at least one vantage point.")
        for name, way in self.vantages.items():
            if way != (DIRECT,) and not (len(way) == 2 and way[0] == SOCKS5_UNIX and way[1].startswith("/")):
                raise ValueError(
                    f"The exit of vantage point {name} must be direct, or socks5-unix with an absolute path."
                )
            if self.lift_documentation and way == (DIRECT,):
                raise ValueError("Documentation ranges are lifted for the world's exit only, never direct.")
        for resolver in self.resolvers:
            ipaddress.ip_address(resolver.address)
            if resolver.transport not in ("tcp", "tls"):
                raise ValueError("A resolver speaks tcp or tls.")
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
        return self.trace_vantage or next(iter(self.vantages))

    def to_json(self) -> str:
        """The form in which a supervisor hands it over."""
        value = {name: getattr(self, name) for name in self.__slots__}
        value["vantages"] = {name: list(way) for name, way in self.vantages.items()}
        value["limits"] = asdict(self.limits)
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
            for name in ("rdap_bootstrap", "ports", "own_ranges"):
                if name in value:
                    value[name] = tuple(value[name])
            return cls(**value)
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as fault:
            raise ValueError(f"The prober's configuration cannot be read: {fault}.") from None
