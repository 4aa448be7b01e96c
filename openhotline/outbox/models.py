"""Anything leaving the house: letters, frozen before they leave, each with one key."""

from django.db import models

from openhotline.rules.letter_path import (
    CONTACT_NEEDED,
    FAILED,
    IN_DOUBT,
    PENDING,
    SENDING,
    SENT,
    STATES,
    WITHDRAWN,
)

__all__ = [
    "CONTACT_NEEDED",
    "FAILED",
    "IN_DOUBT",
    "PENDING",
    "SENDING",
    "SENT",
    "STATES",
    "WITHDRAWN",
    "Difference",
    "Letter",
    "LetterLine",
]


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
    way = models.CharField(max_length=8, default="")  # how it was last handed over: smtp, spool, http
    claimed_at = models.DateTimeField(null=True)  # when it was last handed over
    lease_until = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)  # in doubt: when the other side was last asked
    sent_at = models.DateTimeField(null=True)
    receipt = models.TextField(default="")  # queue id, their reference
    why = models.TextField(default="")  # the last fault, or why it waits for a person
    told_of = models.CharField(
        max_length=16, default="", db_default=""
    )  # the state in which managers heard that it waits

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


class Difference(models.Model):
    """One thing the outbox and the other side do not agree on, found by the hourly comparison. Each has an owner."""

    at = models.DateTimeField()
    side = models.CharField(max_length=64)  # "relay log", or "partner:" and its key
    what = models.CharField(max_length=40)  # the words of rules/letter_path.py
    key = models.CharField(max_length=64)  # the letter's key, as the other side names it
    owner = models.CharField(max_length=24)  # the role that settles it
    taken_by = models.CharField(max_length=24, default="")  # the person who has made it theirs
    taken_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(
        max_length=24, default=""
    )  # the machine: a later comparison did not find it
    because = models.TextField(default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["side", "what", "key"],
                condition=models.Q(settled_at=None),
                name="one_open_difference",
            ),
        ]
