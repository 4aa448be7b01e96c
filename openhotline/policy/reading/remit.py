"""What is ours and how it is graded (`remit.toml`, `schemes.toml`, `points.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

from dataclasses import dataclass

from openhotline.policy.table import Table
from openhotline.rules import words
from openhotline.rules.remit import ANYWHERE, HOME_ONLY, Category, RemitRow, Scheme


@dataclass(frozen=True, slots=True)
class Point:
    """A policy point of the decision grid: number, neutral label, the classes and category it belongs to."""

    key: str
    label: str
    classes: tuple[str, ...] = ()  # empty: any
    category: str = ""


def remit_row(row: Table) -> RemitRow:
    """`[[row]]` of remit.toml."""
    return RemitRow(
        key=row.text("key"),
        cls=row.one_of("class", words.CLASSES),
        hosted=row.one_of("hosted", (ANYWHERE, HOME_ONLY)),
        start=row.day("from"),
        end=row.day_or_none("until"),
        law=row.text("law"),
        ground=row.text("ground"),
        note=row.text("note", ""),
    )


def scheme(row: Table) -> Scheme:
    """`[[scheme]]` of schemes.toml."""
    grades = row.read(
        "grades", lambda grade: Category(grade.text("key"), grade.text("label"), grade.text("becomes", ""))
    )
    return Scheme(row.text("key"), row.text("name"), row.day("from"), row.day_or_none("until"), grades)


def point(row: Table) -> Point:
    """`point = [...]` of points.toml."""
    return Point(
        row.text("key"), row.text("label"), row.texts("classes", words.CLASSES), row.text("category", "")
    )
