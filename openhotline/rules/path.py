"""How a path is written down: one table a person can read top to bottom.

A path is a tuple of steps. A step names its verb, the statuses it may start from, who may take it and
where each outcome leads. The diagrams in `docs/` are printed from these tables (`diagrams.py`) and
`steps/advance.py` moves nothing that is not in one. What is not here: whether a case is *ready* for a
step (guards live in the step), and clocks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openhotline.rules.refusals import Refused

NOTHING = ""  # the status of something that does not exist yet


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a path."""

    verb: str
    sources: tuple[str, ...]
    by: tuple[str, ...]
    outcomes: Mapping[str, str]
    rows: tuple[str, ...]  # rows of domain.md section 4 that this line carries


def step(
    verb: str, sources: Iterable[str], *, by: Iterable[str], rows: Iterable[str | int] = (), **outcomes: str
) -> Step:
    """One line: `step("answer", [ASKED, HELD], by=[OFFICER], rows=[18, 19], clear=CLEARED, hold=HELD)`."""
    return Step(
        verb, tuple(sources), tuple(by), MappingProxyType(dict(outcomes)), tuple(str(row) for row in rows)
    )


@dataclass(frozen=True, slots=True)
class Path:
    """A whole path: its name, its steps, and the words people see for a status."""

    name: str
    steps: tuple[Step, ...]

    def statuses(self) -> tuple[str, ...]:
        """Every status, in the order in which the table first names it."""
        seen: dict[str, None] = {}
        for line in self.steps:
            for status in (*line.sources, *line.outcomes.values()):
                if status != NOTHING:
                    seen.setdefault(status)
        return tuple(seen)

    def find(self, verb: str) -> tuple[Step, ...]:
        """All lines of a verb. Raises KeyError for a verb the path does not know (a programmer's error)."""
        lines = tuple(line for line in self.steps if line.verb == verb)
        if not lines:
            raise KeyError(f"The {self.name} path has no step '{verb}'.")
        return lines

    def target(self, verb: str, source: str, outcome: str) -> str:
        """Where `outcome` of `verb` leads from `source`.

        Raises Refused with a sentence where the path says no from here, KeyError for an outcome that
        no line of the verb knows.
        """
        lines = self.find(verb)
        if not any(outcome in line.outcomes for line in lines):
            raise KeyError(f"Step '{verb}' of the {self.name} path has no outcome '{outcome}'.")
        for line in lines:
            if source in line.sources and outcome in line.outcomes:
                return line.outcomes[outcome]
        wanted = ", ".join(
            dict.fromkeys(
                source_ or "new" for line in lines if outcome in line.outcomes for source_ in line.sources
            )
        )
        raise Refused(
            f"This {self.name} is “{source or 'new'}”, and “{verb}” can be done only from: {wanted}. "
            "Open it again to see what happened meanwhile.",
            code="not-from-here",
        )

    def roles(self, verb: str) -> frozenset[str]:
        """Who may take `verb`, over all its lines."""
        return frozenset(role for line in self.find(verb) for role in line.by)

    def rows(self) -> frozenset[str]:
        """Rows of domain.md section 4 that this path carries."""
        return frozenset(row for line in self.steps for row in line.rows)
