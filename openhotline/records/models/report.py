"""What people sent. A Report is one submission; its lines lead to Items."""

from django.db import models

from openhotline.rules import report_path, words


class Report(models.Model):
    """One submission. `sealed` holds what only staff may open: the exact time, the reporter's
    own words, and what could not be read as given, as it came."""

    PATH = report_path.PATH

    report_id = models.UUIDField(unique=True)  # made by the door: sending twice files once
    status = models.CharField(max_length=12, choices=[(s, s) for s in report_path.PATH.statuses()])
    version = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(null=True)
    clock = models.CharField(max_length=24, default="")
    source = models.CharField(max_length=12, choices=[(s, s) for s in words.SOURCES])
    partner = models.CharField(max_length=40, default="")
    reference = models.TextField(default="")  # the sender's own reference
    idempotency_key = models.CharField(max_length=200, null=True)  # per partner
    sent_digest = models.BinaryField(null=True)  # SHA-256 of what came under that key
    received_at = models.DateTimeField()  # T0; a public report's is the start of its hour
    seen = models.CharField(max_length=12, default="")
    sealed = models.BinaryField(null=True)
    complete = models.BooleanField(
        default=True
    )  # False: the form was left after page 1, or a part is odd (`why`)
    why = models.TextField(default="")  # what is missing, where incomplete
    follow = models.CharField(max_length=4, default="none")
    receipt_hash = models.CharField(max_length=64, default="")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="one_report_per_key",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=report_path.PATH.statuses()), name="report_status_known"
            ),
        ]
        # Each is partial and serves one sweep or page: a partner's report, of which there may be a million in
        # one file, lies in none of them.
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=models.Q(status=report_path.INCOMPLETE) | models.Q(complete=False),
                name="report_incomplete",
            ),
            models.Index(
                fields=["received_at"],
                condition=models.Q(source=words.FROM_PUBLIC) & ~models.Q(status=report_path.ANONYMISED),
                name="report_to_anonymise",
            ),
            models.Index(
                fields=["id"],
                condition=~models.Q(receipt_hash="") & models.Q(answered_at=None),
                name="report_followed",
            ),
            models.Index(
                fields=["receipt_hash"], condition=~models.Q(receipt_hash=""), name="report_receipt"
            ),
        ]

    @property
    def case_ref(self) -> str:
        """A report is not a case."""
        return ""


class ReportLine(models.Model):
    """One line of a report: the spelling as it came, and the item it led to. Spellings are never lost.

    On PostgreSQL its two keys are kept by triggers that look at all lines of one statement together
    (migration 0006): row by row they would cost as much as a fifth of the whole import.
    """

    # Its index is the unique constraint below: a second one would only slow the bulk import.
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    reported = models.TextField()
    item = models.ForeignKey("records.Item", null=True, on_delete=models.PROTECT, related_name="lines")
    joined = models.BooleanField(default=False)  # the item was known already
    why = models.TextField(default="")  # why it could not be read

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "position"], name="one_line_per_position")]


class ReportContact(models.Model):
    """A reporter's e-mail, sealed. Deleted when answered, or at three months by the sweep."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="contact")
    sealed = models.BinaryField()
    delete_by = models.DateTimeField(db_index=True)


class ReceiptPhase(models.Model):
    """All the public door can read: keyed hash of seven words -> one of five phases."""

    receipt_hash = models.CharField(max_length=64, primary_key=True)
    phase = models.CharField(max_length=20, choices=[(p, p) for p in words.PHASES])
    not_closed_before = models.DateTimeField()  # "closed" is shown no sooner than 7 days after receipt

    class Meta:
        db_table = "receipt_phase"


__all__ = ["ReceiptPhase", "Report", "ReportContact", "ReportLine"]
