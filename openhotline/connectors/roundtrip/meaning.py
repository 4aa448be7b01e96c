"""Countries that a round trip rules out. Pure: a time and a place in, country codes out.

True here: light in fibre covers 204 km in a millisecond, so a server that answers after `s` seconds stands within
half of `s` times that of the vantage point. Anything that delays only widens the circle; what would narrow it
falsely is something nearer that answers in the server's name (a proxy, an anycast edge), and then it is the
edge that is placed. A country is ruled out only if every circle that covers it lies wholly outside, of one trip, or of
all trips laid over each other. Beyond that it only leans, and
only against what is far: no cable runs straight and packets wait, so what would need more than five ninths of light's
speed in the void is called unlikely (servers are located by four ninths: Katz-Bassett et al., IMC 2006; Wang et al.,
NSDI 2011). A slow answer says nothing: the way to the exit is in it, and any queue. Not here:
measuring (the prober), the circles (`policy/extents.json`).
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer

METHOD = methods.ROUND_TRIP
FIBRE_KM_S = 299_792.458 / 1.468  # light in glass of the usual refractive index
USUAL_KM_S = 299_792.458 * 5 / 9
EARTH_KM = 6371.0
SLACK_KM = 50.0  # the circles stand on a coarse map; a coast may be off by less than this

Place = tuple[float, float]  # latitude, longitude in degrees
Extents = Mapping[str, Sequence[tuple[float, float, float]]]  # country -> circles (lat, lon, radius in km)


def distance_km(one: Place, other: Place) -> float:
    """Along the great circle."""
    a, b = math.radians(one[0]), math.radians(other[0])
    step = math.radians(other[1] - one[1])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(step / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def reach_km(seconds: float, speed: float = FIBRE_KM_S) -> float:
    """How far away a server can be that answered after `seconds`."""
    return seconds / 2 * speed + SLACK_KM


def ruled_out(seconds: float, place: Place, extents: Extents) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Countries out of reach, and those in reach of an unusually straight path only; each by alphabet."""
    reach, usual = reach_km(seconds), reach_km(seconds, USUAL_KM_S)
    impossible, unlikely = [], []
    for code, away in _away(place, _map(extents)):
        near = min(away, default=0.0)
        if near > reach:
            impossible.append(code)
        elif near > usual:
            unlikely.append(code)
    return tuple(impossible), tuple(unlikely)


def _map(extents: Extents) -> tuple[tuple[str, tuple[tuple[float, float, float], ...]], ...]:
    return tuple((code, tuple(extents[code])) for code in sorted(extents))


@lru_cache(maxsize=32)  # a house has a few vantage points and one map
def _away(
    place: Place, extents: tuple[tuple[str, tuple[tuple[float, float, float], ...]], ...]
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Country and the km to each of its circles."""
    return tuple(
        (code, tuple(distance_km(place, (lat, lon)) - radius for lat, lon, radius in circles))
        for code, circles in extents
    )


def together(
    trips: Sequence[MethodAnswer], places: Mapping[str, Place], extents: Extents
) -> MethodAnswer | None:
    """What the round trips to one literal rule out only together: countries of which each trip reaches a part, and all of
    them no one part. A server stands in one place; with islands overseas, or as wide as a continent, a country may be
    near every vantage point and yet hold no such place. None where that adds nothing.

    `trips`: as `answer` made them. `places`: where the vantage points stand; a trip from elsewhere is left out.
    """
    placed = [trip for trip in trips if trip.ok and trip.vantage in places]
    if len(placed) < 2:
        return None
    reaches = [reach_km(trip.seconds) for trip in placed]
    alone = {code for trip in placed for code in trip.impossible}
    table = [_away(places[trip.vantage], _map(extents)) for trip in placed]
    found = []
    for columns in zip(*table, strict=True):
        code = columns[0][0]
        parts = list(zip(*(away for _, away in columns), strict=True))
        if (
            parts
            and code not in alone
            and not any(
                all(away <= reach for away, reach in zip(part, reaches, strict=True)) for part in parts
            )
        ):
            found.append(code)
    if not found:
        return None
    names = ", ".join(trip.vantage for trip in placed)
    return MethodAnswer(
        METHOD,
        ok=True,
        why=f"Of {len(found)} more countries no one part is in reach of {names} together.",
        answer=f"The reach of all {len(placed)} together",
        addresses=placed[0].addresses,
        source=placed[0].source,
        raw="\n".join(f"{trip.seconds * 1000:.3f} ms from {trip.vantage}" for trip in placed),
        tool=placed[0].tool,
        impossible=tuple(found),
        at=max(trip.at for trip in placed),
    )


def answer(
    tried: Sequence[float],
    *,
    vantage: str,
    place: Place | None,
    extents: Extents,
    literal: str,
    port: int,
    through_exit: bool,
) -> MethodAnswer:
    """The quickest of the round trips that were measured to one literal from one vantage point."""
    best = min(tried)
    source = f"TCP to {literal} port {port}"
    raw = "\n".join(f"{seconds * 1000:.3f} ms" for seconds in tried)
    shown = f"{best * 1000:.1f} ms from {vantage}"
    if place is None or not extents:
        why = "Where this vantage point stands is not configured, so nothing can be ruled out."
        return MethodAnswer(
            METHOD, True, why, shown, "", (literal,), source=source, seconds=best, raw=raw, vantage=vantage
        )
    gone, unlikely = ruled_out(best, place, extents)
    why = f"Within {reach_km(best):,.0f} km of {vantage}: {len(gone)} countries are out of reach."
    if through_exit:
        why += " Measured through an exit, which must stand where it is said to."
    return MethodAnswer(
        METHOD,
        ok=True,
        why=why,
        answer=shown,
        addresses=(literal,),
        source=source,
        seconds=best,
        raw=raw,
        vantage=vantage,
        impossible=gone,
        unlikely=unlikely,
    )
