"""Joins lines of reports to items: the same address is one item, however it was spelled.

Set-based: one look-up and one insert per batch, whatever its size. What is not here: reading addresses
(`rules/urls.py`) and filing the report itself (`intake`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef

from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Clock, Item, Removal
from openhotline.rules import clocks, item_path, references, removal_path
from openhotline.rules.urls import Address
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps.advance import advance, begin_rows

# A decided item that is reported again is looked at again, but not the same day.
LOOK_AGAIN_AFTER = timedelta(days=1)

_ITEM = (
    "id",
    "ref",
    "kind",
    "key_digest",
    "canonical",
    "host",
    "version",
    "due_at",
    "clock",
    "priority",
    "at_risk",
    "look_allowed_at",
    "referrer",
    "cls",
    "category",
    "age_band",
    "received_at",
    "readings",
    "retries",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One readable line on its way to an item."""

    address: Address
    received_at: datetime  # T0, by the word of whoever sent it
    began: datetime  # when it reached us: our clock runs from here
    referrer: str = ""
    priority: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The item a key led to. `decided`: somebody has read it before, so it may sleep or have been removed."""

    pk: int
    ref: str
    new: bool
    decided: bool = False


def join(wanted: Iterable[Wanted], *, policy: Policy, by: Actor, at: datetime) -> dict[bytes, Found]:
    """Find or open the item of every wanted address. Returns key digest -> item.

    Call inside the transaction that files the reports. New items start on the assess clock, which counts from
    when the report reached us: a partner's T0 may be years old, and is kept beside it.
    """
    first: dict[bytes, Wanted] = {}
    for line in wanted:
        seen = first.get(line.address.key_digest)
        if seen is None or line.received_at < seen.received_at:
            first[line.address.key_digest] = line
    if not first:
        return {}
    counter = f"item-{at.year}"
    last = bulk.last_number(counter)
    found = _known(list(first))
    fresh = [line for digest, line in first.items() if digest not in found]
    if fresh:
        # Two doors may open the same item at once: the counter's lock makes the second wait. Where numbers
        # were taken since we looked, look again.
        number = bulk.take_numbers(counter, len(fresh))
        if number != last + 1:
            late = _known([line.address.key_digest for line in fresh])
            fresh = [line for line in fresh if line.address.key_digest not in late]
            found |= late
        refs = references.items(at.year, number, len(fresh))
        ids = bulk.reserve(Item, len(fresh))
        _open(list(zip(ids, refs, fresh, strict=True)), policy=policy, by=by)
        for pk, ref, line in zip(ids, refs, fresh, strict=True):
            found[line.address.key_digest] = Found(pk, ref, True)
    return found


def _known(digests: Sequence[bytes]) -> dict[bytes, Found]:
    rows = bulk.present(Item, "key_digest", digests, ("key_digest", "id", "ref", "status", "readings"))
    return {
        bytes(digest): Found(pk, ref, False, status != item_path.RECEIVED or readings > 1)
        for digest, pk, ref, status, readings in rows
    }


def _open(fresh: list[tuple[int, str, Wanted]], *, policy: Policy, by: Actor) -> None:
    rows = []
    running = []
    waits = (policy.clocks.assess, policy.clocks.assess_high)
    for pk, ref, line in fresh:
        due = line.began + waits[line.priority]
        address = line.address
        rows.append(
            (
                pk,
                ref,
                address.kind,
                address.key_digest,
                address.canonical,
                address.host,
                1,
                due,
                clocks.ASSESS,
                line.priority,
                False,
                None,
                line.referrer,
                "",
                "",
                "",
                line.received_at,
                1,
                0,
            )
        )
        running.append(("item", pk, clocks.ASSESS, line.began, due, ""))
    begin_rows(Item, [("open", "opened")], _ITEM, rows, by=by)
    bulk.insert(Clock, ("subject", "subject_id", "name", "opened_at", "due_at", "ended"), running)


def reported(found: Iterable[Found], *, policy: Policy, at: datetime) -> None:
    """Items known before were reported again: wake what had been decided or removed.

    Items found lawful, out of remit or unreachable more than a day ago go back to the queue; what was removed
    is looked at at once (it may have reappeared). How often an item was reported is told by its lines.
    """
    # Nobody has ever decided on what waits for its first reading: it sleeps nowhere and was never removed.
    ids = sorted({item.pk for item in found if item.decided})
    for start in range(0, len(ids), 5000):
        chunk = ids[start : start + 5000]
        asleep = Item.objects.filter(
            pk__in=chunk,
            status__in=[item_path.NOT_ILLEGAL, item_path.OUT_OF_REMIT, item_path.UNREACHABLE],
            assessments__at__lt=at - LOOK_AGAIN_AFTER,
        ).distinct()
        advance(
            list(asleep),
            "report_again",
            "again",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.ASSESS, at + policy.clocks.assess),
            changes={"readings": F("readings") + 1, "retries": 0},
        )
        # What was removed is looked at at once, also long after its watch: only its newest episode at each place.
        later = Removal.objects.filter(
            item=OuterRef("item"), server=OuterRef("server"), episode__gt=OuterRef("episode")
        )
        newest = Removal.objects.filter(
            ~Exists(later),
            item__in=chunk,
            item__status=item_path.GRADED,
            status__in=[*removal_path.WATCHED, removal_path.CLOSED],
        )
        Removal.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).update(next_check_at=at)
