"""How hosts are reached: found, proposed by one person, verified by another, demoted by a bounce, retired.

True here: every change of a contact is an entry and a line of its history. What is not here: which contact
is the best (`rules/contacts`), what becomes of letters that wait for one (`notify`), asking registries.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Coalesce

from openhotline.ledger.record import Act, record
from openhotline.policy import languages
from openhotline.records.models import (
    Contact,
    ContactEvent,
    ContactSource,
    Host,
    HostCall,
    Notice,
    Removal,
)
from openhotline.rules import contacts as rule
from openhotline.rules import removal_path
from openhotline.rules.notice import FORMS
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE, MACHINE_WORKER, Actor
from openhotline.steps.advance import KEEP, advance, note, refuse_unless


def best(host: Host) -> Contact | None:
    """The contact to write to, None where nobody there can be written to yet."""
    rows = {row.pk: row for row in Contact.objects.filter(host=host)}
    first = rule.best(row.known() for row in rows.values())
    return rows[first.key] if first else None


def may_be_used(contact: Contact) -> bool:
    """Whether a letter may go there."""
    return rule.may_be_used(contact.known())


def used(host: Host, mail: str) -> bool:
    """Whether a letter to this host may go to that mailbox. A new contact of it waits until we are done, or we see it."""
    rows = Contact.objects.select_for_update().filter(host=host, mail=mail)
    return any(may_be_used(row) for row in rows)


def found(named: Iterable[tuple[Host, str, str]], *, by: Actor, at: datetime) -> list[Contact]:
    """What registries and registers name: (host, mailbox, source). Returns the contacts that are new.

    A mailbox that is no mailbox is passed over: a registry's words are no reason to stop. Where a host's own
    domain is known by it, `abuse@` that domain is added as a guess of the lowest rank.
    """
    wanted: dict[tuple[int, str], tuple[Host, list[str]]] = {}
    by_host: dict[int, tuple[Host, list[str]]] = {}
    for host, mail, source in named:
        try:
            box = rule.mailbox(mail)
        except Refused:
            continue
        sources = wanted.setdefault((host.pk, box), (host, []))[1]
        if source not in sources:
            sources.append(source)
        by_host.setdefault(host.pk, (host, []))[1].append(box)
    with transaction.atomic():
        known = {
            (row.host_id, row.mail): row
            for row in Contact.objects.filter(host__in=list(by_host)).order_by("pk")
        }
        for pk, (host, mails) in by_host.items():
            there = [mail for owner, mail in known if owner == pk]
            for guess in rule.role_mailboxes(host.site, [*mails, *there]):
                wanted.setdefault((pk, guess), (host, [rule.ROLE]))
        new = {
            key: Contact(host=host, mail=key[1], source=min(sources, key=_rank), added_at=at, added_by=by.who)
            for key, (host, sources) in wanted.items()
            if key not in known
        }
        Contact.objects.bulk_create(new.values(), ignore_conflicts=True)
        rows = {
            (row.host_id, row.mail): row
            for row in Contact.objects.filter(host__in=list(by_host)).select_related("host").order_by("pk")
        }
        ContactSource.objects.bulk_create(
            [
                ContactSource(contact=rows[key], source=source, first_at=at, last_at=at)
                for key, (_, sources) in wanted.items()
                for source in sources
            ],
            update_conflicts=True,
            unique_fields=["contact", "source"],
            update_fields=["last_at"],
        )
        made = [rows[key] for key in new]
        _enter(made, "found", by=by, at=at)
    return made


def _rank(source: str) -> int:
    return rule.SOURCES.index(source) if source in rule.SOURCES else len(rule.SOURCES)


def propose(host: Host, mail: str, *, source: str, page: str = "", by: Actor, at: datetime) -> Contact:
    """One person says: this is how they are reached. It is used only after somebody else has verified it.

    A contact that was found, demoted or retired before is taken up again with what it went through.
    """
    require_act("contact.add", by)
    refuse_unless(source in rule.SOURCES, "Say where the contact is from.", code="source")
    refuse_unless(by.role != MACHINE, "A person proposes a contact, another verifies it.", code="second")
    box = rule.mailbox(mail)
    with transaction.atomic():
        contact, made = Contact.objects.select_for_update(of=("self",)).get_or_create(
            host=host, mail=box, defaults={"source": source, "added_at": at, "added_by": by.who}
        )
        refuse_unless(
            made or not contact.proposed_by or not contact.usable or contact.retired_at is not None,
            "This contact is there already. Have a second person verify it.",
            code="known",
        )
        contact.proposed_by, contact.page = by.who, (page or contact.page)[:2000]
        contact.usable, contact.retired_at = True, None
        contact.verified_at, contact.verified_by = None, ""
        if made or _rank(source) < _rank(contact.source):
            contact.source = source
        contact.save()
        ContactSource.objects.update_or_create(
            contact=contact,
            source=source,
            defaults={"last_at": at},
            create_defaults={"first_at": at, "last_at": at},
        )
        _enter([contact], "added" if made else "proposed", by=by, at=at, why=rule.SOURCE_WORDS[source])
    return contact


def verify(contact: Contact, *, by: Actor, at: datetime) -> Contact:
    """The second person: from now on the house writes to it."""
    require_act("contact.verify", by)
    with transaction.atomic():
        row = Contact.objects.select_for_update(of=("self",)).select_related("host").get(pk=contact.pk)
        refuse_unless(
            bool(row.proposed_by) and row.usable and row.retired_at is None,
            "Nobody has proposed this contact yet. One person says it is right, a second one verifies it.",
            code="first",
        )
        refuse_unless(
            by.who not in (row.proposed_by, row.added_by),
            "You proposed this contact yourself. A second person has to verify it.",
            code="second",
        )
        row.verified_at, row.verified_by = at, by.who
        row.save(update_fields=["verified_at", "verified_by"])
        _enter([row], "verified", by=by, at=at)
    return row


def demote(contact: Contact, *, why: str, at: datetime) -> None:
    """A letter came back for good: nobody writes there until two people stand for it again."""
    with transaction.atomic():
        row = Contact.objects.select_for_update(of=("self",)).select_related("host").get(pk=contact.pk)
        row.bounces += 1
        row.usable, row.last_failure = False, at
        row.proposed_by, row.verified_by, row.verified_at = "", "", None
        row.save()
        _enter([row], "demoted", by=MACHINE_WORKER, at=at, why=why[:500])


def retire(contact: Contact, *, why: str, by: Actor, at: datetime) -> None:
    """Somebody says it is no longer right, and why. Nobody is written to there from now on."""
    require_act("contact.retire", by)
    refuse_unless(bool(why.strip()), "Say why this contact is no longer right.", code="why")
    with transaction.atomic():
        row = Contact.objects.select_for_update(of=("self",)).select_related("host").get(pk=contact.pk)
        refuse_unless(row.retired_at is None, "This contact is retired already.", code="settled")
        row.retired_at, row.verified_by, row.verified_at, row.proposed_by = at, "", None, ""
        row.save()
        _enter([row], "retired", by=by, at=at, why=why.strip()[:500])


def worked(contact_id: int, *, at: datetime) -> None:
    """A relay took a letter to it, first and last time."""
    first = Coalesce(F("first_success"), Value(at), output_field=DateTimeField())
    Contact.objects.filter(pk=contact_id).update(first_success=first, last_success=at)


def name_site(host: Host, site: str, *, by: Actor, at: datetime) -> None:
    """A person says which domain is the host's own; `abuse@` it becomes a contact to propose."""
    require_act("contact.add", by)
    name = site.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    box = rule.mailbox(f"abuse@{name}").rpartition("@")[2]
    with transaction.atomic():
        Host.objects.filter(pk=host.pk).update(site=box)
        host.site = box
        payload = {"host": host.key, "site": box}
        record([Act(act="host.site", obj=("host", str(host.pk), 1), payload=payload)], by=by, at=at)
        found([(host, f"abuse@{box}", rule.ROLE)], by=MACHINE_WORKER, at=at)


