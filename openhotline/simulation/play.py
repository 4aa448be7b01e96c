"""The whole house in one seed: one loop owns clock, randomness, order and crashes. Real steps on SQLite in memory.

True here: the same seed plays the same day, act for act. The morning of each day is made once, by real steps,
and copied for every seed (SQLite's backup), so that a seed costs only its own acts. A worker may be killed at
any statement and on the line to relay and partner; while a letter is on the line others act. Not here: how
PostgreSQL keeps several workers apart (`duel.py` plays that, the crash test does it), wording and sockets.
"""

import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from openhotline import policy as policies
from openhotline.jobs.engine import Engine, next_deadline
from openhotline.ledger import sequencer
from openhotline.outbox.models import Letter
from openhotline.records.models import Consultation, Contact, Item, Removal, Unit, User
from openhotline.rules import incoming, words
from openhotline.rules.facts import TraceFacts
from openhotline.rules.opinion import Opinion
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER
from openhotline.simulation.acts import Acts
from openhotline.simulation.outside import PLACES, VANTAGES, Killed, Network, Web, post_of, trace_facts
from openhotline.simulation.promises import FAULT, Notebook
from openhotline.steps import answer, assess, consult, intake, notify, refer, trace
from openhotline.steps import contact as contacts

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
CRASHED = "letters left by a crash"  # a sweep
ACTS = 10  # in one seed, besides those that happen while a letter is on the line
MINUTE = timedelta(minutes=1)
JUMPS = (MINUTE, 2 * MINUTE, 6 * MINUTE, 20 * MINUTE, timedelta(hours=3))


class Simulation:
    """One house for many seeds. Django is set up on an empty database in memory."""

    def __init__(self) -> None:
        self.policy = policies.load("gb")
        self.morning = sqlite3.connect(":memory:")
        self.answers = self._make_morning()
        connection.ensure_connection()
        connection.connection.backup(self.morning)

    def run(self, seed: int) -> dict[str, str]:
        """Play one seed. Returns the promises that were broken, each with what was seen."""
        self.morning.backup(connection.connection)
        sequencer.forget()
        return Day(self, seed).run()

    def _make_morning(self) -> dict[int, tuple[bool, datetime | None]]:
        """Real steps, before noon: cleared and drafted, asked, abroad, and one new report. Returns the answers given."""
        policy, at = self.policy, NOON - timedelta(minutes=30)
        for unit in policy.units:
            Unit.objects.update_or_create(
                key=unit.key,
                defaults={
                    "name": unit.name,
                    "level": unit.level,
                    "mail": f"{unit.key.lower()}@police.example",
                    "phone": "01632 960 301",
                    "agreement": unit.agreement,
                },
            )
        for name, role in (
            ("analyst-1", words.ANALYST),
            ("analyst-2", words.ANALYST),
            ("lead", words.LEAD),
            ("liaison", words.LIAISON),
        ):
            User.objects.create(username=name, pseudonym=name, role=role)
        for unit_row in Unit.objects.all():
            User.objects.create(
                username=f"officer-{unit_row.key}",
                pseudonym=f"{unit_row.key}-2",
                role=words.OFFICER,
                unit=unit_row,
            )
        people = {user.username: user.actor() for user in User.objects.select_related("unit")}
        lines = tuple(f"https://s{number}.example.org/x" for number in range(5))
        report = incoming.public(UUID(int=1, version=4), lines, at)
        intake.file_reports([report], policy=policy, by=PUBLIC_REPORTER, at=at)
        opinion = Opinion(
            words.ILLEGAL,
            words.CHILD_SEXUAL_ABUSE,
            policy.scheme_on(at.date()).categories[1],
            "pre-pubescent",
            files=1,
            points=policy.point_keys[:1],
            seconds=9,
        )
        for name in ("analyst-1", "analyst-2"):
            items = list(Item.objects.order_by("pk"))
            assess.take(items, by=people[name], at=at, policy=policy)
            assess.grade(items, opinion, by=people[name], at=at, policy=policy)
        items = list(Item.objects.order_by("pk"))
        where = [PLACES[0], PLACES[0], PLACES[0], PLACES[1], PLACES[2]]
        facts: list[TraceFacts] = [
            trace_facts(item.canonical, item.host, at, place)
            for item, place in zip(items, where, strict=True)
        ]
        trace.record(list(zip(items, facts, strict=True)), policy=policy, by=MACHINE_WORKER, at=at)
        for contact in Contact.objects.select_related("host").order_by("pk"):
            if contact.mail in {place.mail for place in PLACES}:
                contacts.propose(contact.host, contact.mail, source="person", by=people["lead"], at=at)
                notify.verify_contact(contact, by=people["liaison"], at=at)
        at += policy.clocks.bundle
        consult.ask_due(policy=policy, at=at)
        refer.refer_due(at=at)
        first = Consultation.objects.filter(asks=True).order_by("pk").first()
        assert first is not None
        officer = next(user.actor() for user in User.objects.filter(unit=first.unit))
        answer.record(first, kind=words.GO_AHEAD, by=officer, at=at, policy=policy)
        scope = Removal.objects.filter(consultation_lines__consultation=first)
        return {removal.pk: (True, None) for removal in scope}


class Day:
    """One seed's day."""

    def __init__(self, simulation: Simulation, seed: int) -> None:
        self.chance = random.Random(seed)
        self.notebook = Notebook(answers=dict(simulation.answers), acknowledged=[UUID(int=1, version=4)])
        self.now = NOON
        self.network = Network(self.chance, self.meanwhile, self._left)
        self.web = Web(self.chance)
        for number, place in enumerate((*PLACES[:1] * 3, PLACES[1], PLACES[2])):
            self.web.held_at[f"https://s{number}.example.org/x"] = place
        self.acts = Acts(self.chance, simulation.policy, self.notebook, self.web, self.network)
        self.engine = Engine(
            policy=simulation.policy,
            prober=self.web,  # type: ignore[arg-type]
            post=post_of(self.network, with_log=self.chance.random() < 0.6),
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
            (acts.part("checks"), 2),
            (acts.sweep(), 2),
            (acts.sweep(CRASHED, "holds that end", "questions to the police"), 3),
        )
        self.others: tuple[tuple[Callable[[], None], int], ...] = (
            (acts.officer, 5),
            (acts.keeper, 2),
            (acts.report, 2),
            (acts.read, 3),
            (acts.content, 2),
            (acts.silent, 1),
            (acts.host, 1),
            (acts.person_settles, 1),
            (self.wait, 6),
        )

    def run(self) -> dict[str, str]:
        """Play, let everything settle on a line that does not fail, and judge."""
        for _ in range(ACTS):
            self._one((*self.machines, *self.others))
        self.network.fails = False
        acts = self.acts
        for _ in range(2):
            self.now += 6 * MINUTE
            for act in (acts.sweep(CRASHED), acts.part("letters in doubt"), self.machines[0][0]):
                self._do(act)
        self.notebook.taken(self.network.taken)
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
