"""Where things are held: dated answers, with every method's raw words."""

from django.db import models


class Trace(models.Model):
    """One dated answer. `answers` keeps each method's MethodAnswer verbatim; nothing is overwritten."""

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
    reasons = models.JSONField(default=list)
    answers = models.JSONField(default=list)
    rules = models.CharField(max_length=40)

    class Meta:
        indexes = [models.Index(fields=["item", "-at"])]
