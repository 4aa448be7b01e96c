"""A program: circles that cover each country, for the round-trip test, from public-domain shapes.

    python -m openhotline.policy.derive_extents countries-50m.json iso_3166-1.json > openhotline/policy/extents.json

The first file is Natural Earth 1:50m (public domain) as the npm package world-atlas 2.0.2 ships it; the second is
Debian's iso-codes, for the two-letter codes. Borders are walked in steps of half a degree and the inside is
sampled on a grid of half a degree, so that no part of a country lies more than about 40 km outside its circles;
the rule that uses them adds 50 km. Not here: that rule (`connectors/roundtrip`). Nothing runs this in a house.
"""

import json
import math
import pathlib
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

STEP = 0.5
CIRCLES = 12  # at most, for one country
SMALL_KM = 350.0  # a circle this small is not divided further
EARTH_KM = 6371.0

Point = tuple[float, float]  # longitude, latitude
Vector = tuple[float, float, float]


def main() -> None:
    """Read the two files named, write the circles."""
    atlas = json.loads(pathlib.Path(sys.argv[1]).read_bytes())
    codes = {
        row["numeric"]: row["alpha_2"] for row in json.loads(pathlib.Path(sys.argv[2]).read_bytes())["3166-1"]
    }
    arcs = _arcs(atlas)
    points: dict[str, list[Vector]] = {}
    for shape in atlas["objects"]["countries"]["geometries"]:
        code = codes.get(shape.get("id", ""))
        if code and shape["type"] in ("Polygon", "MultiPolygon"):
            polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
            for polygon in polygons:
                ring = _ring(polygon[0], arcs)
                points.setdefault(code, []).extend(_vector(point) for point in _sampled(ring))
    circles = {code: _cover(some) for code, some in sorted(points.items())}
    about = {
        "source": "Natural Earth 1:50m (public domain), as world-atlas 2.0.2 ships it; codes: ISO 3166-1",
        "made_by": "python -m openhotline.policy.derive_extents",
        "form": "country: [[latitude, longitude, radius in km], ...]",
    }
    lines = [f' "{code}": {json.dumps(found, separators=(",", ":"))}' for code, found in circles.items()]
    text = json.dumps(about, indent=1)[2:-2]
    sys.stdout.write("{\n" + text + ',\n "extents": {\n' + ",\n".join(lines) + "\n }\n}\n")


def _arcs(atlas: dict[str, Any]) -> list[list[Point]]:
    scale, shift = atlas["transform"]["scale"], atlas["transform"]["translate"]
    found = []
    for arc in atlas["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        found.append(line)
    return found


def _ring(numbers: list[int], arcs: list[list[Point]]) -> list[Point]:
    ring: list[Point] = []
    for number in numbers:
        line = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += line[1:] if ring else line
    return ring


def _sampled(ring: list[Point]) -> Iterator[Point]:
    """The border in steps, and the inside on a grid."""
    for (x1, y1), (x2, y2) in pairwise(ring):
        steps = max(1, math.ceil(max(abs(x2 - x1), abs(y2 - y1)) / STEP))
        for step in range(steps):
            yield (x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps)
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    y = math.ceil(min(ys) / STEP) * STEP
    while y < max(ys):
        crossings = sorted(
            x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=False)
            if (y1 <= y) != (y2 <= y)
        )
        x = math.ceil(min(xs) / STEP) * STEP
        while x < max(xs):
            if sum(crossing < x for crossing in crossings) % 2:
                yield (x, y)
            x += STEP
        y += STEP


def _vector(point: Point) -> Vector:
    lon, lat = math.radians(point[0]), math.radians(point[1])
    return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))


def _km(one: Vector, other: Vector) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return EARTH_KM * math.acos(max(-1.0, min(1.0, dot)))


def _circle(points: list[Vector]) -> tuple[Vector, float]:
    total = [sum(values) for values in zip(*points, strict=True)]
    length = math.sqrt(sum(value * value for value in total)) or 1.0
    middle = (total[0] / length, total[1] / length, total[2] / length)
    return middle, max(_km(middle, point) for point in points)


def _cover(points: list[Vector]) -> list[list[float]]:
    """Circles over all points: the largest is divided in two until all are small or there are enough."""
    groups = [(points, *_circle(points))]
    while len(groups) < CIRCLES:
        groups.sort(key=lambda group: group[2])
        some, middle, radius = groups[-1]
        if radius <= SMALL_KM:
            break
        one = max(some, key=lambda point: _km(middle, point))
        other = max(some, key=lambda point: _km(one, point))
        near = [point for point in some if _km(point, one) <= _km(point, other)]
        far = [point for point in some if _km(point, one) > _km(point, other)]
        if not far:
            break
        groups[-1:] = [(half, *_circle(half)) for half in (near, far)]
    found = []
    for _, (x, y, z), radius in groups:
        lat, lon = math.degrees(math.asin(max(-1.0, min(1.0, z)))), math.degrees(math.atan2(y, x))
        found.append([round(lat, 2), round(lon, 2), math.ceil(radius) + 2])
    return sorted(found)


if __name__ == "__main__":
    main()
