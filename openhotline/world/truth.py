"""What is true at a moment: which address is up, where it is held, and since when.

True here: a site's state is computed from its events up to that moment, each time it is asked; nothing
waits, and no clock is read (the moment is an argument). A letter makes events once for each serial, however
often it arrives. Not here: who asks (servers), and what letters say (`mail.py`).
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from openhotline.rules.refusals import Refused
from openhotline.world.journal import Journal
from openhotline.world.places import Network
from openhotline.world.scenario import Event, Reaction, Scenario, Site, To, faults

UP = "up"


@dataclass(frozen=True, slots=True)
class State:
    """A site at one moment. `word`: up or one of `scenario.WHATS`. `blocked` and `hidden`: vantage points.

    `to`: where a redirect leads.
    """

    word: str
    ip: str
    ip6: str
    status: int
    since: datetime
    blocked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    to: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The literals the name leads to."""
        return tuple(filter(None, (self.ip, self.ip6)))


@dataclass(frozen=True, slots=True)
class Stay:
    """A stretch of time in which a site was in one state at one place. `end` None: still."""

    start: datetime
    end: datetime | None
    word: str
    ip: str
    country: str
    asn: int
    operator: str


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    at: datetime
    number: int
    event: Event


class Truth:
    """A scenario and everything that has happened to it."""

    def __init__(self, scenario: Scenario, journal: Journal | None = None) -> None:
        """Raises ValueError with a sentence if the scenario is unsound."""
        if wrong := faults(scenario):
            raise ValueError(" ".join(wrong[:5]))
        self.scenario = scenario
        self.sites: dict[str, Site] = {}
        self.hosts: dict[str, dict[str, Site]] = {}  # host -> path -> site
        self.aliases: dict[str, str] = {}  # canonical name -> host
        self.zones: set[str] = set()  # every name above a host's or an alias's, such as example.net
        self._holders: dict[str, Network | None] = {}
        self._due: dict[str, list[_Due]] = defaultdict(list)
        self._seen: dict[tuple[str, str], list[str]] = defaultdict(list)  # (address, to) -> serials
        self._count = 0
        self._journal = journal or Journal()
        for site in scenario.sites:
            self._settle(site)
        for line in self._journal.of("site"):
            fields = line["site"]
            self._settle(_site(fields), start=datetime.fromisoformat(line["at"]))
        for line in self._journal.of("trigger"):
            self._seen[(line["address"], line["to"])].append(line["serial"])
        for line in self._journal.of("event"):
            self._put(line["address"], datetime.fromisoformat(line["at"]), _event(line["event"]))

    def _settle(self, site: Site, start: datetime | None = None) -> None:
        self.sites[site.address] = site
        self.hosts.setdefault(site.host, {})[site.path] = site
        if site.alias:
            self.aliases[site.alias] = site.host
        for name in filter(None, (site.host, site.alias)):
            labels = name.split(".")
            self.zones.update(".".join(labels[start:]) for start in range(1, len(labels)))
        for event in site.events:
            self._put(site.address, (start or self.scenario.start) + event.after, event)

    def _put(self, address: str, at: datetime, event: Event) -> None:
        self._count += 1
        insort(self._due[address], _Due(at, self._count, event))

    # What is so.

    def state(self, site: Site, at: datetime) -> State:
        """The site at a moment."""
        state = State(UP, site.ip, site.ip6, 200, self.scenario.start)
        for due in self._due.get(site.address, ()):
            if due.at > at:
                break
            state = _after(state, due)
        return state

    def network(self, address: str) -> Network | None:
        """Who holds a literal."""
        if address not in self._holders:
            self._holders[address] = self.scenario.network(address)
        return self._holders[address]

    def site(self, address: str) -> Site:
        """The site at an address. Raises Refused where there is none."""
        found = self.sites.get(address)
        if found is None:
            raise Refused(
                f"The world has no site {address}. Look at /truth for those it has.", code="no-site"
            )
        return found

    def history(self, site: Site, until: datetime) -> list[Stay]:
        """Where the site was and in what state, from the start of the scenario until a moment."""
        starts = sorted(
            {self.scenario.start, *(due.at for due in self._due.get(site.address, ()) if due.at <= until)}
        )
        stays: list[Stay] = []
        for start in starts:
            state = self.state(site, start)
            ip = state.ip or state.ip6
            held = self.network(ip)
            here = (state.word, ip)
            if stays and (stays[-1].word, stays[-1].ip) == here:
                continue
            if stays:
                stays[-1] = replace(stays[-1], end=start)
            stays.append(
                Stay(
                    start,
                    None,
                    state.word,
                    ip,
                    held.country if held else "",
                    held.asn if held else 0,
                    held.operator if held else "",
                )
            )
        return stays

    def next_event(self, after: datetime) -> datetime | None:
        """The next moment at which something changes by itself, as far as is known now."""
        coming = (due.at for list_ in self._due.values() for due in list_ if due.at > after)
        return min(coming, default=None)

    # What happens.

    def letter(self, addresses: Iterable[str], to: To, serial: str, at: datetime) -> int:
        """A letter about these addresses arrived; whoever it is for reacts. Returns how many sites react."""
        reacted = 0
        for address in addresses:
            site = self.sites.get(address)
            seen = self._seen[(address, to)]
            if site is None or serial in seen:
                continue
            choices: Sequence[Reaction] = [r for r in site.reactions if r.to == to]
            seen.append(serial)
            self._journal.append("trigger", address=address, to=to, serial=serial)
            if choices:
                for event in choices[min(len(seen), len(choices)) - 1].events:
                    self.happen(site, event, at + event.after)
                reacted += 1
        return reacted

    def happen(self, site: Site, event: Event, at: datetime) -> None:
        """Let an event happen to a site at a moment."""
        self._put(site.address, at, event)
        self._journal.append("event", address=site.address, at=at.isoformat(), event=_plain(event))

    def add(self, site: Site, at: datetime) -> Site:
        """A new site from now on; its events count from `at`. Raises Refused where it cannot be."""
        if site.address in self.sites:
            raise Refused(f"{site.address} is there already.", code="site")
        if wrong := faults(Scenario("one", 0, at, (site,), self.scenario.networks)):
            raise Refused(" ".join(wrong), code="site")
        fields = {**asdict(site), "events": [_plain(event) for event in site.events]}
        fields["reactions"] = [
            {"to": r.to, "events": [_plain(event) for event in r.events]} for r in site.reactions
        ]
        del fields["grade"]
        self._journal.append("site", at=at.isoformat(), site=fields)
        self._settle(site, start=at)
        return site


