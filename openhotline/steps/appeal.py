"""Appeals by serial: acknowledged, reviewed by somebody who had no part in the decision, answered in time.

True here: the removal stands until the appeal is decided; a reversal needs two uninvolved people and is then
told wherever the notice, the question and the referral went. What is not here: mail about it (`mailbox`).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, PENDING, Letter
from openhotline.policy import Policy
from openhotline.records import vault
from openhotline.records.models import (
    Appeal,
    AppealLine,
    Assessment,
    Hold,
    Item,
    Notice,
    NoticeLine,
    Partner,
    PartnerMessage,
    Referral,
    Removal,
    SilenceProposal,
)
from openhotline.rules import contacts as mailboxes
from openhotline.rules import item_path, removal_path
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import tell
from openhotline.steps.advance import advance, note, refuse_unless

UPHELD, REVERSED = "upheld", "reversed"


def open_(
    notice: Notice,
    *,
    standing: str,
    text: str,
    reach: str = "",
    via: str,
    about: Sequence[int] = (),
    policy: Policy,
    by: Actor,
    at: datetime,
) -> Appeal:
    """File an appeal against a notice, or against the removals `about`. The same words again are the same appeal."""
    refuse_unless(standing in Appeal.STANDING, "Say how you are concerned.", code="standing")
    refuse_unless(notice.sent_at is not None, "This notice never left.", code="not-sent")
    words = {"text": text.strip()[:10_000], "reach": reach.strip()[:254]}
    with transaction.atomic():
        Notice.objects.select_for_update().filter(pk=notice.pk).first()
        for known in Appeal.objects.filter(notice=notice, decided_at=None, standing=standing):
            if read(known) == words:
                return known
        made = Appeal.objects.create(
            notice=notice,
            at=at,
            via=via,
            standing=standing,
            sealed=vault.seal("appeal", json.dumps(words).encode()),
            acknowledge_by=at + policy.clocks.appeal_acknowledge,
            result_by=at + policy.clocks.appeal_result,
        )
        lines = NoticeLine.objects.filter(notice=notice, dropped="")
        if about:
            lines = lines.filter(removal__in=list(about))
        removals = list(Removal.objects.filter(notice_lines__in=lines).select_related("item").order_by("pk"))
        AppealLine.objects.bulk_create([AppealLine(appeal=made, removal=removal) for removal in removals])
        note(removals, "appeal.opened", by=by, at=at, facts={"notice": notice.number, "appeal": made.pk})
        _enter(made, "opened", by=by, at=at)
    return made


def read(appeal: Appeal) -> dict[str, str]:
    """The words of an appeal and how to reach who wrote them."""
    found = json.loads(vault.open_("appeal", bytes(appeal.sealed)))
    return {"text": str(found["text"]), "reach": str(found["reach"])}


def involved(appeal: Appeal) -> set[str]:
    """Everybody who had a part in the decision: who read the items, who settled the police's silence."""
    removals = Removal.objects.filter(appeal_lines__appeal=appeal)
    people = set(
        Assessment.objects.filter(item__removals__in=removals).values_list("by__pseudonym", flat=True)
    )
    settled = SilenceProposal.objects.filter(consultation__lines__removal__in=removals)
    for pair in settled.values_list("proposed_by__pseudonym", "confirmed_by__pseudonym"):
        people |= {name for name in pair if name}
    return people


def acknowledge(appeal: Appeal, *, by: Actor, at: datetime) -> None:
    """A person tells whoever appealed that it is being looked at, and by when they hear."""
    require_act("appeal.review", by)
    with transaction.atomic():
        count = Appeal.objects.filter(pk=appeal.pk, acknowledged_at=None).update(acknowledged_at=at)
        refuse_unless(count == 1, "This appeal was acknowledged already.", code="settled")
        _answer(
            appeal,
            "ack",
            f"We have your appeal about notice {appeal.notice.number}. Somebody who had no part in the decision reads "
            f"it. You hear from us by {appeal.result_by:%d %B %Y}. The removal stands meanwhile.\n",
            at=at,
        )
        _enter(appeal, "acknowledged", by=by, at=at)


