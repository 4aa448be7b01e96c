"""What of a report only staff may open, and the reporter's own window: the receipt's phase and the sealed e-mail.

True here: words, exact time and unread bytes are sealed as one; the e-mail is sealed apart, with the date by which it
is deleted. What is not here: the report's row (`intake`), what the window says later (`report_back`, `close`).
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from openhotline.policy import Policy
from openhotline.records import vault
from openhotline.records.models import ReceiptPhase, Report, ReportContact
from openhotline.rules import words
from openhotline.rules.incoming import IncomingReport, together

NOT_CLOSED_BEFORE = timedelta(days=7)  # security.md 3f: the receipt is no oracle for the threshold


def sealed(report: IncomingReport) -> bytes | None:
    """What only staff may open: the exact time, the reporter's own words, and what could not be read, as it came."""
    if not report.help_text and report.exact_at is None and not report.raw:
        return None
    note = {
        "exact_at": report.exact_at.isoformat() if report.exact_at else None,
        "help_text": report.help_text,
    }
    if report.raw:
        note["raw"] = report.raw
    return vault.seal("report", json.dumps(note, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def raw_of(row: Report, report: IncomingReport) -> str:
    """What was kept as it came, then and now."""
    if not row.sealed:
        return report.raw
    before = json.loads(vault.open_("report", bytes(row.sealed))).get("raw", "")
    return together(before, report.raw)


def receipts(filed: Sequence[tuple[int, IncomingReport]], *, policy: Policy) -> None:
    """The public door's only window, and the sealed e-mail with the date by which it is deleted."""
    ReceiptPhase.objects.bulk_create(
        [
            ReceiptPhase(
                receipt_hash=report.receipt_hash,
                phase=words.RECEIVED if report.lines or report.files else words.MORE_DETAIL,
                not_closed_before=report.received_at + NOT_CLOSED_BEFORE,
            )
            for _, report in filed
            if report.receipt_hash
        ],
        ignore_conflicts=True,
    )
    ReportContact.objects.bulk_create(
        [
            ReportContact(
                report_id=pk,
                sealed=vault.seal("contact", report.mail.encode("utf-8", "surrogatepass")),
                delete_by=report.received_at + policy.clocks.reporter_contact,
            )
            for pk, report in filed
            if report.mail
        ],
        ignore_conflicts=True,
    )
