"""What a page need not wait for: done in a thread of its own, whose connections to the database end with it."""

import threading
from collections.abc import Callable

from django.db import connections


def beside(act: Callable[[], None]) -> None:
    """Begin `act` and return at once. What it raises is said on standard error, and stops nothing."""

    def run() -> None:
        try:
            act()
        finally:
            connections.close_all()

    threading.Thread(target=run, name="beside", daemon=True).start()
