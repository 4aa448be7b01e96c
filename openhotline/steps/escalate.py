"""What happens when a clock runs out. The sweep finds it; here it is acted on, by what the agreement says.

Police: at the answer deadline the duty desk is rung and the removal is silent; later it is escalated, then
managers are told. Silence is never consent unless the agreement says so. Hosts: a reminder at the target,
the ladder a day after the notice. Time on hold is nobody's fault: a held removal reminds nobody.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from openhotline.outbox import queue
from openhotline.outbox.models import Letter, LetterLine
from openhotline.policy import Policy, notice_texts
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Consultation, Contact, Hold, Notice, Removal
from openhotline.rules import clocks, departure, removal_path, told
from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD, ESCALATE, Agreement
from openhotline.rules.ladder import REGULATOR, on_hold
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import agreed, consult, departing, freshness, held, ladder, silence, tell
from openhotline.steps import contact as contacts
from openhotline.steps.advance import KEEP, advance, next_clock


def police_silence(*, policy: Policy, at: datetime) -> int:
    """Sweep: questions whose answer is due. Returns how many were acted on.

    Only those for which something is left to do: a question that the managers know of, or nothing of which is
    still waiting (gone, moved, decided by people), may stay unanswered for ever and is not looked at again.
    """
    acted = 0
    waiting = Removal.objects.filter(
        status__in=[removal_path.ASKED, removal_path.SILENT],
        consultation_lines__consultation=OuterRef("pk"),
        consultation_lines__answered=False,
    )
    late = (
        Consultation.objects.filter(
            Exists(waiting), asks=True, answered_at=None, managers_at=None, due_at__lte=at
        )
        .select_related("unit__deputy")
        .order_by("pk")
    )
    if not late:
        return 0  # a sweep that finds nothing asks once
    agreements = house_agreements(policy=policy)
    for consultation in late:
        agreement = agreements.covering(consultation.agreement, consultation.agreement_version)
        began = consult.clock_from(consultation)
        open_lines = list(
            Removal.objects.filter(
                consultation_lines__consultation=consultation,
                consultation_lines__answered=False,
                status__in=[removal_path.ASKED, removal_path.SILENT],
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        with transaction.atomic():
            if consultation.rung_at is None:
                _ring(consultation, open_lines, agreement=agreement, at=at)
                consultation.rung_at = at
            elif consultation.escalated_at is None and agreement.escalate_at(began) <= at:
                _letter(
                    consultation,
                    "police-escalation",
                    "Not answered within the agreed time.",
                    open_lines,
                    at=at,
                )
                _tell_deputy(consultation, at=at)
                consultation.escalated_at = at
            elif consultation.managers_at is None and agreement.managers_at(began) <= at:
                _letter(
                    consultation,
                    "police-managers",
                    "Not answered for a day; managers of both sides.",
                    open_lines,
                    at=at,
                )
                consultation.managers_at = at
            else:
                continue
            consultation.save(update_fields=["rung_at", "escalated_at", "managers_at"])
        acted += 1
    return acted


_SILENCE_LEADS = {
    ESCALATE: "The agreed time to answer is over; we ring your duty desk now.",
    DEEMED_CLEAR: "The agreed time to answer is over. By our agreement that counts as a go-ahead.",
    DEEMED_HOLD: "The agreed time to answer is over. By our agreement that counts as a hold.",
}


def _ring(
    consultation: Consultation, removals: Sequence[Removal], *, agreement: Agreement, at: datetime
) -> None:
    """The answer's time is over: silent, and then what the agreement says silence leads to."""
    asked = [removal for removal in removals if removal.status == removal_path.ASKED]
    clock = clocks.Deadline(clocks.ESCALATION, agreement.escalate_at(consult.clock_from(consultation)))
    why = f"No answer by the agreed time; the duty desk of {consultation.unit.name} is told."
    advance(asked, "silence", "silent", by=MACHINE_WORKER, at=at, clock=clock, why=why)
    _letter(consultation, "police-reminder", _SILENCE_LEADS[agreement.silence], removals, at=at)
    if agreement.silence != ESCALATE:
        silence.as_agreed(consultation, removals, agreement=agreement, at=at)


