"""Manners: who may ask which host when. Real seconds, kept by the prober itself.

True here, when polite: one request in flight and at most one a second for each host and vantage point (one
in five minutes for an onion address), with jitter; a host that said "not now" (429, Retry-After) is left
alone that long; and a rate over all hosts. The wait for a turn is no part of the time a look may take.
Not polite (the synthetic internet, whose clock jumps): only a bound on how many at once. Not here: when a
look is due, which is the schedule's business on the house's clock.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType

from openhotline.connectors.probe.config import Limits
from openhotline.connectors.probe.handshakes import NoWay

LONGEST_REST_S = 24 * 3600.0
_KEPT = 10_000


@dataclass(slots=True)
class _Place:
    """One host as seen from one vantage point."""

    free_at: float = 0.0
    line: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))  # whole looks
    one: asyncio.Lock = field(default_factory=asyncio.Lock)  # single requests
    rests: bool = False

    @property
    def taken(self) -> bool:
        """Whether a polite look stands here, at work or in line: its manners must not be forgotten."""
        return self.line.locked() or self.one.locked()


class Spell:
    """The time one job may be at work. Waiting for a turn stops it."""

    _mine: ContextVar["Spell | None"] = ContextVar("spell", default=None)

    def __init__(self, seconds: float) -> None:
        self._timer = asyncio.timeout(seconds)
        self._task = asyncio.current_task()

    async def __aenter__(self) -> "Spell":
        await self._timer.__aenter__()
        Spell._mine.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._timer.__aexit__(kind, fault, where)

    @classmethod
    @contextlib.asynccontextmanager
    async def stopped(cls) -> AsyncIterator[None]:
        """The clock of the job that waits here stands still. Of a task shared by jobs nobody's does."""
        mine = cls._mine.get()
        if mine is None or mine._task is not asyncio.current_task() or mine._timer.expired():
            yield
            return
        loop, due = asyncio.get_running_loop(), mine._timer.when()
        began = loop.time()
        mine._timer.reschedule(None)
        try:
            yield
        finally:
            if due is not None:
                mine._timer.reschedule(due + loop.time() - began)


class Turns:
    """The manners of one prober."""

    def __init__(self, limits: Limits, *, polite: bool) -> None:
        self.limits, self.polite = limits, polite
        self._places: dict[tuple[str, str], _Place] = {}
        self._all_free_at = 0.0
        self._chance = random.SystemRandom()

    def line(self, host: str, vantage: str) -> asyncio.Semaphore:
        """Where a whole look stands in line for its host, outside the time it may take: 433 addresses of one
        host do not keep others from theirs."""
        return self._place(host, vantage).line

    @contextlib.asynccontextmanager
    async def turn(self, host: str, vantage: str) -> AsyncIterator[float]:
        """One request's turn; gives how many seconds were waited. Raises `NoWay` if it is too far off."""
        if not self.polite:
            yield 0.0
            return
        began = time.monotonic()
        async with contextlib.AsyncExitStack() as held:
            place = self._place(host, vantage)
            async with Spell.stopped():
                await held.enter_async_context(place.one)
                now = time.monotonic()
                wait = max(place.free_at, self._all_free_at) - now
                if wait > self.limits.turn_s:
                    raise NoWay("blocked", _not_yet(host, wait, rests=place.rests))
                self._all_free_at = max(now, self._all_free_at) + 1 / self.limits.per_second
                await asyncio.sleep(max(0.0, wait))
            place.rests = False
            gap = self.limits.onion_gap_s if host.endswith(".onion") else self.limits.gap_s
            try:
                yield time.monotonic() - began
            finally:
                # Jitter only ever waits longer: once a second is a promise, and a metronome is a print.
                free_at = time.monotonic() + gap * self._chance.uniform(1.0, 1.6)
                place.free_at = max(place.free_at, free_at)

    def rest(self, host: str, vantage: str, seconds: float) -> None:
        """The host asked to be left alone."""
        if self.polite:
            place = self._place(host, vantage)
            place.rests = True
            place.free_at = max(place.free_at, time.monotonic() + min(seconds, LONGEST_REST_S))

    def _place(self, host: str, vantage: str) -> _Place:
        place = self._places.get((host, vantage))
        if place is None:
            if len(self._places) > _KEPT:
                now = time.monotonic()
                self._places = {k: p for k, p in self._places.items() if p.taken or p.free_at > now}
            many = 1 if self.polite else self.limits.per_host
            place = self._places[(host, vantage)] = _Place(line=asyncio.Semaphore(many))
        return place


def _not_yet(host: str, wait: float, *, rests: bool) -> str:
    why = "asked to be left alone" if rests else "has had its turn"
    return f"{host[:80]} {why}; the next request to it may leave in {wait:.0f} seconds. Nothing was sent."
