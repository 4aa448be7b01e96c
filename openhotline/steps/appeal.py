"""Appeals by serial, or by an address that filters got: acknowledged, reviewed by somebody who had no part in the decision, answered in time.

True here: the removal stands until the appeal is decided; a reversal needs two uninvolved people and is then
told wherever the notice, the question and the referral went (`repeal`). What is not here: mail about it (`mailbox`).
"""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.outbox.models import IN_DOUBT, SENDING, SENT, Letter, LetterLine
from openhotline.policy import HOUSE_LANGUAGE, Policy, notice_texts
from openhotline.records import vault
from openhotline.records.models import (
    Appeal,
    AppealLine,
    Assessment,
    DomainAlert,
    HostAlert,
    HostAlertLine,
    ListEntry,
    ListLicence,
    Notice,
    NoticeLine,
    Removal,
    SilenceProposal,
)
from openhotline.rules import contacts as mailboxes
from openhotline.rules import notice_lint, told
from openhotline.rules.notice import Texts
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import CHILD_SEXUAL_ABUSE, MACHINE_WORKER, Actor
from openhotline.steps import departing, repeal, tell
from openhotline.steps.advance import note, refuse_unless

UPHELD, REVERSED = "upheld", "reversed"


def open_(
    against: Notice | HostAlert | DomainAlert | None,
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
    """File an appeal against a notice or an alert, or against the removals `about` alone. The same words again are the
    same appeal. An alert about a domain is appealed as a whole: everything under it that somebody was told of."""
    refuse_unless(standing in Appeal.STANDING, "Say how you are concerned.", code="standing")
    notice = against if isinstance(against, Notice) else None
    alert = against if isinstance(against, HostAlert) else None
    domain = against if isinstance(against, DomainAlert) else None
    refuse_unless(notice is None or _left(notice), "This notice never left.", code="not-sent")
    words = {"text": text.strip()[:10_000], "reach": reach.strip()[:254]}
    rows = Removal.objects.all()
    if notice is not None:
        rows = rows.filter(notice_lines__in=NoticeLine.objects.filter(notice=notice, dropped=""))
    elif alert is not None:
        rows = rows.filter(alert_lines__in=HostAlertLine.objects.filter(alert=alert, dropped=""))
    elif domain is not None:
        under = LetterLine.objects.filter(kind="domain-alert", number=domain.number).values("removal")
        rows = rows.filter(pk__in=under, item__cls=CHILD_SEXUAL_ABUSE, t5_sent__isnull=False)
    if about or against is None:
        rows = rows.filter(pk__in=list(about))
    with transaction.atomic():
        # Locked, so that the same words that come twice at once are one.
        removals = list(rows.select_for_update(of=("self",)).select_related("item").order_by("pk"))
        named = {removal.pk for removal in removals}
        open_ones = Appeal.objects.filter(
            notice=notice, alert=alert, domain=domain, decided_at=None, standing=standing
        )
        for known in open_ones.prefetch_related("lines"):
            if read(known) == words and {line.removal_id for line in known.lines.all()} == named:
                return known
        made = Appeal.objects.create(
            notice=notice,
            alert=alert,
            domain=domain,
            at=at,
            via=via,
            standing=standing,
            sealed=vault.seal("appeal", json.dumps(words).encode()),
            acknowledge_by=at + policy.clocks.appeal_acknowledge,
            result_by=at + policy.clocks.appeal_result,
        )
        AppealLine.objects.bulk_create([AppealLine(appeal=made, removal=removal) for removal in removals])
        note(removals, "appeal.opened", by=by, at=at, facts={"against": made.number, "appeal": made.pk})
        _enter(made, "opened", by=by, at=at)
    return made


def _left(notice: Notice) -> bool:
    """Whether a notice left, or may have: who appeals may be quicker than our knowing that it arrived."""
    on_its_way = Letter.objects.filter(kind="notice", number=notice.number, state__in=[SENDING, IN_DOUBT])
    return notice.sent_at is not None or on_its_way.exists()


def sent_alert(number: str) -> HostAlert | DomainAlert | None:
    """An alert abroad, or about a domain, by its number, once it has left."""
    gone = Letter.objects.filter(kind__in=["host-alert", "domain-alert"], number=number, state=SENT)
    numbers = gone.values("number")
    host = HostAlert.objects.filter(number__in=numbers).first()
    domain = DomainAlert.objects.filter(number__in=numbers).first()  # always both: no answer takes longer
    return host or domain


def filtered(key_digest: bytes) -> list[int]:
    """The removals under an address that a recipient's copy of the filter list held: who is kept from it may object.

    Of what no copy held nothing is found: that the house knows an address must not be learned by appealing.
    """
    copies = ListLicence.objects.filter(used_at__gte=OuterRef("listed_at"))
    in_a_copy = Q(Exists(copies.filter(used_at__lte=OuterRef("off_at")))) | Q(Exists(copies), off_at=None)
    rows = ListEntry.objects.filter(in_a_copy, removal__item__key_digest=key_digest)
    return list(rows.order_by("removal").values_list("removal", flat=True).distinct())


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
        said = told.appeal_received(_texts(appeal), number=appeal.number, by=appeal.result_by)
        _answer(appeal, "ack", said, at=at)
        _enter(appeal, "acknowledged", by=by, at=at)


def propose(appeal: Appeal, outcome: str, *, reasons: str, by: Actor, at: datetime) -> Appeal:
    """The reviewer's outcome with its reasons. Upheld counts at once; a reversal waits for a second person."""
    require_act("appeal.review", by)
    refuse_unless(
        outcome in (UPHELD, REVERSED), "Choose: the decision stands, or it is reversed.", code="outcome"
    )
    refuse_unless(bool(reasons.strip()), "Write the reasons; whoever appealed reads them.", code="reasons")
    about = list(Removal.objects.filter(appeal_lines__appeal=appeal).select_related("item"))
    notice_lint.lint_typed(
        reasons,
        addresses=[row.item.canonical for row in about],
        texts=[_texts(appeal), notice_texts(HOUSE_LANGUAGE)],
        secrets=departing.secrets_of(about),
    )
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
        note(removals, "appeal.upheld", by=by, at=at, facts={"against": row.number, "appeal": row.pk})
        _answer(row, "result", _decided(row), at=at)
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
        repeal.take_back(row, number=_number(row), by=by, at=at)
        _answer(row, "result", _decided(row), at=at)
    return row


def _open(appeal: Appeal) -> Appeal:
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("notice", "alert", "domain")
    row = rows.get(pk=appeal.pk)
    refuse_unless(row.decided_at is None, "This appeal was decided already. Open it again.", code="settled")
    return row


def _uninvolved(appeal: Appeal, by: Actor) -> None:
    if by.who in involved(appeal):
        raise Refused(
            "You had a part in the decision this appeal is about. Somebody who had none reviews it.",
            code="involved",
        )


def _texts(appeal: Appeal) -> Texts:
    """In the host's language where it was the host who appealed; of anybody else no language is known."""
    against = appeal.notice or appeal.alert
    theirs = against.host.language if against is not None and appeal.standing == "host" else ""
    return notice_texts(theirs or HOUSE_LANGUAGE)


def _decided(appeal: Appeal) -> told.Said:
    return told.appeal_decided(
        _texts(appeal),
        number=appeal.number,
        reversed_=appeal.outcome == REVERSED,
        reasons=appeal.reasons,
    )


def _answer(appeal: Appeal, what: str, said: told.Said, *, at: datetime) -> None:
    """A letter to whoever appealed, where they said how they are reached; its address is forgotten after."""
    try:
        to = mailboxes.mailbox(read(appeal)["reach"])
    except Refused:
        return
    subject, text = said
    queue.put(
        "appeal-answer",
        number=f"{_number(appeal)}/{what}",
        recipient=to,
        transport="mail",
        at=at,
        by=MACHINE_WORKER,
        subject=subject,
        text=text,
    )


def late(*, policy: Policy, at: datetime) -> int:
    """Sweep: appeals past a clock. Managers are told once; returns how many."""
    rows = list(
        Appeal.objects.filter(decided_at=None, told_late_at=None, result_by__lte=at).select_related(
            "notice", "alert", "domain"
        )
    )
    rows += list(
        Appeal.objects.filter(
            decided_at=None, acknowledged_at=None, told_late_at=None, acknowledge_by__lte=at
        )
        .exclude(pk__in=[row.pk for row in rows])
        .select_related("notice", "alert", "domain")
    )
    for row in rows:
        with transaction.atomic():
            Appeal.objects.filter(pk=row.pk).update(told_late_at=at)
            tell.desk(
                "appeal-late",
                number=_number(row),
                recipient=policy.managers_mail,
                subject=f"An appeal about {row.against} is past its time",
                text=f"The appeal of {row.at:%d %B %Y} about {row.against} waits. See the desk, under Appeals.\n",
                at=at,
            )
    return len(rows)


def _number(appeal: Appeal) -> str:
    """The number letters about an appeal bear."""
    return f"{appeal.number or 'list'}/a{appeal.pk}"


def _enter(appeal: Appeal, act: str, *, by: Actor, at: datetime) -> None:
    payload = {"against": appeal.number, "standing": appeal.standing, "reviewer": appeal.reviewer}
    record([Act(act=f"appeal.{act}", obj=("appeal", str(appeal.pk), 1), payload=payload)], by=by, at=at)
