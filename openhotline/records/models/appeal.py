"""An appeal by serial, or by an address that is filtered: who asks, why, by when it is answered, and what an uninvolved person decided."""

from django.db import models


class Appeal(models.Model):
    """One appeal against a notice, an alert abroad, an alert about a domain, or an address on the filter list (then none
    is set). While it is open the removal stands; it is beside the path, never a state."""

    notice = models.ForeignKey("records.Notice", null=True, on_delete=models.PROTECT, related_name="appeals")
    alert = models.ForeignKey(
        "records.HostAlert", null=True, on_delete=models.PROTECT, related_name="appeals"
    )
    domain = models.ForeignKey(
        "records.DomainAlert", null=True, on_delete=models.PROTECT, related_name="appeals"
    )
    at = models.DateTimeField()
    via = models.CharField(max_length=8)  # page, link, mail, phone
    standing = models.CharField(max_length=16)  # one of STANDING
    sealed = models.BinaryField()  # their words and how they are reached, as JSON
    acknowledge_by = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    result_by = models.DateTimeField()
    reviewer = models.CharField(max_length=24, default="")
    proposed_at = models.DateTimeField(
        null=True
    )  # the reviewer's outcome; a reversal waits for a second person
    second = models.CharField(max_length=24, default="")
    decided_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, default="")  # upheld, reversed
    reasons = models.TextField(default="")
    told_late_at = models.DateTimeField(null=True)

    STANDING = {
        "host": "I host it",
        "publisher": "I publish it, or made it",
        "child": "I am shown in it, or speak for the child who is",
        "blocked": "I am kept from it",
        "other": "Something else",
    }

    @property
    def number(self) -> str:
        """The serial it is by; "" of an address on the filter list."""
        against = self.notice or self.alert or self.domain
        return against.number if against else ""

    @property
    def against(self) -> str:
        """What it is against, as whoever appealed reads it."""
        if self.notice:
            return f"notice {self.notice.number}"
        alert = self.alert or self.domain
        return f"alert {alert.number}" if alert else "an address on the filter list"

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(notice=None, alert=None)
                | models.Q(notice=None, domain=None)
                | models.Q(alert=None, domain=None),
                name="appeal_against_one",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="") | models.Q(decided_at__isnull=False),
                name="appeal_decided_once",
            ),
        ]
        indexes = [
            models.Index(fields=["result_by"], condition=models.Q(decided_at=None), name="appeal_open")
        ]


class AppealLine(models.Model):
    """One removal an appeal is about."""

    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="appeal_lines")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["appeal", "removal"], name="one_appeal_line")]
