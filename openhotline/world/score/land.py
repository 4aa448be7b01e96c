"""The countries, providers and proxies that the made-up sites stand at.

True here: names are invented, numbers of systems are private ones (RFC 6996), addresses are for documentation
(RFC 3849). A server stands somewhere in the circles by which `policy/extents.json` covers its country.
"""

import math
import random
from dataclasses import dataclass

# Rough shares of the world's hosting: what matters is that a few countries hold most, and neighbours are near.
SHARES = {
    "US": 24, "DE": 11, "NL": 11, "FR": 7, "GB": 7, "RU": 4, "CA": 4, "SG": 3, "JP": 3, "PL": 2, "FI": 2, "SE": 2,
    "CH": 2, "IE": 2, "BG": 2, "RO": 2, "LU": 1, "LT": 1, "LV": 1, "EE": 1, "CZ": 1, "AT": 1, "BE": 1, "DK": 1,
    "NO": 1, "ES": 1, "IT": 1, "PT": 1, "HU": 1, "UA": 1, "MD": 1, "TR": 1, "HK": 2, "KR": 1, "IN": 1, "AU": 1,
    "BR": 1, "ZA": 1, "UY": 1, "MX": 1, "AR": 1, "TH": 1, "VN": 1, "MY": 1, "ID": 1, "IL": 1, "AE": 1, "NZ": 1,
}  # fmt: skip
# Our vantage points: exits near where most is held, and one on the far side.
PLACES = {
    "London": (51.5, -0.1),
    "Frankfurt": (50.1, 8.7),
    "Virginia": (39.0, -77.5),
    "Singapore": (1.35, 103.8),
}
FIRST = ("North", "Quay", "Old", "Iron", "Blue", "Far", "Salt", "Moor", "Lark", "Fen", "Oak", "Tide")
SECOND = ("Rack", "Data", "Mill", "Host", "Cloud", "Colo", "Servers", "Net", "Bit", "Stack")
ENDING = ("Ltd", "GmbH", "B.V.", "LLC", "SAS", "AB", "Oy", "s.r.o.")
EARTH_KM, FIBRE_KM_S = 6371.0, 204_000.0

Point = tuple[float, float]
Extents = dict[str, tuple[tuple[float, float, float], ...]]


@dataclass(frozen=True, slots=True)
class Provider:
    """One hosting provider: where it is at home, where its parent is, where it has servers."""

    name: str
    asn: int
    home: str
    parent: str  # the parent company's country, or ""
    abroad: tuple[str, ...]

    @property
    def registered(self) -> str:
        """Where its system is registered."""
        return self.parent or self.home


def country(chance: random.Random, *, but: str = "") -> str:
    """A country by its share, another than `but`."""
    while True:
        found = chance.choices(list(SHARES), weights=list(SHARES.values()))[0]
        if found != but:
            return found


def providers(chance: random.Random, count: int, foreign_parent: float) -> list[Provider]:
    """That many providers."""
    made = []
    for number in range(count):
        home = country(chance)
        parent = country(chance, but=home) if chance.random() < foreign_parent else ""
        abroad = tuple(sorted({country(chance, but=home) for _ in range(chance.choice((0, 1, 1, 2, 3, 5)))}))
        words = FIRST[number % len(FIRST)], SECOND[number // len(FIRST) % len(SECOND)]
        tail = number // (len(FIRST) * len(SECOND))
        name = f"{' '.join(words)}{f' {tail + 1}' if tail else ''} {chance.choice(ENDING)}"
        made.append(Provider(name, 4_200_000_000 + number, home, parent, abroad))
    return made


def proxies() -> list[Provider]:
    """The CDNs: at home in one country, answering everywhere."""
    return [
        Provider(f"Front {word} Inc", 4_200_100_000 + number, home, "", ())
        for number, (word, home) in enumerate(
            (("Wave", "US"), ("Shield", "US"), ("Veil", "NL"), ("Gate", "RU"))
        )
    ]


def point_in(code: str, extents: Extents, chance: random.Random) -> Point:
    """Somewhere in a country."""
    lat, lon, radius = chance.choice(extents[code])
    away, turn = chance.uniform(0, radius * 0.4), chance.uniform(0, 2 * math.pi)
    lat += away / 111.2 * math.cos(turn)
    lon += away / 111.2 / max(0.1, math.cos(math.radians(lat))) * math.sin(turn)
    return lat, (lon + 180) % 360 - 180


def round_trip(here: Point, there: Point, chance: random.Random) -> float:
    """Seconds from a vantage point to a server and back: never quicker than light in fibre, mostly much slower."""
    a, b = math.radians(here[0]), math.radians(there[0])
    turn = math.radians(there[1] - here[1])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    km = 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
    return 2 * km / FIBRE_KM_S * chance.uniform(1.15, 2.3) + chance.uniform(0.0005, 0.006)
