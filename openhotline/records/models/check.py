"""Looks: is it still there?"""

from django.db import models


class Check(models.Model):
    """One look, from one vantage point, on one path. Headers and verdict; never a picture, never a body."""

    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="checks")
    at = models.DateTimeField()
    vantage = models.CharField(max_length=24)
    path_variant = models.CharField(max_length=12)
    meaning = models.CharField(max_length=8)  # miss, up, unclear
    outcome = models.CharField(max_length=12)
    status = models.PositiveSmallIntegerField(default=0)
    canary_up = models.BooleanField()
    why = models.TextField(default="")
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["removal", "-at"])]
        constraints = [
            models.UniqueConstraint(fields=["removal", "vantage", "at"], name="one_look_per_place_and_time"),
        ]
