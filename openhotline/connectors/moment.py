"""When an answer came, by the house's clock: the time a job was given, and what was measured since.

True here: nobody asks the machine what o'clock it is; a house's clock may be another. An answer that already carries a
time keeps it, so that one shared between traces says when it was really got.
"""

import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openhotline.rules.facts import MethodAnswer, written


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` is what the house's clock said when `time.monotonic()` said `began`."""

    at: datetime
    began: float

    @classmethod
    def of(cls, at: datetime) -> "Moment":
        """The house's clock says `at` now."""
        return cls(at, time.monotonic())

    def when(self, then: float) -> datetime:
        """What the house's clock said when `time.monotonic()` said `then`."""
        return self.at + timedelta(seconds=max(0.0, then - self.began))

    def now(self) -> datetime:
        """What the house's clock says now."""
        return self.when(time.monotonic())

    def stamped(self, answer: MethodAnswer) -> MethodAnswer:
        """The answer with the time it came, which is now unless it carries one."""
        return answer if answer.at else replace(answer, at=written(self.now()))

    async def came(self, asked: Awaitable[MethodAnswer]) -> MethodAnswer:
        """Wait for one answer and stamp it."""
        return self.stamped(await asked)
