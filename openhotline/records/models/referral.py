"""Graded items handed abroad, and the partners that take them or send reports."""

from django.db import models

OWN, EXCHANGE = "own", "exchange"  # how a partner is spoken to: by this product's API, or by the exchange's
PROTOCOLS = (OWN, EXCHANGE)


class Partner(models.Model):
    """A partner hotline, or an industry or police sender with an API token."""

    key = models.CharField(max_length=40, unique=True)
    name = models.TextField()
    kind = models.CharField(max_length=12)  # hotline, industry, police
    country = models.CharField(max_length=2, default="")
    url = models.TextField(default="")  # base of its API, from the house's settings
    mail = models.EmailField(default="")
    protocol = models.CharField(max_length=12, default=OWN, choices=[(one, one) for one in PROTOCOLS])
    read_to = models.DateTimeField(null=True)  # up to where its list has been read whole
    read_at = models.DateTimeField(null=True)  # when it was last asked for what is new
    read_why = models.TextField(default="")  # why the last reading was not whole, "" if it was

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
    lost = models.TextField(
        default=""
    )  # what of our record the partner's codes cannot say, a sentence a line
    read_at = models.DateTimeField(null=True)  # exchange: when what they did about it was last read


class ReferralLine(models.Model):
    """One removal in a referral."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="referral_lines")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["referral", "removal"], name="one_referral_line")]


class Package(models.Model):
    """What the national police are handed for the police of a country without a partner hotline. One to a referral."""

    referral = models.OneToOneField(Referral, on_delete=models.PROTECT, related_name="package")
    made_at = models.DateTimeField()
    sealed = models.BinaryField()  # all its forms
    digests = models.JSONField(default=dict)  # SHA-256 of each form, by its file name
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=24, default="")
    channel = models.CharField(max_length=12, default="")  # rules/package.CHANNELS
    reference = models.CharField(max_length=200, default="")  # theirs


class PartnerMessage(models.Model):
    """One thing the exchange told us, kept as it came. The same bytes about the same thing are one, however often they come.

    Nothing here moves a case: reports go through intake, actions through `steps/report_back`.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="messages")
    digest = models.CharField(max_length=64)  # SHA-256 of our number, if any, and the bytes
    their_id = models.CharField(max_length=64, default="")
    at = models.DateTimeField()
    sealed = models.BinaryField()
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="messages")
    report = models.ForeignKey("records.Report", null=True, on_delete=models.PROTECT, related_name="+")
    notes = models.TextField(default="")  # what they say beside, in our words
    unmapped = models.TextField(default="")  # what has no word here, a sentence a line
    seen = models.PositiveIntegerField(default=1)
    confirmed_at = models.DateTimeField(null=True)  # they know that we have taken it
    told_all = models.BooleanField(default=False)  # our last word about it has arrived there
    settled_at = models.DateTimeField(null=True)  # somebody has read what is unmapped
    settled_by = models.CharField(max_length=24, default="")
    note = models.TextField(default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "digest"], name="one_partner_message"),
        ]
        indexes = [
            models.Index(
                fields=["at"],
                condition=~models.Q(unmapped="") & models.Q(settled_at=None),
                name="partner_message_unmapped",
            ),
        ]


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
