"""The matcher: a process of its own, and the only one that reads `matcher.key`.

It compares what units digested with what the house knows and writes matches; it speaks to nobody. What is not here:
what a match means (`steps/deconflict.py`).
"""

import threading

from openhotline.clock import SystemClock, WorldClock
from openhotline.records import sealing
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings
from openhotline.steps import deconflict

EVERY = 60.0  # seconds between rounds


def secret(settings: Settings) -> str:
    """The matcher's key. Raises Refused where this process may not read it."""
    try:
        return sealing.matcher_secret(settings.keys)
    except (FileNotFoundError, PermissionError):
        raise Refused(
            "This process cannot read the matcher's key. Run the matcher as the user that owns matcher.key.",
            code="matcher-key",
        ) from None


def run(settings: Settings, *, once: bool, stop: threading.Event) -> int:
    """Compare until `stop` is set, or once. Returns how many items were compared in the last round."""
    clock: SystemClock | WorldClock = settings.clock()
    key = secret(settings)
    while True:
        compared = deconflict.compare(secret=key, at=clock.now())
        if once or stop.wait(EVERY):
            return compared
