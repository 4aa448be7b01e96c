"""Where things are held: dated answers. What the methods said verbatim is sealed (`records/trace_answers.py`)."""

from django.db import models


class Trace(models.Model):
    """One dated answer; nothing is overwritten.

    `answers` holds what each method's answer means, `sealed` all of it with the raw words, `digest` its SHA-256. The
    ledger entry `entry` commits to that digest. What is said of country, operator and address is the origin's; a
    proxy in front has its own layer.
    """

    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="traces")
    removal = models.ForeignKey("records.Removal", null=True, on_delete=models.PROTECT, related_name="traces")
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    verdict = models.CharField(max_length=16)  # agreed, disputed, behind proxy, unclear
    score = models.FloatField()
    country = models.CharField(max_length=2, default="")
    operator = models.TextField(default="")
    asn = models.BigIntegerField(default=0)
    address = models.TextField(default="")  # IP literals, comma-separated
    network = models.TextField(default="")
    host = models.ForeignKey("records.Host", null=True, on_delete=models.PROTECT)
    server = models.CharField(max_length=260, default="", db_default="")  # as `Removal.server`
    reasons = models.JSONField(default=list)
    answers = models.JSONField(default=list)
    layers = models.JSONField(default=list)  # rules/trace_vote.py Layer, the origin first
    disclosed_by = models.TextField(default="")  # who named the origin behind a proxy
    kept_back = models.TextField(default="", db_default="")  # literals of `address` that are not passed on
    rules = models.CharField(max_length=40)
    weights = models.CharField(max_length=40, default="")  # version of policy/trace.toml
    sealed = models.BinaryField(null=True)
    digest = models.CharField(max_length=64, default="")
    entry = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["item", "-at"])]

    @property
    def held_at(self) -> tuple[int, str]:
        """As `Removal.held_at`."""
        return self.item_id, self.server

    @property
    def passed_on(self) -> tuple[str, ...]:
        """The literals that a notice or a referral may name."""
        kept = self.kept_back.split(",")
        return tuple(literal for literal in self.address.split(",") if literal and literal not in kept)


class Origin(models.Model):
    """A server behind a proxy that somebody named to us otherwise than by a machine; recorded by a person.

    The newest of an item counts. It joins every later trace as one more answer, and says who told it and when.
    """

    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="origins")
    at = models.DateTimeField()
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    address = models.GenericIPAddressField()
    told_by = models.CharField(max_length=200)
    told_at = models.DateTimeField()
    forward = models.BooleanField(default=False)  # whether the address may stand in notices and referrals

    class Meta:
        indexes = [models.Index(fields=["item", "-at"])]
