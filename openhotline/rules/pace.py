"""When to look again, and how often a host may be asked: policy data and plain arithmetic.

True here: an interval depends on the state and the age of an episode; jitter is drawn from the removal's number and
its look's number, so a replay draws the same; a host is asked in turns with a distance between requests; what a host
asks of us by `Retry-After` is kept. What is not here: taking what is due (`steps/due`), and the house's rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from openhotline.rules import gone

JITTER = 0.3  # at most this part of an interval, either way
SOON_GRID = timedelta(seconds=15)
GRID, LONG_GRID, LONG_WAIT = timedelta(minutes=1), timedelta(minutes=5), timedelta(seconds=160)
# States of an episode, as the policy's bands name them.
WAITING, WITH_HOST, ABROAD = "waiting", "with-host", "abroad"
STATES = (WAITING, WITH_HOST, ABROAD)


@dataclass(frozen=True, slots=True)
class Band:
    """Up to this age of an episode (None: for ever), look at this interval."""

    state: str
    until: timedelta | None
    every: timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """The dated figures (`checks.toml`)."""

    bands: tuple[Band, ...]
    again: timedelta  # after a miss; never less than gone.APART
    unsure: timedelta  # first interval after silence, a refusal or an unclear answer; grows with each
    unsure_most: timedelta
    watch_tries: int  # looks of the relapse watch that may end unclear before it goes on to the next
    between: timedelta  # requests to one host while something is open
    between_watch: timedelta  # and in the relapse watch
    between_onion: timedelta
    turn: int  # requests to one host in one turn; the prober keeps the distance inside it
    refused: timedelta  # how long a host that says 429 is left alone where it names no time
    refused_most: timedelta

    def every(self, state: str, age: timedelta) -> timedelta:
        """The interval for an episode of this state and age."""
        for band in self.bands:
            if band.state == state and (band.until is None or age < band.until):
                return band.every
        raise ValueError(f"no band holds for {state} at {age}")

    def first(self, state: str) -> timedelta:
        """The interval for an episode that just came into this state."""
        return self.every(state, timedelta(0))


def jitter(number: int, step: int) -> float:
    """A figure in [-1, 1) that is always the same for one look of one removal."""
    drawn = blake2b(b"%d/%d" % (number, step), digest_size=8).digest()
    return int.from_bytes(drawn, "big") / 2**63 - 1


def wait(
    pace: Pace, kind: str, *, state: str, age: timedelta, number: int, step: int, unsure: int = 0
) -> timedelta:
    """How long until the next look of an open episode, after a verdict of this kind.

    `unsure`: how many verdicts in a row told nothing (silence, refusals, unclear answers), this one included.
    """
    drawn = jitter(number, step)
    if kind == gone.FIRST_MISS:
        return pace.again * (
            1 + JITTER * (drawn + 1) / 2
        )  # never sooner: rounds must lie three minutes apart
    usual = pace.every(state, age)
    if kind in (gone.CANNOT_TELL, gone.BLOCKED_FOR_US, gone.MOVED):
        soon: timedelta = pace.unsure * 2 ** min(max(unsure, 1) - 1, 8)
        usual = min(soon, max(usual, pace.unsure_most))
    return usual * (1 + JITTER * drawn)


def on_the_grid(moment: datetime, wait: timedelta, kind: str = gone.UP) -> datetime:
    """The next whole minute (after a longer wait: the next whole five), so that looks leave in batches.

    After a miss nobody waits so long: the next quarter of a minute.
    """
    grid = SOON_GRID if kind == gone.FIRST_MISS else GRID if wait < LONG_WAIT else LONG_GRID
    past = (moment - datetime(2000, 1, 1, tzinfo=UTC)) % grid
    return moment if not past else moment + grid - past


def between(pace: Pace, *, watched: bool, onion: bool) -> timedelta:
    """The distance between two requests to one host from one vantage point."""
    if onion:
        return pace.between_onion
    return pace.between_watch if watched else pace.between


def retry_after(status: int, headers: Mapping[str, str], at: datetime, pace: Pace) -> datetime | None:
    """Until when a host that said 429 or 503 is left alone: what it asked for, within bounds, on the house's clock.

    None: it asked for nothing. A 429 asks by itself, a 503 only where it names a time that can be read.
    """
    if status not in (429, 503):
        return None
    text = headers.get("retry-after", "").strip()
    asked = pace.refused if status == 429 else None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        asked = timedelta(seconds=int(text))
    elif text:
        try:
            moment = parsedate_to_datetime(text)
            asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - at
        except (TypeError, ValueError, OverflowError):
            pass
    if asked is None:
        return None
    return at + min(max(asked, pace.between), pace.refused_most)


def slot(pace: Pace, ready: datetime, at: datetime, rank: int, every: timedelta) -> datetime:
    """When the host's `rank`-th request that is due (from 0) may leave, if the host is free from `ready` on.

    Requests go in turns of `pace.turn`; where the distance is long, in turns of one.
    """
    size = pace.turn if every <= pace.between else 1
    return max(ready, at) + (rank // size) * size * every
