"""One order of everything, drawn from a seed: who goes next, who waits for a lock, who dies.

True here: each step of each actor is one point where another may come first, or where its process may die; a
locked row makes a writer wait, as PostgreSQL does it, and a crash frees its locks. Not here: the rows, the
promises (`rows`), and what an actor does (`duel`).
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

OFF_PATH = "a letter went where its path does not lead"
DEADLOCK = "two acts wait for each other"
KILLS = 2  # in one schedule
Steps = Generator[
    object | None, None, None
]  # yields the row it must lock next, or None: others may come first


@dataclass(slots=True)
class Actor:
    """One process or person: its steps, what it holds, whether it may die."""

    name: str
    begin: Callable[["Actor"], Steps]
    mortal: bool
    steps: Steps | None = None
    wants: object | None = None
    locks: list[object] = field(default_factory=list)


class Schedule:
    """One seed's order. `broken` holds the promises that were."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.dice = self.chance.random
        self.owners: dict[object, Actor] = {}
        self.broken: set[str] = set()
        self.kills = KILLS

    def actors(self) -> list[Actor]:
        """Everybody who acts."""
        raise NotImplementedError

    def end(self) -> None:
        """When everybody is done: what must be so then."""

    def run(self) -> set[str]:
        """Play until everybody is done. Returns the promises that were broken."""
        actors = self.actors()
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
