"""Hosts abroad that registered are alerted beside the referral to the partner hotline of their country.

True here: two people stand for a registration, and two for the contact. An alert is drafted only once its referral has
left, in the same turn of the machine, and never instead of it. At departure everything is asked again inside the claim:
still with the partner, no hold, trace fresh and still this host. Once per host and episode. What is not here: what it says
(`rules/alert`) and the referral (`refer`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue, settling
from openhotline.outbox.models import Letter, LetterLine
from openhotline.policy import Policy, notice_texts
from openhotline.records import bulk
from openhotline.records.models import (
    Contact,
    Hold,
    Host,
    HostAlert,
    HostAlertLine,
    HostRegistration,
    Removal,
)
from openhotline.rules import alert as words
from openhotline.rules import departure, references, removal_path
from openhotline.rules.paged import HOST_ALERT, PagedLetter
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import contact as contacts
from openhotline.steps import departing, freshness, secure_page
from openhotline.steps.advance import note, refuse_unless
from openhotline.steps.departing import HouseWords

KIND = HOST_ALERT
BATCH = 2000


def register(host: Host, *, why: str, by: Actor, at: datetime) -> HostRegistration:
    """The first person: this host asked for it. Nothing is sent by it yet."""
    require_act("contact.add", by)
    refuse_unless(bool(why.strip()), "Write what the host signed or wrote, and where it lies.", code="why")
    try:
        with transaction.atomic():
            made = HostRegistration.objects.create(
                host=host, why=why.strip()[:2_000], proposed_at=at, proposed_by=by.who
            )
            _enter("proposed", made, by=by, at=at)
    except IntegrityError:
        raise Refused(
            "This host is registered already, or waits for a second person.", code="known"
        ) from None
    return made


def confirm(row: HostRegistration, *, by: Actor, at: datetime) -> None:
    """The second person: what is referred from now on is told to the host too."""
    require_act("contact.verify", by)
    refuse_unless(
        row.proposed_by != by.who, "You wrote this down yourself. A second person confirms it.", code="second"
    )
    with transaction.atomic():
        count = HostRegistration.objects.filter(pk=row.pk, confirmed_at=None, ended_at=None).update(
            confirmed_at=at, confirmed_by=by.who
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        _enter("confirmed", row, by=by, at=at)


def end(row: HostRegistration, *, by: Actor, at: datetime) -> None:
    """Over, or never confirmed: one person is enough. What waits to leave is withdrawn at its departure."""
    require_act("contact.retire", by)
    with transaction.atomic():
        count = HostRegistration.objects.filter(pk=row.pk, ended_at=None).update(ended_at=at, ended_by=by.who)
        refuse_unless(count == 1, "This was settled already.", code="settled")
        _enter("ended", row, by=by, at=at)


def _registered() -> QuerySet[HostRegistration]:
    return HostRegistration.objects.filter(confirmed_at__isnull=False, ended_at=None)


def hosts_due(*, at: datetime) -> int:
    """Sweep: what has just been referred, to hosts that registered. One letter per host and class.

    Returns how many were drafted. What is held waits; where nobody may be written to yet, it waits for a contact.
    """
    if not _registered().exists():
        return 0  # most houses, every turn: what is referred need not be gone through
    due = (
        Removal.objects.filter(
            Exists(_registered().filter(host=OuterRef("host"), confirmed_at__lte=OuterRef("t5_sent"))),
            ~Exists(Hold.objects.filter(removal=OuterRef("pk"), released_at=None)),
            ~Exists(HostAlertLine.objects.filter(removal=OuterRef("pk"), dropped="")),
            status=removal_path.REFERRED,
            edge=False,  # who stands in front does not hold it
        )
        .select_related("item", "host")
        .order_by("pk")[:BATCH]
    )
    groups: dict[tuple[int, str], list[Removal]] = defaultdict(list)
    for removal in due:
        groups[(removal.host_id or 0, removal.item.cls)].append(removal)
    return sum(_draft(group, cls=cls, at=at) for (_, cls), group in groups.items())


def _draft(removals: Sequence[Removal], *, cls: str, at: datetime) -> int:
    host = removals[0].host
    to = contacts.best(host) if host else None
    if host is None or to is None:
        return 0
    with transaction.atomic():
        number = references.alert(at.year, bulk.take_numbers(f"alert-{at.year}", 1))
        made = HostAlert.objects.create(number=number, host=host, contact=to, cls=cls, drafted_at=at)
        HostAlertLine.objects.bulk_create(
            [HostAlertLine(alert=made, removal=removal) for removal in removals], batch_size=1000
        )
        queue.put(
            KIND,
            number=number,
            recipient=to.mail,
            transport="mail",
            removals=[removal.pk for removal in removals],
            at=at,
            by=MACHINE_WORKER,
        )
        note(removals, "alert.drafted", by=MACHINE_WORKER, at=at, facts={"alert": number, "host": host.key})
    return 1


def depart(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> PagedLetter | None:
    """The guard of an alert, inside the claim. Returns what it says, or None where nothing is left to say.

    What drops out because it was held or is traced again is drafted anew when that is over. Raises Refused where the
    whole of it waits for a fresh trace.
    """
    made = HostAlert.objects.select_related("host").get(number=letter.number)
    rows = {
        row.pk: row
        for row in Removal.objects.select_for_update(of=("self",))
        .filter(alert_lines__alert=made, alert_lines__dropped="")
        .select_related("item", "host")
        .order_by("pk")
    }
    held = set(
        Hold.objects.filter(removal__in=list(rows), released_at=None).values_list("removal", flat=True)
    )
    traces = freshness.newest([row.item_id for row in rows.values()])
    found = departure.notice(
        [
            freshness.line(
                row,
                traces.get(row.held_at),
                held=row.pk in held,
                covered=True,  # nobody at home is asked about what is held abroad
                here=row.host_id == made.host_id,
            )
            for row in rows.values()
        ],
        frozen=letter.body is not None,
        at=at,
        status=removal_path.REFERRED,
    )
    if found.verdict == departure.WAIT:
        raise Refused(freshness.STALE, code="stale-trace")
    for why, pks in found.dropped.items():
        _drop(letter, pks, why=why, at=at)
    to = Contact.objects.select_for_update().filter(pk=made.contact_id).first()
    stands = _registered().filter(host=made.host_id).exists()
    if found.verdict == departure.NOTHING_LEFT or not stands or to is None or not contacts.may_be_used(to):
        why = (
            "Nothing of this alert is left to send as it is."
            if stands and to is not None and contacts.may_be_used(to)
            else "The host is registered no more, or its contact is not verified any more."
        )
        _drop(letter, found.stay, why=why, at=at)
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)
        return None
    stay = [rows[pk] for pk in found.stay]
    return words.letter(
        words.AlertContent(
            number=made.number,
            host=made.host.name,
            cls=made.cls,
            countries=tuple(sorted({row.country for row in stay})),
            hotline=house.name,
            ground=policy.ground(made.cls),
            ways=secure_page.behind(letter, made, name=made.host.name, house=house, at=at),
            sent=at,
            addresses=departing.addresses(stay, traces),
            texts=notice_texts(made.host.language),
            secrets=departing.secrets_of(stay),
        )
    )


def _drop(letter: Letter, pks: Sequence[int], *, why: str, at: datetime) -> None:
    if not pks:
        return
    HostAlertLine.objects.filter(alert__number=letter.number, removal__in=pks, dropped="").update(dropped=why)
    LetterLine.objects.filter(letter=letter, removal__in=pks).delete()
    rows = list(Removal.objects.filter(pk__in=pks).select_related("item").order_by("pk"))
    note(rows, "alert.line-dropped", by=MACHINE_WORKER, at=at, why=why, facts={"alert": letter.number})


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """Refused for good: the contact is demoted, and what is still referred goes to the next one two people stand for."""
    with transaction.atomic():
        settling.refused(letter, why=why, by=MACHINE_WORKER, at=at)
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)
        came_back(letter, why=why, at=at)


def came_back(letter: Letter, *, why: str, at: datetime) -> None:
    """Nobody was told, whether the relay had taken it or not."""
    with transaction.atomic():
        made = HostAlert.objects.select_related("contact").get(number=letter.number)
        contacts.demote(made.contact, why=why, at=at)
        _drop(letter, list(made.lines.filter(dropped="").values_list("removal", flat=True)), why=why, at=at)


def _enter(act: str, row: HostRegistration, *, by: Actor, at: datetime) -> None:
    payload = {"host": row.host.key}
    record(
        [
            Act(
                act=f"registration.{act}",
                obj=("registration", str(row.pk), 1),
                why=row.why[:400],
                payload=payload,
            )
        ],
        by=by,
        at=at,
    )
