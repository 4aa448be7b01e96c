"""The end: the watch is over, the reporter is answered, what must be forgotten is forgotten.

Receipts know five phases and nothing else; "closed" is shown no sooner than seven days after receipt, and a
hold reads "in progress" (security.md 3f). What is not here: retention of cases and evidence (a later issue).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.policy import HOUSE_LANGUAGE, Policy, notice_texts
from openhotline.records import bulk, vault
from openhotline.records.models import ReceiptPhase, Removal, Report, ReportContact, ReportLine
from openhotline.rules import item_path, removal_path, report_path, told, words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import retract
from openhotline.steps.advance import advance
from openhotline.steps.intake_kept import NOT_CLOSED_BEFORE

TURN = 500  # followed reports that one sweep looks at
_TURN = "answers"  # the counter that remembers where the last one stopped

ANSWERED = (words.REMOVED_PHASE, words.CLOSED_PHASE)


def close_watched(*, policy: Policy, at: datetime) -> int:
    """Sweep: removals whose relapse watch is over, or whose episode ended elsewhere. Returns how many closed."""
    rows = Removal.objects.select_related("item").order_by("pk")
    elsewhere = [removal_path.MOVED, removal_path.OUT_OF_REMIT, removal_path.REAPPEARED]
    # Two questions, each with an index of its own: together they would read every removal that is watched.
    over = [
        *rows.filter(status__in=removal_path.WATCHED, next_check_at=None)[:2000],
        *rows.filter(status__in=elsewhere)[:2000],
    ]
    advance(over, "close", "closed", by=MACHINE_WORKER, at=at)
    return len(over)


def phase_of(reports: Sequence[Report]) -> dict[int, str]:
    """The public phase of each report, from its items and their newest removals."""
    items: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for report_id, item_id, status, due in ReportLine.objects.filter(
        report__in=reports, item__isnull=False
    ).values_list("report_id", "item_id", "item__status", "item__due_at"):
        # What could not be reached at any try has no clock any more: for the reporter that is the end.
        rests = status == item_path.UNREACHABLE and due is None
        items[report_id].append((item_path.OUT_OF_REMIT if rests else status, item_id))
    newest: dict[int, dict[str, str]] = defaultdict(dict)  # item -> news server (or "") -> status
    for item_id, server, status, looked_at_soon in (
        Removal.objects.filter(item__lines__report__in=reports)
        .order_by("episode")
        .values_list("item_id", "server", "status", "next_check_at")
    ):
        # Reported again after its watch: nobody is answered before it has been looked at.
        newest[item_id][server] = "" if status == removal_path.CLOSED and looked_at_soon else status
    return {report.pk: _phase(items[report.pk], newest) for report in reports}


_GONE = {removal_path.REMOVED, removal_path.GONE_BEFORE_NOTICE, removal_path.CLOSED}


def _phase(items: list[tuple[str, int]], newest: dict[int, dict[str, str]]) -> str:
    if not items:
        return words.MORE_DETAIL  # until `close_incomplete` gives up on it
    phases = set()
    for status, pk in items:
        if status in (item_path.NOT_ILLEGAL, item_path.OUT_OF_REMIT, item_path.NO_LOCATION):
            phases.add(words.CLOSED_PHASE)
        elif status == item_path.GRADED and newest.get(pk) and set(newest[pk].values()) <= _GONE:
            phases.add(words.REMOVED_PHASE)
        elif status == item_path.RECEIVED:
            phases.add(words.RECEIVED)
        else:
            phases.add(words.IN_PROGRESS)
    for phase in (words.IN_PROGRESS, words.RECEIVED, words.REMOVED_PHASE):
        if phase in phases:
            return phase
    return words.CLOSED_PHASE


def answer_reports(*, at: datetime) -> int:
    """Sweep: set the phases receipts show, and answer those who asked to be mailed. Returns how many changed.

    Each turn goes on where the last one stopped, and begins anew at the end: whoever waits long keeps nobody
    behind them waiting. The mail is batched and says no case facts; the e-mail is destroyed in the same act.
    """
    following = _next_followed()
    phases = phase_of(following)
    with transaction.atomic():
        shown = {
            row.receipt_hash: row
            for row in ReceiptPhase.objects.filter(
                receipt_hash__in=[report.receipt_hash for report in following if report.receipt_hash]
            )
        }
        unsettled = set(
            ReportLine.objects.filter(report__in=following, item__in=retract.settling(at=at)).values_list(
                "report", flat=True
            )
        )
        final: list[Report] = []
        said: list[tuple[Report, str]] = []
        for report in following:
            phase = phases[report.pk]
            row = shown.get(report.receipt_hash)
            not_before = row.not_closed_before if row else report.received_at + NOT_CLOSED_BEFORE
            early = phase == words.CLOSED_PHASE and (not_before > at or report.pk in unsettled)
            if early:
                phase = words.IN_PROGRESS
            if row is not None and row.phase != phase:
                row.phase = phase
                row.save(update_fields=["phase"])
                said.append((report, phase))
            if phase in ANSWERED:
                final.append(report)
        _enter_phases(said, at=at)
        _mail(final, phases, at=at)
        advance(final, "answer", "answered", by=MACHINE_WORKER, at=at, changes={"answered_at": at})
    return len(said) + len(final)


def _enter_phases(said: Sequence[tuple[Report, str]], *, at: datetime) -> None:
    """What a receipt shows has changed: one entry each. The receipt itself is in none of them."""
    record(
        [
            Act(
                act="report.phase",
                obj=("report", str(report.report_id), report.version),
                payload={"phase": phase},
            )
            for report, phase in said
        ],
        by=MACHINE_WORKER,
        at=at,
    )


def _next_followed() -> list[Report]:
    """The next reports whose reporters look, or wait for a mail; by number, around and around."""
    after = bulk.last_number(_TURN)
    living = (
        Report.objects.filter(
            pk__gt=after, status__in=[report_path.JOINED, report_path.INCOMPLETE], answered_at=None
        )
        .defer("sealed")
        .order_by("pk")
    )
    # Two questions, each with an index of its own: together they would read every report there is.
    shown = list(living.exclude(receipt_hash="")[:TURN])
    mailed = list(living.filter(contact__isnull=False)[:TURN])
    found = sorted({report.pk: report for report in (*shown, *mailed)}.items())[:TURN]
    stopped = found[-1][0] if len(found) == TURN else 0
    if stopped != after:
        bulk.put_number(_TURN, stopped)
    return [report for _, report in found]


def _mail(reports: Sequence[Report], phases: dict[int, str], *, at: datetime) -> None:
    contacts = {row.report_id: row for row in ReportContact.objects.filter(report__in=reports)}
    for report in reports:
        contact = contacts.get(report.pk)
        if contact is None:
            continue
        mail = vault.open_("contact", bytes(contact.sealed)).decode("utf-8", "replace")
        removed = phases[report.pk] == words.REMOVED_PHASE
        subject, text = told.reported(notice_texts(HOUSE_LANGUAGE), removed=removed)
        queue.put(
            "reporter-answer",
            number=str(report.report_id),
            recipient=mail,
            transport="mail",
            at=at,
            by=MACHINE_WORKER,
            subject=subject,
            text=text,
        )
    _destroy_contacts(reports, at=at)


def _destroy_contacts(reports: Sequence[Report], *, at: datetime) -> None:
    """E-mails are destroyed with an entry that says so and not what they were."""
    rows = list(ReportContact.objects.filter(report__in=reports).select_related("report"))
    record(
        [
            Act(act="contact.destroyed", obj=("report", str(row.report.report_id), row.report.version))
            for row in rows
        ],
        by=MACHINE_WORKER,
        at=at,
    )
    ReportContact.objects.filter(pk__in=[row.pk for row in rows]).delete()


def close_incomplete(*, policy: Policy, at: datetime) -> int:
    """Sweep: reports that could not be read and got no more detail for a fortnight (row 3). Returns how many."""
    over = list(
        Report.objects.filter(
            # Filed before their end was stored: counted from T0.
            Q(due_at__lte=at) | Q(due_at=None, received_at__lte=at - policy.clocks.incomplete),
            status=report_path.INCOMPLETE,
        ).order_by("pk")[:5000]
    )
    with transaction.atomic():
        followed = [report for report in over if report.receipt_hash]
        ReceiptPhase.objects.filter(receipt_hash__in=[report.receipt_hash for report in followed]).update(
            phase=words.CLOSED_PHASE
        )
        _enter_phases([(report, words.CLOSED_PHASE) for report in followed], at=at)
        _destroy_contacts(over, at=at)
        why = "Nothing that could be looked at, and no more detail came."
        advance(over, "answer", "answered", by=MACHINE_WORKER, at=at, why=why, changes={"answered_at": at})
    return len(over)


def forget_contacts(*, at: datetime) -> int:
    """Sweep: reporters' e-mails at three months, answered or not. Returns how many were destroyed."""
    with transaction.atomic():
        over = list(ReportContact.objects.filter(delete_by__lte=at).select_related("report")[:5000])
        record(
            [
                Act(act="contact.destroyed", obj=("report", str(row.report.report_id), row.report.version))
                for row in over
            ],
            by=MACHINE_WORKER,
            at=at,
        )
        ReportContact.objects.filter(pk__in=[row.pk for row in over]).delete()
    return len(over)


def anonymise(*, policy: Policy, at: datetime) -> int:
    """Sweep: public reports at three months lose their sealed part and their receipt. Returns how many.

    Counted from T0, which is the start of the hour; a report of the past that was brought in later has its end stored
    (`intake._row`), counted from when it reached us.
    """
    over = list(
        Report.objects.filter(
            Q(due_at=None) | Q(due_at__lte=at),
            source=words.FROM_PUBLIC,
            received_at__lte=at - policy.clocks.reporter_contact,
            status__in=[report_path.JOINED, report_path.INCOMPLETE, report_path.ANSWERED],
        ).order_by("received_at", "pk")[:5000]
    )
    with transaction.atomic():
        ReceiptPhase.objects.filter(
            receipt_hash__in=[report.receipt_hash for report in over if report.receipt_hash]
        ).delete()
        advance(
            over,
            "anonymise",
            "anonymised",
            by=MACHINE_WORKER,
            at=at,
            changes={"sealed": None, "receipt_hash": "", "follow": "none"},
        )
    return len(over)
