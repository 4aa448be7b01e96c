"""The list of live addresses abroad: what is on it, when it is made up, and each copy that leaves.

True here: an address comes on it twice a day and leaves it at once. A copy is made at the moment of its download, under
the locks a hold takes, and everything is asked again: it is abroad by a trace that has not run out, our own checks have
seen it lately, nothing holds it. No copy is kept. What is not here: who may have one (`list_agreement`), its form
(`rules/filter_list`), the wire (`web/portal/filter_list`).
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import bulk, vault
from openhotline.records.models import (
    Check,
    Hold,
    ListAgreement,
    ListEntry,
    ListIssue,
    ListLicence,
    ListMarker,
    Removal,
    Trace,
)
from openhotline.rules import filter_list as rule
from openhotline.rules import removal_path, signs, urls, words
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import freshness, list_agreement
from openhotline.steps.advance import note

BATCH = 20_000
TURN = 500  # entries that one sweep looks at
_TURN = "filter-list"  # the counter that remembers where the last one stopped


def fit(*, policy: Policy, at: datetime) -> QuerySet[Removal]:
    """The removals that may be on the list at `at`. What stands behind a network in front is not: it says of no
    country that it is held there."""
    newest = (
        Trace.objects.filter(item=OuterRef("item"), server=OuterRef("server"))
        .order_by("-at", "-pk")
        .values("pk")[:1]
    )
    stands = Trace.objects.filter(
        pk=OuterRef("newest"),
        verdict="agreed",
        expires_at__gt=at,
        country=OuterRef("country"),
        host=OuterRef("host"),
    )
    held = Hold.objects.filter(removal=OuterRef("pk"), released_at=None)
    seen = Check.objects.filter(
        removal=OuterRef("pk"), meaning__in=signs.SIGHTS, at__gte=at - policy.filter_list.seen
    )
    return (
        Removal.objects.filter(
            status__in=removal_path.ABROAD,
            edge=False,
            item__kind=words.ADDRESS,
            item__cls__in=policy.filter_list.classes,
        )
        .exclude(country__in=["", policy.home])
        .alias(newest=Subquery(newest))
        .filter(~Exists(held), Exists(seen), Exists(stands))
    )


def issue(*, policy: Policy, at: datetime) -> int:
    """Sweep: twice a day what fits comes on the list. Returns how many came."""
    due = rule.latest_issue(at, policy.filter_list)
    if ListIssue.objects.filter(at__gte=due).exists():
        return 0
    with transaction.atomic():
        fresh = fit(policy=policy, at=at).exclude(list_entries__in=ListEntry.objects.filter(off_at=None))
        rows = list(fresh.select_related("item").order_by("pk")[:BATCH])
        ListEntry.objects.bulk_create([ListEntry(removal=row, listed_at=at) for row in rows], batch_size=1000)
        freshness.plan([row.item_id for row in rows])
        size = ListEntry.objects.filter(off_at=None).count()
        made = ListIssue.objects.create(at=at, added=len(rows), size=size)
        note(rows, "removal.listed", by=MACHINE_WORKER, at=at, facts={"issue": made.pk})
    return len(rows)


def take_off(*, policy: Policy, at: datetime) -> int:
    """Sweep: what does not fit any more leaves the list. Returns how many left.

    A sweep looks at the next `TURN` of the list, and begins anew at its end. Nobody gets what has not been looked at: each
    copy asks everything again, and whoever asks what left the list has all of it looked at first.
    """
    listed = ListEntry.objects.filter(off_at=None)
    turn = bulk.next_turn(_TURN, listed, TURN)
    return _take_off(listed.filter(pk__in=turn), policy=policy, at=at) if turn else 0


def _take_off(entries: QuerySet[ListEntry], *, policy: Policy, at: datetime) -> int:
    fits = Exists(fit(policy=policy, at=at).filter(pk=OuterRef("removal")))
    off = list(entries.filter(~fits).values_list("removal", flat=True).order_by("removal")[:BATCH])
    if not off:
        return 0
    with transaction.atomic():
        rows = list(Removal.objects.filter(pk__in=off).select_related("item").order_by("pk"))
        ListEntry.objects.filter(removal__in=[row.pk for row in rows], off_at=None).update(off_at=at)
        freshness.plan([row.item_id for row in rows])
        note(rows, "removal.unlisted", by=MACHINE_WORKER, at=at)
    return len(rows)


def download(agreement: ListAgreement, *, policy: Policy, by: Actor, at: datetime) -> bytes:
    """One copy, as UTF-8 JSON, for one licence; it is used up whether or not the copy arrives.

    Raises Refused where the agreement is over or no licence waits.
    """
    with transaction.atomic():
        held = list_agreement.in_force(at).select_for_update().filter(pk=agreement.pk).first()
        licence = (
            list_agreement.open_licences(at)
            .select_for_update()
            .filter(agreement=held, granted_at__isnull=False)
            .order_by("pk")
            .first()
            if held
            else None
        )
        if held is None or licence is None:
            raise Refused(
                "No licence waits for you. Ask the hotline for one; it holds for one download.",
                code="licence",
            )
        salt = vault.open_("filter-list", bytes(held.salt or b""))
        # A hold takes these locks too: it is seen here, or it comes after this copy has left.
        locked = Removal.objects.select_for_update(of=("self",)).filter(list_entries__off_at=None)
        list(locked.order_by("pk").values_list("pk", flat=True))
        listed = fit(policy=policy, at=at).filter(list_entries__off_at=None).order_by("pk")
        keys = _keys(listed.values_list("item__canonical", flat=True), policy)
        markers = [rule.marker(os.urandom(32)) for _ in range(rule.MARKERS)]
        rows = [rule.row(key, form=held.form, salt=salt) for key in (*keys, *markers)]
        rows.sort(key=lambda row: row[rule.ADDRESS])  # its order says nothing of what came when
        body = _spelled(
            {
                "form": rule.FORM,
                "rows_are": held.form,
                "recipient": held.key,
                "copy": licence.pk,
                "made_at": at.isoformat(),
                "use_until": (at + policy.filter_list.copy).isoformat(),
                "rows": rows,
            }
        )
        ListMarker.objects.bulk_create(
            ListMarker(licence=licence, address=_digest(key), hash=_hash(key, salt)) for key in markers
        )
        licence.used_at, licence.rows, licence.digest = at, len(rows), sha256(body).hexdigest()
        licence.save(update_fields=["used_at", "rows", "digest"])
        _left("downloaded", licence, held, by=by, at=at, rows=len(keys), digest=licence.digest)
    return body


def withdrawn(agreement: ListAgreement, *, policy: Policy, by: Actor, at: datetime) -> bytes:
    """What left the list since the recipient's last copies and is in one of them: to be dropped at once.

    It needs no licence: it names nothing that is live, and nothing the recipient does not have.
    """
    while _take_off(ListEntry.objects.filter(off_at=None), policy=policy, at=at) == BATCH:
        pass  # its sweep goes round in turns; here all of it has to be looked at
    since = at - policy.filter_list.copy
    copies = ListLicence.objects.filter(agreement=agreement, used_at__gte=since)
    had = Exists(copies.filter(used_at__gte=OuterRef("listed_at"), used_at__lte=OuterRef("off_at")))
    again = Exists(ListEntry.objects.filter(removal=OuterRef("removal"), off_at=None))
    off = ListEntry.objects.filter(had, ~again, off_at__gte=since)
    keys = _keys(off.order_by("pk").values_list("removal__item__canonical", flat=True), policy)
    salt = vault.open_("filter-list", bytes(agreement.salt or b""))
    rows = sorted(rule.row(key, form=agreement.form, salt=salt)[rule.ADDRESS] for key in dict.fromkeys(keys))
    licence = copies.order_by("-pk").first()
    with transaction.atomic():
        if licence is not None:
            _left("withdrawn", licence, agreement, by=by, at=at, rows=len(rows), digest="")
    return _spelled({"form": rule.FORM, "recipient": agreement.key, "at": at.isoformat(), "withdrawn": rows})


def whose(text: str, *, by: Actor, at: datetime) -> list[ListMarker]:
    """The copies a text came from, by the markers in it: addresses or hashes, in any order, among anything else."""
    require_act("list.agree", by)
    found: set[str] = set()
    for word in text.split():
        plain = word.strip("\",;'[]{}<>()")
        found.add(plain.lower())
        found.add(_digest(urls.read(plain).key or f"http://{plain}"))
    rows = ListMarker.objects.filter(Q(address__in=found) | Q(hash__in=found))
    markers = list(rows.select_related("licence__agreement").order_by("licence", "pk"))
    with transaction.atomic():
        payload = {"copies": sorted({row.licence_id for row in markers})}
        record([Act(act="list.whose", obj=("list", "1", 1), payload=payload)], by=by, at=at)
    return markers


def _keys(canonicals: Iterable[str], policy: Policy) -> list[str]:
    read = urls.read_many(canonicals, keep_fragment_hosts=policy.keep_fragment_hosts)
    return [address.key for address in read]


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _hash(key: str, salt: bytes) -> str:
    return rule.salted(salt, rule.ADDRESS, rule.values(key)[rule.ADDRESS])


def _spelled(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _left(
    act: str,
    licence: ListLicence,
    agreement: ListAgreement,
    *,
    by: Actor,
    at: datetime,
    rows: int,
    digest: str,
) -> None:
    payload = {"recipient": agreement.key, "rows": rows, "digest": digest, "form": agreement.form}
    record([Act(act=f"list.{act}", obj=("list-licence", str(licence.pk), 1), payload=payload)], by=by, at=at)
