"""Notices: drafted when cleared, guarded at departure, followed until our own checks say gone.

At departure everything is asked again, inside the claim: still cleared, no hold, trace fresh and still this
host, contact verified. What no longer holds leaves the notice, and the rest goes. What is not here: MIME,
XARF and sockets (connectors), the host's reply (`confirm`), reminders and the ladder (`escalate`).
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Sum

from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, IN_DOUBT, PENDING, SENDING, Letter, LetterLine
from openhotline.policy import Policy, notice_texts
from openhotline.records import bulk, vault
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
from openhotline.rules import clocks, departure, pace, references, removal_path
from openhotline.rules import notice as wording
from openhotline.rules.notice import NoticeAddress, NoticeContent
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import agreed, consent, freshness, hook, refer
from openhotline.steps import contact as contacts
from openhotline.steps.advance import advance, note


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
                code=_code(host.letter_form),
                link_digest=hashlib.sha256(secret.encode()).hexdigest(),
            )
            NoticeLine.objects.bulk_create(
                [NoticeLine(notice=made, removal=removal) for removal in group], batch_size=1000
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


def _code(form: str) -> str:
    """A code to check a notice by; a longer one where it opens the page as well."""
    letters = "".join(
        secrets.choice("ABCDEFGHJKLMNPRTUVWXY") for _ in range(6 if form == wording.PAGE else 2)
    )
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
    for letter in again:
        # Frozen bytes name what was taken out: this letter never leaves; the others go in a new one.
        made = Notice.objects.get(number=letter.number)
        rest = list(
            Removal.objects.filter(
                notice_lines__notice=made, notice_lines__dropped="", status=removal_path.CLEARED
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        Notice.objects.filter(pk=made.pk).update(withdrawn_at=at)
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)
        draft(rest, by=MACHINE_WORKER, at=at)


def lock_case(letter: int) -> None:
    """Lock the removals a letter (by id) is about, in id order. Whoever places a hold locks them first too, so
    that of a hold and a claim one waits for the other, and neither for ever."""
    lines = LetterLine.objects.filter(letter=letter).values("removal")
    list(Removal.objects.select_for_update().filter(pk__in=lines).order_by("pk").values_list("pk", flat=True))


def depart(letter: Letter, *, policy: Policy, house: "HouseWords", at: datetime) -> NoticeContent | None:
    """The guard of a notice, run inside the claim. Returns what it says, or None if nothing is left to say.

    Raises Refused where it has to wait (a stale trace).
    """
    made = (
        Notice.objects.select_for_update(of=("self",))
        .select_related("host", "contact")
        .get(number=letter.number)
    )
    lines = list(
        NoticeLine.objects.filter(notice=made, dropped="")
        .select_related("removal__item")
        .order_by("removal_id")
    )
    removals = {line.removal_id: line.removal for line in lines}
    # Locks in id order: a hold being placed now waits for us, or we see it.
    fresh = {
        row.pk: row
        for row in Removal.objects.select_for_update().filter(pk__in=list(removals)).order_by("pk")
    }
    traces = freshness.newest([removal.item_id for removal in removals.values()])
    lines_now = departing(list(fresh.values()), traces, policy=policy, at=at, host=made.host_id)
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
    agreement = agreed.for_notice(stay, policy=policy)
    if letter.body is None and made.host.letter_form == wording.PAGE and len(made.code) < wording.OPENS:
        # The host's wish came after the draft: what opens a page is longer than what only checks a notice.
        made.code = _code(wording.PAGE)
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
        form=made.host.letter_form,
        country=made.host.country,
        asn=made.host.asn,
        secrets=_secrets(stay),
    )


def _secrets(removals: Sequence[Removal]) -> frozenset[str]:
    """What a notice must not tell: who works here, which unit was asked under which number, which case it is."""
    questions = ConsultationLine.objects.filter(removal__in=removals).values_list(
        "consultation__number", "consultation__unit__name"
    )
    named = {name for pair in questions for name in pair}
    named |= set(User.objects.values_list("pseudonym", flat=True))
    return frozenset(named | {removal.item.ref for removal in removals})


def sealed_to(number: str) -> ContactKey | None:
    """The key in use of the contact a notice goes to, None where it goes unsealed."""
    return ContactKey.objects.filter(
        contact__notice__number=number, retired_at=None, verified_at__isnull=False
    ).first()


def keep_inner(number: str, inner: bytes) -> None:
    """The letter as it was before it was sealed to a key: the host's page and an appeal read it."""
    Notice.objects.filter(number=number).update(inner=inner)


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