def _letter(
    consultation: Consultation, kind: str, what: str, removals: Sequence[Removal], *, at: datetime
) -> None:
    tell.desk(
        kind,
        number=consultation.number,
        recipient=tell.box(consultation.unit, kind),
        subject=f"{consultation.number}: {what}",
        text=(
            f"{consultation.number}, asked {consultation.asked_at:%d %B %Y %H:%M} UTC, {len(removals)} waiting.\n\n"
            f"{what}\nDuty desk: {consultation.unit.phone}\n"
        ),
        at=at,
    )


def _tell_deputy(consultation: Consultation, *, at: datetime) -> None:
    """The unit that stands in for a silent one hears that a question waits; it can be passed to it."""
    deputy = consultation.unit.deputy
    if deputy is not None:
        tell.desk(
            "police-deputy",
            number=consultation.number,
            recipient=tell.box(deputy, tell.DEPUTY),
            subject=f"{consultation.number}: {consultation.unit.name} has not answered",
            text=f"{consultation.number} waits at {consultation.unit.name}, for which you stand in. Please reach them.\n",
            at=at,
        )


def hold_reviews(*, policy: Policy, at: datetime) -> int:
    """Sweep: holds whose review time has come. Returns how many questions they belong to.

    A hold that an officer asked for is asked about at that unit, also one with an end of its own that lies beyond its
    review; where no word comes it is asked again after each further span of a review, and the managers hear of it. One
    that was placed on silence is looked at again by two people of the house, and the unit is asked once more.
    """
    due: dict[tuple[int, datetime], list[Hold]] = defaultdict(list)
    rows = Hold.objects.filter(
        Q(until=None) | Q(until__gt=F("review_at")), released_at=None, review_at__lte=at, answer__isnull=False
    ).select_related("removal", "answer__consultation__unit")
    for hold in rows:
        due[(hold.answer_id or 0, hold.review_at)].append(hold)
    for (_, review_at), holds in due.items():
        _review(holds, review_at, policy=policy, at=at)
    return len(due) + _silence_reviews(policy=policy, at=at)


def _review(holds: Sequence[Hold], review_at: datetime, *, policy: Policy, at: datetime) -> None:
    """The holds of one answer: the unit is asked once for each span of a review that has passed without a word."""
    answer = holds[0].answer
    assert answer is not None  # the query asks for nothing else
    consultation = answer.consultation
    agreement = house_agreements(policy=policy).covering(
        consultation.agreement, consultation.agreement_version
    )
    unheard = (at - review_at) // agreement.hold_review
    still = [hold for hold in holds if not unheard or hold.removal.status in removal_path.STILL_OPEN]
    if not still:
        return  # what is gone meanwhile keeps its hold, and nobody is asked for ever
    number = f"{consultation.number}/{review_at:%Y%m%dT%H%M}" + (f"/{unheard}" if unheard else "")
    since = f"{len(still)} on hold since {still[0].placed_at:%d %B %Y %H:%M} UTC"
    tell.desk(
        "hold-review",
        number=number,
        recipient=consultation.unit.mail,
        subject=f"{consultation.number}: your hold is due for review",
        text=f"{consultation.number}: {since}.\n\n"
        "Please go ahead, or hold again with a reason, at the police desk.\n",
        at=at,
    )
    if unheard:
        tell.desk(
            "hold-unheard",
            number=number,
            recipient=policy.managers_mail,
            subject=f"{consultation.number}: a hold that nobody looks at again",
            text=f"{consultation.number}: {since}. {consultation.unit.name} was asked to look at it again on "
            f"{review_at:%d %B %Y %H:%M} UTC and has not answered. Ring them: {consultation.unit.phone}\n",
            at=at,
        )


