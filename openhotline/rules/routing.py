"""Where a traced removal goes: home, to a hotline abroad, to police abroad, or out of remit; and which unit.

Domain rows 13-16. What is not here: finding the country (`trace_vote`) and the tables themselves
(`policy/<country>/routes.toml`, `partners.toml`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from openhotline.rules.refusals import Refused
from openhotline.rules.remit import RemitTable, decide
from openhotline.rules.words import (
    ABROAD_HOTLINE,
    ABROAD_POLICE,
    CHILD_SEXUAL_ABUSE,
    HOME,
    ROUTE_OUT_OF_REMIT,
)


@dataclass(frozen=True, slots=True)
class PartnerHotline:
    """A hotline abroad that takes referrals for its country, and for which classes."""

    key: str
    country: str
    name: str
    classes: tuple[str, ...] = (CHILD_SEXUAL_ABUSE,)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A police unit as policy names it. Mail and phone are the house's, not the policy's."""

    key: str
    name: str
    level: str  # national, regional, local, special
    agreement: str
    classes: tuple[str, ...]
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitRule:
    """One line of the table of units, read top to bottom: the first that fits decides (primacy).

    Empty means "any". The host's place is told by any of three: `asns`, its networks; `operators`, words in its name;
    `areas`, places as the units name theirs.
    """

    unit: str
    classes: tuple[str, ...] = ()
    asns: tuple[int, ...] = ()
    operators: tuple[str, ...] = ()
    why: str = ""
    areas: tuple[str, ...] = ()

    def fits(self, cls: str, asn: int, operator: str, area: str = "") -> bool:
        """True if class and host fall under this line. Of networks, names and areas any one is enough."""
        if self.classes and cls not in self.classes:
            return False
        if not self.anywhere:
            name = operator.casefold()
            return (
                asn in self.asns
                or any(word.casefold() in name for word in self.operators)
                or (bool(area) and area.casefold() in {one.casefold() for one in self.areas})
            )
        return True

    @property
    def anywhere(self) -> bool:
        """Whether it takes hosts wherever they are."""
        return not (self.asns or self.operators or self.areas)


class Geography(Protocol):
    """What routing reads of a policy."""

    @property
    def home(self) -> str: ...
    @property
    def remit(self) -> RemitTable: ...
    @property
    def partners(self) -> tuple[PartnerHotline, ...]: ...
    @property
    def unit_rules(self) -> tuple[UnitRule, ...]: ...


@dataclass(frozen=True, slots=True)
class Route:
    """Where it goes (`words.HOME` ...), why in a sentence, and the partner's key if there is one."""

    kind: str
    why: str
    partner: str = ""


def route(country: str, cls: str, *, on: date, policy: Geography) -> Route:
    """The route of a removal traced to `country` (ISO alpha-2), of class `cls`, on the day `on`.

    Raises Refused while the country is not known: an unclear trace is routed nowhere.
    """
    if not country:
        raise Refused("It is not known yet where this is held. Trace it first.", code="no-country")
    country = country.upper()
    remit = decide(cls, country, on=on, table=policy.remit)
    if not remit.in_remit:
        return Route(ROUTE_OUT_OF_REMIT, remit.why)
    if country == policy.home:
        return Route(HOME, "It is hosted at home.")
    for partner in policy.partners:
        if partner.country == country and cls in partner.classes:
            return Route(ABROAD_HOTLINE, f"It is hosted in {country}; {partner.name} takes it.", partner.key)
    return Route(ABROAD_POLICE, f"It is hosted in {country}, where no partner hotline takes this class.")


def areas_of(text: str) -> tuple[str, ...]:
    """The areas a unit covers, as it writes them: one a line, or with commas between."""
    named = (" ".join(part.split()) for line in text.splitlines() for part in line.split(","))
    return tuple(dict.fromkeys(filter(None, named)))


def unit_for(
    cls: str, country: str, *, asn: int = 0, operator: str = "", area: str = "", policy: Geography
) -> str:
    """The key of the police unit that has primacy for `cls` at a host in `area`. Raises Refused where none has."""
    if country and country.upper() != policy.home:
        raise Refused(
            f"This is hosted in {country.upper()}, not at home. Refer it abroad instead.", code="abroad"
        )
    for rule in policy.unit_rules:
        if rule.fits(cls, asn, operator, area):
            return rule.unit
    raise Refused(
        "No police unit is named for this class. Ask the lead to add one to the routes.", code="no-unit"
    )
