"""The guard of a notice at its departure: everything is asked again, inside the claim.

Still cleared, no hold, covered by an answer, trace fresh and still this host, contact verified. What no longer holds
leaves the notice, and the rest goes. What is not here: MIME, XARF and sockets (connectors), what follows when
it has left (`departed`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet, Sum

from openhotline.outbox import queue
from openhotline.outbox.models import Letter, LetterLine
from openhotline.policy import Policy, notice_texts
from openhotline.records import vault
from openhotline.records.models import (
    Assessment,
    Check,
    ConsultationLine,
    Contact,
    ContactKey,
    Hold,
    Notice,
    NoticeLine,
    Removal,
    Trace,
    User,
)
from openhotline.rules import departure
from openhotline.rules import notice as wording
from openhotline.rules.notice import NoticeAddress, NoticeContent
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import agreed, consent, freshness
from openhotline.steps import contact as contacts
from openhotline.steps.advance import note
from openhotline.steps.notify import code_of, draft

TO_THE_POLICE = ("police-question", "police-told")
HELD = "Held by the police: nothing about it leaves the house."


class HouseWords:
    """What letters say about the house itself."""

    __slots__ = ("domain", "name", "phone", "portal_url")

    def __init__(self, *, name: str, domain: str, phone: str, portal_url: str) -> None:
        self.name, self.domain, self.phone, self.portal_url = name, domain, phone, portal_url


def lock_case(letter: int) -> None:
    """Lock the removals a letter (by id) is about, in id order. Whoever places a hold locks them first too, so
    that of a hold and a claim one waits for the other, and neither for ever. What is said to the police leaves
    whatever befalls the case, so it waits for nobody."""
    lines = LetterLine.objects.filter(letter=letter).exclude(kind__in=TO_THE_POLICE).values("removal")
    list(Removal.objects.select_for_update().filter(pk__in=lines).order_by("pk").values_list("pk", flat=True))


def held_items(items: Iterable[int] | QuerySet[Removal, Any]) -> set[int]:
    """Those of these items (ids) that are held in any episode. All episodes are locked until the transaction ends, so that
    a hold being placed now waits for us, or we see it."""
    episodes = Removal.objects.select_for_update().filter(item__in=items).order_by("pk")
    pks = list(episodes.values_list("pk", flat=True))
    barred = Hold.objects.filter(removal__in=pks, released_at=None)
    return set(barred.values_list("removal__item", flat=True))


def depart(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> NoticeContent | None:
    """The guard of a notice, run inside the claim. Returns what it says, or None if nothing is left to say.

    Raises Refused where it has to wait (a stale trace).
    """
    made = (
        Notice.objects.select_for_update(of=("self",))
        .select_related("host", "contact")
        .get(number=letter.number)
    )
    # Locks in id order: a hold being placed now waits for us, or we see it.
    rows = Removal.objects.select_for_update(of=("self",)).filter(
        notice_lines__notice=made, notice_lines__dropped=""
    )
    removals = {row.pk: row for row in rows.select_related("item").order_by("pk")}
    traces = freshness.newest([removal.item_id for removal in removals.values()])
    lines_now = departing(list(removals.values()), traces, policy=policy, at=at, host=made.host_id)
    found = departure.notice(lines_now, frozen=letter.body is not None, at=at)
    if found.verdict == departure.WAIT:
        raise Refused(freshness.STALE, code="stale-trace")
    for why, pks in found.dropped.items():
        NoticeLine.objects.filter(notice=made, removal__in=pks).update(dropped=why)
        LetterLine.objects.filter(letter=letter, removal__in=pks).delete()
        note([removals[pk] for pk in pks], "notice.line-dropped", by=MACHINE_WORKER, at=at, why=why)
    stay = [removals[pk] for pk in found.stay]
    waiting = [removals[pk] for pk in found.waiting]
    if found.verdict == departure.NOTHING_LEFT:
        # Frozen bytes cannot be shortened: what stays goes in a new notice with a new number.
        Notice.objects.filter(pk=made.pk).update(withdrawn_at=at)
        queue.withdraw(
            letter, why="Nothing of this notice is left to send as it is.", by=MACHINE_WORKER, at=at
        )
        draft([*stay, *waiting], by=MACHINE_WORKER, at=at)
        return None
    draft(waiting, by=MACHINE_WORKER, at=at)
    # Locked after the letter and the removals: a contact retired or demoted now waits for us, or we see it.
    contact = Contact.objects.select_for_update().filter(pk=made.contact_id or 0).first()
    if contact is None or not contacts.may_be_used(contact):
        raise Refused(
            "The contact is no longer verified. Propose one, and have a second person verify it.",
            code="contact",
        )
    agreement = agreed.for_notice(stay, policy=policy, at=at)
    form = made.host.letter_form
    if form == wording.SAFE:
        form = wording.REPORT if sealed_to(made.number) else wording.PAGE
    if letter.body is None and form == wording.PAGE and len(made.code) < wording.OPENS:
        # The host's wish came after the draft: what opens a page is longer than what only checks a notice.
        made.code = code_of(opens=True)
        made.save(update_fields=["code"])
    return NoticeContent(
        number=made.number,
        cls=made.cls,
        host=made.host.name,
        to=contact.mail,
        hotline=house.name,
        domain=house.domain,
        phone=house.phone,
        link=f"{house.portal_url}/n/{vault.token('notice-link', made.number)}",
        code=made.code,
        verify=f"{house.portal_url}/verify",
        ground=policy.ground(made.cls),
        preserve_days=agreement.preserve_days,
        due=agreement.host_due(at, at_risk=any(removal.item.at_risk for removal in stay)),
        sent=at,
        addresses=addresses(stay, traces),
        texts=notice_texts(made.host.language),
        appeal=f"{house.portal_url}/appeal",
        page=f"{house.portal_url}/open",
        form=form,
        country=made.host.country,
        asn=made.host.asn,
        secrets=secrets_of(stay),
    )


def departing(
    removals: Sequence[Removal],
    traces: dict[tuple[int, str], Trace],
    *,
    policy: Policy,
    at: datetime,
    host: int | None = None,
) -> list[departure.Line]:
    """The removals of a letter as they stand at departure. Read them under their locks."""
    pks = [removal.pk for removal in removals]
    held = set(Hold.objects.filter(removal__in=pks, released_at=None).values_list("removal_id", flat=True))
    consents = consent.of(pks, policy=policy, at=at)
    return [
        freshness.line(
            removal,
            traces.get(removal.held_at),
            held=removal.pk in held,
            covered=departure.covers(consents[removal.pk], at),
            here=removal.host_id == host,
        )
        for removal in removals
    ]


def addresses(removals: Sequence[Removal], traces: dict[tuple[int, str], Trace]) -> tuple[NoticeAddress, ...]:
    """What a letter to a host says of each address."""
    pks = [removal.pk for removal in removals]
    seen = dict(
        Check.objects.filter(removal__in=pks, meaning="up").values_list("removal").annotate(last=Max("at"))
    )
    files = dict(
        Assessment.objects.filter(
            item__in=[removal.item_id for removal in removals], reading="first", undone_at=None
        )
        .values_list("item")
        .annotate(files=Sum("files"))
    )
    return tuple(
        NoticeAddress(
            uid=str(removal.uid),
            canonical=removal.item.canonical,
            addresses=", ".join(traces[removal.held_at].passed_on),
            category=removal.item.category,
            age_band=removal.item.age_band,
            files=files.get(removal.item_id, 0),
            last_seen=seen.get(removal.pk),
            referrer=removal.item.referrer,
            server=removal.server,
        )
        for removal in removals
    )


def secrets_of(removals: Sequence[Removal]) -> frozenset[str]:
    """What no letter outward may tell: who works here, which unit was asked under which number, which case it is."""
    questions = (
        ConsultationLine.objects.filter(removal__in=removals)
        .values_list("consultation__number", "consultation__unit__name")
        .distinct()
    )
    named = {name for pair in questions for name in pair}
    named |= set(User.objects.values_list("pseudonym", flat=True))
    return frozenset(named | {removal.item.ref for removal in removals})


def sealed_to(number: str) -> ContactKey | None:
    """The key in use of the contact a notice goes to, None where it goes unsealed. Locked: retiring it waits for us."""
    return (
        ContactKey.objects.select_for_update(of=("self",))
        .filter(contact__notice__number=number, retired_at=None, verified_at__isnull=False)
        .first()
    )


def keep_inner(number: str, inner: bytes) -> None:
    """The whole notice, where the letter itself is sealed or names no address: the host's page and an appeal read it."""
    Notice.objects.filter(number=number).update(inner=inner)
