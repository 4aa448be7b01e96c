"""The whole house in one seed: one loop owns clock, randomness, order and crashes. Real steps on SQLite in memory.

True here: the same seed plays the same day, act for act. Each morning there is (`morning`) is made once, and that of
a seed's day is copied for it (SQLite's backup), so that a seed costs only its own acts. A worker may be killed at
any statement and on the line to relay and partner; while a letter is on the line others act. Not here: how
PostgreSQL keeps several workers apart (`duel.py` plays that, the crash test does it), wording and sockets.
"""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from django.db import connection

from openhotline import policy as policies
from openhotline.jobs.engine import Engine, next_deadline
from openhotline.ledger import sequencer
from openhotline.outbox.models import IN_DOUBT, SENDING, Letter
from openhotline.policy import Policy
from openhotline.rules.refusals import Refused
from openhotline.simulation import morning
from openhotline.simulation.acts import Acts
from openhotline.simulation.morning import MORNINGS, Begun, Morning
from openhotline.simulation.outside import VANTAGES, Killed, Network, Web, post_of
from openhotline.simulation.promises import FAULT, Notebook

CRASHED = "letters left by a crash"  # a sweep
ASKED = "questions to the police"
TOLD = ("referrals abroad", "hosts abroad to alert", "domains to alert about")
LATE = ("hosts past their time", "rungs of the ladder")
ACTS = (4, 5, 9)  # in one seed, besides those that happen while a letter is on the line
MINUTE = timedelta(minutes=1)
TO_BED = (1, 4, 5, 6, 7, 12)  # minutes until police are asked in the evening; midnight is in six
# From noon the last one passes midnight, when agreements change; from the evening the shorter ones do.
JUMPS = (MINUTE, 2 * MINUTE, 6 * MINUTE, 20 * MINUTE, timedelta(hours=3), timedelta(hours=11))


class Simulation:
    """One house for many seeds. Django is set up on an empty database in memory."""

    def __init__(self) -> None:
        self.policy = _with_special_classes(policies.load("gb"))
        connection.ensure_connection()
        house = connection.connection
        empty = sqlite3.connect(":memory:")
        house.backup(empty)
        self.kept: list[tuple[Morning, Begun, sqlite3.Connection]] = []
        for one in MORNINGS:
            empty.backup(house)
            sequencer.forget()
            begun, kept = morning.make(one, policy=self.policy), sqlite3.connect(":memory:")
            house.backup(kept)
            self.kept.append((one, begun, kept))

    def run(self, seed: int) -> dict[str, str]:
        """Play one seed. Returns the promises that were broken, each with what was seen."""
        chance = random.Random(seed)
        one, begun, kept = chance.choice(self.kept)
        kept.backup(connection.connection)
        sequencer.forget()
        return Day(self.policy, one, begun, chance).run()


def _with_special_classes(policy: Policy) -> Policy:
    """A hotline that still takes the classes a special unit answers for; the shipped one ended that in 2018."""
    special = {cls for unit in policy.units if unit.level == "special" for cls in unit.classes}
    rows = tuple(replace(row, end=None) if row.cls in special else row for row in policy.remit.rows)
    return replace(policy, remit=replace(policy.remit, rows=rows))


