"""Rules and outbox alone: workers, an officer, a keeper of contacts, a tracer and crashes, in one order per seed.

True here: the guards (`rules/departure`), the consent rule and the letter's path are the real ones; rows,
transactions and locks are played in memory as PostgreSQL keeps them: what is written is seen by others at
commit, a locked row makes a writer wait, a crash forgets what was not committed. Locks are taken in the
house's order: removals by id, then the letter, then the contact. Each step of each actor is one point where
another may come first, or where its process may die. Not here: wording, ledger and the real database
(`house.py`).
"""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from openhotline.rules import departure, letter_path, removal_path
from openhotline.rules.departure import Consent, Line
from openhotline.rules.letter_path import (
    ASK,
    FAILED,
    IN_DOUBT,
    NOT_TAKEN,
    PENDING,
    PERSON,
    REPEAT,
    SENDING,
    SENT,
    TAKEN,
    UNDER_WAY,
    UNKNOWN,
    WITHDRAWN,
    LogSaid,
)

START = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOST, ELSEWHERE = 1, 2
Steps = Generator[
    object | None, None, None
]  # yields the row it must lock next, or None: others may come first

HELD = "a letter left under a hold"
NO_CONSENT = "a letter left without an answer that covers it"
STALE = "a letter left on a stale trace"
WITHDRAWN_CONTACT = "a letter left to a withdrawn contact"
TWICE = "a letter arrived twice"
NOTICED_TWICE = "one removal was noticed twice"
STUCK = "a letter is stuck"
OFF_PATH = "a letter went where its path does not lead"
DEADLOCK = "two acts wait for each other"


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


@dataclass(slots=True)
class Actor:
    """One process or person: its steps, what it holds, whether it may die."""

    name: str
    begin: Callable[["Actor"], Steps]
    mortal: bool
    steps: Steps | None = None
    wants: object | None = None
    locks: list[object] = field(default_factory=list)