def _silence_reviews(*, policy: Policy, at: datetime) -> int:
    """Holds placed on silence whose review time has come: managers and the unit each get a letter."""
    due: dict[tuple[int, datetime], list[Hold]] = defaultdict(list)
    for hold in Hold.objects.filter(
        released_at=None, review_at__lte=at, silent_on__isnull=False
    ).select_related("silent_on__unit"):
        due[hold.silent_on_id or 0, hold.review_at].append(hold)
    for (_, review_at), holds in due.items():
        consultation = holds[0].silent_on
        assert consultation is not None  # the query asks for nothing else
        text = (
            f"{consultation.number}: {len(holds)} on hold since {holds[0].placed_at:%d %B %Y %H:%M} UTC, "
            f"because {consultation.unit.name} had not answered.\n\n"
        )
        for kind, recipient, wish in (
            ("silence-review", policy.managers_mail, "Two people decide at the desk: go ahead, or hold on."),
            (
                "hold-review",
                consultation.unit.mail,
                "Please go ahead, or hold with a reason, at the police desk.",
            ),
        ):
            tell.desk(
                kind,
                number=f"{consultation.number}/{review_at:%Y%m%dT%H%M}",
                recipient=recipient,
                subject=f"{consultation.number}: a hold is due for review",
                text=f"{text}{wish}\n",
                at=at,
            )
    return len(due)


def host_clocks(*, policy: Policy, at: datetime) -> int:
    """Sweep: notices past their target get one reminder, past the ladder the removal is overdue."""
    acted = 0
    late = [removal_path.NOTICED, removal_path.ACKNOWLEDGED, removal_path.GONE_MAYBE]
    on_hold_now = Hold.objects.filter(released_at=None).values("removal")
    removals = (
        Removal.objects.filter(status__in=late, due_at__lte=at, t5_sent__isnull=False, referral_lines=None)
        .exclude(pk__in=on_hold_now)
        .select_related("item", "host")
        .order_by("pk")
    )
    groups: dict[str, list[Removal]] = defaultdict(list)
    for removal in removals:
        groups[removal.clock].append(removal)
    target = groups.get(clocks.HOST_TARGET, [])
    if target:
        _remind(target, at=at)
        covering = agreed.by_removal(target, policy=policy, at=at)
        spans = held.spans(removal.pk for removal in target)
        by_due: dict[datetime, list[Removal]] = defaultdict(list)
        for removal in target:
            sent = removal.t5_sent or at
            due = covering[removal.pk].ladder_at(sent, at_risk=removal.item.at_risk)
            by_due[due + on_hold(spans[removal.pk], since=sent)].append(removal)
        for due, group in by_due.items():
            next_clock(group, clocks.Deadline(clocks.LADDER, max(due, at)), by=MACHINE_WORKER, at=at)
        acted += len(target)
    overdue = groups.get(clocks.LADDER, [])
    advance(
        overdue,
        "escalate",
        "overdue",
        by=MACHINE_WORKER,
        at=at,
        clock=KEEP,
        why="No removal within the agreed day.",
    )
    if overdue:
        for notice in Notice.objects.filter(
            lines__removal__in=overdue, lines__dropped="", sent_at__isnull=False
        ).distinct():
            # What was overdue, seemed gone and is there after all is overdue again; of that they know.
            if fresh := _unsaid("ladder", notice, overdue):
                tell.desk(
                    "ladder",
                    number=notice.number,
                    recipient=policy.managers_mail,
                    subject=f"{notice.number}: not removed within a day",
                    text=f"{notice.number} to {notice.host.name}: next is the upstream network, then the registry.\n",
                    removals=fresh,
                    at=at,
                )
    return acted + len(overdue)


def _remind(removals: Sequence[Removal], *, at: datetime) -> None:
    """One reminder of each address; a reminder is a new kind with its own number, never a repeat."""
    pks = [removal.pk for removal in removals]
    for notice in (
        Notice.objects.filter(lines__removal__in=pks, lines__dropped="", sent_at__isnull=False)
        .distinct()
        .select_related("contact", "host")
    ):
        if notice.contact is not None:
            _put_reminder(notice, _unsaid("reminder", notice, removals), recipient=notice.contact.mail, at=at)


def _put_reminder(notice: Notice, removals: Sequence[int], *, recipient: str, at: datetime) -> None:
    """With the next number of its notice."""
    if not removals:
        return
    turn = Letter.objects.filter(kind="reminder", number__startswith=f"{notice.number}/").count() + 1
    subject, text = _reminder(notice, len(removals))
    queue.put(
        "reminder",
        number=f"{notice.number}/{turn}",
        recipient=recipient,
        transport="mail",
        removals=removals,
        at=at,
        by=MACHINE_WORKER,
        subject=subject,
        text=text,
    )


