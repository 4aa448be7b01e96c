"""All versions of all agreements a house holds, and which of them counts at a moment.

True here: a version begins at midnight of the house's zone and ends where the next one of its key begins; what was
asked under a version stays under it. What is not here: what one version says (`agreement`) and where versions are
kept (`records/agreements.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from openhotline.rules.agreement import Agreement
from openhotline.rules.agreement import faults as one_faults
from openhotline.rules.refusals import Refused


@dataclass(frozen=True, slots=True)
class Agreements:
    """Made by `of`: the versions of each key together, the oldest first, each closed by the one after it."""

    versions: tuple[Agreement, ...]
    default: str  # key of the agreement that holds where a unit names none
    zone: tzinfo  # of the clock on the wall

    @classmethod
    def of(cls, versions: Iterable[Agreement], *, default: str, zone: tzinfo) -> "Agreements":
        """The keys stay in the order they come in; an end that a version names itself stays where it is earlier."""
        by_key: dict[str, list[Agreement]] = {}
        for one in versions:
            by_key.setdefault(one.key, []).append(one)
        closed: list[Agreement] = []
        for rows in by_key.values():
            rows.sort(key=lambda one: one.valid_from)
            begins = [one.valid_from for one in rows[1:]]
            for one, later in zip(rows, [*begins, None], strict=True):
                ends = [day for day in (one.valid_until, later) if day is not None]
                closed.append(replace(one, valid_until=min(ends, default=None)))
        return cls(tuple(closed), default, zone)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every agreement there is."""
        return tuple(dict.fromkeys(one.key for one in self.versions))

    def day(self, at: datetime) -> date:
        """The day on the house's wall."""
        return at.astimezone(self.zone).date()

    def history(self, key: str) -> tuple[Agreement, ...]:
        """All versions of an agreement, the oldest first. Raises Refused for one the house does not hold."""
        found = tuple(one for one in self.versions if one.key == key)
        if not found:
            raise Refused(f"There is no agreement “{key}”. Choose: {', '.join(self.keys)}.", code="agreement")
        return found

    def in_force(self, key: str, day: date) -> Agreement | None:
        """The version in force on a day, None where there was none. Raises Refused for an unknown key."""
        return next((one for one in self.history(key) if one.in_force(day)), None)

    def before(self, key: str, day: date) -> Agreement | None:
        """The version that one beginning on `day` would end; None where the key is new or nothing is in force then."""
        found = self.in_force(key, day) if key in self.keys else None
        return None if found is None or found.valid_from == day else found

    def on(self, key: str, at: datetime) -> Agreement:
        """The version in force at a moment. Raises Refused where there was none, or no such agreement."""
        day = self.day(at)
        found = self.in_force(key, day)
        if found is None:
            raise Refused(f"The agreement “{key}” has no version in force on {day}.", code="agreement")
        return found

    def about(self, key: str, classes: Iterable[str], at: datetime) -> Agreement:
        """The agreement a unit's question about these classes is put under: its own where that covers them all, else
        the house's default, which asks first."""
        own = self.on(key, at)
        return own if set(classes) <= set(own.classes) else self.on(self.default, at)

    def covering(self, key: str, version: str) -> Agreement:
        """The version a question was put under; its clocks and what silence meant do not change afterwards."""
        return next((one for one in self.versions if one.version == version), self.history(key)[0])

    def standing(self, at: datetime) -> Agreement:
        """The agreement that holds where a unit names none; before its first day its first version."""
        return self.in_force(self.default, self.day(at)) or self.history(self.default)[0]

    def coming(self, key: str, at: datetime) -> tuple[Agreement, ...]:
        """Versions that are not in force yet, the next first."""
        return tuple(one for one in self.history(key) if one.valid_from > self.day(at))


MUST_ASK = "This is the agreement for all that no other covers, so it asks first."


def faults(versions: Iterable[Agreement], *, default: str) -> list[str]:
    """What cannot be true of all versions together, a sentence each."""
    rows = list(versions)
    days = [(one.key, one.valid_from) for one in rows]
    wrong = [
        f"Two versions of the agreement {key} begin on {day}."
        for key, day in sorted(set(days))
        if days.count((key, day)) > 1
    ]
    if default not in {one.key for one in rows}:
        wrong.append(f"The default agreement “{default}” has no version.")
    wrong += [f"{one.version}: {MUST_ASK}" for one in rows if one.key == default and not one.asks]
    return wrong


def next_faults(wanted: Agreement, *, held: Agreements, at: datetime) -> dict[str, str]:
    """{field: sentence} for whatever keeps `wanted` from being a next version; empty where nothing does.

    It begins at a midnight that is still to come: whatever was asked, sent or counted before stays as it was.
    """
    wrong: dict[str, str] = {}
    for field, sentence in one_faults(wanted):
        wrong.setdefault(field, sentence)
    today = held.day(at)
    rows = held.history(wanted.key) if wanted.key in held.keys else ()
    if wanted.valid_from <= today:
        wrong["valid_from"] = (
            f"It cannot begin before it is agreed to. Choose {today + timedelta(days=1)} or a later day."
        )
    elif any(one.valid_from == wanted.valid_from for one in rows):
        wrong["valid_from"] = (
            "Another version begins on that day. Choose another day, or withdraw that version first."
        )
    if wanted.key == held.default and not wanted.asks:
        wrong["order"] = MUST_ASK
    before = held.before(wanted.key, wanted.valid_from)
    if before is not None and not wrong and _terms(before) == _terms(wanted):
        wrong["name"] = "Nothing is different from the version before. Change something first."
    return wrong


def _terms(one: Agreement) -> Agreement:
    return replace(one, version="", valid_from=date.min, valid_until=None)
