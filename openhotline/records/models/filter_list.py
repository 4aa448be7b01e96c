"""The list of live addresses abroad for filters: who may have it, what is on it, and each copy that left.

No copy is kept: it is made up at the moment of its download, and its digest stays. What is on the list names removals
and no address; markers are kept as digests.
"""

from django.db import models

from openhotline.rules import filter_list


class ListAgreement(models.Model):
    """One dated, signed agreement with one recipient. One person proposes it, another confirms it; a new version ends
    the one before."""

    key = models.CharField(max_length=24)  # the recipient
    name = models.TextField()
    paper = models.TextField()  # which signed paper, and where it lies
    mail = models.EmailField(max_length=254)
    signed_on = models.DateField()
    ends_on = models.DateField()
    form = models.CharField(max_length=8, choices=[(form, form) for form in filter_list.FORMS])
    # SHA-256 of the client certificate (DER), hex; "": domain alerts alone, and no list
    fingerprint = models.CharField(max_length=64)
    sphere = models.TextField(
        default=""
    )  # endings and domains it is alerted about (rules/sphere), one a line
    language = models.CharField(max_length=8, default="en", db_default="en")  # of its alerts (policy/texts)
    salt = models.BinaryField(null=True)  # sealed; made when it is confirmed
    why = models.TextField()
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=24)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=24, default="")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=24, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(ended_at=None, confirmed_at__isnull=False),
                name="one_list_agreement_per_recipient",
            ),
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=models.Q(ended_at=None, confirmed_at__isnull=False) & ~models.Q(fingerprint=""),
                name="one_recipient_per_certificate",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by="") | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="list_agreement_by_two",
            ),
        ]


class ListLicence(models.Model):
    """Leave for one download: one person asks, another grants, it waits a few hours and holds once."""

    agreement = models.ForeignKey(ListAgreement, on_delete=models.PROTECT, related_name="licences")
    why = models.TextField()
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=24)
    granted_at = models.DateTimeField(null=True)
    granted_by = models.CharField(max_length=24, default="")
    ends_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)  # declined, or taken back
    used_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")  # SHA-256 of the copy

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(granted_by="") | ~models.Q(granted_by=models.F("asked_by")),
                name="list_licence_by_two",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at=None) | models.Q(granted_at__isnull=False),
                name="list_licence_granted_before_use",
            ),
        ]


class ListMarker(models.Model):
    """A row that is in one copy alone, kept as digests: of its address and of its hash in that copy."""

    licence = models.ForeignKey(ListLicence, on_delete=models.PROTECT, related_name="markers")
    address = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)


class ListEntry(models.Model):
    """One removal on the list, from when to when."""

    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="list_entries")
    listed_at = models.DateTimeField()
    off_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["removal"], condition=models.Q(off_at=None), name="one_list_entry_per_removal"
            )
        ]
        indexes = [models.Index(fields=["off_at"])]


class ListIssue(models.Model):
    """One making up of the list: when, how much came on, how much is on it."""

    at = models.DateTimeField()
    added = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