class HouseWords:
    """What letters say about the house itself."""

    __slots__ = ("domain", "name", "phone", "portal_url")

    def __init__(self, *, name: str, domain: str, phone: str, portal_url: str) -> None:
        self.name, self.domain, self.phone, self.portal_url = name, domain, phone, portal_url


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


def sent(letter: Letter, *, receipt: str, policy: Policy, at: datetime) -> None:
    """The relay took it: T5 for every removal in it; the host's clock and the ladder start."""
    with transaction.atomic():
        queue.sent([letter], receipt=receipt, by=MACHINE_WORKER, at=at)
        made = Notice.objects.get(number=letter.number)
        removals = list(
            Removal.objects.filter(
                notice_lines__notice=made, notice_lines__dropped="", status=removal_path.CLEARED
            )
            .select_related("item")
            .order_by("pk")
        )
        agreement = agreed.for_notice(removals, policy=policy)
        at_risk = any(removal.item.at_risk for removal in removals)
        due = agreement.host_due(at, at_risk=at_risk)
        Notice.objects.filter(pk=made.pk).update(
            sent_at=at, due_at=due, ladder_at=agreement.ladder_at(at, at_risk=at_risk)
        )
        hook.tell(made, due=due, at=at)
        if made.contact_id:
            contacts.worked(made.contact_id, at=at)
        advance(
            removals,
            "notify",
            "sent",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.HOST_TARGET, due),
            stamps=["t5_sent"],
            facts={"notice": made.number},
        )
        Removal.objects.filter(pk__in=[removal.pk for removal in removals]).update(
            next_check_at=at + policy.pace.first(pace.WITH_HOST)
        )


def settle_doubt(letter: Letter, *, arrived: bool, policy: Policy, by: Actor, at: datetime) -> None:
    """A person knows what became of a letter in doubt. What arrived counts from now on, as any sent letter."""
    with transaction.atomic():
        if arrived and letter.kind == "notice":
            require_act("letter.decide", by)
            sent(letter, receipt=f"settled by {by.who}", policy=policy, at=at)
            return
        if arrived and letter.kind == "referral":
            require_act("letter.decide", by)
            refer.sent(letter, receipt=f"settled by {by.who}", policy=policy, at=at)
            return
        queue.decide(letter, arrived=arrived, by=by, at=at)


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """The other side refused it for good: the contact is demoted, and the removals wait for a better one."""
    with transaction.atomic():
        queue.refused(letter, why=why, by=MACHINE_WORKER, at=at)
        if letter.kind != "notice":
            return
        made = Notice.objects.select_related("host", "contact").get(number=letter.number)
        if made.contact is not None:
            contacts.demote(made.contact, why=why, at=at)
        Notice.objects.filter(pk=made.pk).update(withdrawn_at=at)
        removals = list(
            Removal.objects.filter(
                notice_lines__notice=made, notice_lines__dropped="", status=removal_path.CLEARED
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        note(removals, "notice.bounced", by=MACHINE_WORKER, at=at, facts={"notice": made.number})
        draft(removals, by=MACHINE_WORKER, at=at)


def came_back(letter: Letter, *, why: str, at: datetime) -> None:
    """The relay had taken it, and it came back all the same: nobody was told. What still waits for its host is
    cleared again and goes to the next best contact; T5 stays, so nobody's time looks better for it."""
    with transaction.atomic():
        made = (
            Notice.objects.select_for_update(of=("self",))
            .select_related("host", "contact")
            .get(number=letter.number)
        )
        if made.contact is not None:
            contacts.demote(made.contact, why=why, at=at)
        Notice.objects.filter(pk=made.pk, withdrawn_at=None).update(withdrawn_at=at)
        removals = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(
                notice_lines__notice=made,
                notice_lines__dropped="",
                status__in=[removal_path.NOTICED, removal_path.OVERDUE],
                t6_acknowledged=None,
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        advance(
            removals,
            "bounce",
            "back",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.DEPARTURE, at),
            why=f"{made.number} came back.",
        )
        draft(removals, by=MACHINE_WORKER, at=at)


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