def letters_as(host: Host, *, language: str, form: str, by: Actor, at: datetime) -> None:
    """How the host wants its notices: in which language, and in which form."""
    require_act("contact.add", by)
    refuse_unless(language in languages(), "Choose one of the languages on the page.", code="language")
    refuse_unless(form in FORMS, "Choose one of the forms on the page.", code="form")
    with transaction.atomic():
        Host.objects.filter(pk=host.pk).update(language=language, letter_form=form)
        payload = {"host": host.key, "language": language, "form": form}
        record([Act(act="host.letters", obj=("host", str(host.pk), 1), payload=payload)], by=by, at=at)


def log_call(
    host: Host, *, outcome: str, text: str = "", notice: Notice | None = None, by: Actor, at: datetime
) -> HostCall:
    """A phone call, as the one who made it tells it. Reached about a notice, it acknowledges; it closes nothing."""
    require_act("host.call", by)
    refuse_unless(outcome in HostCall.OUTCOMES, "Say what came of the call.", code="outcome")
    refuse_unless(
        notice is None or (notice.host_id == host.pk and notice.sent_at is not None),
        "That notice did not go to this host, or has not left yet. Choose another, or none.",
        code="notice",
    )
    with transaction.atomic():
        call = HostCall.objects.create(
            host=host, notice=notice, at=at, who=by.who, outcome=outcome, text=text.strip()[:2000]
        )
        payload = {"host": host.key, "notice": notice.number if notice else "", "outcome": outcome}
        record([Act(act="host.called", obj=("host-call", str(call.pk), 1), payload=payload)], by=by, at=at)
        if notice is not None:
            _about(notice, outcome, by=by, at=at)
    return call


