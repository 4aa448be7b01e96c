"""After the last kill: time goes on in steps, and at each step everything that is due is waited for.

True here: the clock stands still while the worker works off what is due, so a trace made for a letter is still
fresh when that letter leaves, on the slowest machine. What is waited for is that rows change, never a number of
seconds in which it must be done; only where nothing changes at all is it given up, and then the judge finds what is
stuck. Between two standstills six minutes pass: leases end, answers are past their minute, the next question to a
relay's log is allowed. What is not here: killing (`crowd`), the verdict (`cast.judge`).
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from django.db.models import Count, Max, Q

from openhotline.clock import WorldClock
from openhotline.crashtest.logs import lines
from openhotline.ledger.models import Staged
from openhotline.outbox.models import IN_DOUBT, PENDING, SENDING, Letter
from openhotline.records.models import Check, Report, Trace
from openhotline.rules.letter_path import ASK_EVERY, LEASE

STEP = timedelta(minutes=6)
assert max(LEASE, ASK_EVERY) < STEP
STEPS = 20  # letters that are late three times over are stuck
QUIET = 1.0  # wall seconds without any change: several turns of an idle worker
LEFT_BEHIND = 4.0  # the same, while a letter is being handed over: its claimer is dead and its lease must end
GIVE_UP = 60.0  # the same, while something is due: nobody will do it


def to_the_end(folder: Path, clock: WorldClock, *, asks: Sequence[str]) -> str:
    """Let time go on until nothing is on its way. Returns in words what still was, "" for nothing.

    `asks`: the ways (`Letter.way`) whose other side can be asked about a letter in doubt. A letter in doubt that
    nobody can say anything about stays so: it is shown, and a person's to settle.
    """
    left = ""
    for step in range(STEPS):
        clock.set(clock.now() + STEP)
        left = _standstill(folder, clock)
        if step and not left and not _soon(clock, asks):
            return ""
        if left.startswith("stuck"):
            return left
    return left or "letters are put off again and again"


def _soon(clock: WorldClock, asks: Sequence[str]) -> int:
    """Letters that wait for the next step only: put off a moment ago, or to be asked about once more."""
    now = clock.now()
    put_off = Q(state=PENDING, due_at__lte=now + STEP)
    unasked = Q(state=IN_DOUBT, asked_at=None, way__in=asks)
    return Letter.objects.filter(put_off | unasked).count()


def _standstill(folder: Path, clock: WorldClock) -> str:
    """Wait until the worker has nothing to do at this moment. Returns what is left to do, in words."""
    now, since = clock.now(), time.monotonic()
    seen: tuple[object, ...] = ()
    while True:
        time.sleep(0.1)
        here = _trail()
        if here != seen:
            seen, since = here, time.monotonic()
            continue
        quiet = time.monotonic() - since
        if quiet < QUIET:
            continue
        due = list(Letter.objects.filter(state=PENDING, due_at__lte=now).values_list("kind", "why")[:5])
        lost, sending = _unfiled(folder), Letter.objects.filter(state=SENDING).count()
        if not due and not lost and (not sending or quiet > LEFT_BEHIND):
            return f"{sending} being handed over" if sending else ""
        if quiet > GIVE_UP:
            return f"stuck: {lost} reports unfiled, {sending} letters being handed over, due {due}"


def _trail() -> tuple[object, ...]:
    """Changes whenever the worker has done anything."""
    return (
        *(model.objects.aggregate(last=Max("pk"))["last"] for model in (Staged, Trace, Check, Report)),
        *Letter.objects.values_list("state").annotate(count=Count("pk")).order_by("state"),
    )


def _unfiled(folder: Path) -> int:
    told = lines(folder / "acknowledged.log")
    return len(set(told) - {str(one) for one in Report.objects.values_list("report_id", flat=True)})
