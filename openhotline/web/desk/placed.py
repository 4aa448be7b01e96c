"""The countries that a trace's answers name, drawn: one mark for each, over the land as circles cover it.

True here: a mark stands in the middle of a country and says no more than the country; what agrees and what does not
differ in shape, not in colour alone; the table above says the same. The window is as wide as the marks need. Not
here: what the answers are worth (`rules/trace_vote.py`), where countries lie (`policy/extents.json`).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from openhotline.policy import proxies
from openhotline.rules.countries import name_of

WIDE, NARROW = (680, 240), (320, 200)  # width and height, of a screen and of a phone
LEAST_DEGREES = 50.0  # of longitude: a single country is shown among its neighbours
EDGE, LABEL, LETTER = 40.0, 15.0, 6.6  # free at the sides, between labels, and a letter's width
KM_A_DEGREE, LAND = 111.2, 0.8  # the circles reach a little over the coasts


@dataclass(frozen=True, slots=True)
class Mark:
    """One country: its place, and its words at its side. `agrees`: it is the trace's own answer."""

    x: float
    y: float
    label_y: float
    side: str  # "start" or "end": on which side of the label the mark is
    label_x: float
    words: str
    agrees: bool
    left: float
    top: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map of the places of one trace."""

    marks: tuple[Mark, ...]
    land: tuple[tuple[float, float, float], ...]  # x, y, radius
    told: str
    size: tuple[int, int]


@cache
def middles() -> dict[str, tuple[float, float]]:
    """Country to latitude and longitude of the middle of its largest part."""
    largest = {
        code: max(circles, key=lambda circle: circle[2]) for code, circles in proxies.extents().items()
    }
    return {code: (lat, lon) for code, (lat, lon, _) in largest.items()}


@cache
def _circles() -> tuple[tuple[float, float, float], ...]:
    """All circles that cover countries: latitude, longitude, km."""
    return tuple(circle for circles in proxies.extents().values() for circle in circles)


def draw(answers: Sequence[Mapping[str, Any]], country: str, size: tuple[int, int] = WIDE) -> Drawn | None:
    """The countries named by the answers, `country` being what the trace came to; None where there are not two to be
    drawn beside each other."""
    known = middles()
    named = Counter(str(one.get("country") or "") for one in answers if one.get("ok"))
    if country and country not in named:
        named[country] = 0
    places = {code: known[code] for code in named if code in known}
    if len(places) < 2:
        return None
    wide, high = size
    along, up, west, north = _window(list(places.values()), size)

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return round((place[1] - west) * along, 1), round((north - place[0]) * up, 1)

    land = [(*at((lat, lon)), round(km * LAND / KM_A_DEGREE * up, 1)) for lat, lon, km in _circles()]
    seen = tuple((x, y, r) for x, y, r in land if r >= 1 and -r < x < wide + r and -r < y < high + r)
    marks, taken = [], -LABEL
    for code in sorted(places, key=lambda code: at(places[code])[1]):
        x, y = at(places[code])
        taken = max(y + 4, taken + LABEL)
        label = _words(code, named[code]) if size == WIDE else name_of(code)
        right = x + 12 + LETTER * len(label) < wide or x < wide / 2
        marks.append(
            Mark(
                *(x, y, round(taken, 1), "start" if right else "end", round(x + (12 if right else -12), 1)),
                label,
                code == country,
                *(round(x - 5, 1), round(y - 5, 1)),
            )
        )
    told = "; ".join(_words(code, named[code]) for code in places)
    missing = sorted(code for code in named if code and code not in known)
    return Drawn(
        tuple(marks),
        seen,
        told + (f". Not on the map: {', '.join(map(name_of, missing))}" if missing else ""),
        size,
    )


def _words(code: str, count: int) -> str:
    answers = f"{count} answer{'' if count == 1 else 's'}" if count else "the trace's answer"
    return f"{name_of(code)}, {answers}"


def _window(
    places: Sequence[tuple[float, float]], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """(pixels a degree of longitude, of latitude, longitude at the left edge, latitude at the upper edge).

    Degrees of longitude are as narrow as they are in the middle of the window.
    """
    lats, lons = [lat for lat, _ in places], [lon for _, lon in places]
    middle = (max(lats) + min(lats)) / 2
    narrow = max(0.3, math.cos(math.radians(middle)))
    wide = max(LEAST_DEGREES, (max(lons) - min(lons)) * size[0] / (size[0] - 2 * EDGE))
    high = (max(lats) - min(lats)) * size[1] / (size[1] - 2 * EDGE)
    up = min(size[0] / wide / narrow, size[1] / high if high else math.inf)
    along = up * narrow
    return along, up, (max(lons) + min(lons)) / 2 - size[0] / along / 2, middle + size[1] / up / 2
