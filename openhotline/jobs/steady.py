"""A clock that does not believe a jump at once: deadlines act on it, so a wrong hour would act on people.

True here: the machine's clock is compared with the time since boot, which nobody sets. Where they part by more
than two minutes, time goes on as before for a quarter of an hour, and a sentence says so; a jump that is taken
back by then (a bad time server) has changed nothing, one that stays is believed. So a jump forward neither ends
a hold early nor takes a letter from the worker that is just handing it over, and after a jump back nothing
that was done is done again, because what was done is in the rows. Not here: worlds whose clock jumps by design.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from openhotline.clock import SystemClock

ALLOWED = timedelta(minutes=2)
BELIEVED_AFTER = timedelta(minutes=15)


def since_boot() -> float:
    """Seconds since the machine started, asleep or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """Wraps the machine's clock. One per process: it knows nothing of the time before it was made."""

    source = "system"

    def __init__(
        self,
        clock: SystemClock,
        *,
        tick: Callable[[], float] = since_boot,
        jumped: Callable[[datetime, datetime], object] = lambda shown, kept: None,
    ) -> None:
        """`jumped` is told, once for each jump, what the machine shows and what time is kept."""
        self.clock, self.tick, self.jumped = clock, tick, jumped
        self._wall, self._tick = clock.now(), tick()
        self._since: float | None = None  # the jump that is not believed yet

    def now(self) -> datetime:
        """The time to act on."""
        wall, tick = self.clock.now(), self.tick()
        kept = self._wall + timedelta(seconds=tick - self._tick)
        if abs(wall - kept) <= ALLOWED:
            self._wall, self._tick, self._since = wall, tick, None
            return wall
        if self._since is None:
            self._since = tick
            self.jumped(wall, kept)
        if tick - self._since < BELIEVED_AFTER.total_seconds():
            return kept
        self._wall, self._tick, self._since = wall, tick, None
        return wall
