"""Joins lines of reports to items: the same address is one item, however it was spelled.

Set-based: one look-up and one insert per batch, whatever its size. What is not here: reading addresses
(`rules/urls.py`) and filing the report itself (`intake`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

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
    "reports",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One readable line on its way to an item."""

    address: Address
    received_at: datetime
    referrer: str = ""
    priority: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The item a key led to."""

    pk: int
    ref: str
    new: bool


def join(wanted: Iterable[Wanted], *, policy: Policy, by: Actor, at: datetime) -> dict[bytes, Found]:
    """Find or open the item of every wanted address. Returns key digest -> item.

    Call inside the transaction that files the reports. New items start on the assess clock, which counts
    from the time the report was received.
    """
    first: dict[bytes, Wanted] = {}
    for line in wanted:
        seen = first.get(line.address.key_digest)
        if seen is None or line.received_at < seen.received_at:
            first[line.address.key_digest] = line
    if not first:
        return {}
    found = _known(first)
    fresh = [line for digest, line in first.items() if digest not in found]
    if fresh:
        # Two doors may open the same item at once: the counter's lock makes the second wait, then look again.
        number = bulk.take_numbers(f"item-{at.year}", len(fresh))
        late = _known({line.address.key_digest: line for line in fresh})
        fresh = [line for line in fresh if line.address.key_digest not in late]
        found |= late
        refs = references.items(at.year, number, len(fresh))
        ids = bulk.reserve(Item, len(fresh))
        _open(list(zip(ids, refs, fresh, strict=True)), policy=policy, by=by, at=at)
        for pk, ref, line in zip(ids, refs, fresh, strict=True):
            found[line.address.key_digest] = Found(pk, ref, True)
    return found


def _known(first: dict[bytes, Wanted]) -> dict[bytes, Found]:
    rows = Item.objects.filter(key_digest__in=list(first)).values_list("key_digest", "pk", "ref")
    return {bytes(digest): Found(pk, ref, False) for digest, pk, ref in rows.iterator(chunk_size=5000)}


def _open(fresh: list[tuple[int, str, Wanted]], *, policy: Policy, by: Actor, at: datetime) -> None:
    rows = []
    running = []
    for pk, ref, line in fresh:
        due = line.received_at + (policy.clocks.assess_high if line.priority else policy.clocks.assess)
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
                0,
            )
        )
        running.append(("item", pk, clocks.ASSESS, line.received_at, due, ""))
    begin_rows(Item, [("open", "opened")], _ITEM, rows, by=by)
    bulk.insert(Clock, ("subject", "subject_id", "name", "opened_at", "due_at", "ended"), running)


def reported(counts: dict[int, int], *, policy: Policy, at: datetime) -> None:
    """Items were reported (again): count, and wake what had been decided or removed.

    `counts`: item id -> number of new reports. Items found lawful, out of remit or unreachable more than a
    day ago go back to the queue; what was removed is looked at at once (it may have reappeared).
    """
    by_count: dict[int, list[int]] = {}
    for pk, count in counts.items():
        by_count.setdefault(count, []).append(pk)
    for count, ids in by_count.items():
        for start in range(0, len(ids), 5000):
            Item.objects.filter(pk__in=ids[start : start + 5000]).update(reports=F("reports") + count)
    ids = list(counts)
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
            changes={"readings": F("readings") + 1},
        )
        Removal.objects.filter(item__in=chunk, status__in=removal_path.WATCHED).update(next_check_at=at)
