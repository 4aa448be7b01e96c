"""What the house and another side do not agree on: found, taken by a person, settled with a reason.

True here: a difference ends when a later comparison that covers it does not find it any more, or when the person who
took it says why it is settled; then it is not found again. One that nobody takes is brought before managers, once a day.
What is not here: comparing (`jobs/reconcile`). Nothing here sends, settles or moves a letter.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.outbox.models import Difference
from openhotline.policy import Policy
from openhotline.rules.permits import require_act
from openhotline.rules.words import LEAD, LIAISON, MACHINE_WORKER, MANAGER, Actor
from openhotline.steps import tell
from openhotline.steps.advance import refuse_unless

RELAY_LOG = "relay log"
Found = tuple[str, str, str]  # (side, what, key)
AGREES = "A later comparison did not find it any more."


def file(found: Iterable[Found], covers: Callable[[Difference], bool], *, at: datetime) -> int:
    """Keep what a comparison found, and end what it covers and did not find. Returns how many are open then."""
    seen = set(found)
    with transaction.atomic():
        known: set[Found] = set()
        over = []
        for row in Difference.objects.filter(settled_at=None).order_by("pk"):
            one = (row.side, row.what, row.key)
            known.add(one)
            if one not in seen and covers(row):
                over.append(row)
        Difference.objects.filter(pk__in=[row.pk for row in over], settled_at=None).update(
            settled_at=at, settled_by=MACHINE_WORKER.who, because=AGREES
        )
        keys = {key for _, _, key in seen - known}
        by_people = Difference.objects.filter(key__in=keys, settled_at__isnull=False).exclude(
            settled_by__in=["", MACHINE_WORKER.who]
        )
        known |= set(by_people.values_list("side", "what", "key"))
        made = [
            Difference(at=at, side=side, what=what, key=key, owner=LEAD if side == RELAY_LOG else LIAISON)
            for side, what, key in sorted(seen - known)
        ]
        Difference.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
        _enter("difference.found", made, by=MACHINE_WORKER, at=at)
        _enter("difference.settled", over, by=MACHINE_WORKER, at=at, why=AGREES)
    return Difference.objects.filter(settled_at=None).count()


def take(row: Difference, *, by: Actor, at: datetime) -> None:
    """A person makes it theirs. A manager may take it from another. Raises Refused."""
    require_act("difference.settle", by)
    with transaction.atomic():
        row = Difference.objects.select_for_update().get(pk=row.pk)
        refuse_unless(row.settled_at is None, "It has been settled meanwhile.", code="settled")
        refuse_unless(
            row.taken_by in ("", by.who) or by.role == MANAGER,
            f"{row.taken_by} has taken it. Ask them, or a manager takes it over.",
            code="taken",
        )
        row.taken_by, row.taken_at = by.who, at
        row.save(update_fields=["taken_by", "taken_at"])
        _enter("difference.taken", [row], by=by, at=at)


def settle(row: Difference, *, because: str, by: Actor, at: datetime) -> None:
    """Whoever took it says why it is settled. Raises Refused."""
    require_act("difference.settle", by)
    refuse_unless(bool(because.strip()), "Say because of what it is settled.", code="because")
    with transaction.atomic():
        row = Difference.objects.select_for_update().get(pk=row.pk)
        refuse_unless(row.settled_at is None, "It has been settled meanwhile.", code="settled")
        refuse_unless(row.taken_by == by.who, "Take it first; then it is yours to settle.", code="not-taken")
        row.settled_at, row.settled_by, row.because = at, by.who, because.strip()[:2000]
        row.save(update_fields=["settled_at", "settled_by", "because"])
        _enter("difference.settled", [row], by=by, at=at, why=row.because)


def untaken(*, policy: Policy, at: datetime) -> int:
    """Sweep: what nobody took in its time is brought before managers, one letter a day. Returns 0 or 1."""
    late = Difference.objects.filter(
        settled_at=None, taken_by="", at__lte=at - policy.clocks.difference
    ).count()
    day = f"{at:%Y-%m-%d}"
    if not late or queue.keys_of("differences-untaken", day):
        return 0
    tell.desk(
        "differences-untaken",
        number=day,
        recipient=policy.managers_mail,
        subject=f"{late} difference{'' if late == 1 else 's'} nobody has taken",
        text="We and another side do not agree, and nobody has taken it. They are at the desk under Partners.\n",
        at=at,
    )
    return 1


def _enter(act: str, rows: list[Difference], *, by: Actor, at: datetime, why: str = "") -> None:
    record(
        [
            Act(
                act=act,
                obj=("difference", _name(row), 1),
                why=why,
                payload={"side": row.side, "what": row.what, "key": row.key, "owner": row.owner},
            )
            for row in rows
        ],
        by=by,
        at=at,
    )


def _name(row: Difference) -> str:
    """A name for the ledger: the other side's key may be spelled in any way."""
    return hashlib.sha256("\x1f".join((row.side, row.what, row.key)).encode()).hexdigest()[:32]
