"""What police bring to the hotline: requests with a clock and an outcome, notes, and digests nobody can read."""

from django.db import models

from openhotline.rules import liaison


class PoliceRequest(models.Model):
    """A unit asks the hotline for something, or one side hands the other a note. Each has an outcome report."""

    number = models.CharField(max_length=16, unique=True)  # V-26-0003-K
    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in liaison.KINDS])
    outgoing = models.BooleanField(default=False)  # the hotline's note to a unit
    answer = models.ForeignKey(
        "records.Answer", null=True, on_delete=models.PROTECT, related_name="requests"
    )  # the answer to a question that wanted this
    mark = models.CharField(
        max_length=12, default="", choices=[(mark, mark) for mark in ("", *liaison.MARKS)]
    )
    reference = models.TextField(default="")  # the unit's own
    text = models.TextField(default="")
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    due_at = models.DateTimeField()  # never edited
    late_at = models.DateTimeField(null=True)  # managers were told that it is past its time
    outcome = models.CharField(
        max_length=12, default="", choices=[(one, one) for one in ("", *liaison.OUTCOME_NAMES)]
    )
    outcome_text = models.TextField(default="")
    outcome_at = models.DateTimeField(null=True)
    outcome_by = models.CharField(max_length=24, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome="", outcome_at=None)
                | (~models.Q(outcome="") & models.Q(outcome_at__isnull=False)),
                name="request_outcome_has_a_time",
            )
        ]


class PoliceRequestLine(models.Model):
    """One address of a request, verbatim, and the item it is."""

    request = models.ForeignKey(PoliceRequest, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    reported = models.TextField()
    item = models.ForeignKey("records.Item", null=True, on_delete=models.PROTECT, related_name="+")
    known = models.BooleanField(default=False)  # the hotline knew it before it was asked

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "position"], name="one_request_line")]


class DigestKey(models.Model):
    """A unit's key for one year, sealed to the matcher: no other process of the house can open it."""

    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT, related_name="digest_keys")
    sealed = models.BinaryField()
    handed_in_at = models.DateTimeField()
    handed_in_by = models.CharField(max_length=24)
    ends_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=models.Q(retired_at=None), name="one_digest_key_per_unit"
            )
        ]


class DigestUpload(models.Model):
    """Digests as a unit sent them, sealed to the matcher."""

    key = models.ForeignKey(DigestKey, on_delete=models.PROTECT, related_name="uploads")
    sealed = models.BinaryField(null=True)  # None once the key has retired
    count = models.PositiveIntegerField()
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=24)


class DigestRun(models.Model):
    """One comparison by the matcher. How many matched stands nowhere."""

    key = models.ForeignKey(DigestKey, on_delete=models.PROTECT, related_name="runs")
    at = models.DateTimeField()
    uploads = models.PositiveIntegerField()
    last_item = models.BigIntegerField()  # items up to here were compared


class DigestMatch(models.Model):
    """Before anything is done about this item: contact this unit. Nothing else is known of it."""

    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT, related_name="digest_matches")
    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="digest_matches")
    at = models.DateTimeField()
    contacted_at = models.DateTimeField(null=True)
    contacted_by = models.CharField(max_length=24, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "item"], name="one_digest_match")]
