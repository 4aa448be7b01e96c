"""Versions of agreements with police as the house holds them, and what units said of those that are coming."""

from django.db import models
from django.db.models import F, Q

AGREES, OBJECTS, SEEN = "agrees", "objects", "seen"


class AgreementVersion(models.Model):
    """One version of one agreement. Its terms are never changed: what comes after it is another row.

    Loaded from the policy's file (nobody proposed it), or proposed by one person and agreed to by another.
    """

    key = models.CharField(max_length=24)
    version = models.CharField(max_length=40, unique=True)
    valid_from = models.DateField()  # from midnight of the house's zone
    terms = models.TextField()  # `policy/reading/agreements.stored` reads it
    follows = models.CharField(max_length=40, default="")  # the version before it, against which it was read
    why = models.TextField(default="")
    proposed_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    agreed_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    despite = models.TextField(default="")  # what the second person wrote about a unit's objection
    withdrawn_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.TextField(default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=F("proposed_by")),
                name="agreement_agreed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(agreed_at=None) | Q(agreed_by__isnull=False) | Q(proposed_by=None),
                name="agreement_agreed_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["key", "valid_from"],
                condition=Q(agreed_at__isnull=False, withdrawn_at=None),
                name="one_agreement_begins_on_a_day",
            ),
        ]


class AgreementReply(models.Model):
    """What an officer of a unit said of a version that is not in force yet. A later word stands for the unit."""

    version = models.ForeignKey(AgreementVersion, on_delete=models.PROTECT, related_name="replies")
    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in (AGREES, OBJECTS, SEEN)])
    text = models.TextField(default="")
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
