"""The rows of a duel as they stand, and what must be true of them whenever a letter leaves or arrives.

True here: the promises are judged from the rows and from what the other side has, never from the guards that
are to keep them. Not here: who changes the rows (`duel`), and in which order (`schedule`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openhotline.rules import letter_path, removal_path
from openhotline.rules.departure import Consent
from openhotline.rules.letter_path import ASK, FAILED, PENDING, PERSON, REPEAT, SENDING, WITHDRAWN
from openhotline.simulation.schedule import Schedule

START = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOST, ELSEWHERE = 1, 2

HELD = "a letter left under a hold"
NO_CONSENT = "a letter left without an answer that covers it"
STALE = "a letter left on a stale trace"
WITHDRAWN_CONTACT = "a letter left to a withdrawn contact"
TWICE = "a letter arrived twice"
NOTICED_TWICE = "one removal was noticed twice"
STUCK = "a letter is stuck"

CLEARED_BY_AN_OFFICER = Consent(asked=True, clears=True)


@dataclass(slots=True, eq=False)
class Removal:
    """One removal as a row."""

    pk: int
    stands: str = removal_path.CLEARED
    held: bool = False
    host: int = HOST
    consent: Consent = CLEARED_BY_AN_OFFICER
    traced_at: datetime = START
    agreed: bool = True


@dataclass(slots=True, eq=False)
class Letter:
    """One letter as a row."""

    pk: int
    lines: list[Removal]
    state: str = PENDING
    frozen: bool = False
    due_at: datetime = START
    attempts: int = 0
    claimed_at: datetime | None = None
    lease_until: datetime | None = None


@dataclass(slots=True, eq=False)
class Contact:
    """The host's contact as a row."""

    usable: bool = True


class Rows(Schedule):
    """A host with a contact, two removals, one letter about both, and what the other side has."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.now = START
        self.removals = [Removal(1), Removal(2)]
        self.letters = [Letter(1, list(self.removals))]
        self.contact = Contact()
        self.way = (REPEAT, ASK, PERSON)[int(self.dice() * 3)]
        self.arrived: dict[int, int] = {}
        self.arrived_for: dict[int, set[int]] = {}

    def left(self, letter: Letter, at: datetime) -> None:
        """At the moment of the claim's commit."""
        for one in letter.lines:
            if one.held or one.stands == removal_path.HELD:
                self.broken.add(HELD)
            consent = one.consent
            ended = consent.valid_until is not None and consent.valid_until <= at
            if not (consent.asked and consent.clears) or ended:
                self.broken.add(NO_CONSENT)
            if at - one.traced_at > 15 * MINUTE or not one.agreed or one.host != HOST:
                self.broken.add(STALE)
        if not self.contact.usable:
            self.broken.add(WITHDRAWN_CONTACT)

    def arrives(self, letter: Letter) -> None:
        """At the other side. One that knows our key takes a repeat for what it is."""
        if self.way == REPEAT and letter.pk in self.arrived:
            return
        self.arrived[letter.pk] = self.arrived.get(letter.pk, 0) + 1
        if self.arrived[letter.pk] > 1:
            self.broken.add(TWICE)
        for one in letter.lines:
            known = self.arrived_for.setdefault(one.pk, set())
            known.add(letter.pk)
            if len(known) > 1:
                self.broken.add(NOTICED_TWICE)

    def end(self) -> None:
        """When everybody is done: nothing hangs, and what arrived is known or in doubt."""
        for letter in self.letters:
            if letter.state == SENDING and not letter_path.lost(letter.lease_until, self.now + 60 * MINUTE):
                self.broken.add(STUCK)
            if letter.pk in self.arrived and letter.state in (WITHDRAWN, FAILED):
                self.broken.add(STUCK)
