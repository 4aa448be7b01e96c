"""Draws made-up sites: where each stands, who holds it, and which of its sources lies today.

True here: every site has one lying source (`rates.LIES`), and beside it every source errs by itself at this world's
rates. The same seed draws the same sites. What is not here: how often who lies (`rates.py`), and reading it.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from openhotline.world.score import land, said
from openhotline.world.score.land import Extents, Provider
from openhotline.world.score.rates import (
    DISCLOSED,
    LIES,
    MOVED_UNWRITTEN,
    PROXIED,
    RECORD_YEARS,
    Rates,
    drawn,
)
from openhotline.world.score.said import File, Said, Site, Trip

NOW = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
RESOLVERS = ("resolver one", "resolver two", "resolver three")
MOVED_DAYS = 120  # a block that moved did so this long ago, in the mean
LAG_DAYS = 30  # a file learns of a move within this time
FILES = 3  # location files an operator supplies


class Maker:
    """Sites of one seed."""

    def __init__(self, seed: int, extents: Extents, *, stress: float = 1.0) -> None:
        self.chance = random.Random(f"openhotline score {seed}")
        self.extents = extents
        self.rates: Rates = drawn(self.chance, stress=stress)
        self.providers = land.providers(self.chance, 240, self.rates.foreign_parent)
        self.proxies = land.proxies()
        # An operator's files have each one age, the same for every address: some are kept up, one is neglected.
        kept_up = [self.chance.choice((2, 7, 14, 30, 45)) for _ in range(FILES - 1)]
        self.ages = [*kept_up, self.chance.choice((30, 90, 200, 365))]
        self.origin_age = self.chance.choice((1, 7, 30, 120))
        # By chances of their own: worlds drawn before dates were told stay as they were but for these.
        self.dates = random.Random(f"openhotline score {seed} dates")
        self.record_years = self.dates.uniform(*RECORD_YEARS)
        self.moved_unwritten = min(0.9, stress * self.dates.uniform(*MOVED_UNWRITTEN))

    def sites(self, count: int) -> Iterator[Site]:
        """That many sites."""
        for number in range(count):
            yield self._site(number)

    # --- one site -------------------------------------------------------------------------------------

    def _site(self, number: int) -> Site:
        chance = self.chance
        provider = chance.choice(self.providers)
        away = provider.abroad and chance.random() < self.rates.abroad
        country = chance.choice(provider.abroad) if away else provider.home
        # A fifth of servers belong to a customer with a block of its own inside the provider's network.
        holder = (
            f"{chance.choice(land.FIRST)} Customer {number} Ltd" if chance.random() < 0.2 else provider.name
        )
        lie = chance.choices(list(LIES), weights=list(LIES.values()))[0]
        address = f"2001:db8:{number // 65536:x}:{number % 65536:x}::10"
        origin = self._said(address, provider, holder, country, lie)
        site = Site(
            host=f"s{number}.example.net",
            at=NOW,
            country=country,
            asn=provider.asn,
            operator=provider.name,
            holder=holder,
            lie=lie,
            resolvers=tuple((name, (address,)) for name in RESOLVERS),
            direct=origin,
            ranges=self._ranges(),
        )
        if chance.random() < PROXIED:
            return self._behind(site, origin, number)
        if chance.random() < self.rates.anycast:
            return self._anycast(site)
        if lie == "one resolver":
            liar = chance.randrange(len(RESOLVERS))
            other = f"2001:db8:ffff:{number % 65536:x}::66"
            told = [(name, (other if n == liar else address,)) for n, name in enumerate(RESOLVERS)]
            return replace(site, resolvers=tuple(told))
        return site

    def _said(self, address: str, provider: Provider, holder: str, country: str, lie: str) -> Said:
        """What everybody says about a server's address."""
        chance, rates = self.chance, self.rates
        before = chance.choice(self.providers)
        old = before.home if before.home != country else land.country(chance, but=country)
        registered, registrant = country, holder
        if country != provider.home and chance.random() < rates.head_office:
            registered = provider.registered
        who, system, record_asn = provider.name, provider.registered, provider.asn
        whois_country, whois_holder = registered, registrant
        truths = [country] * FILES  # what each file says before it errs by itself
        written: timedelta | None = None  # when the registry wrote the new place down, ago
        if chance.random() < rates.moved_everywhere:
            registered = whois_country = old
            truths = [old] * FILES
        elif lie == "registry stale":
            registered = whois_country = old
            registrant = whois_holder = before.name
        elif lie == "registered at the parent":
            # The registered office of the provider, or of the holding that bought it.
            registered = whois_country = provider.registered if provider.registered != country else old
        elif lie == "location file old":
            truths[chance.choices(range(FILES), weights=[age + 60 for age in self.ages])[0]] = old
        elif lie == "block leased":
            registered = whois_country = old
            registrant = whois_holder = before.name
            truths = [old if chance.random() < rates.copied else country for _ in truths]
        elif lie == "block moved":
            # Files built before they could know of the move still name the old place.
            since = chance.expovariate(1 / MOVED_DAYS)
            truths = [old if age + chance.uniform(0, LAG_DAYS) > since else country for age in self.ages]
            written = None if self.dates.random() < self.moved_unwritten else timedelta(days=since)
        elif lie == "whois copy old":
            whois_country, whois_holder = old, before.name
        elif lie == "origin file old":
            who, system, record_asn = before.name, before.registered, before.asn
        network = f"{address.rsplit('::', 1)[0]}::/64"
        chance.random()
        changed = NOW - self._changed(written)
        asked = chance.random() >= rates.silent_registry
        return Said(
            address=address,
            rdap=said.rdap_ip(
                network=network, name="NET-MADE-UP", holder=registrant, country=registered, changed=changed
            )
            if asked
            else None,
            rdap_as=said.rdap_autnum(asn=record_asn, holder=who, country=system),
            whois=said.whois(
                network=network,
                name="NET-MADE-UP",
                holder=whois_holder,
                country=whois_country,
                changed=changed,
            )
            if chance.random() < 0.6
            else None,
            origin=(self._origin(record_asn, who, system),),
            location=tuple(self._located(n, truth, country) for n, truth in enumerate(truths)),
            trips=self._trips([land.point_in(country, self.extents, chance)]),
        )

    def _changed(self, written: timedelta | None) -> timedelta:
        """How long ago the registry last changed its record: any time for reasons of its own, or when a block moved."""
        other = self.dates.expovariate(1 / self.record_years) * YEAR
        return other if written is None else min(other, written)

    def _origin(self, asn: int, name: str, country: str) -> File:
        record: dict[str, object] = {"autonomous_system_number": asn, "autonomous_system_organization": name}
        if self.chance.random() < 0.5:
            record["country"] = {"iso_code": country}
        return File("origin.mmdb", self.origin_age * 86_400, record)

    def _located(self, number: int, truth: str, country: str) -> File:
        """One file's record: a source that errs by itself, more the older it is."""
        chance, age = self.chance, self.ages[number]
        wrong = self.rates.location_alone + self.rates.location_year * age / 365
        named = land.country(chance, but=country) if chance.random() < wrong else truth
        known = chance.random() >= self.rates.file_missing
        record: dict[str, object] = {"country": {"iso_code": named}}
        return File(f"file-{number + 1}.mmdb", age * 86_400, record if known else None)

    def _trips(self, stands: list[land.Point]) -> tuple[Trip, ...]:
        """A round trip from every vantage point that gets through, to the nearest of the places it stands at."""
        found = []
        for vantage, place in land.PLACES.items():
            if self.chance.random() < self.rates.silent_vantage:
                continue
            really = place
            if self.chance.random() < self.rates.exit_elsewhere:
                really = self.chance.choice([one for one in land.PLACES.values() if one != place])
            times = [land.round_trip(really, stand, self.chance) for stand in stands]
            found.append(Trip(vantage, place, min(times)))
        return tuple(found)

    # --- what is not one server -------------------------------------------------------------------------

    def _anycast(self, site: Site) -> Site:
        """One address, answered in several places: there is no country to be right about."""
        places = [land.country(self.chance) for _ in range(8)] + ["GB", "US", "DE", "SG"]
        stands = [land.point_in(code, self.extents, self.chance) for code in places]
        return replace(
            site, country="", lie="anycast", direct=replace(site.direct, trips=self._trips(stands))
        )

    def _ranges(self) -> tuple[tuple[str, str], ...]:
        return tuple((f"2001:db8:e{n}00::/40", proxy.name) for n, proxy in enumerate(self.proxies))

    def _behind(self, site: Site, origin: Said, number: int) -> Site:
        """A CDN in front: the name leads to its edge, near us and answering everywhere."""
        chance, rates = self.chance, self.rates
        which = chance.randrange(len(self.proxies))
        proxy = self.proxies[which]
        listed = chance.random() >= rates.range_missing
        edge = f"2001:db8:{f'e{which}' if listed else 'd0'}{number % 256:02x}:{number // 256:x}::1"
        near = chance.choice(("GB", "NL", "DE", "FR", "US"))
        front = self._said(edge, proxy, proxy.name, near, "none")
        stands = [land.point_in(code, self.extents, chance) for code in ("GB", "US", "DE", "SG", near)]
        named = File("file-1.mmdb", self.ages[0] * 86_400, {"country": {"iso_code": proxy.home}})
        front = replace(front, trips=self._trips(stands), location=(named, *front.location[1:]))
        headers = () if chance.random() < rates.header_stripped else ((said.SIGN, f"{number:x}"),)
        told = chance.random() < DISCLOSED
        wrong = chance.random() < 0.02  # what a customer told its CDN years ago
        place = land.country(chance, but=site.country) if wrong else site.country
        canonical = f"http://{site.host}/"
        return replace(
            site,
            resolvers=tuple((name, (edge,)) for name in RESOLVERS),
            direct=front,
            proxied=True,
            edge_country=near,
            headers=headers,
            disclosure=said.disclosure(
                canonical=canonical,
                address=origin.address,
                country=place,
                operator=site.operator,
                at=NOW,
            )
            if told
            else None,
            behind=origin if told else None,
        )
