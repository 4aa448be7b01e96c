"""Rules and outbox alone: workers, an officer, a keeper of contacts, a tracer and crashes, in one order per seed.

True here: the guards (`rules/departure`), the consent rule and the letter's path are the real ones; rows,
transactions and locks are played in memory as PostgreSQL keeps them: what is written is seen by others at
commit, and a crash forgets what was not committed. Locks are taken in the house's order: removals by id, then
the letter, then the contact. Not here: the order (`schedule`), the promises (`rows`), wording, ledger and the
real database (`play`).
"""

from collections.abc import Sequence
from datetime import datetime

from openhotline.rules import departure, letter_path, removal_path
from openhotline.rules.departure import Consent, Line
from openhotline.rules.letter_path import (
    ASK,
    FAILED,
    IN_DOUBT,
    NOT_TAKEN,
    PENDING,
    REPEAT,
    SENDING,
    SENT,
    TAKEN,
    UNDER_WAY,
    UNKNOWN,
    LogSaid,
)
from openhotline.simulation.rows import ELSEWHERE, HOST, MINUTE, Letter, Removal, Rows
from openhotline.simulation.schedule import Actor, Steps


class Duel(Rows):
    """One schedule of workers, an officer, a keeper of contacts, a tracer and time."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.mine: set[tuple[str, int]] = set()  # who claimed what
        self.repeats: set[int] = set()

    def actors(self) -> list[Actor]:
        """Everybody who acts; only workers die."""
        return [
            Actor("worker 1", self.worker, True),
            Actor("worker 2", self.worker, True),
            Actor("officer", self.officer, False),
            Actor("keeper", self.keeper, False),
            Actor("tracer", self.tracer, False),
            Actor("time", self.time, False),
        ]

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


def play(first: int, count: int, kind: type[Duel] = Duel) -> dict[str, list[int]]:
    """Play `count` schedules from seed `first`. Returns the broken promises, each with up to five seeds."""
    found: dict[str, list[int]] = {}
    for seed in range(first, first + count):
        for promise in kind(seed).run():
            seeds = found.setdefault(promise, [])
            if len(seeds) < 5:
                seeds.append(seed)
    return found
