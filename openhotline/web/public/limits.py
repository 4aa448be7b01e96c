"""How fast the house lets words be tried: one bucket per process, for everybody together.

The public door knows no addresses, so it cannot count per person. Seven words of 7,776 are about 90
bits; the bucket only keeps a machine from trying all day. Reports are never slowed by it.
"""

import threading
import time
from collections.abc import Callable


class Bucket:
    """Holds up to `burst` tokens and gains `per_second`."""

    def __init__(self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._seen = float(burst), clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one token. False: not now."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
            self._seen = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
