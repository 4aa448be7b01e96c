"""What the hotline takes, and how it is graded: two dated tables, read by date and never by `if`.

A row of the remit says: this class, hosted there, from this day until that day. A scheme says which
categories were in force on a day. What is not here: the rows themselves (`policy/<country>/remit.toml`,
`schemes.toml`) and who decides a class (an analyst).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from openhotline.rules.refusals import Refused

ANYWHERE, HOME_ONLY = "anywhere", "home"
UNKNOWN = ""  # not traced yet


@dataclass(frozen=True, slots=True)
class RemitRow:
    """One line of the table: `cls` hosted `hosted` ("anywhere", "home") is taken from `start` until before `end`."""

    key: str
    cls: str
    hosted: str
    start: date
    end: date | None
    law: str = ""
    ground: str = ""  # the sentence a notice carries
    note: str = ""

    def covers(self, on: date) -> bool:
        """True on the days the row is in force."""
        return self.start <= on and (self.end is None or on < self.end)


@dataclass(frozen=True, slots=True)
class RemitTable:
    """The rows of one country's hotline. `home` is its ISO 3166-1 alpha-2 code."""

    home: str
    rows: tuple[RemitRow, ...]

    def on(self, cls: str, day: date) -> RemitRow | None:
        """The row in force for a class on a day, if any. The table never holds two."""
        return next((row for row in self.rows if row.cls == cls and row.covers(day)), None)


@dataclass(frozen=True, slots=True)
class Remit:
    """The table's word: taken, not taken, or (None) not to be told before the trace."""

    in_remit: bool | None
    why: str
    row: str  # key of the row that decided, "" for none


def decide(cls: str, hosted_in: str, *, on: date, table: RemitTable) -> Remit:
    """Is `cls`, hosted in country `hosted_in`, in remit on the day `on`?

    `hosted_in` is ISO 3166-1 alpha-2, or "" before the trace: then a class with a hosting condition waits.
    """
    row = table.on(cls, on)
    if row is None:
        past = [r for r in table.rows if r.cls == cls and r.end is not None and r.end <= on]
        if past:
            return Remit(
                False, f"This class was in remit until {_day(max(r.end for r in past if r.end))}.", ""
            )
        later = [r for r in table.rows if r.cls == cls and r.start > on]
        if later:
            return Remit(False, f"This class is in remit only from {_day(min(r.start for r in later))}.", "")
        return Remit(False, "This class is in no row of the remit table.", "")
    if row.hosted == ANYWHERE:
        return Remit(True, "This class is in remit wherever it is hosted.", row.key)
    if hosted_in == UNKNOWN:
        return Remit(None, "This class is in remit only when hosted at home; the trace decides.", row.key)
    if hosted_in.upper() == table.home:
        return Remit(True, "This class is in remit because it is hosted at home.", row.key)
    return Remit(False, "This class is in remit only when hosted at home.", row.key)


@dataclass(frozen=True, slots=True)
class Category:
    """One grade of a scheme. `label` is neutral and never describes an act."""

    key: str
    label: str
    becomes: str = ""  # the category of the next scheme that carries it on


@dataclass(frozen=True, slots=True)
class Scheme:
    """The categories in force from `start` until before `end`. First category = most severe."""

    key: str
    name: str
    start: date
    end: date | None
    grades: tuple[Category, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The category keys, most severe first."""
        return tuple(grade.key for grade in self.grades)

    def label(self, category: str) -> str:
        """The neutral label. Raises Refused for a category the scheme does not know."""
        for grade in self.grades:
            if grade.key == category:
                return grade.label
        raise Refused(
            f"“{category}” is not a category of {self.name}. Choose: {', '.join(self.categories)}.",
            code="category",
        )

    def carry(self, category: str) -> str:
        """The same content's category in the scheme that followed, "" if none did."""
        self.label(category)
        return next(grade.becomes for grade in self.grades if grade.key == category)


def scheme_on(day: date, schemes: Sequence[Scheme]) -> Scheme:
    """The scheme in force on a day. Raises Refused where none was."""
    for scheme in schemes:
        if scheme.start <= day and (scheme.end is None or day < scheme.end):
            return scheme
    raise Refused(f"No grading scheme was in force on {_day(day)}. Check the date.", code="scheme")


def faults(table: RemitTable, schemes: Sequence[Scheme]) -> list[str]:
    """What is wrong with the tables themselves, as sentences; empty when they are sound."""
    found = []
    for number, row in enumerate(table.rows):
        if row.end is not None and row.end <= row.start:
            found.append(f"Remit row {row.key} ends before it starts.")
        for other in table.rows[number + 1 :]:
            if other.key == row.key:
                found.append(f"Two remit rows are called {row.key}.")
            if other.cls == row.cls and _overlap(row.start, row.end, other.start, other.end):
                found.append(f"Remit rows {row.key} and {other.key} overlap.")
    ordered = sorted(schemes, key=lambda scheme: scheme.start)
    for earlier, later in pairwise(ordered):
        if earlier.end != later.start:
            found.append(f"Between schemes {earlier.key} and {later.key} there is a gap or an overlap.")
        lost = [grade.key for grade in earlier.grades if grade.becomes not in later.categories]
        if lost:
            found.append(f"Scheme {earlier.key} leaves {', '.join(lost)} without a place in {later.key}.")
    return found


def _overlap(a: date, a_end: date | None, b: date, b_end: date | None) -> bool:
    return (b_end is None or a < b_end) and (a_end is None or b < a_end)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
