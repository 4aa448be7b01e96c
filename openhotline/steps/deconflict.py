"""Keys and digests of units come in sealed to the matcher; the matcher compares, and says only "contact this unit".

A unit learns nothing from an upload, and the house learns nothing from an item that matched no digest: it looks like
one that was never compared. Every run and every match is an entry; how many matched is in none. What is not here:
the matcher's own key, which only its process reads (`jobs/matcher.py`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.records import sealing
from openhotline.records.models import DigestKey, DigestMatch, DigestRun, DigestUpload, Item, Unit
from openhotline.rules import deconflict, urls
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps.advance import note, refuse_unless

YEAR = timedelta(days=365)
BATCH = 5_000


def hand_in_key(unit: Unit, text: str, *, public: str, by: Actor, at: datetime) -> DigestKey:
    """A unit's key for a year, sealed to the matcher at once. The one before it retires with all its digests."""
    _own(unit, by)
    key = deconflict.read_key(text)
    with transaction.atomic():
        _retire(DigestKey.objects.select_for_update().filter(unit=unit, retired_at=None), by=by, at=at)
        made = DigestKey.objects.create(
            unit=unit,
            sealed=sealing.seal(key, public),
            handed_in_at=at,
            handed_in_by=by.who,
            ends_at=at + YEAR,
        )
        _enter("deconfliction.key", made, {"unit": unit.key, "ends": made.ends_at.isoformat()}, by=by, at=at)
    return made


def upload(unit: Unit, text: str, *, public: str, by: Actor, at: datetime) -> int:
    """Digests of a unit, sealed to the matcher. Returns how many were taken; says nothing of what they match."""
    _own(unit, by)
    digests = deconflict.read_digests(text)
    with transaction.atomic():
        key = DigestKey.objects.filter(unit=unit, retired_at=None, ends_at__gt=at).first()
        refuse_unless(
            key is not None, "Hand in this year's key first; then the digests under it.", code="key"
        )
        assert key is not None
        DigestUpload.objects.create(
            key=key,
            sealed=sealing.seal(b"".join(digests), public),
            count=len(digests),
            uploaded_at=at,
            uploaded_by=by.who,
        )
        _enter("deconfliction.upload", key, {"unit": unit.key, "digests": len(digests)}, by=by, at=at)
    return len(digests)


def _own(unit: Unit, by: Actor) -> None:
    require_act("deconfliction.upload", by)
    if by.unit_id != unit.pk:
        raise NotPermitted("Keys and digests come from an officer of the unit they belong to.")


def retire_due(*, at: datetime) -> int:
    """Sweep: keys whose year is over retire, and the digests under them are destroyed. Returns how many."""
    with transaction.atomic():
        return _retire(DigestKey.objects.filter(retired_at=None, ends_at__lte=at), by=MACHINE_WORKER, at=at)


def _retire(keys: object, *, by: Actor, at: datetime) -> int:
    over = list(keys)  # type: ignore[call-overload]
    DigestKey.objects.filter(pk__in=[key.pk for key in over]).update(retired_at=at, sealed=b"")
    DigestUpload.objects.filter(key__in=over).update(sealed=None)
    for key in over:
        _enter("deconfliction.retired", key, {"unit": key.unit.key}, by=by, at=at)
    return len(over)


def compare(*, secret: str, at: datetime) -> int:
    """The matcher's round: every unit's digests against what has not been compared with them yet.

    Returns how many items were compared, over all units. Needs the matcher's secret key.
    """
    compared = 0
    for key in DigestKey.objects.filter(retired_at=None, ends_at__gt=at).select_related("unit"):
        compared += _compare(key, secret=secret, at=at)
    return compared


def _compare(key: DigestKey, *, secret: str, at: datetime) -> int:
    uploads = list(key.uploads.filter(sealed__isnull=False).order_by("pk"))
    last = key.runs.order_by("-pk").first()
    new_digests = last is None or last.uploads < len(uploads)
    start = 0 if new_digests or last is None else last.last_item
    if not uploads or not Item.objects.filter(pk__gt=start).exists():
        return 0
    plain = sealing.open_(bytes(key.sealed), secret)
    known = frozenset(_split(sealing.open_(bytes(row.sealed or b""), secret) for row in uploads))
    # Numbers are given before rows are there: what was being filed at the last run may lie behind its end.
    seen, highest = 0, max(0, start - BATCH)
    while True:
        batch = list(Item.objects.filter(pk__gt=highest).order_by("pk")[:BATCH])
        if not batch:
            break
        found = [item for item in batch if _touches(item, plain, known)]
        highest, seen = batch[-1].pk, seen + sum(item.pk > start for item in batch)
        with transaction.atomic():
            if not DigestKey.objects.select_for_update().filter(pk=key.pk, retired_at=None).exists():
                return seen  # handed in anew meanwhile: nothing more is said under the old key
            _match(key.unit, found, at=at)
    with transaction.atomic():
        run = DigestRun.objects.create(key=key, at=at, uploads=len(uploads), last_item=highest)
        record(
            [
                Act(
                    act="deconfliction.run",
                    obj=("deconfliction", f"run-{run.pk}", 1),
                    payload={"unit": key.unit.key, "digests": len(known), "compared": seen},
                )
            ],
            by=MACHINE_WORKER,
            at=at,
        )
    return seen


def _split(blobs: Iterator[bytes]) -> Iterator[bytes]:
    for blob in blobs:
        for place in range(0, len(blob), 32):
            yield blob[place : place + 32]


def _touches(item: Item, key: bytes, known: frozenset[bytes]) -> bool:
    """Whether anything of this item was digested by the unit. All values are computed, whatever matches."""
    address = urls.read(item.canonical)
    return bool({deconflict.digest(key, kind, value) for kind, value in deconflict.values(address)} & known)


def _match(unit: Unit, items: Sequence[Item], *, at: datetime) -> None:
    had = set(DigestMatch.objects.filter(unit=unit, item__in=items).values_list("item_id", flat=True))
    fresh = [item for item in items if item.pk not in had]
    DigestMatch.objects.bulk_create(
        [DigestMatch(unit=unit, item=item, at=at) for item in fresh], batch_size=500
    )
    note(
        fresh,
        "deconfliction.match",
        by=MACHINE_WORKER,
        at=at,
        why="Contact this unit.",
        facts={"unit": unit.key},
    )


def contacted(match: DigestMatch, *, by: Actor, at: datetime) -> None:
    """Somebody has rung the unit."""
    require_act("deconfliction.contacted", by)
    with transaction.atomic():
        count = DigestMatch.objects.filter(pk=match.pk, contacted_at=None).update(
            contacted_at=at, contacted_by=by.who
        )
        refuse_unless(count == 1, "A colleague has contacted this unit already.", code="settled")
        note([match.item], "deconfliction.contacted", by=by, at=at, facts={"unit": match.unit.key})


def _enter(act: str, key: DigestKey, payload: dict[str, object], *, by: Actor, at: datetime) -> None:
    record([Act(act=act, obj=("deconfliction", f"key-{key.pk}", 1), payload=payload)], by=by, at=at)