class Duel:
    """One schedule. `run` plays it; `broken` holds the promises that were."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.dice = self.chance.random
        self.now = START
        self.owners: dict[object, Actor] = {}
        self.removals = [Removal(1), Removal(2)]
        self.letters = [Letter(1, list(self.removals))]
        self.contact = Contact()
        self.way = (REPEAT, ASK, PERSON)[int(self.dice() * 3)]
        self.arrived: dict[int, int] = {}
        self.arrived_for: dict[int, set[int]] = {}
        self.broken: set[str] = set()
        self.mine: set[tuple[str, int]] = set()  # who claimed what
        self.repeats: set[int] = set()
        self.kills = 2

    # --- the schedule -----------------------------------------------------------------------------

    def run(self) -> set[str]:
        """Play until everybody is done. Returns the promises that were broken."""
        actors = [
            Actor("worker 1", self.worker, True),
            Actor("worker 2", self.worker, True),
            Actor("officer", self.officer, False),
            Actor("keeper", self.keeper, False),
            Actor("tracer", self.tracer, False),
            Actor("time", self.time, False),
        ]
        for actor in actors:
            actor.steps = actor.begin(actor)
        dice = self.dice
        while actors:
            ready = [one for one in actors if one.wants is None or one.wants not in self.owners]
            if not ready:
                self.broken.add(DEADLOCK)
                return self.broken
            actor = ready[int(dice() * len(ready))]
            if actor.mortal and self.kills and dice() < 0.06:
                self.kills -= 1
                self._end(actor)
                actor.steps = actor.begin(actor)
                continue
            if actor.wants is not None:
                self.owners[actor.wants] = actor
                actor.locks.append(actor.wants)
            assert actor.steps is not None
            try:
                actor.wants = next(actor.steps)
            except StopIteration:
                self._end(actor)
                actors.remove(actor)
            except KeyError:
                self.broken.add(OFF_PATH)
                self._end(actor)
                actors.remove(actor)
            if actor.wants is not None and self.owners.get(actor.wants) is actor:
                actor.wants = None
        self.end()
        return self.broken

    def _end(self, actor: Actor) -> None:
        """It is done, or dead: what it had not committed is forgotten, its locks are free."""
        if actor.steps is not None:
            actor.steps.close()
        actor.wants = None
        self.release(actor)

    def release(self, actor: Actor) -> None:
        """End of a transaction."""
        for row in actor.locks:
            self.owners.pop(row, None)
        actor.locks.clear()

    # --- who acts ---------------------------------------------------------------------------------

    def worker(self, me: Actor) -> Steps:
        """Recover, ask about doubts, claim what is due, hand it over, settle it; three rounds."""
        for _ in range(3):
            yield None
            for letter in list(self.letters):
                if letter.state == SENDING and letter_path.lost(letter.lease_until, self.now):
                    yield letter
                    if letter.state == SENDING and letter_path.lost(letter.lease_until, self.now):
                        letter.state = letter_path.target("lost", letter.state)
                    self.release(me)
            yield None
            for letter in list(self.letters):
                if letter.state == IN_DOUBT:
                    yield from self.ask(letter)
                    self.release(me)
                    if letter.pk in self.repeats:
                        self.repeats.discard(letter.pk)
                        yield from self.leave(me, letter, IN_DOUBT)
            due = [one for one in self.letters if one.state == PENDING and one.due_at <= self.now]
            for letter in due:
                yield None
                yield from self.leave(me, letter, PENDING)

    def leave(self, me: Actor, letter: Letter, state: str) -> Steps:
        """Claim, hand over, settle: two transactions with a socket between them."""
        self.mine.discard((me.name, letter.pk))
        yield from self.claim(me, letter, state)
        self.release(me)
        claimed, attempt = letter.claimed_at, letter.attempts
        if (me.name, letter.pk) not in self.mine or claimed is None:
            return
        yield None  # committed; the socket is not open yet
        # What may have arrived before is in doubt again; what certainly did not may wait.
        late = "not now" if state == PENDING else "lost"
        outcome = self.hand_over(letter) if self.in_time(claimed) else late
        if outcome in ("not now", "refused") and state == IN_DOUBT:
            outcome = "lost"  # it is about this try; what became of the first one is as unknown as before
        yield None  # the answer is there; not settled yet
        yield letter
        if outcome == "refused":
            yield self.contact
        elif outcome == "sent":
            yield from sorted(letter.lines, key=lambda one: one.pk)
        self.settle(letter, outcome, attempt)
        self.release(me)

    def claim(self, me: Actor, letter: Letter, state: str) -> Steps:
        """One transaction: the removals by id, the letter, the contact; then the guards; then the claim."""
        yield from sorted(letter.lines, key=lambda one: one.pk)
        if self.owners.get(letter, me) is not me:
            return  # skip locked: a claim never waits for a letter
        self.owners[letter] = me
        me.locks.append(letter)
        if letter.state != state or letter.due_at > self.now:
            return
        yield self.contact
        at = self.now
        found = self.judge(letter, at)
        usable = self.may_write()
        yield None  # everything is decided, nothing is committed
        if state == IN_DOUBT and (found.verdict != departure.GO or found.dropped or not usable):
            return  # it may have arrived: it leaves as it is or not at all
        if found.verdict == departure.WAIT or (found.verdict == departure.GO and not usable):
            letter.due_at = at + MINUTE
            return
        stay = [one for one in letter.lines if one.pk in found.stay]
        waiting = [one for one in letter.lines if one.pk in found.waiting]
        if found.verdict == departure.NOTHING_LEFT:
            letter.state = letter_path.target("withdraw", letter.state)
            self.draft([*stay, *waiting])
            return
        letter.lines = stay
        self.draft(waiting)
        act = "claim" if state == PENDING else "repeat"
        letter.state, letter.frozen = letter_path.target(act, letter.state), True
        letter.attempts += 1
        letter.claimed_at, letter.lease_until = at, letter_path.leased_until(at)
        self.mine.add((me.name, letter.pk))
        self.left(letter, at)

    def officer(self, me: Actor) -> Steps:
        """Holds one removal or both, perhaps lets it go again, perhaps with an end or a validity."""
        scope = self.removals if self.dice() < 0.4 else [self.removals[int(self.dice() * 2)]]
        yield None
        yield from scope
        yield from [
            one for one in self.letters if one.state == PENDING and any(line in scope for line in one.lines)
        ]
        self.hold(scope)
        self.release(me)
        yield None
        if self.dice() < 0.5:
            yield from scope
            for removal in scope:
                removal.held = False
                removal.consent = Consent(
                    asked=True, clears=True, valid_until=self.now + 9 * MINUTE if self.dice() < 0.3 else None
                )
                if removal.stands == removal_path.HELD:
                    removal.stands = removal_path.CLEARED
            self.draft([one for one in scope if one.stands == removal_path.CLEARED])

    def hold(self, scope: Sequence[Removal]) -> None:
        """Committed as one: the hold, the status of what is not just leaving, and the letters recalled."""
        leaving = {one.pk for letter in self.letters if letter.state in UNDER_WAY for one in letter.lines}
        moving = []
        for removal in scope:
            removal.held, removal.consent = True, Consent(asked=True)
            if removal.stands == removal_path.CLEARED and removal.pk not in leaving:
                removal.stands = removal_path.HELD
                moving.append(removal)
        self.recall(moving)

    def recall(self, moving: Sequence[Removal]) -> None:
        """Take removals out of letters that wait; frozen bytes are withdrawn, and the rest is drafted anew."""
        for letter in list(self.letters):
            if letter.state != PENDING or not any(one in moving for one in letter.lines):
                continue
            rest = [one for one in letter.lines if one not in moving]
            if letter.frozen or not rest:
                letter.state = letter_path.target("withdraw", letter.state)
                self.draft(rest)
            else:
                letter.lines = rest

    def keeper(self, me: Actor) -> Steps:
        """Withdraws the contact, perhaps verifies another."""
        yield None
        if self.dice() < 0.6:
            yield self.contact
            self.contact.usable = False
            self.release(me)
            yield None
            if self.dice() < 0.5:
                yield self.contact
                self.contact.usable = True

    def tracer(self, me: Actor) -> Steps:
        """Traces again: fresh, unclear, or at another host, which ends the episode."""
        for removal in self.removals:
            yield None
            yield removal
            luck = self.dice()
            removal.traced_at, removal.agreed = self.now, luck > 0.15
            if luck < 0.1 and removal.stands in removal_path.STILL_OPEN:
                removal.host, removal.stands = ELSEWHERE, removal_path.MOVED
            self.release(me)

    def time(self, me: Actor) -> Steps:
        """Time passes."""
        for _ in range(4):
            yield None
            self.now += MINUTE * (1, 2, 6, 16)[int(self.dice() * 4)]

    # --- what an act does -------------------------------------------------------------------------

    def judge(self, letter: Letter, at: datetime) -> departure.Departure:
        """The real guard, over the rows as they are under their locks."""
        return departure.notice([self.line(one, at) for one in letter.lines], frozen=letter.frozen, at=at)

    def in_time(self, claimed: datetime) -> bool:
        """A process that slept after its claim opens no socket: its lease may end while it hands over."""
        return letter_path.in_time(claimed, self.now)

    def line(self, removal: Removal, at: datetime) -> Line:
        """One row as the guard wants it."""
        return Line(
            removal.pk,
            removal.stands,
            removal.held,
            removal.host == HOST,
            departure.covers(removal.consent, at),
            removal.traced_at,
            removal.traced_at + 240 * MINUTE,
            removal.agreed,
        )

    def may_write(self) -> bool:
        """The real house asks the contact's own rule."""
        return self.contact.usable

    def draft(self, removals: Sequence[Removal]) -> None:
        """A new letter for what is in no living one and not under way."""
        living = {
            one.pk for letter in self.letters if letter.state in (PENDING, *UNDER_WAY) for one in letter.lines
        }
        fresh = [one for one in removals if one.pk not in living]
        if fresh:
            self.letters.append(Letter(len(self.letters) + 1, fresh, due_at=self.now))

    def hand_over(self, letter: Letter) -> str:
        """The network: taken and said so, taken and silent, lost, not now, refused."""
        luck = self.dice()
        if luck < 0.7:
            self.arrives(letter)
            return "lost" if luck > 0.5 else "sent"
        return "lost" if luck < 0.8 else "not now" if luck < 0.93 else "refused"

    def settle(self, letter: Letter, outcome: str, attempt: int) -> None:
        """Compare and set: somebody may have settled it meanwhile."""
        if letter.state not in letter_path.sources(outcome) or not self.same(letter, attempt):
            return
        letter.state = letter_path.target(outcome, letter.state)
        if letter.state == PENDING:
            letter.due_at = self.now + MINUTE
        elif letter.state == SENT:
            self.noticed(letter)
        elif letter.state == FAILED:
            self.contact.usable = False
            self.draft([one for one in letter.lines if one.stands == removal_path.CLEARED])

    def same(self, letter: Letter, attempt: int) -> bool:
        """What is known is about this attempt, and not about one that came after it."""
        return letter.attempts == attempt

    def noticed(self, letter: Letter) -> None:
        """What was sent is noticed, where it is not elsewhere by now."""
        for removal in letter.lines:
            if removal.stands == removal_path.CLEARED:
                removal.stands = removal_path.NOTICED

    def ask(self, letter: Letter) -> Steps:
        """One letter in doubt: asked as its way allows, settled as the answer allows."""
        there = letter.pk in self.arrived
        attempt = letter.attempts
        said = UNKNOWN
        if self.way == ASK:
            said = letter_path.read_log(LogSaid(there, self.dice() < 0.7, self.dice() < 0.7))
        elif self.way == REPEAT and self.dice() < 0.5:
            said = TAKEN if there else NOT_TAKEN
        yield None  # the answer is on its way back
        then = letter_path.next_of(self.way, said)
        if then == "repeat":
            self.repeats.add(letter.pk)
            return
        if then == "person":
            then = "" if self.dice() < 0.5 else "sent" if there else "again"
        if not then:
            return
        yield letter
        if letter.state != IN_DOUBT or not self.same(letter, attempt):
            return
        letter.state = letter_path.target(then, letter.state)
        if then == "sent":
            self.noticed(letter)
        else:
            letter.due_at = self.now

    # --- the promises -----------------------------------------------------------------------------

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


def play(first: int, count: int, kind: type[Duel] = Duel) -> dict[str, list[int]]:
    """Play `count` schedules from seed `first`. Returns the broken promises, each with up to five seeds."""
    found: dict[str, list[int]] = {}
    for seed in range(first, first + count):
        for promise in kind(seed).run():
            seeds = found.setdefault(promise, [])
            if len(seeds) < 5:
                seeds.append(seed)
    return found
