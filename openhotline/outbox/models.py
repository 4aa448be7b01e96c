"""Anything leaving the house: letters, frozen before they leave, each with one key."""

from django.db import models

PENDING, SENDING, SENT, FAILED, IN_DOUBT, CONTACT_NEEDED, WITHDRAWN = (
    "pending",
    "sending",
    "sent",
    "failed",
    "in doubt",
    "contact needed",
    "withdrawn",
)
STATES = (PENDING, SENDING, SENT, FAILED, IN_DOUBT, CONTACT_NEEDED, WITHDRAWN)


class Letter(models.Model):
    """One letter. `key` is unique for ever: the same letter can never be put twice."""

    kind = models.CharField(max_length=24)  # notice, police-question, referral, trace, alarm ...
    number = models.CharField(max_length=64)
    recipient = models.TextField()
    transport = models.CharField(max_length=12)  # mail, partner, prober
    key = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=16, default=PENDING, choices=[(s, s) for s in STATES])
    subject = models.TextField(default="")
    text = models.TextField(default="")  # what it says, where known before departure
    body = models.BinaryField(null=True)  # frozen bytes; a re-transmission is byte-identical
    digest = models.CharField(max_length=64, default="")
    put_at = models.DateTimeField()
    due_at = models.DateTimeField()  # not before
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    receipt = models.TextField(default="")  # queue id, their reference
    why = models.TextField(default="")  # the last fault, or why it waits for a person

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at", "id"]),
            models.Index(fields=["kind", "number"]),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="letter_state_known")
        ]


class LetterLine(models.Model):
    """One removal in a letter. Unique, so that no removal is noticed twice through two bundles."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="lines")
    removal = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    number = models.CharField(max_length=64)
    recipient = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["removal", "kind", "number", "recipient"], name="one_letter_per_removal"
            ),
        ]
