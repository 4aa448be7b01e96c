"""What a reversal on appeal takes back: everything that was sent about the items, from everybody it was sent to.

True here: police, hosts, partners and those alerted are told; what has not left is withdrawn; no hold and no clock of it stays
open. What is not here: who decides (`appeal`). The filter list asks for each row's status itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, IN_DOUBT, PENDING, SENDING, SENT, Letter
from openhotline.policy import notice_texts
from openhotline.records.models import Appeal, Hold, Item, Notice, Partner, PartnerMessage, Referral, Removal
from openhotline.rules import item_path, removal_path, told
from openhotline.rules.paged import LADDER
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import tell
from openhotline.steps.advance import advance


def take_back(appeal: Appeal, *, number: str, by: Actor, at: datetime) -> None:
    """The item is not illegal any more: its removals end, its notices and referrals are withdrawn everywhere."""
    items = list(
        Item.objects.filter(removals__appeal_lines__appeal=appeal, status=item_path.GRADED)
        .distinct()
        .order_by("pk")
    )
    why = f"Reversed on appeal against {appeal.against}."
    this = f"a{appeal.pk}"  # what a second appeal takes back of the same notice is a letter of its own
    advance(items, "repeal", "repealed", by=by, at=at, why=why)
    removals = list(Removal.objects.filter(item__in=items).select_related("item", "host").order_by("pk"))
    living = [row for row in removals if row.status in (*removal_path.STILL_OPEN, *removal_path.WATCHED)]
    Hold.objects.filter(removal__in=removals, released_at=None).update(released_at=at, released_by=by.who)
    advance(living, "repeal", "repealed", by=by, at=at, why=why, changes={"next_check_at": None})
    pks = [row.pk for row in removals]
    tell.police(removals, "repealed", at=at)
    for notice in Notice.objects.filter(lines__removal__in=pks).select_related("contact", "host").distinct():
        _withdraw(notice, pks, this=this, at=at)
    for referral in (
        Referral.objects.filter(lines__removal__in=pks)
        .filter(Q(sent_at__isnull=False) | Q(number__in=_may_be_there("referral")))
        .select_related("partner", "unit")
        .distinct()
    ):
        to = (referral.partner.mail if referral.partner else "") or (
            referral.unit.mail if referral.unit else ""
        )
        tell.desk(
            "referral-repealed",
            number=f"{referral.number}/{this}",
            recipient=to,
            subject=f"{referral.number}: withdrawn",
            text=(
                f"On appeal we have found that an item of {referral.number} is not against the law here. Please take "
                "back what you did because of it, and tell whoever you told. It is marked where you found it.\n"
            ),
            at=at,
        )
    _tell_givers(items, number=number, at=at)
    for alert, group in tell.alerted(removals):
        texts = notice_texts(alert.host.language)
        subject, text = told.withdrawn(texts, "alert", number=alert.number, count=len(group))
        tell.desk(
            "alert-repealed",
            number=f"{alert.number}/{this}",
            recipient=alert.contact.mail,
            subject=subject,
            text=text,
            at=at,
        )
    _tell_rungs(pks, this=this, at=at)
    for letter in (
        Letter.objects.filter(lines__removal__in=pks, state__in=[PENDING, CONTACT_NEEDED, FAILED])
        # Alerts leave it out at their departure, and the rest of each goes.
        .exclude(kind__in=["police-repealed", "host-repealed", "host-alert", "domain-alert"])
        .distinct()
    ):
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)


def _may_be_there(kind: str) -> QuerySet[Letter, str]:
    """The numbers of letters of a kind that are on their way, or of which nobody knows yet whether they arrived."""
    return Letter.objects.filter(kind=kind, state__in=[SENDING, IN_DOUBT]).values_list("number", flat=True)


def _tell_rungs(pks: Sequence[int], *, this: str, at: datetime) -> None:
    """Whoever was written to up the ladder."""
    gone = Letter.objects.filter(kind__startswith=LADDER, state__in=[SENDING, IN_DOUBT, SENT])
    for letter in gone.filter(lines__removal__in=pks).distinct().order_by("pk"):
        serial = letter.number.partition("/")[0]
        tell.desk(
            "rung-repealed",
            number=f"{letter.number}/{this}",
            recipient=letter.recipient,
            subject=f"Notice {serial}: withdrawn",
            text=(
                f"We wrote to you about notice {serial}. On appeal we have found that something in it is not against the "
                "law. You need do nothing more about it, and may put back what you took away. What is left of it stands "
                "on its page.\n"
            ),
            at=at,
        )


def _tell_givers(items: Sequence[Item], *, number: str, at: datetime) -> None:
    """Partners whose report it was: our grade stands at the exchange, and no later word may unsay it there."""
    given = PartnerMessage.objects.filter(report__lines__item__in=items).select_related("partner")
    theirs: dict[Partner, list[str]] = defaultdict(list)
    for row in given.order_by("pk").distinct():
        theirs[row.partner].append(row.their_id)
    for partner, contents in theirs.items():
        tell.desk(
            "exchange-repealed",
            number=number,
            recipient=partner.mail,
            subject="A grade of ours that holds no more",
            text=(
                f"You gave us {', '.join(contents[:50])}. On appeal we have found that it is not against the law here; "
                "what we wrote to you about it holds no more. Please tell whoever you told.\n"
            ),
            at=at,
        )


def _withdraw(notice: Notice, pks: Sequence[int], *, this: str, at: datetime) -> None:
    gone = notice.lines.filter(removal__in=pks, dropped="")
    count = gone.count()
    gone.update(dropped="Reversed on appeal.")
    whole = not notice.lines.filter(dropped="").exists()
    if whole:
        Notice.objects.filter(pk=notice.pk, withdrawn_at=None).update(withdrawn_at=at)
    there = notice.sent_at is not None or notice.number in _may_be_there("notice")
    if not there or notice.contact is None or not count:
        return
    texts = notice_texts(notice.host.language)
    subject, text = told.withdrawn(texts, "notice" if whole else "part", number=notice.number, count=count)
    queue.put(
        "host-repealed",
        number=f"{notice.number}/{this}",
        recipient=notice.contact.mail,
        transport="mail",
        at=at,
        by=MACHINE_WORKER,
        subject=subject,
        text=text,
    )
