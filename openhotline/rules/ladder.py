"""The ladder: host, the network above it, the registrar or registry, the regulator; and when each rung is due.

The rungs and their times are policy. What is not here: finding who stands on a rung (`steps/ladder`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UPSTREAM, REGISTRAR, REGULATOR = "upstream", "registrar", "regulator"
STEPS = (UPSTREAM, REGISTRAR, REGULATOR)
NAMES = {
    UPSTREAM: "the network above the host",
    REGISTRAR: "the registrar or registry",
    REGULATOR: "the regulator",
}


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung as policy has it."""

    key: str  # one of STEPS
    after: timedelta  # from the moment the notice is overdue
    words: str
    mail: str = ""


def due(rungs: Sequence[RungRow], *, taken: Sequence[str], since: datetime, at: datetime) -> RungRow | None:
    """The next rung to take, None where none is due. One at a time, in the order of their times."""
    for rung in sorted(rungs, key=lambda one: (one.after, STEPS.index(one.key))):
        if rung.key not in taken:
            return rung if since + rung.after <= at else None
    return None


def next_at(rungs: Sequence[RungRow], *, taken: Sequence[str], since: datetime) -> datetime | None:
    """When the next rung is due, None after the last."""
    left = [one.after for one in rungs if one.key not in taken]
    return since + min(left) if left else None


def on_hold(spans: Iterable[tuple[datetime, datetime]], *, since: datetime) -> timedelta:
    """How long it was held after `since`, by one unit or by several at once: time that is nobody's fault."""
    spent, counted = timedelta(0), since
    for begin, end in sorted(spans):
        spent += max(end - max(begin, counted), timedelta(0))
        counted = max(counted, end)
    return spent