def _unsaid(kind: str, notice: Notice, removals: Sequence[Removal]) -> list[int]:
    """Which of these removals the notice covers, and are in no letter of this kind about it."""
    pks = [removal.pk for removal in removals]
    said = LetterLine.objects.filter(kind=kind, number__startswith=notice.number).values("removal")
    lines = notice.lines.filter(removal__in=pks, dropped="").exclude(removal__in=said)
    return list(lines.values_list("removal_id", flat=True))


def _reminder(notice: Notice, count: int) -> tuple[str, str]:
    """(subject, text) in the host's language."""
    sent = notice.sent_at or notice.drafted_at  # there is none of a notice that has not left
    return told.reminder(notice_texts(notice.host.language), number=notice.number, sent=sent, count=count)


def reminder_stands(letter: Letter, *, at: datetime) -> bool:
    """The guard of a reminder and of the ladder, at departure.

    One that has nothing left to say, or nobody to say it to, withdraws; a rung is then taken again when its time has
    come. What is held or has no trace to stand on is left out, and of a reminder goes in another one. Raises Refused
    where the rest has to wait, and where all of a reminder is held: it leaves when that is over.
    """
    pks = list(letter.lines.values_list("removal", flat=True))
    # Locked before the holds are read: one being placed now waits for us, or we see it.
    rows = list(Removal.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
    barred = set(Hold.objects.filter(removal__in=pks, released_at=None).values_list("removal", flat=True))
    traces = freshness.newest([row.item_id for row in rows])
    lines = [
        freshness.line(
            row,
            traces.get(row.held_at),
            held=row.pk in barred,
            covered=True,  # the notice it reminds of was
        )
        for row in rows
    ]
    frozen = letter.body is not None
    said = departure.reminder(lines, frozen=frozen, at=at)
    somebody = _somebody(letter)
    late = [line.removal for line in lines if line.status in departure.LATE]
    free = [pk for pk in late if pk not in barred]
    if letter.kind == "reminder" and somebody and late and not free:
        raise Refused(departing.HELD, code="held")
    if said.verdict != departure.NOTHING_LEFT and not somebody and letter.kind == "reminder":
        next_ = contacts.best(_noticed(letter).host)
        if next_ is not None:
            why = "Its mailbox is not used any more."
            queue.elsewhere(letter, next_.mail, why=why, by=MACHINE_WORKER, at=at)
            return False
    if said.verdict == departure.NOTHING_LEFT or not somebody:
        queue.withdraw(
            letter,
            why="Held, nothing is left to be reminded of, or the contact is not verified any more.",
            by=MACHINE_WORKER,
            at=at,
        )
        if letter.kind != "reminder":
            ladder.stop(letter, at=at)
        elif somebody:
            # Its bytes are fixed and name what is held now: what is not goes without it.
            for part in (free, [pk for pk in late if pk in barred]):
                _put_reminder(_noticed(letter), part, recipient=letter.recipient, at=at)
        return False
    if said.verdict == departure.WAIT:
        raise Refused(freshness.STALE, code="stale-trace")
    if not frozen and len(said.stay) < len(lines):
        letter.lines.exclude(removal__in=said.stay).delete()
        if letter.kind == "reminder":
            apart = [pk for pk in late if pk not in said.stay]
            _put_reminder(_noticed(letter), apart, recipient=letter.recipient, at=at)
            letter.subject, letter.text = _reminder(_noticed(letter), len(said.stay))
            letter.save(update_fields=["subject", "text"])
    return True


def _noticed(letter: Letter) -> Notice:
    """The notice that a reminder reminds of."""
    return Notice.objects.select_related("host").get(number=letter.number.partition("/")[0])


def _somebody(letter: Letter) -> bool:
    """Whether there is somebody to write to. Our own managers and the regulator are no contacts of a host."""
    if letter.kind in ("ladder", f"ladder-{REGULATOR}"):
        return True
    contact = Contact.objects.select_for_update().filter(mail=letter.recipient)
    if not letter.kind.startswith("ladder-"):
        contact = contact.filter(host__notices__number=letter.number.partition("/")[0])
    return any(contacts.may_be_used(one) for one in contact)