class Day:
    """One seed's day."""

    def __init__(self, policy: Policy, morning: Morning, begun: Begun, chance: random.Random) -> None:
        self.chance, self.now, self.evening = chance, morning.ends, morning.more
        self.notebook = Notebook(answers=dict(begun.answers), acknowledged=list(begun.reports))
        self.network = Network(chance, self.meanwhile, self._left, list(begun.taken), mails=dict(begun.mails))
        self.web = Web(chance, held_at=dict(begun.held_at))
        self.acts = Acts(chance, policy, self.notebook, self.web, self.network)
        self.engine = Engine(
            policy=policy,
            prober=self.web,  # type: ignore[arg-type]
            post=post_of(self.network, with_log=self.chance.random() < 0.6, clock=lambda: self.acts.now),
            vantages=VANTAGES,
            strict=True,
        )
        self.acts.engine = self.engine
        self.on_the_line = False
        acts = self.acts
        leave = acts.part("traces before departure", "letters", "partners")
        self.machines: tuple[tuple[Callable[[], None], int], ...] = (
            (leave, 6),
            (acts.part("letters", "partners"), 2),  # whatever was traced last
            (acts.part("letters in doubt"), 3),
            (acts.part("traces"), 2),
            (acts.part("first sights", "checks"), 2),
            (acts.sweep(), 2),
            (acts.sweep(CRASHED, "holds that end", ASKED, "go-aheads that ran out"), 3),
            (acts.sweep(*TOLD), 2),
            (acts.sweep(*LATE), 2),
        )
        self.others: tuple[tuple[Callable[[], None], int], ...] = (
            (acts.officer, 5),
            (acts.keeper, 2),
            (acts.wish, 1),
            (acts.registration, 1),
            (acts.agreement, 1),
            (acts.police_agreement, 1),
            (acts.report, 2),
            (acts.read, 3),
            (acts.content, 2),
            (acts.silent, 1),
            (acts.host, 1),
            (acts.reply, 1),
            (acts.person_settles, 1),
            (self.wait, 6),
        )

    def run(self) -> dict[str, str]:
        """Play, let everything settle on a line that does not fail, and judge."""
        if self.evening:
            self.now += MINUTE * self.chance.choice(TO_BED)
            self._one(((self.acts.sweep(ASKED), 1),))
            self._one(((self.acts.officer, 3), (self.wait, 1)))
        for _ in range(self.chance.choice(ACTS)):
            self._one((*self.machines, *self.others))
        self.network.fails = False
        acts = self.acts
        for _ in range(2):
            self.now += 6 * MINUTE
            for act in (acts.sweep(CRASHED), acts.part("letters in doubt"), self.machines[0][0]):
                self._do(act)
            if not Letter.objects.filter(state__in=(SENDING, IN_DOUBT)).exists():
                break  # nothing is left of the failing line
        self.notebook.taken(self.network.taken)
        self.notebook.mails(self.network.mails.values())
        self.notebook.end(self.now)
        return self.notebook.broken

    def _one(self, acts: tuple[tuple[Callable[[], None], int], ...]) -> None:
        (act,) = self.chance.choices([one for one, _ in acts], [weight for _, weight in acts])
        mortal = self.chance.random() < 0.2
        if mortal:
            with connection.execute_wrapper(Death(self.chance.randrange(60))):
                self._do(act)
        else:
            self._do(act)

    def _do(self, act: Callable[[], None]) -> None:
        """One act. A refusal is an answer; a death leaves what was committed; a fault is a broken promise."""
        self.acts.now = self.now
        try:
            act()
        except (Refused, Killed):
            return
        except Exception as fault:
            self.notebook.breach(FAULT, f"{type(fault).__name__}: {fault}"[:300])

    def meanwhile(self) -> None:
        """A letter is on the line, no transaction is open: others act."""
        if self.on_the_line or self.chance.random() < 0.5:
            return
        self.on_the_line = True
        try:
            for _ in range(self.chance.choice((1, 2))):
                self._one((*self.machines, *self.others))
        finally:
            self.on_the_line = False

    def wait(self) -> None:
        """Time passes: a little, or to the next deadline. While a letter is on the line, less than its lease."""
        if self.on_the_line:
            self.now += MINUTE
        elif self.chance.random() < 0.3:
            self.now = next_deadline(self.now) or self.now + MINUTE
        else:
            self.now += self.chance.choice(JUMPS)

    def _left(self, letter: Letter) -> None:
        self.notebook.left(letter, self.acts.now)


class Death:
    """Ends the process at one of the next statements."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, execute: Callable[..., object], *given: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise Killed
        return execute(*given)