def propose(appeal: Appeal, outcome: str, *, reasons: str, by: Actor, at: datetime) -> Appeal:
    """The reviewer's outcome with its reasons. Upheld counts at once; a reversal waits for a second person."""
    require_act("appeal.review", by)
    refuse_unless(
        outcome in (UPHELD, REVERSED), "Choose: the decision stands, or it is reversed.", code="outcome"
    )
    refuse_unless(bool(reasons.strip()), "Write the reasons; whoever appealed reads them.", code="reasons")
    with transaction.atomic():
        row = _open(appeal)
        _uninvolved(row, by)
        row.reviewer, row.reasons = by.who, reasons.strip()[:10_000]
        if outcome == REVERSED:
            row.proposed_at = at
            row.save()
            _enter(row, "reversal-proposed", by=by, at=at)
            return row
        row.outcome, row.decided_at = UPHELD, at
        row.save()
        _enter(row, "upheld", by=by, at=at)
        removals = list(
            Removal.objects.filter(appeal_lines__appeal=row).select_related("item").order_by("pk")
        )
        note(removals, "appeal.upheld", by=by, at=at, facts={"notice": row.notice.number, "appeal": row.pk})
        _answer(row, "result", f"The decision stands. {row.reasons}\n", at=at)
    return row


def reverse(appeal: Appeal, *, by: Actor, at: datetime) -> Appeal:
    """The second uninvolved person agrees: everything is taken back, and everybody who was told is told."""
    require_act("appeal.review", by)
    with transaction.atomic():
        row = _open(appeal)
        refuse_unless(
            row.proposed_at is not None and bool(row.reviewer),
            "Nobody has proposed a reversal yet.",
            code="first",
        )
        _uninvolved(row, by)
        if by.who == row.reviewer:
            raise Refused("You proposed this yourself. A second person has to agree.", code="second")
        row.outcome, row.decided_at, row.second = REVERSED, at, by.who
        row.save()
        _enter(row, "reversed", by=by, at=at)
        _take_back(row, by=by, at=at)
        _answer(
            row,
            "result",
            f"You were right, and we are sorry. The notice is withdrawn. {row.reasons}\n",
            at=at,
        )
    return row


def _open(appeal: Appeal) -> Appeal:
    row = Appeal.objects.select_for_update(of=("self",)).select_related("notice__host").get(pk=appeal.pk)
    refuse_unless(row.decided_at is None, "This appeal was decided already. Open it again.", code="settled")
    return row


def _uninvolved(appeal: Appeal, by: Actor) -> None:
    if by.who in involved(appeal):
        raise Refused(
            "You had a part in the decision this appeal is about. Somebody who had none reviews it.",
            code="involved",
        )


def _take_back(appeal: Appeal, *, by: Actor, at: datetime) -> None:
    """The item is not illegal any more: its removals end, its notices and referrals are withdrawn everywhere."""
    items = list(
        Item.objects.filter(removals__appeal_lines__appeal=appeal, status=item_path.GRADED)
        .distinct()
        .order_by("pk")
    )
    why = f"Reversed on appeal against {appeal.notice.number}."
    advance(items, "repeal", "repealed", by=by, at=at, why=why)
    removals = list(Removal.objects.filter(item__in=items).select_related("item", "host").order_by("pk"))
    living = [row for row in removals if row.status in (*removal_path.STILL_OPEN, *removal_path.WATCHED)]
    Hold.objects.filter(removal__in=removals, released_at=None).update(released_at=at, released_by=by.who)
    advance(living, "repeal", "repealed", by=by, at=at, why=why, changes={"next_check_at": None})
    pks = [row.pk for row in removals]
    tell.police(removals, "repealed", at=at)
    for notice in Notice.objects.filter(lines__removal__in=pks).select_related("contact").distinct():
        _withdraw(notice, pks, by=by, at=at)
    for referral in (
        Referral.objects.filter(lines__removal__in=pks, sent_at__isnull=False)
        .select_related("partner", "unit")
        .distinct()
    ):
        to = (referral.partner.mail if referral.partner else "") or (
            referral.unit.mail if referral.unit else ""
        )
        tell.desk(
            "referral-repealed",
            number=referral.number,
            recipient=to,
            subject=f"{referral.number}: withdrawn",
            text=(
                f"On appeal we have found that an item of {referral.number} is not against the law here. Please take "
                "back what you did because of it, and tell whoever you told. The item is marked in our interface.\n"
            ),
            at=at,
        )
    _tell_givers(items, appeal, at=at)
    for alert, group in tell.alerted(removals):
        tell.desk(
            "alert-repealed",
            number=alert.number,
            recipient=alert.contact.mail,
            subject=f"Alert {alert.number}: withdrawn",
            text=(
                f"We withdraw {len(group)} address(es) of alert {alert.number}. On appeal it was found not to be against "
                "the law here. You need not remove it, and may put back what you removed.\n"
            ),
            at=at,
        )
    for letter in (
        Letter.objects.filter(lines__removal__in=pks, state__in=[PENDING, CONTACT_NEEDED, FAILED])
        # Alerts leave it out at their departure, and the rest of each goes.
        .exclude(kind__in=["police-repealed", "host-repealed", "host-alert", "domain-alert"])
        .distinct()
    ):
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)


