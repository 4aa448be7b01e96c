"""What we owe the exchange about an address it gave to our country: first our grade, then what was done, each once. Pure.

True here: an action bears the time at which it happened, never that of its sending; no grade is written once an action is,
and nothing after a final action (formats.md, protocol rules). What is not here: the codes (`rules/exchange`), what may leave
(`steps/exchange_back`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openhotline.rules.abroad import FINAL, MOVED, NOT_ILLEGAL, REMOVED, TOLD_HOST, TOLD_POLICE

GRADE = "grade"
_LAST = (*FINAL, MOVED)


@dataclass(frozen=True, slots=True)
class Stand:
    """How a case stands here; a time is None where it has not come to that. `country`: where it moved to."""

    graded_at: datetime | None = None
    not_illegal_at: datetime | None = None
    asked_at: datetime | None = None
    noticed_at: datetime | None = None
    gone_at: datetime | None = None
    moved_at: datetime | None = None
    country: str = ""


def ended(written: Sequence[str]) -> bool:
    """Whether nothing more can be owed."""
    return any(word in _LAST for word in written)


def owed(stand: Stand, written: Sequence[str]) -> tuple[str, datetime] | None:
    """The next word that is owed after those `written`, and when it happened; None if none is."""
    if ended(written):
        return None
    if stand.not_illegal_at is not None:
        first = GRADE if not written else NOT_ILLEGAL
        return first, stand.not_illegal_at
    if stand.graded_at is None:
        return None
    if GRADE not in written:
        return (GRADE, stand.graded_at) if not written else None
    for word, at in (
        (TOLD_POLICE, stand.asked_at),
        (TOLD_HOST, stand.noticed_at),
        (REMOVED, stand.gone_at),
        (MOVED, stand.moved_at),
    ):
        if at is not None and word not in written:
            return word, at
    return None
