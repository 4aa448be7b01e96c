"""Public keys of others: a host's contact that letters are sealed to, a police unit that signs its mail.

One person brings a key, another types the fingerprint its owner read out; from then on it counts. What is not
here: reading a key (`records/keys`), sealing (connectors) and believing a signature (`mailbox`).
"""

from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.records import keys
from openhotline.records.models import Contact, ContactKey, Unit, UnitKey
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps.advance import refuse_unless


def propose(owner: Contact | Unit, text: str, *, by: Actor, at: datetime) -> ContactKey | UnitKey:
    """The first person brings the key."""
    require_act("contact.add", by)
    kind, fingerprint = keys.read(text, at=at, signs=isinstance(owner, Unit))
    fields = {
        "kind": kind,
        "fingerprint": fingerprint,
        "text": text.strip(),
        "proposed_at": at,
        "proposed_by": by.who,
    }
    with transaction.atomic():
        known = (
            ContactKey.objects.filter(contact=owner)
            if isinstance(owner, Contact)
            else UnitKey.objects.filter(unit=owner)
        )
        refuse_unless(
            not known.filter(fingerprint=fingerprint, retired_at=None).exists(),
            "This key is there already. Have a second person compare its fingerprint.",
            code="known",
        )
        row: ContactKey | UnitKey = (
            ContactKey.objects.create(contact=owner, **fields)
            if isinstance(owner, Contact)
            else UnitKey.objects.create(unit=owner, **fields)
        )
        _enter(row, "proposed", by=by, at=at)
    return row


def verify(row: ContactKey | UnitKey, fingerprint: str, *, by: Actor, at: datetime) -> None:
    """The second person types the fingerprint the owner read out; the key it replaces is retired."""
    require_act("contact.verify", by)
    refuse_unless(
        row.proposed_by != by.who,
        "You brought this key yourself. A second person compares its fingerprint.",
        code="second",
    )
    typed = "".join(fingerprint.split()).replace(":", "").upper()
    refuse_unless(
        typed == row.fingerprint,
        "That is not the fingerprint of this key. Ask its owner to read it out again, over the phone.",
        code="fingerprint",
    )
    with transaction.atomic():
        _siblings(row).filter(retired_at=None, verified_at__isnull=False).update(retired_at=at)
        count = (
            _siblings(row)
            .filter(pk=row.pk, retired_at=None, verified_at=None)
            .update(verified_at=at, verified_by=by.who)
        )
        refuse_unless(count == 1, "This key was settled already. Open the page again.", code="settled")
        _enter(row, "verified", by=by, at=at)


def retire(row: ContactKey | UnitKey, *, by: Actor, at: datetime) -> None:
    """It is not used any more."""
    require_act("contact.retire", by)
    with transaction.atomic():
        count = _siblings(row).filter(pk=row.pk, retired_at=None).update(retired_at=at)
        refuse_unless(count == 1, "This key was retired already.", code="settled")
        _enter(row, "retired", by=by, at=at)


def _siblings(row: ContactKey | UnitKey):  # type: ignore[no-untyped-def]
    """All keys of the same owner, as a queryset of the row's own model."""
    if isinstance(row, ContactKey):
        return ContactKey.objects.filter(contact=row.contact_id)
    return UnitKey.objects.filter(unit=row.unit_id)


def _enter(row: ContactKey | UnitKey, act: str, *, by: Actor, at: datetime) -> None:
    owner = row.contact.mail if isinstance(row, ContactKey) else row.unit.key
    subject = "contact-key" if isinstance(row, ContactKey) else "unit-key"
    payload = {"owner": owner, "kind": row.kind, "fingerprint": row.fingerprint}
    record([Act(act=f"{subject}.{act}", obj=(subject, str(row.pk), 1), payload=payload)], by=by, at=at)
