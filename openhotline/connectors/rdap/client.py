"""Which registry to ask about an address, and how the question is spelled.

True here: the registry comes from the IANA bootstrap files the operator refreshed (RFC 9224), longest
prefix first, or from one fixed base where a world has its own. The exchange itself goes through the
prober's vetted way out, handed in as `fetch`. Not here: an invented copy of the bootstrap.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from openhotline.connectors.rdap import meaning
from openhotline.rules.facts import MethodAnswer

# (body or None, why) of one address; a body only if the server answered 200.
Fetch = Callable[[str], Awaitable[tuple[bytes | None, str]]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass
class Registries:
    """Where to ask: one `base` for everything, or the services of the bootstrap files."""

    base: str = ""
    services: list[tuple[Network, str]] = field(default_factory=list)

    @classmethod
    def load(cls, base: str, files: Iterable[str]) -> "Registries":
        """Read RFC 9224 files. Raises OSError or ValueError with the file's name."""
        found: list[tuple[Network, str]] = []
        for name in files:
            try:
                for prefixes, urls in json.loads(Path(name).read_bytes())["services"]:
                    best = next((u for u in urls if u.startswith("https://")), urls[0])
                    found += [(ipaddress.ip_network(p), best) for p in prefixes]
            except (KeyError, TypeError, ValueError, IndexError) as fault:
                raise ValueError(f"{name} is not an RDAP bootstrap file: {fault}") from None
        found.sort(key=lambda pair: -pair[0].prefixlen)
        return cls(base, found)

    def question(self, address: str) -> str:
        """The URL to ask about `address`; "" if no registry is known for it."""
        ip = ipaddress.ip_address(address)
        base = self.base or next((u for n, u in self.services if n.version == ip.version and ip in n), "")
        return f"{base.rstrip('/')}/ip/{ip}" if base else ""


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
    if not url:
        return MethodAnswer(meaning.METHOD, ok=False, why="No registry is known for this address.")
    body, why = await fetch(url)
    if body is None:
        return MethodAnswer(meaning.METHOD, ok=False, why=why, source=url, seconds=elapsed())
    return meaning.read(body, source=url, at=at, seconds=elapsed())
