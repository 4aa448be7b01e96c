"""The package for police abroad: kept as it left, opened by the national unit, acknowledged with the way it went on.

True here: it holds exactly what the guards of departure let through; who opens it is entered; while anything in it is on
hold nobody opens it. Acknowledging stops the first question how far it is. What is not here: what it says
(`rules/package`), when it leaves (`refer`).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from openhotline.records import vault
from openhotline.records.models import Hold, Package, Referral, ReferralLine, Removal
from openhotline.rules import item_path
from openhotline.rules.package import CHANNELS, FORMS, JSON
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps.advance import note, refuse_unless


def keep(number: str, forms: Mapping[str, bytes], *, at: datetime) -> Package:
    """Keep the package of a referral, inside the claim of its letter. A letter that leaves later carries what it then holds."""
    whole = json.dumps({name: body.decode() for name, body in sorted(forms.items())}).encode()
    row, _ = Package.objects.update_or_create(
        referral=Referral.objects.get(number=number),
        defaults={
            "made_at": at,
            "sealed": vault.seal("package", whole),
            "digests": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(forms.items())},
        },
    )
    return row


def paused(row: Package) -> bool:
    """Whether something in it is on hold: then it stays closed."""
    return Hold.objects.filter(removal__referral_lines__referral=row.referral_id, released_at=None).exists()


def withdrawn(row: Package) -> list[int]:
    """Which addresses of it, by their place, were found on appeal not to be against the law."""
    repealed = ReferralLine.objects.filter(
        referral=row.referral_id, removal__item__status=item_path.NOT_ILLEGAL
    ).values_list("removal__uid", flat=True)
    uids = {str(uid) for uid in repealed}
    if not uids:
        return []
    said = json.loads(json.loads(vault.open_("package", bytes(row.sealed)))[JSON])
    return [place for place, one in enumerate(said["addresses"], 1) if one["uid"] in uids]


def open_(row: Package, form: str, *, by: Actor, at: datetime) -> bytes:
    """One form of the package. Who opened which is entered, for each case in it. Raises Refused."""
    require_act("package.open", by)
    if form not in FORMS:
        raise Refused(f"There is no form “{form[:40]}”. Choose {', '.join(FORMS)}.", code="form")
    refuse_unless(not paused(row), "Something in it is paused. It opens again when that ends.", code="held")
    with transaction.atomic():
        note(
            _removals(row),
            "package.opened",
            by=by,
            at=at,
            facts={"referral": row.referral.number, "form": form, "digest": row.digests[form]},
        )
        body: str = json.loads(vault.open_("package", bytes(row.sealed)))[form]
    return body.encode()


def acknowledge(row: Package, *, channel: str, reference: str, by: Actor, at: datetime) -> None:
    """The national unit has it, and says by which way it goes on. Raises Refused."""
    require_act("package.acknowledge", by)
    if channel not in CHANNELS:
        raise Refused("Say by which way it goes on.", code="channel")
    with transaction.atomic():
        count = Package.objects.filter(pk=row.pk, acknowledged_at=None).update(
            acknowledged_at=at, acknowledged_by=by.who, channel=channel, reference=reference.strip()[:200]
        )
        refuse_unless(count == 1, "It was acknowledged already.", code="acknowledged")
        if reference.strip():
            Referral.objects.filter(pk=row.referral_id).update(their_reference=reference.strip()[:200])
        removals = _removals(row)
        Removal.objects.filter(pk__in=[removal.pk for removal in removals], t6_acknowledged=None).update(
            t6_acknowledged=at
        )
        facts = {"referral": row.referral.number, "channel": channel, "their": reference.strip()[:200]}
        note(removals, "package.acknowledged", by=by, at=at, facts=facts)


def _removals(row: Package) -> list[Removal]:
    rows = Removal.objects.filter(referral_lines__referral=row.referral_id)
    return list(rows.select_related("item").order_by("pk"))
