"""Graded items handed abroad, and the partners that take them or send reports."""

from django.db import models


class Partner(models.Model):
    """A partner hotline, or an industry or police sender with an API token."""

    key = models.CharField(max_length=40, unique=True)
    name = models.TextField()
    kind = models.CharField(max_length=12)  # hotline, industry, police
    country = models.CharField(max_length=2, default="")
    url = models.TextField(default="")  # base of its API, from the house's settings
    mail = models.EmailField(default="")

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token of a partner; only its digest is kept."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class Referral(models.Model):
    """One hand-over: one partner hotline or police body abroad, many removals."""

    number = models.CharField(max_length=16, unique=True)  # R-26-0042-C
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="referrals")
    country = models.CharField(max_length=2)
    via = models.CharField(max_length=8)  # hotline, police
    unit = models.ForeignKey("records.Unit", null=True, on_delete=models.PROTECT)
    drafted_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # when we ask how far it is; never edited
    queried_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    their_reference = models.TextField(default="")


class ReferralLine(models.Model):
    """One removal in a referral."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="referral_lines")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["referral", "removal"], name="one_referral_line")]


class ReferralAction(models.Model):
    """What a partner says it did about one address of a referral, as it said it. Never changed; a repeat is one."""

    line = models.ForeignKey(ReferralLine, on_delete=models.PROTECT, related_name="actions")
    their_id = models.CharField(max_length=120)  # the partner's own identity of the message
    action = models.CharField(max_length=24)  # rules/abroad.py
    reason = models.CharField(max_length=24, default="")
    text = models.TextField(default="")
    country = models.CharField(max_length=2, default="")
    done_at = models.DateTimeField()  # by the partner's clock
    heard_at = models.DateTimeField()
    via = models.CharField(max_length=8)  # portal, api, iccam
    said_by = models.CharField(max_length=80)
    counted = models.BooleanField()  # False: it came after a final one, or the removal had gone its way

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "their_id"], name="one_action_per_message")]
