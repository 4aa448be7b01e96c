"""Times and clocks in words: "41 min left", "ended 6 min ago". Never accusing, never a counter that drifts.

What is not here: the deadlines themselves (stored; `rules/clocks.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from openhotline.rules import clocks

SHORT = timedelta(minutes=20)  # the last stretch: shown in the warning family


@dataclass(frozen=True, slots=True)
class Left:
    """A clock as a page shows it. `family` is one of ok, info, warn, bad, hold, idle or ""."""

    words: str
    family: str = ""
    icon: str = "clock"
    minutes: int = 0  # left, never below nothing
    of: int = 0  # the whole clock; 0 draws no bar
    name: str = ""


def span(length: timedelta) -> str:
    """A length in the two units that matter: "38 min", "2 h 19", "3 days"."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02}" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def ago(moment: datetime, at: datetime) -> str:
    """ "12 min ago"; "just now" under a minute."""
    return "just now" if at - moment < timedelta(minutes=1) else f"{span(at - moment)} ago"


def when(moment: datetime, at: datetime) -> str:
    """The hour on the same day, else with its date. UTC."""
    if moment.date() == at.date():
        return f"{moment:%H:%M}"
    form = f"{moment.day} {moment:%b} {moment:%H:%M}"
    return form if moment.year == at.year else f"{moment.day} {moment:%b %Y}"


def left(due: datetime | None, at: datetime, *, whole: timedelta | None = None, name: str = "") -> Left:
    """A running clock: the stored deadline as time left, with the bar of the whole clock where it is known."""
    if due is None:
        return Left("no clock", icon="more", name=name)
    rest = due - at
    minutes = max(int(rest.total_seconds() // 60), 0)
    of = max(int(whole.total_seconds() // 60), minutes, 1) if whole else 0
    if rest < timedelta(0):
        return Left(f"ended {span(-rest)} ago", "bad", minutes=0, of=of or 1, name=name)
    family = "bad" if rest < SHORT / 2 else "warn" if rest < SHORT else ""
    return Left(
        f"{span(rest)} left" if rest < timedelta(days=14) else when(due, at),
        family,
        minutes=minutes,
        of=of,
        name=name,
    )


def paused(due: datetime | None, at: datetime, *, open_to: bool) -> Left:
    """A hold: "paused"; until when only for those who may know."""
    words = f"until {when(due, at)}" if open_to and due else "paused"
    return Left(words, "hold", "pause", 1, 1, clocks.HOLD_REVIEW)


def ended(ended_as: str, rest: timedelta | None) -> tuple[str, str]:
    """How a closed clock ended: (words, family)."""
    if ended_as == clocks.HELD:
        return "paused", "hold"
    if ended_as == clocks.MISSED:
        return (f"ended {span(-rest)} late" if rest and rest < timedelta(0) else "ended late"), "bad"
    if ended_as == clocks.STOPPED:
        return "stopped", "idle"
    return (f"kept, {span(rest)} to spare" if rest else "kept"), "ok"
