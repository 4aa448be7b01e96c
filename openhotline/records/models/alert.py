"""Hosts abroad that registered to be alerted, what they were told, and what those who answer for domains were told."""

from django.db import models


class HostRegistration(models.Model):
    """A host abroad asked to be alerted as the partner hotline is. One person writes it down, another confirms it."""

    host = models.ForeignKey("records.Host", on_delete=models.PROTECT, related_name="registrations")
    why = models.TextField()  # what they signed or wrote, and where it lies
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=24)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=24, default="")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=24, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["host"], condition=models.Q(ended_at=None), name="one_registration_per_host"
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by="") | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="registration_by_two",
            ),
        ]


class HostAlert(models.Model):
    """One letter to a registered host: what was referred to the partner hotline of its country, beside the referral."""

    number = models.CharField(max_length=16, unique=True)  # A-26-0007-
    host = models.ForeignKey("records.Host", on_delete=models.PROTECT, related_name="alerts")
    contact = models.ForeignKey("records.Contact", on_delete=models.PROTECT, related_name="alerts")
    cls = models.CharField(max_length=24)
    drafted_at = models.DateTimeField()


class HostAlertLine(models.Model):
    """One removal in an alert. `dropped`: why it left the alert again, or why nobody was told."""

    alert = models.ForeignKey(HostAlert, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="alert_lines")
    dropped = models.TextField(default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["removal"], condition=models.Q(dropped=""), name="one_alert_per_removal"
            ),
        ]


class DomainAlert(models.Model):
    """A recipient under a signed agreement was told that a domain of its sphere holds confirmed content.

    One while it lasts: it is over once nothing is left under the domain, and what comes then is told anew.
    """

    number = models.CharField(max_length=16, unique=True)  # A-26-0008-
    recipient = models.CharField(max_length=24)  # the key of its agreement, whatever its version
    domain = models.CharField(max_length=253)
    drafted_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True)
    # The mailbox that returned it: nobody was told.
    came_back = models.CharField(max_length=254, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "domain"], condition=models.Q(over_at=None), name="one_alert_per_domain"
            ),
        ]


class DomainWait(models.Model):
    """An alert about a domain that waits, because something under it is held or with the police. Deleted when it is over."""

    recipient = models.CharField(max_length=24)
    domain = models.CharField(max_length=253)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True)  # managers were told that it waits long

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recipient", "domain"], name="one_wait_per_domain")]
