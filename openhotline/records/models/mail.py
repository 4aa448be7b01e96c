"""Mail that came in, kept sealed as it came; what became of letters on their way; answers mail proposed.

Mail is input, never an instruction: nothing here moves a case.
"""

from django.db import models

UNVERIFIED, THREADED, REPORT, DELIVERY, PROPOSED = "unverified", "threaded", "report", "delivery", "proposed"


class Mail(models.Model):
    """One message. `sealed` is every byte of it, and the only place where its sender's own words stand whole."""

    digest = models.CharField(
        max_length=64, unique=True
    )  # SHA-256 of the bytes: a replay is the same message
    at = models.DateTimeField()
    sealed = models.BinaryField()
    size = models.PositiveIntegerField()
    kind = models.CharField(
        max_length=12, choices=[(k, k) for k in (UNVERIFIED, THREADED, REPORT, DELIVERY, PROPOSED)]
    )
    sender = models.TextField(default="")  # what its From says; proves nothing
    subject = models.TextField(default="")
    text = models.TextField(default="")  # the beginning of its plain text
    why = models.TextField(default="")  # why it was taken for what it is
    notice = models.ForeignKey("records.Notice", null=True, on_delete=models.PROTECT, related_name="mails")
    unit = models.ForeignKey("records.Unit", null=True, on_delete=models.PROTECT, related_name="mails")
    # An alert (A-) or a referral (R-) that it answers, names or reports on.
    about = models.CharField(max_length=20, default="", db_default="")
    seen = models.PositiveIntegerField(default=1)  # how often these same bytes came
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=24, default="")
    note = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["-at"], condition=models.Q(settled_at=None), name="mail_waiting"),
            models.Index(fields=["about"], condition=~models.Q(about=""), name="mail_about"),
        ]


class Delivery(models.Model):
    """What a relay or the other side said of a letter that left: accepted, deferred, delivered, bounced, opened."""

    letter = models.CharField(max_length=64)  # the letter's key
    at = models.DateTimeField()
    state = models.CharField(max_length=12)
    words = models.TextField(default="")
    mail = models.ForeignKey(Mail, null=True, on_delete=models.PROTECT, related_name="deliveries")

    STATES = ("accepted", "deferred", "delivered", "bounced", "opened")

    class Meta:
        indexes = [models.Index(fields=["letter", "at"])]


class ProposedAnswer(models.Model):
    """An answer of a police unit by signed mail. It is no answer until a person confirms it."""

    mail = models.OneToOneField(Mail, on_delete=models.PROTECT, related_name="proposed")
    consultation = models.ForeignKey(
        "records.Consultation", on_delete=models.PROTECT, related_name="proposed"
    )
    kind = models.CharField(max_length=20)
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, default="", db_default="")
    reference = models.TextField(default="", db_default="")
    officer = models.CharField(max_length=80, default="", db_default="")  # as the signed text names them
    payload = models.CharField(max_length=64, default="", db_default="")  # SHA-256 of what was signed
    signed_at = models.DateTimeField(null=True)  # as the signature says
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=24, default="")
    taken = models.BooleanField(default=False)


class UnitKey(models.Model):
    """The key a police unit signs its mail with. One person brings it, another verifies its fingerprint."""

    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT, related_name="mail_keys")
    kind = models.CharField(max_length=8)  # openpgp, smime
    fingerprint = models.CharField(max_length=64)
    text = models.TextField()
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=24)
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=24, default="")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit"],
                condition=models.Q(retired_at=None, verified_at__isnull=False),
                name="one_key_in_use_per_unit",
            ),
            models.CheckConstraint(
                condition=models.Q(verified_by="") | ~models.Q(verified_by=models.F("proposed_by")),
                name="unit_key_verified_by_another",
            ),
        ]
