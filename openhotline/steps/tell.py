"""Short letters that tell somebody what happened: the unit that was asked, a host, a partner, a manager.

A letter carries references and times, never an address: the facts are behind the sign-in. Nothing here
moves a case. What is not here: questions (`consult`), notices (`notify`), referrals (`refer`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, IN_DOUBT, PENDING, SENDING, SENT, Letter
from openhotline.policy import notice_texts
from openhotline.records.models import (
    Alarm,
    Consultation,
    ConsultationLine,
    Host,
    HostAlert,
    HostAlertLine,
    Notice,
    NoticeLine,
    PoliceRequest,
    Referral,
    ReferralLine,
    Removal,
    Unit,
)
from openhotline.rules import told
from openhotline.rules.words import MACHINE_WORKER

REMINDER, DEPUTY = "police-reminder", "police-deputy"
# Letters about a unit's question that go to somebody else.
_NOT_THE_UNITS = ("notice", "silence-review", "hold-unheard", "alarm-managers")
HOST_MOVED, ALERT_MOVED = "host-moved", "alert-moved"
NO_CONTACT = "The host has no usable contact. One person proposes one, a second one verifies it."
NO_MAIL = "The unit has no mail address. Set it, and this leaves."
_WORDS = {
    "moved": "The content has moved. We trace it and ask again where that is due.",
    "gone": "The content was gone before any notice left. Nothing more to answer.",
    "removed": "The content has been removed. Our own checks confirm it.",
    "repealed": "On appeal it was found not to be against the law. We have withdrawn everything we sent about it.",
    "again": "Content that had been removed is back. A new question follows where one is due.",
}


def police(removals: Sequence[Removal], what: str, *, at: datetime) -> None:
    """Tell every unit that was asked or told about these removals what became of them.

    `what` is one of moved, gone, removed, again. One letter per consultation, however many removals.
    """
    by_pk = {removal.pk: removal for removal in removals}
    groups: dict[Consultation, list[Removal]] = {}
    for line in ConsultationLine.objects.filter(removal__in=list(by_pk)).select_related("consultation__unit"):
        groups.setdefault(line.consultation, []).append(by_pk[line.removal_id])
    heard(groups, at=at)
    for consultation, group in groups.items():
        text = (
            f"About {consultation.number}: {_WORDS[what]}\n"
            f"Items: {', '.join(removal.item.ref for removal in group[:50])}"
            f"{f' and {len(group) - 50} more' if len(group) > 50 else ''}\n"
            f"Time: {at:%d %B %Y %H:%M} UTC\n"
            "Sign in to the police desk for the facts. Please do not answer this mail with case facts.\n"
        )
        queue.put(
            f"police-{what}",
            number=consultation.number,
            recipient=consultation.unit.mail,
            transport="mail",
            removals=[removal.pk for removal in group],
            at=at,
            by=MACHINE_WORKER,
            subject=f"{consultation.number}: {what}",
            text=text,
            state=PENDING if consultation.unit.mail else CONTACT_NEEDED,
            why="" if consultation.unit.mail else NO_MAIL,
        )


def heard(consultations: Iterable[Consultation], *, at: datetime) -> None:
    """Units that are told afterwards hear of these now; from then on their desks show them."""
    pks = [consultation.pk for consultation in consultations]
    Consultation.objects.filter(pk__in=pks, told_at=None).update(told_at=at)


def moved(removals: Sequence[Removal], *, at: datetime) -> None:
    """Content is elsewhere now: tell everybody who was asked, noticed or referred to about the old place."""
    police(removals, "moved", at=at)
    by_pk = {removal.pk: removal for removal in removals}
    notices: dict[Notice, list[Removal]] = {}
    lines = NoticeLine.objects.filter(removal__in=list(by_pk), dropped="", notice__sent_at__isnull=False)
    for line in lines.select_related("notice__contact", "notice__host"):
        notices.setdefault(line.notice, []).append(by_pk[line.removal_id])
    for notice, group in notices.items():
        _say_moved(
            HOST_MOVED,
            number=notice.number,
            recipient=notice.contact.mail if notice.contact else "",
            nobody=NO_CONTACT,
            removals=group,
            said=told.moved(
                notice_texts(notice.host.language), "notice", number=notice.number, count=len(group), at=at
            ),
            at=at,
        )
    for alert, group in alerted(removals):
        _say_moved(
            ALERT_MOVED,
            number=alert.number,
            recipient=alert.contact.mail,
            nobody="",
            removals=group,
            said=told.moved(
                notice_texts(alert.host.language), "alert", number=alert.number, count=len(group), at=at
            ),
            at=at,
        )
    referrals: dict[Referral, list[Removal]] = {}
    sent = ReferralLine.objects.filter(removal__in=list(by_pk), referral__sent_at__isnull=False)
    for one in sent.select_related("referral__partner", "referral__unit"):
        referrals.setdefault(one.referral, []).append(by_pk[one.removal_id])
    for referral, group in referrals.items():
        to = referral.partner or referral.unit
        _say_moved(
            "referral-moved",
            number=referral.number,
            recipient=to.mail if to else "",
            nobody="The partner has no mail address. Set it, and this leaves.",
            removals=group,
            said=(
                f"{referral.number}: moved",
                f"Our referral {referral.number}: the content is no longer held in {referral.country}.\n"
                f"{len(group)} address(es) of it have moved; we follow them. Nothing more is asked of you about them.\n"
                f"Time: {at:%d %B %Y %H:%M} UTC\n",
            ),
            at=at,
        )


def alerted(removals: Sequence[Removal]) -> list[tuple[HostAlert, list[Removal]]]:
    """The alerts to hosts abroad that have left, or may have, with what each says of these removals."""
    by_pk = {removal.pk: removal for removal in removals}
    gone = Letter.objects.filter(kind="host-alert", state__in=[SENDING, IN_DOUBT, SENT])
    lines = HostAlertLine.objects.filter(
        removal__in=list(by_pk), dropped="", alert__number__in=gone.values("number")
    )
    groups: dict[HostAlert, list[Removal]] = {}
    for line in lines.select_related("alert__contact", "alert__host").order_by("alert", "removal"):
        groups.setdefault(line.alert, []).append(by_pk[line.removal_id])
    return list(groups.items())


def _say_moved(
    kind: str,
    *,
    number: str,
    recipient: str,
    nobody: str,
    removals: Sequence[Removal],
    said: told.Said,
    at: datetime,
) -> None:
    subject, text = said
    queue.put(
        kind,
        number=number,
        recipient=recipient,
        transport="mail",
        removals=[removal.pk for removal in removals],
        at=at,
        by=MACHINE_WORKER,
        subject=subject,
        text=text,
        state=PENDING if recipient else CONTACT_NEEDED,
        why="" if recipient else nobody,
    )


def host_reached(host: Host, mail: str, *, at: datetime) -> None:
    """It is known now how a host is reached: what was to be said of content that has left it leaves."""
    numbers = [
        *Notice.objects.filter(host=host).values_list("number", flat=True),
        *HostAlert.objects.filter(host=host).values_list("number", flat=True),
    ]
    waiting = Letter.objects.filter(
        kind__in=(HOST_MOVED, ALERT_MOVED), state=CONTACT_NEEDED, number__in=numbers
    )
    queue.readdress(list(waiting), mail, by=MACHINE_WORKER, at=at)


def reached(unit: Unit, *, before: Iterable[str], at: datetime) -> None:
    """A unit is reached otherwise now: what waited for that, or has not arrived where it was reached before, goes there."""
    numbers = set(Consultation.objects.filter(unit=unit).values_list("number", flat=True))
    numbers |= set(Referral.objects.filter(unit=unit).values_list("number", flat=True))
    numbers |= set(PoliceRequest.objects.filter(unit=unit).values_list("number", flat=True))
    numbers |= {f"{row.item.ref}/{row.pk}" for row in Alarm.objects.filter(unit=unit).select_related("item")}
    stood_in = set(Consultation.objects.filter(unit__deputy=unit).values_list("number", flat=True))

    def theirs(letter: Letter) -> bool:
        if letter.kind == DEPUTY:
            return letter.number in stood_in
        if letter.kind.startswith("agreement-"):
            return letter.number.endswith(f" {unit.key}")
        return letter.kind not in _NOT_THE_UNITS and bool(
            {letter.number, letter.number.partition("/")[0]} & numbers
        )

    waiting = Letter.objects.filter(
        state__in=[PENDING, CONTACT_NEEDED, FAILED], recipient__in={"", *before}
    ).exclude(kind="referral", state=FAILED)  # leaves again from its own page
    letters = [letter for letter in waiting if theirs(letter)]
    queue.readdress([one for one in letters if not one.recipient], unit.mail, by=MACHINE_WORKER, at=at)
    for letter in letters:
        to = box(unit, letter.kind)
        if letter.recipient not in ("", to):
            queue.elsewhere(letter, to, why=f"{unit.name} is reached at {to} now.", by=MACHINE_WORKER, at=at)


def box(unit: Unit, kind: str) -> str:
    """The mailbox of a unit for letters of a kind: the duty desk's for what nobody has answered."""
    return unit.duty_mail or unit.mail if kind in (REMINDER, DEPUTY) else unit.mail


def desk(
    kind: str,
    *,
    number: str,
    recipient: str,
    subject: str,
    text: str,
    at: datetime,
    removals: Sequence[int] = (),
) -> None:
    """One letter to a duty desk or a manager. `removals`: those whose trace must stand when it leaves."""
    queue.put(
        kind,
        number=number,
        recipient=recipient,
        transport="mail",
        removals=removals,
        at=at,
        by=MACHINE_WORKER,
        subject=subject,
        text=text,
        state=PENDING if recipient else CONTACT_NEEDED,
        why="" if recipient else NO_MAIL,
    )
