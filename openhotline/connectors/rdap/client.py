"""Which registry to ask about an address, a domain or an autonomous system, and how the question is spelled.

True here: the registry comes from the IANA bootstrap files the operator refreshed (RFC 9224), most specific
first, or from one fixed base where a house has its own; every answer says how old that list is. A registry that
asks us to wait (429, or 503 with Retry-After) is not asked again before then, and the answer says so. The exchange itself
goes through the prober's vetted way out, handed in as `fetch`. Not here: an invented copy of the bootstrap.
"""

import bisect
import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from openhotline import __version__
from openhotline.connectors.rdap import meaning
from openhotline.rules.facts import MethodAnswer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_WAIT = timedelta(hours=1)  # a registry may not silence a method for longer than this
USUAL_WAIT = timedelta(minutes=1)  # where it says 429 and not how long
TOOL = f"openhotline rdap {__version__}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """How the exchange went. `body` None: nothing usable came, and `why` says how."""

    body: bytes | None
    why: str = ""
    status: int = 0
    retry_after: str = ""
    url: str = ""  # where it ended, after redirects from one registry to another
    said: bytes = b""  # the words of a refusal


Fetch = Callable[[str], Awaitable[Fetched]]


KINDS = ("dns", "ipv4", "ipv6", "asn")  # RFC 9224's four lists


@dataclass
class Registries:
    """Where to ask: one `base` for everything, or the services of the registry lists."""

    base: str = ""
    networks: dict[int, list[tuple[Network, str]]] = field(default_factory=dict)  # by version, longest first
    domains: dict[str, str] = field(default_factory=dict)  # the ending of a name -> base
    systems: list[tuple[int, int, str]] = field(default_factory=list)  # first, last, base; in order
    published: dict[str, str] = field(default_factory=dict)  # kind -> the list's own date
    _wait: dict[str, datetime] = field(default_factory=dict)  # registry's host -> not before
    _found: dict[tuple[int, int], dict[int, str]] = field(
        default_factory=dict
    )  # (version, length) -> networks

    @classmethod
    def load(cls, base: str, files: Iterable[str]) -> "Registries":
        """Read the lists in `files`, each named by its kind. Raises OSError, or ValueError with the file's name."""
        made = cls(base)
        for name in files:
            kind = Path(name).stem
            try:
                made.take(kind, cls().read(kind, Path(name).read_bytes()))
            except ValueError as fault:
                raise ValueError(f"{name} is not an RDAP bootstrap file: {fault}") from None
        return made

    def read(self, kind: str, body: bytes) -> "Registries":
        """The services of one list (RFC 9224). Raises ValueError for what is none, or is of another kind."""
        if kind not in KINDS:
            raise ValueError(f"its name is none of {', '.join(KINDS)}")
        try:
            value = json.loads(body)
            services = value["services"]
            for entries, urls in services:
                best = str(next((u for u in urls if u.startswith("https://")), urls[0]))
                if urlsplit(best).scheme not in ("http", "https") or not urlsplit(best).hostname:
                    raise ValueError(f"{best[:80]!r} is no address of a registry")
                for entry in entries:
                    self._add(kind, str(entry), best)
            self.published[kind] = str(value.get("publication", ""))[:10]
        except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as fault:
            raise ValueError(f"it has not the form of RFC 9224 ({type(fault).__name__})") from None
        for listed in self.networks.values():
            listed.sort(key=lambda pair: -pair[0].prefixlen)
        self.systems.sort()
        return self

    def take(self, kind: str, fresh: "Registries") -> None:
        """Ask by the list `fresh` of one kind from now on."""
        if kind == "dns":
            self.domains = fresh.domains
        elif kind == "asn":
            self.systems = fresh.systems
        else:
            version = 4 if kind == "ipv4" else 6
            self.networks[version] = fresh.networks.get(version, [])
            self._found = {key: found for key, found in self._found.items() if key[0] != version}
            for network, url in self.networks[version]:
                by = self._found.setdefault((version, network.prefixlen), {})
                by.setdefault(int(network.network_address), url)
        self.published |= fresh.published
        self.base = ""

    def count(self) -> int:
        """How many entries the lists hold."""
        return len(self.domains) + len(self.systems) + sum(len(some) for some in self.networks.values())

    def _add(self, kind: str, entry: str, url: str) -> None:
        if kind in ("ipv4", "ipv6"):
            network = ipaddress.ip_network(entry)
            if network.version != (4 if kind == "ipv4" else 6):
                raise ValueError(f"{entry[:60]!r} is of the other family")
            self.networks.setdefault(network.version, []).append((network, url))
        elif kind == "asn":
            first, _, last = entry.partition("-")
            self.systems.append((int(first), int(last or first), url))
        else:
            self.domains[entry.lower().strip(".")] = url

    def question(self, address: str) -> str:
        """The URL to ask about a literal; "" if no registry is known for it."""
        ip = ipaddress.ip_address(address)
        base = self.base
        if not base:
            for (version, length), networks in self._found.items():  # in order of length, longest first
                if version == ip.version and (
                    found := networks.get(int(ip) >> (w := ip.max_prefixlen - length) << w)
                ):
                    base = found
                    break
        return f"{base.rstrip('/')}/ip/{ip}" if base else ""

    def question_domain(self, name: str) -> str:
        """The URL to ask about a registered domain; "" if its ending has no RDAP."""
        labels = name.lower().rstrip(".").split(".")
        endings = [".".join(labels[i:]) for i in range(len(labels))]
        base = self.base or next((self.domains[e] for e in endings if e in self.domains), "")
        return f"{base.rstrip('/')}/domain/{quote(name.lower().rstrip('.'), safe='.-')}" if base else ""

    def question_system(self, asn: int) -> str:
        """The URL to ask about an autonomous system; "" if no registry is known for it."""
        base = self.base
        if not base:
            at = bisect.bisect_right(self.systems, (asn, 2**32, "")) - 1
            if at >= 0 and self.systems[at][0] <= asn <= self.systems[at][1]:
                base = self.systems[at][2]
        return f"{base.rstrip('/')}/autnum/{asn}" if base else ""

    def tool(self) -> str:
        """What asked: the version, and the date of the list that named the registry."""
        oldest = min(filter(None, self.published.values()), default="")
        return f"{TOOL}, registry lists of {oldest}" if oldest else TOOL

    def waits_until(self, url: str, at: datetime) -> datetime | None:
        """Until when the registry of `url` asked not to be asked; None if it may be."""
        until = self._wait.get(urlsplit(url).netloc)
        return until if until is not None and until > at else None

    def told_to_wait(self, url: str, retry_after: str, at: datetime) -> datetime:
        """Remember it. Returns until when."""
        until = at + USUAL_WAIT
        if retry_after.strip().isdigit():
            until = at + timedelta(seconds=min(int(retry_after.strip()[:9]), LONGEST_WAIT.total_seconds()))
        elif retry_after:
            try:
                said = parsedate_to_datetime(retry_after[:60])
                until = said if said.tzinfo else said.replace(tzinfo=UTC)
            except (ValueError, TypeError, OverflowError):
                pass
        until = min(max(until, at), at + LONGEST_WAIT)
        self._wait[urlsplit(url).netloc] = until
        return until


