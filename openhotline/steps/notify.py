"""Notices before they leave: drafted when cleared, recalled, drafted anew when the contact is another.

True here: a removal is in one living notice at a time, and what may have left is never noticed again. What is not
here: the guard at departure (`departing`), what follows when a notice has left (`departed`).
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, IN_DOUBT, PENDING, SENDING, Letter, LetterLine
from openhotline.records import bulk, vault
from openhotline.records.models import (
    Contact,
    Notice,
    NoticeLine,
    Removal,
)
from openhotline.rules import notice as wording
from openhotline.rules import references, removal_path
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import contact as contacts
from openhotline.steps import tell
from openhotline.steps.advance import note


def draft(
    removals: Sequence[Removal], *, by: Actor, at: datetime, due: datetime | None = None
) -> list[Notice]:
    """Draft one notice per host and class, and queue its letter; it leaves at `due` at the earliest.

    Where the host has no verified contact the letter waits as "contact needed". Removals that are in a
    living draft already are left alone.
    """
    living = set(
        NoticeLine.objects.filter(
            removal__in=removals, dropped="", notice__sent_at=None, notice__withdrawn_at=None
        ).values_list("removal_id", flat=True)
    )
    # What may have left already is never noticed a second time; a person settles the letter in doubt first.
    living |= set(
        LetterLine.objects.filter(
            kind="notice",
            letter__state__in=[SENDING, IN_DOUBT],
            removal__in=[removal.pk for removal in removals],
        ).values_list("removal", flat=True)
    )
    groups: dict[tuple[int, str], list[Removal]] = defaultdict(list)
    for removal in removals:
        if removal.pk not in living and removal.host_id is not None:
            groups[(removal.host_id, removal.item.cls)].append(removal)
    drafted = []
    for (_, cls), group in groups.items():
        host = group[0].host
        if host is None:
            continue
        contact = contacts.best(host)
        with transaction.atomic():
            number = references.notice(at.year, bulk.take_numbers(f"notice-{at.year}", 1))
            secret = vault.token("notice-link", number)
            made = Notice.objects.create(
                number=number,
                host=host,
                contact=contact,
                cls=cls,
                drafted_at=at,
                code=code_of(opens=host.letter_form in (wording.SAFE, wording.PAGE)),
                link_digest=hashlib.sha256(secret.encode()).hexdigest(),
            )
            bulk.insert(
                NoticeLine,
                ("notice_id", "removal_id", "dropped"),
                [(made.pk, removal.pk, "") for removal in group],
            )
            queue.put(
                "notice",
                number=number,
                recipient=contact.mail if contact else "",
                transport="mail",
                removals=[removal.pk for removal in group],
                at=at,
                by=by,
                due=due,
                state=PENDING if contact else CONTACT_NEEDED,
                why=""
                if contact
                else f"No verified contact for {host.name}. One person proposes one, a second one verifies it.",
            )
            note(group, "notice.drafted", by=by, at=at, facts={"notice": number})
        drafted.append(made)
    return drafted


def code_of(*, opens: bool) -> str:
    """A code to check a notice by; a longer one where it may open the page as well."""
    letters = "".join(secrets.choice("ABCDEFGHJKLMNPRTUVWXY") for _ in range(6 if opens else 2))
    return f"{letters}-{secrets.randbelow(10_000):04d}"


def recall(removals: Sequence[Removal], *, why: str, at: datetime) -> None:
    """Take removals out of notices that have not left yet."""
    frozen = Letter.objects.filter(
        kind="notice",
        state=PENDING,
        body__isnull=False,
        lines__removal__in=[removal.pk for removal in removals],
    ).distinct()
    lines = NoticeLine.objects.filter(removal__in=removals, dropped="", notice__sent_at=None)
    again = list(frozen)
    taken_out = set(lines.values_list("removal_id", flat=True))
    lines.update(dropped=why)
    note(
        [removal for removal in removals if removal.pk in taken_out],
        "notice.line-recalled",
        by=MACHINE_WORKER,
        at=at,
        why=why,
    )
    LetterLine.objects.filter(
        removal__in=[removal.pk for removal in removals],
        letter__kind="notice",
        letter__state__in=[PENDING, CONTACT_NEEDED],
    ).delete()
    # Frozen bytes name what was taken out: such a letter never leaves; the others go in a new one.
    _anew(again, why=why, by=MACHINE_WORKER, at=at)


def verify_contact(contact: Contact, *, by: Actor, at: datetime) -> Contact:
    """The second person: from now on the house writes to it, and letters that waited for it are drafted anew."""
    with transaction.atomic():
        row = contacts.verify(contact, by=by, at=at)
        waiting = Letter.objects.filter(
            kind="notice",
            state=CONTACT_NEEDED,
            number__in=Notice.objects.filter(host=row.host, sent_at=None).values("number"),
        )
        _anew(list(waiting), why=f"Drafted anew to the contact verified by {by.who}.", by=by, at=at)
        tell.host_reached(row.host, row.mail, at=at)
    return row


def retire_contact(contact: Contact, *, why: str, by: Actor, at: datetime) -> None:
    """Nobody is written to there any more: what waited to leave for it goes to the next best, or waits."""
    with transaction.atomic():
        # Letters first, as a claim does: neither waits for the other for ever.
        leaving = list(
            Letter.objects.select_for_update()
            .filter(
                kind="notice",
                state=PENDING,
                number__in=Notice.objects.filter(contact=contact, sent_at=None).values("number"),
            )
            .order_by("pk")
        )
        contacts.retire(contact, why=why, by=by, at=at)
        _anew(leaving, why=f"Its contact was retired by {by.who}.", by=by, at=at)


def _anew(letters: Sequence[Letter], *, why: str, by: Actor, at: datetime) -> None:
    """Withdraw these notices and draft what they held again, to the best contact there is now."""
    for letter in letters:
        made = Notice.objects.get(number=letter.number)
        removals = list(
            Removal.objects.filter(
                notice_lines__notice=made, notice_lines__dropped="", status=removal_path.CLEARED
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        Notice.objects.filter(pk=made.pk).update(withdrawn_at=at)
        queue.withdraw(letter, why=why, by=by, at=at)
        draft(removals, by=MACHINE_WORKER, at=at)