def _after(state: State, due: _Due) -> State:
    """The state once an event has happened to it."""
    event = due.event
    for on, off, name in (("block", "unblock", "blocked"), ("hide", "unhide", "hidden")):
        if event.what in (on, off):
            places = set(getattr(state, name))
            places = places | {event.vantage} if event.what == on else places - {event.vantage}
            changed: dict[str, Any] = {name: tuple(sorted(places))}
            return replace(state, **changed)
    if event.what == "move":
        return replace(state, word=UP, ip=event.ip, ip6=event.ip6, status=200, since=due.at, to="")
    if event.what == "back":
        ip, ip6 = event.ip or state.ip, event.ip6 or state.ip6
        return replace(state, word=UP, ip=ip, ip6=ip6, status=200, since=due.at, to="")
    status = {"gone": event.status, "outage": 503, "busy": event.status}.get(event.what, 0)
    return replace(state, word=event.what, status=status, since=due.at, to=event.to)


def _plain(event: Event) -> dict[str, object]:
    return {**asdict(event), "after": event.after.total_seconds()}


def _event(fields: dict[str, object]) -> Event:
    return Event(**{**fields, "after": timedelta(seconds=float(str(fields["after"])))})  # type: ignore[arg-type]


def _site(fields: dict[str, object]) -> Site:
    reactions = tuple(
        Reaction(r["to"], tuple(_event(e) for e in r["events"]))
        for r in fields["reactions"]  # type: ignore[attr-defined]
    )
    events = tuple(_event(e) for e in fields["events"])  # type: ignore[attr-defined]
    return Site(**{**fields, "events": events, "reactions": reactions})  # type: ignore[arg-type]
