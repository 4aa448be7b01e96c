"""Who may have the filter list: signed agreements, by two people; and leave for each download, by two people.

True here: nobody has a copy without an agreement that is in force and a licence of its own, granted by another person
than asked for it, used once. The salt is shown once, to the person who confirms. What is not here: what is on the list
and the copy itself (`filter_list`), and the certificate (`web/certificate`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy, languages
from openhotline.records import vault
from openhotline.records.models import ListAgreement, ListLicence
from openhotline.rules import filter_list as rule
from openhotline.rules import sphere
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps.advance import refuse_unless

LONGEST = timedelta(days=2 * 366)  # then it is signed anew
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
_PRINT = re.compile(r"[0-9a-f]{64}")


def propose(values: Mapping[str, str], *, why: str, by: Actor, at: datetime) -> ListAgreement:
    """The first person: a recipient and what was signed. Nobody gets anything by it yet."""
    require_act("list.agree", by)
    said = {name: values.get(name, "").strip()[:500] for name in ("key", "name", "paper", "mail")}
    fingerprint = values.get("fingerprint", "").replace(":", "").strip().lower()
    form = values.get("form", "") or rule.HASHES
    refuse_unless(
        _KEY.fullmatch(said["key"]) is not None,
        "A recipient's key is at most 24 small letters, digits and hyphens.",
        code="key",
    )
    refuse_unless(bool(said["name"]), "Write the recipient's name.", code="name")
    refuse_unless(
        bool(said["paper"]), "Write which signed agreement this is, and where it lies.", code="paper"
    )
    try:
        validate_email(said["mail"])
    except ValidationError:
        raise Refused("Write a mail address of the recipient.", code="mail") from None
    signed, ends = (_day(values.get(name, "")) for name in ("signed_on", "ends_on"))
    refuse_unless(
        signed <= at.date() and signed < ends <= signed + LONGEST,
        "It was signed today or before, and it ends after that, within two years.",
        code="ends_on",
    )
    refuse_unless(form in rule.FORMS, f"The form is one of: {', '.join(rule.FORMS)}.", code="form")
    language = values.get("language", "") or "en"
    refuse_unless(language in languages(), "Choose one of the languages on the page.", code="language")
    covered = sphere.read(values.get("sphere", ""))
    refuse_unless(
        _PRINT.fullmatch(fingerprint) is not None or (not fingerprint and bool(covered)),
        "The certificate's fingerprint is SHA-256: 64 hex digits. Have it read out to you. It is left out only where "
        "somebody is told of domains and does not get the list.",
        code="fingerprint",
    )
    refuse_unless(bool(why.strip()), "Write down why; the second person will read it.", code="why")
    with transaction.atomic():
        made = ListAgreement.objects.create(
            **said,
            signed_on=signed,
            ends_on=ends,
            form=form,
            fingerprint=fingerprint,
            sphere="\n".join(covered),
            language=language,
            why=why.strip()[:2_000],
            proposed_at=at,
            proposed_by=by.who,
        )
        _enter("proposed", [made], by=by, at=at)
    return made


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("Write days as 2026-05-12.", code="day") from None


def confirm(row: ListAgreement, *, by: Actor, at: datetime) -> bytes:
    """The second person: from now on it is in force, and the recipient's earlier one is not.

    Returns the salt, 32 bytes, for the recipient's filter. It is shown once and handed over apart from the list.
    """
    require_act("list.agree", by)
    refuse_unless(
        row.proposed_by != by.who,
        "A second person has to agree; you proposed this yourself.",
        code="second",
    )
    salt = os.urandom(rule.SALT_BYTES)
    try:
        with transaction.atomic():
            before = list(
                ListAgreement.objects.select_for_update()
                .filter(key=row.key, ended_at=None, confirmed_at__isnull=False)
                .order_by("pk")
            )
            _end(before, by=by, at=at)
            count = ListAgreement.objects.filter(pk=row.pk, confirmed_at=None, ended_at=None).update(
                confirmed_at=at, confirmed_by=by.who, salt=vault.seal("filter-list", salt)
            )
            refuse_unless(count == 1, "This was settled already.", code="settled")
            _enter("confirmed", [row], by=by, at=at)
    except IntegrityError:
        raise Refused(
            "Another recipient has this certificate. Each brings one of its own.", code="fingerprint"
        ) from None
    return salt


def end(row: ListAgreement, *, by: Actor, at: datetime) -> None:
    """Over, or never confirmed: one person is enough to stop it, and its open licences go with it."""
    require_act("list.agree", by)
    with transaction.atomic():
        refuse_unless(_end([row], by=by, at=at) == 1, "This was settled already.", code="settled")


def _end(rows: Sequence[ListAgreement], *, by: Actor, at: datetime) -> int:
    pks = [row.pk for row in rows]
    count = ListAgreement.objects.filter(pk__in=pks, ended_at=None).update(ended_at=at, ended_by=by.who)
    ListLicence.objects.filter(agreement__in=pks, used_at=None, closed_at=None).update(closed_at=at)
    _enter("ended", rows, by=by, at=at)
    return count


def in_force(at: datetime) -> QuerySet[ListAgreement]:
    """Agreements that hold at `at`."""
    day = at.date()
    return ListAgreement.objects.filter(
        confirmed_at__isnull=False, ended_at=None, signed_on__lte=day, ends_on__gte=day
    )


def open_licences(at: datetime) -> QuerySet[ListLicence]:
    """Licences that wait: to be granted, or for their download."""
    waiting = ListLicence.objects.filter(used_at=None, closed_at=None)
    return waiting.filter(Q(ends_at=None) | Q(ends_at__gt=at))


def ask(rows: Sequence[ListAgreement], *, why: str, by: Actor, at: datetime) -> list[ListLicence]:
    """One person asks that each of these recipients may fetch the list once."""
    require_act("list.ask", by)
    refuse_unless(bool(rows), "Tick the recipients you mean.", code="recipients")
    refuse_unless(bool(why.strip()), "Write down why; the second person will read it.", code="why")
    with transaction.atomic():
        pks = [row.pk for row in rows]
        refuse_unless(
            all(row.fingerprint for row in rows),
            "One of these agreements is about domains alone, without the list.",
            code="domains",
        )
        held = list(in_force(at).select_for_update().filter(pk__in=pks).order_by("pk"))
        refuse_unless(
            len(held) == len(pks),
            "One of these agreements is not in force. Open the page again.",
            code="settled",
        )
        twice = open_licences(at).filter(agreement__in=pks).select_related("agreement").first()
        if twice is not None:
            raise Refused(f"A licence of {twice.agreement.name} still waits. Use that one.", code="twice")
        made = ListLicence.objects.bulk_create(
            [ListLicence(agreement=row, why=why.strip()[:500], asked_at=at, asked_by=by.who) for row in held]
        )
        _licences("asked", made, by=by, at=at)
    return made


def grant(rows: Sequence[ListLicence], *, policy: Policy, by: Actor, at: datetime) -> None:
    """Another person agrees: each holds for one download within the next hours."""
    require_act("list.grant", by)
    refuse_unless(
        all(row.asked_by != by.who for row in rows),
        "You asked for this licence yourself. Another person grants it.",
        code="second",
    )
    with transaction.atomic():
        waiting = ListLicence.objects.filter(
            pk__in=[row.pk for row in rows], granted_at=None, closed_at=None, agreement__in=in_force(at)
        )
        count = waiting.update(granted_at=at, granted_by=by.who, ends_at=at + policy.filter_list.licence)
        refuse_unless(count == len(rows), "This was settled already.", code="settled")
        _licences("granted", rows, by=by, at=at)


def close(row: ListLicence, *, by: Actor, at: datetime) -> None:
    """Declined, or taken back before it was used."""
    require_act("list.ask", by)
    with transaction.atomic():
        count = ListLicence.objects.filter(pk=row.pk, used_at=None, closed_at=None).update(closed_at=at)
        refuse_unless(count == 1, "This was settled already.", code="settled")
        _licences("closed", [row], by=by, at=at)


def _enter(act: str, rows: Sequence[ListAgreement], *, by: Actor, at: datetime) -> None:
    record(
        [
            Act(
                act=f"list-agreement.{act}",
                obj=("list-agreement", str(row.pk), 1),
                why=row.why[:400],
                payload={
                    "recipient": row.key,
                    "paper": row.paper,
                    "from": row.signed_on.isoformat(),
                    "until": row.ends_on.isoformat(),
                    "form": row.form,
                    "fingerprint": row.fingerprint,
                    "sphere": sha256(row.sphere.encode()).hexdigest() if row.sphere else "",
                },
            )
            for row in rows
        ],
        by=by,
        at=at,
    )


def _licences(act: str, rows: Sequence[ListLicence], *, by: Actor, at: datetime) -> None:
    record(
        [
            Act(
                act=f"list-licence.{act}",
                obj=("list-licence", str(row.pk), 1),
                why=row.why[:400],
                payload={"agreement": row.agreement_id},
            )
            for row in rows
        ],
        by=by,
        at=at,
    )
