"""An atlas that knows what it was told and opens no file."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from openhotline.connectors.geo.client import LOCATION, ORIGIN
from openhotline.rules.facts import MethodAnswer


class FakeAtlas:
    """`known` maps a literal to (country, number of the autonomous system, organisation)."""

    notes: tuple[str, ...] = ()

    def __init__(self, known: Mapping[str, tuple[str, int, str]]) -> None:
        self.known = dict(known)

    def about(self, addresses: Sequence[str], *, at: datetime) -> list[MethodAnswer]:
        """The call signature of `client.Atlas.about`."""
        found = next((self.known[a] for a in addresses if a in self.known), None)
        if found is None:
            why = "The file does not know this address."
            return [MethodAnswer(ORIGIN, ok=False, why=why), MethodAnswer(LOCATION, ok=False, why=why)]
        country, asn, operator = found
        return [
            MethodAnswer(
                ORIGIN,
                ok=True,
                answer=f"AS{asn} {operator}",
                addresses=tuple(addresses),
                asn=asn,
                operator=operator,
                source="fake",
                source_age_s=0,
            ),
            MethodAnswer(
                LOCATION,
                ok=True,
                answer=country,
                country=country,
                addresses=tuple(addresses),
                source="fake",
                source_age_s=0,
            ),
        ]

    def close(self) -> None:
        """Nothing is open."""