async def about(
    address: str,
    *,
    registries: Registries,
    fetch: Fetch,
    at: datetime,
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """Ask about one literal. Never raises for what the registry does."""
    url = registries.question(address)
    return await _ask(meaning.METHOD, url, address, registries, fetch, at, elapsed)


async def about_domain(
    name: str,
    *,
    registries: Registries,
    fetch: Fetch,
    at: datetime,
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """Ask about one registered domain."""
    url = registries.question_domain(name)
    return await _ask(meaning.DOMAIN, url, name, registries, fetch, at, elapsed)


async def about_system(
    asn: int,
    *,
    registries: Registries,
    fetch: Fetch,
    at: datetime,
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """Ask about one autonomous system."""
    url = registries.question_system(asn)
    return await _ask(meaning.SYSTEM, url, str(asn), registries, fetch, at, elapsed)


_UNKNOWN = {
    meaning.METHOD: "No registry is known for this address.",
    meaning.DOMAIN: "No registry is known for names with this ending.",
    meaning.SYSTEM: "No registry is known for this autonomous system.",
}


async def _ask(
    method: str,
    url: str,
    asked: str,
    registries: Registries,
    fetch: Fetch,
    at: datetime,
    elapsed: Callable[[], float],
) -> MethodAnswer:
    def failed(why: str, source: str = url, raw: str = "") -> MethodAnswer:
        return MethodAnswer(
            method, ok=False, why=why, source=source, seconds=elapsed(), raw=raw, tool=registries.tool()
        )

    if not url:
        return failed(_UNKNOWN[method])
    if until := registries.waits_until(url, at):
        return failed(f"The registry asked us to wait until {until:%H:%M:%S}; it was not asked.")
    got = await fetch(url)
    said = got.said[: meaning.MAX_BYTES].decode("utf-8", "backslashreplace")
    if got.status == 429 or (got.status == 503 and got.retry_after):
        until = registries.told_to_wait(got.url or url, got.retry_after, at)
        why = f"The registry has had enough questions; it is asked again after {until:%H:%M:%S}."
        return failed(why, got.url or url, said)
    if got.body is None:
        return failed(got.why, got.url or url, said)
    if len(got.body) > meaning.MAX_BYTES:
        raw = got.body[: meaning.MAX_BYTES].decode("utf-8", "backslashreplace")
        return failed("The registry's answer cannot be read: it is longer than 512 KiB.", raw=raw)
    read = meaning.read(got.body, source=got.url or url, at=at, seconds=elapsed(), method=method, asked=asked)
    fields = {name: getattr(read, name) for name in read.__slots__}
    return MethodAnswer(**{**fields, "tool": registries.tool()})
