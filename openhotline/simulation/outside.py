"""What is outside the simulated house: web hosts, a mail relay with its log, a partner, a network that fails.

True here: the relay and the partner are honest and remember what they took; the line to them loses letters and
answers. While a letter is on the line, others act. Nothing opens a socket. Not here: who acts (`acts`), and
what must hold (`promises`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Protocol

from openhotline.jobs.post import SMTP, Known, LogRead, Post, Receipt, Relay, RelayLog
from openhotline.jobs.reconcile import Seen
from openhotline.outbox.models import Letter
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts
from openhotline.steps.departing import HouseWords

VANTAGES = ("north", "south")
DOMAIN = "hotline.example"
HOUSE = HouseWords(
    name="Example Hotline", domain=DOMAIN, phone="01632 960 201", portal_url="http://portal.test"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One hosting company."""

    name: str
    asn: int
    address: str
    country: str

    @property
    def mail(self) -> str:
        """Where its abuse desk reads."""
        return f"abuse@{self.name.lower().replace(' ', '-')}.example"


PLACES = (
    Place("North Rack", 64500, "192.0.2.44", "GB"),
    Place("Quay Data", 64501, "192.0.2.180", "GB"),
    Place("Canal Hosting", 64505, "198.51.100.20", "NL"),
)


def _reported(name: str, zone: str) -> str:
    """Where it is, on whose account, and in which set of theirs: nothing of it may stand in an open mail."""
    return f"https://{name}.example.{zone}/~holder-{name}/set-{name}"


FIRST = (_reported("n5", "net"),)  # the first to be reported, held abroad
SECOND = (
    *(_reported(f"s{number}", "org") for number in range(5)),
    _reported("n6", "net"),
    _reported("adult-7", "org"),
)
ADULT = "https://adult-"  # of a class that a special unit answers for
LATER = (_reported("s8", "org"), _reported("n9", "net"), _reported("adult-10", "org"))
HELD_AT = dict(
    zip(
        (*FIRST, *SECOND),
        (PLACES[2], *PLACES[:1] * 2, *PLACES[1:2] * 2, PLACES[2], PLACES[0], PLACES[0]),
        strict=True,
    )
)
BODY = "example-registry"  # answers for a domain, told under an agreement


class Killed(BaseException):
    """The worker's process ends here, without a word."""


class Asked(Protocol):
    """What the house asks a prober to trace."""

    @property
    def canonical(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class Look(Protocol):
    """What it asks it to look at, and from where."""

    @property
    def canonical(self) -> str: ...
    @property
    def vantage(self) -> str: ...
    @property
    def at(self) -> datetime: ...


@dataclass
class Web:
    """Where each address is, and whether it answers. It is the prober's double too."""

    chance: Random
    held_at: dict[str, Place] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def place(self, canonical: str) -> Place:
        """Where an address is; one never seen is at the first place."""
        return self.held_at.setdefault(canonical, PLACES[0])

    def trace(self, jobs: Sequence[Asked]) -> list[TraceFacts]:
        """As `Prober.trace`; now and then the methods do not agree."""
        return [
            trace_facts(
                job.canonical,
                job.host,
                job.at,
                self.place(job.canonical),
                clear=self.chance.random() > 0.08,
            )
            for job in jobs
        ]

    def check(self, jobs: Sequence[Look]) -> list[CheckFacts]:
        """As `Prober.check`."""
        return [self._look(job.canonical, job.vantage, job.at) for job in jobs]

    def _look(self, canonical: str, vantage: str, at: datetime) -> CheckFacts:
        answers = canonical not in self.gone
        return CheckFacts(
            canonical,
            vantage,
            at,
            "answered",
            status=200 if answers else 404,
            content_type="text/html",
            peer=self.place(canonical).address,
            canary_up=self.chance.random() > 0.1,
        )


def trace_facts(canonical: str, host: str, at: datetime, place: Place, *, clear: bool = True) -> TraceFacts:
    """All methods name the place, or the registry and the network differ."""
    other = place.country if clear else "XA"
    return TraceFacts(
        canonical=canonical,
        host=host,
        at=at,
        answers=(
            MethodAnswer("dns", True, answer=place.address, addresses=(place.address,)),
            MethodAnswer(
                "rdap",
                True,
                answer=place.name,
                country=place.country,
                operator=place.name,
                asn=place.asn,
                abuse_mail=(place.mail,),
            ),
            MethodAnswer("origin-network", True, country=other, operator=place.name, asn=place.asn),
            MethodAnswer("location", True, country=place.country),
        ),
    )


@dataclass
class Network:
    """The line to relay and partner. `taken`: each letter's key, once for each time that it was taken."""

    chance: Random
    meanwhile: Callable[[], None]
    leaves: Callable[[Letter], None]
    taken: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    mails: dict[str, Letter] = field(default_factory=dict)  # what the relay took, by key
    fails: bool = True

    def hand_over(self, letter: Letter) -> Receipt:
        """One try: taken, taken and silent, lost, not now, refused, or our process ends before or after."""
        self.leaves(letter)
        luck = self.chance.random() if self.fails else 0.0
        if luck > 0.95:
            raise Killed
        if luck < 0.62 or luck > 0.92:
            self._take(letter)
            self.meanwhile()
            if luck > 0.92:
                raise Killed
            if luck > 0.5:
                return Receipt("unknown", "The line fell silent.", stage="content")
            return Receipt("accepted", "Taken.", 250, "queued", letter.key[:8], "content")
        self.meanwhile()
        if luck < 0.72:
            return Receipt("unknown", "The line fell silent.", stage="content")
        if luck < 0.86:
            return Receipt("temporary", "Not now.", 451, "", "", "recipient")
        return Receipt("refused", "No such mailbox.", 550, "", "", "recipient")

    def _take(self, letter: Letter) -> None:
        known = self.bodies.setdefault(letter.key, bytes(letter.body or b""))
        if letter.way == "http" and letter.key in self.taken:
            return  # the partner honours the key
        if known != bytes(letter.body or b""):
            raise AssertionError("a repeat that is not byte-identical")
        self.taken.append(letter.key)
        if letter.way == SMTP:
            self.mails[letter.key] = letter

    def ask(self, letter: Letter) -> Known:
        """The partner, asked by key; it does not always answer."""
        if self.fails and self.chance.random() < 0.3:
            return Known("unknown", "")
        return Known("taken", letter.key[:8]) if letter.key in self.taken else Known("not taken", "")

    def read_log(self) -> LogRead:
        """The relay's log: everything that it took, perhaps not from the beginning."""
        from_ = len(self.taken) // 2 if self.fails and self.chance.random() < 0.3 else 0
        return LogRead({key: Seen(key, key[:8], "sent") for key in self.taken[from_:]})


def post_of(network: Network, *, with_log: bool, clock: Callable[[], datetime] | None = None) -> Post:
    """The house's post, with the network in the place of every socket. `clock` goes on while a letter is on the line,
    as the house's does: the next claim of the same turn is judged by it. None where nobody acts meanwhile."""

    class Played(Post):
        __slots__ = ()

        def hand_over(self, letter: Letter) -> Receipt:
            return network.hand_over(letter)

        def ask(self, letter: Letter) -> Known:
            return network.ask(letter)

        def read_log(self) -> LogRead | None:
            return network.read_log() if self.log is not None else None

    played = Played(relay=Relay("127.0.0.1"), house=HOUSE, partner_tokens=dict, clock=clock)
    return replace(played, log=RelayLog.nowhere(DOMAIN)) if with_log else played