def _tell_givers(items: Sequence[Item], appeal: Appeal, *, at: datetime) -> None:
    """Partners whose report it was: our grade stands at the exchange, and no later word may unsay it there."""
    given = PartnerMessage.objects.filter(report__lines__item__in=items).select_related("partner")
    theirs: dict[Partner, list[str]] = defaultdict(list)
    for row in given.order_by("pk").distinct():
        theirs[row.partner].append(row.their_id)
    for partner, contents in theirs.items():
        tell.desk(
            "exchange-repealed",
            number=f"{appeal.notice.number}/a{appeal.pk}",
            recipient=partner.mail,
            subject="A grade of ours that holds no more",
            text=(
                f"You gave us {', '.join(contents[:50])}. On appeal we have found that it is not against the law here; "
                "what we wrote to you about it holds no more. Please tell whoever you told.\n"
            ),
            at=at,
        )


def _withdraw(notice: Notice, pks: Sequence[int], *, by: Actor, at: datetime) -> None:
    gone = notice.lines.filter(removal__in=pks, dropped="")
    count = gone.count()
    gone.update(dropped="Reversed on appeal.")
    whole = not notice.lines.filter(dropped="").exists()
    if whole:
        Notice.objects.filter(pk=notice.pk, withdrawn_at=None).update(withdrawn_at=at)
    if notice.sent_at is None or notice.contact is None or not count:
        return
    queue.put(
        "host-repealed",
        number=notice.number,
        recipient=notice.contact.mail,
        transport="mail",
        at=at,
        by=MACHINE_WORKER,
        subject=f"Notice {notice.number}: withdrawn",
        text=(
            f"We withdraw {'notice' if whole else f'{count} of the addresses of notice'} {notice.number}. On appeal "
            "it was found not to be against the law. You need not remove it, and may put back what you removed. "
            "You may also end its preservation.\n"
        ),
    )


def _answer(appeal: Appeal, what: str, text: str, *, at: datetime) -> None:
    """A letter to whoever appealed, where they said how they are reached; its address is forgotten after."""
    try:
        to = mailboxes.mailbox(read(appeal)["reach"])
    except Refused:
        return
    queue.put(
        "appeal-answer",
        number=f"{appeal.notice.number}/a{appeal.pk}/{what}",
        recipient=to,
        transport="mail",
        at=at,
        by=MACHINE_WORKER,
        subject=f"Your appeal about notice {appeal.notice.number}",
        text=text,
    )


def late(*, policy: Policy, at: datetime) -> int:
    """Sweep: appeals past a clock. Managers are told once; returns how many."""
    rows = list(
        Appeal.objects.filter(decided_at=None, told_late_at=None, result_by__lte=at).select_related("notice")
    )
    rows += list(
        Appeal.objects.filter(
            decided_at=None, acknowledged_at=None, told_late_at=None, acknowledge_by__lte=at
        )
        .exclude(pk__in=[row.pk for row in rows])
        .select_related("notice")
    )
    for row in rows:
        with transaction.atomic():
            Appeal.objects.filter(pk=row.pk).update(told_late_at=at)
            tell.desk(
                "appeal-late",
                number=f"{row.notice.number}/a{row.pk}",
                recipient=policy.managers_mail,
                subject=f"{row.notice.number}: an appeal is past its time",
                text=f"The appeal of {row.at:%d %B %Y} about {row.notice.number} waits. See the desk, under Appeals.\n",
                at=at,
            )
    return len(rows)


def _enter(appeal: Appeal, act: str, *, by: Actor, at: datetime) -> None:
    payload = {"notice": appeal.notice.number, "standing": appeal.standing, "reviewer": appeal.reviewer}
    record([Act(act=f"appeal.{act}", obj=("appeal", str(appeal.pk), 1), payload=payload)], by=by, at=at)
