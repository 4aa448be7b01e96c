"""What the prober is told that only traces need: registries to fall back on, lists of proxies, places.

True here: plain frozen values that travel as JSON; nothing is read from a disk. Not here: what they mean (the
connectors'), where they come from (`jobs/exits.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tracing:
    """`proxy_ranges`: (prefix, whose); `proxy_signs`: (header, pattern, whose). `places`: vantage point to latitude
    and longitude. `extents`: country to circles (latitude, longitude, km) that cover it."""

    whois: str = ""  # the server that is asked first, by name
    proxy_ranges: tuple[tuple[str, str], ...] = ()
    proxy_signs: tuple[tuple[str, str, str], ...] = ()
    proxy_version: str = ""
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    extents: Mapping[str, tuple[tuple[float, float, float], ...]] = field(default_factory=dict)
    news: tuple[str, ...] = ()  # news servers, "name" or "name:port"

    @classmethod
    def of(cls, value: dict[str, Any]) -> "Tracing":
        """As it came over JSON. Raises TypeError, ValueError, KeyError or AttributeError for what is none."""
        return cls(
            whois=str(value.get("whois", "")),
            proxy_ranges=tuple((str(a), str(b)) for a, b in value.get("proxy_ranges", ())),
            proxy_signs=tuple((str(a), str(b), str(c)) for a, b, c in value.get("proxy_signs", ())),
            proxy_version=str(value.get("proxy_version", "")),
            places={str(k): (float(a), float(b)) for k, (a, b) in value.get("places", {}).items()},
            extents={
                str(code): tuple((float(a), float(b), float(km)) for a, b, km in circles)
                for code, circles in value.get("extents", {}).items()
            },
            news=tuple(str(name) for name in value.get("news", ())),
        )
