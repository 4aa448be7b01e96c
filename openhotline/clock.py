"""The house's one clock.

Doors and jobs read it once per act and hand the time down as `at`; nothing below reads a clock.
A demo or test house shares a *world clock* with the synthetic internet: a 24-byte file holding
(world time, wall time of that reading, rate). It jumps from deadline to deadline while a scripted
day plays and runs at wall speed (rate 1) when people use the demo afterwards. A production house
cannot load it: `settings` refuses.
"""

import os
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_FORM = struct.Struct("<qqd")  # world microseconds, wall microseconds, rate


def _to_us(moment: datetime) -> int:
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _from_us(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)


class SystemClock:
    """The machine's own clock, UTC."""

    source = "system"

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class WorldClock:
    """A clock shared through a file by house and world. Only demo and test houses have one."""

    path: Path
    source = "world"

    def now(self) -> datetime:
        with self.path.open("rb") as file:
            world, wall, rate = _FORM.unpack(file.read(_FORM.size))
        return _from_us(world + int((time.time_ns() // 1000 - wall) * rate))

    def set(self, moment: datetime, *, rate: float = 0.0) -> None:
        """Put the clock to `moment`; `rate` 0 freezes it there, 1 lets it run at wall speed."""
        data = _FORM.pack(_to_us(moment), time.time_ns() // 1000, rate)
        temp = self.path.with_suffix(f".{os.getpid()}.new")
        temp.write_bytes(data)
        temp.chmod(0o644)
        temp.replace(self.path)

    def jump(self, moment: datetime) -> None:
        """Move forward to `moment` (never back), frozen there."""
        if moment > self.now():
            self.set(moment)
