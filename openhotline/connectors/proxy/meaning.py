"""Does a CDN or a reverse proxy stand in front? Pure: addresses, headers and lists in, a `MethodAnswer` out.

True here: an address inside a listed range is a sign by itself; a header is a sign if its name and value fit a
listed one. Whatever is found speaks of the *edge* and never of a country. No sign is no proof that there is
none, and the answer says so. Not here: the lists (`policy/proxies.toml`, the operator's own file).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from openhotline import __version__
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer

METHOD = methods.PROXY
EDGE = "edge"
MAX_HEADERS = 100
MAX_TEXT = 200

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Sign(NamedTuple):
    """A header that tells: its name in lower case, a pattern its value must hold ("" any), whose it is."""

    header: str
    pattern: str
    name: str


@dataclass(frozen=True)
class Lists:
    """What is known of proxies. `version` names the lists in every answer."""

    ranges: tuple[tuple[Network, str], ...] = ()
    signs: tuple[Sign, ...] = ()
    version: str = ""
    _patterns: dict[str, "re.Pattern[str]"] = field(default_factory=dict, compare=False)

    @classmethod
    def of(
        cls, ranges: Iterable[Sequence[str]], signs: Iterable[Sequence[str]], version: str = ""
    ) -> "Lists":
        """Of plain rows (prefix, name) and (header, pattern, name). Raises ValueError for a row that is none."""
        read = [(ipaddress.ip_network(prefix), name) for prefix, name in ranges]
        rows = tuple(Sign(header.lower(), pattern, name) for header, pattern, name in signs)
        try:
            patterns = {row.pattern: re.compile(row.pattern, re.IGNORECASE) for row in rows}
        except re.error as fault:
            raise ValueError(f"a header's pattern cannot be read: {fault}") from None
        return cls(tuple(read), rows, version, patterns)

    def holder(self, address: str) -> tuple[str, str]:
        """(name, prefix) of the range that holds a literal; ("", "") if none does."""
        ip = ipaddress.ip_address(address)
        found = [(net, name) for net, name in self.ranges if net.version == ip.version and ip in net]
        if not found:
            return "", ""
        net, name = max(found, key=lambda pair: pair[0].prefixlen)
        return name, str(net)

    def told(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """(name, the header line) of every sign among the headers, each name once."""
        found: dict[str, str] = {}
        for header, value in list(headers)[:MAX_HEADERS]:
            low, text = header.lower(), value[:MAX_TEXT]
            for sign in self.signs:
                if sign.header == low and self._patterns[sign.pattern].search(text):
                    found.setdefault(sign.name, f"{low}: {text}")
        return list(found.items())


def look(
    addresses: Sequence[str], headers: Sequence[tuple[str, str]], *, lists: Lists, asked_headers: bool
) -> MethodAnswer:
    """The signs at these addresses and in the headers of the last look.

    `asked_headers`: whether there was a look at all; without one only half of the question was asked.
    """
    ranges = [(address, *lists.holder(address)) for address in addresses]
    inside = [(address, name, prefix) for address, name, prefix in ranges if name]
    told = lists.told(headers)
    names = tuple(dict.fromkeys([name for _, name, _ in inside] + [name for name, _ in told]))
    # What was looked at, whether or not it told anything.
    raw = "\n".join(
        [f"{at} in {prefix} ({name})" if name else f"{at} in no listed range" for at, name, prefix in ranges]
        + [f"{name}: {value[:MAX_TEXT]}" for name, value in list(headers)[:MAX_HEADERS]]
    )
    source = f"proxy lists {lists.version}".strip()
    tool = f"openhotline {__version__}"
    if not lists.ranges and not asked_headers:
        why = "No list of proxies' networks is installed, and no look has seen the server's headers yet."
        return MethodAnswer(METHOD, ok=False, why=why, source=source, tool=tool, raw=raw)
    if not names:
        half = "" if asked_headers else " No look has seen the server's headers yet."
        half += "" if lists.ranges else " No list of proxies' networks is installed."
        why = f"No sign of a proxy, which proves nothing.{half}"
        return MethodAnswer(METHOD, ok=True, why=why, source=source, tool=tool, raw=raw)
    by = " and ".join(filter(None, ("address range" if inside else "", "headers" if told else "")))
    return MethodAnswer(
        METHOD,
        ok=True,
        why=f"Its {by} {'are' if told else 'is'} those of a proxy: what answers there is the edge, not the server.",
        answer=f"{', '.join(names)} ({by})",
        addresses=tuple(address for address, _, _ in inside),
        network=inside[0][2] if inside else "",
        source=source,
        tool=tool,
        layer=EDGE,
        names=names,
        raw=raw,
    )
