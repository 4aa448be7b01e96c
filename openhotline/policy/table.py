"""One TOML table, read field by field; every fault is a sentence that names the file and the field.

What is not here: which fields a file has, and what they mean (`reading/`).
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SPAN = re.compile(r"(\d{1,5})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Value = TypeVar("Value")


class PolicyFault(ValueError):
    """A policy file cannot be used; the message is a sentence that names the file and what to change."""


class Table:
    """One TOML table, read field by field; every fault names the file."""

    def __init__(self, file: str, value: Mapping[str, Any], where: str = "") -> None:
        self.file, self.value, self.where = file, value, where

    @classmethod
    def of(cls, file: str, data: bytes) -> "Table":
        """Parse a file. Raises PolicyFault."""
        try:
            return cls(file, tomllib.loads(data.decode("utf-8")))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
            raise PolicyFault(f"{file} cannot be read as TOML: {fault}.") from None

    def fault(self, key: str, what: str) -> PolicyFault:
        """The sentence for one field."""
        place = f"{self.where}.{key}" if self.where else key
        return PolicyFault(f"{self.file}: “{place}” {what}.")

    def get(self, key: str, kind: type[Value], default: Value | None = None) -> Value:
        """A field of a type; without default it has to be there."""
        found = self.value.get(key, default)
        if found is None:
            raise self.fault(key, "is missing")
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise self.fault(key, f"should be {_NAMES.get(kind, kind.__name__)}, not {found!r}")
        return found

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty, unless the default is."""
        found = self.get(key, str, default)
        if not found.strip() and default is None:
            raise self.fault(key, "is empty")
        return found

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """A text out of a list."""
        found = self.text(key)
        if found not in allowed:
            raise self.fault(key, f"is “{found}”; it is one of {', '.join(allowed)}")
        return found

    def texts(self, key: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts; empty if missing."""
        found = self.get(key, list, [])
        wrong = [one for one in found if not isinstance(one, str) or (allowed and one not in allowed)]
        if wrong:
            raise self.fault(
                key, f"holds {wrong[0]!r}" + (f"; allowed: {', '.join(allowed)}" if allowed else "")
            )
        return tuple(found)

    def span(self, key: str) -> timedelta:
        """A duration: 15m, 4h, 2d."""
        return self._span(key, self.text(key))

    def spans(self, key: str) -> tuple[timedelta, ...]:
        """A list of durations, each longer than the one before."""
        found = tuple(self._span(key, one) for one in self.texts(key))
        if not found or any(later <= earlier for earlier, later in pairwise(found)):
            raise self.fault(key, "should be durations, each longer than the one before")
        return found

    def _span(self, key: str, text: str) -> timedelta:
        read = _SPAN.fullmatch(text)
        if read is None or int(read[1]) == 0:
            raise self.fault(key, f"is “{text}”; write a duration such as 15m, 4h or 2d")
        return timedelta(**{_UNITS[read[2]]: int(read[1])})

    def day(self, key: str) -> date:
        """A day (TOML date)."""
        return self.get(key, date)

    def day_or_none(self, key: str) -> date | None:
        """A day, or None where it is open."""
        return self.day(key) if key in self.value else None

    def zone(self, key: str) -> ZoneInfo:
        """A time zone by its name."""
        try:
            return ZoneInfo(self.text(key))
        except (ZoneInfoNotFoundError, ValueError):
            raise self.fault(key, "is no time zone; write one such as Europe/London") from None

    def country(self, key: str) -> str:
        """A country as ISO 3166-1 alpha-2, upper case."""
        code = self.text(key)
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise self.fault(key, f"is “{code}”; write two capital letters such as GB")
        return code

    def rows(self, key: str) -> list["Table"]:
        """An array of tables, at least one."""
        found = self.get(key, list)
        if not found or not all(isinstance(row, dict) for row in found):
            raise self.fault(key, "should be a list of tables with at least one")
        return [Table(self.file, row, f"{key}[{row.get('key', number)}]") for number, row in enumerate(found)]

    def table(self, key: str) -> "Table":
        """A table inside."""
        return Table(self.file, self.get(key, dict), key)

    def read(
        self, key: str, build: Callable[["Table"], Value], *, by: str = "key", optional: bool = False
    ) -> tuple[Value, ...]:
        """Every row of an array, built; what `by` names must differ where rows have it."""
        if optional and key not in self.value:
            return ()
        rows = self.rows(key)
        keys = [row.value[by] for row in rows if by in row.value]
        twice = {one for one in keys if keys.count(one) > 1}
        if twice:
            raise self.fault(key, f"has “{sorted(twice)[0]}” twice")
        return tuple(build(row) for row in rows)


_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number with a point",
    list: "a list",
    dict: "a table",
    date: "a day such as 2026-01-01",
}
