"""What is where in the synthetic internet, what becomes of it, and what the hotline should find.

True here: a scenario is plain frozen data; the same seed gives the same one. Times are offsets, from the
start of the scenario (events) or from the arrival of a letter (reactions). Each site carries its truth: the
words for the outcome that a hotline working well arrives at. Not here: the two scenarios that ship
(`day.py`), what has happened so far (`truth.py`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlsplit

from openhotline.rules.words import CHILD_SEXUAL_ABUSE, ILLEGAL
from openhotline.world.places import NETWORKS, Network, is_reserved, is_reserved_name

What = Literal[
    "gone",
    "no-name",
    "move",
    "back",
    "outage",
    "silent",
    "cut-off",
    "block",
    "unblock",
    "hide",
    "unhide",
    "taken-down",
    "soft-404",
    "parked",
    "login",
    "robot-check",
    "changed",
    "busy",
    "redirect",
]
To = Literal["notice", "reminder", "ladder", "referral", "referral-police"]
WHATS: tuple[What, ...] = get_args(What)

# Outcomes. The words of removal statuses where there is one, in the order things happen.
REMOVED = "removed"
GONE_BEFORE_NOTICE = "gone before notice"
MOVED_REFERRED = "moved, referred and removed"
MOVED_POLICE = "moved, referred to police and removed"
REAPPEARED_REMOVED = "removed, reappeared and removed"
REFERRED_REMOVED = "referred and removed"
POLICE_REMOVED = "referred to police and removed"
OUT_OF_REMIT = "out of remit"
NOT_ILLEGAL = "not illegal"
OUTCOMES = (
    REMOVED,
    GONE_BEFORE_NOTICE,
    MOVED_REFERRED,
    MOVED_POLICE,
    REAPPEARED_REMOVED,
    REFERRED_REMOVED,
    POLICE_REMOVED,
    OUT_OF_REMIT,
    NOT_ILLEGAL,
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happens to a site, `after` an origin that the holder of the event names.

    `what`: gone (answers `status`), no-name (the name is taken away), move (to `ip`/`ip6`; there it is up),
    back (up again), outage (503), silent (times out), cut-off (hangs up without a word), block and unblock (one
    `vantage` gets 403 while others see it), hide and unhide (the same with 404: cloaked). With a good status:
    taken-down, soft-404, parked, login and robot-check show the page of that name, changed shows other words (a file:
    a re-encoded copy of another size). busy answers 429 and names `status` seconds to wait; redirect leads to `to`.
    """

    after: timedelta
    what: What
    ip: str = ""
    ip6: str = ""
    status: int = 404
    vantage: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody does when a letter about the site arrives. The nth such letter gets the nth reaction.

    `to`: notice or reminder at the host, ladder (a letter beyond the host), referral at a partner hotline,
    referral-police at the police for the country the site is in.
    """

    to: To
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Grade:
    """What an analyst who works well would write down. Words of `rules/words.py`."""

    opinion: str = ILLEGAL
    content_class: str = CHILD_SEXUAL_ABUSE
    category: str = "C"
    age_band: str = "pre-pubescent"
    files: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """One address, where it is held at first, and what becomes of it.

    `file`: it is a file of bytes that mean nothing, not a page. `part`: its part in the play, several sites may share one. `ip` and `ip6`: literals, "" for none. `alias`:
    the host's name is an alias of this one. `referrer`: shown only to who comes from there, others see 404.
    """

    address: str
    part: str
    ip: str
    truth: str
    ip6: str = ""
    events: tuple[Event, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    alias: str = ""
    referrer: str = ""
    grade: Grade = field(default_factory=Grade)
    alarm: bool = False  # a child may be at risk now
    origin: str = ""  # behind an edge: the literal where the server really stands
    file: bool = False
    cookie: str = ""  # shown only to who sends it

    @property
    def host(self) -> str:
        """The host name in the address."""
        return urlsplit(self.address).hostname or ""

    @property
    def path(self) -> str:
        """Path and query, as a request line carries them."""
        parts = urlsplit(self.address)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole synthetic internet. `name` tells scenarios apart, `seed` their instances."""

    name: str
    seed: int
    start: datetime
    sites: tuple[Site, ...]
    networks: tuple[Network, ...] = NETWORKS

    def network(self, address: str) -> Network | None:
        """The network that holds a literal; None where nobody does."""
        return next((network for network in self.networks if network.holds(address)), None)

    def part(self, name: str) -> tuple[Site, ...]:
        """The sites that play a part, in order."""
        return tuple(site for site in self.sites if site.part == name)


def faults(scenario: Scenario) -> list[str]:
    """What is wrong with a scenario, as sentences; empty when it is sound."""
    found, seen = [], set()
    if scenario.start.utcoffset() is None:
        found.append("The start has no time zone.")
    for site in scenario.sites:
        if site.address in seen:
            found.append(f"{site.address} is there twice.")
        seen.add(site.address)
        if urlsplit(site.address).scheme != "http" or not is_reserved_name(site.host):
            found.append(f"{site.address} is not http on a reserved name.")
        if not (site.ip or site.ip6):
            found.append(f"{site.address} is held nowhere.")
        if site.truth not in OUTCOMES:
            found.append(f"{site.truth!r} is no outcome.")
        events = [*site.events, *(event for reaction in site.reactions for event in reaction.events)]
        found += [f"{event.what!r} is no event." for event in events if event.what not in WHATS]
        for ip in filter(None, [site.ip, site.ip6, *(e.ip for e in events), *(e.ip6 for e in events)]):
            if not is_reserved(ip) or scenario.network(ip) is None:
                found.append(f"{ip} is in no network of the world.")
    return found