def _about(notice: Notice, outcome: str, *, by: Actor, at: datetime) -> None:
    removals = list(
        Removal.objects.select_for_update(of=("self",))
        .filter(notice_lines__notice=notice, notice_lines__dropped="", status__in=removal_path.STILL_OPEN)
        .select_related("item")
        .order_by("pk")
    )
    if outcome in HostCall.REACHED:
        waiting = [
            row
            for row in removals
            if row.status == removal_path.NOTICED
            or (row.status == removal_path.OVERDUE and row.t6_acknowledged is None)
        ]
        if by.role in removal_path.PATH.roles("acknowledge"):
            advance(
                waiting, "acknowledge", "acknowledged", by=by, at=at, clock=KEEP, stamps=["t6_acknowledged"]
            )
    note(removals, "host.called", by=by, at=at, facts={"notice": notice.number, "outcome": outcome})
    # We look from outside within minutes, whatever was said.
    Removal.objects.filter(pk__in=[row.pk for row in removals]).update(next_check_at=at)


def _enter(rows: Sequence[Contact], act: str, *, by: Actor, at: datetime, why: str = "") -> None:
    """Contacts decide where notices go: every change of one is an entry, and a line of its history."""
    if not rows:
        return
    versions: dict[int, int] = defaultdict(int)
    for pk in ContactEvent.objects.filter(contact__in=[row.pk for row in rows]).values_list(
        "contact", flat=True
    ):
        versions[pk] += 1
    record(
        [
            Act(
                act=f"contact.{act}",
                obj=("contact", str(row.pk), versions[row.pk] + 1),
                payload={"host": row.host.key, "mail": row.mail, "source": row.source, "why": why},
            )
            for row in rows
        ],
        by=by,
        at=at,
    )
    ContactEvent.objects.bulk_create(
        [ContactEvent(contact=row, at=at, who=by.who, act=act, why=why) for row in rows]
    )
