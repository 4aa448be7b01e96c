"""Opinions on items, and the alarm that needs no opinion."""

from django.db import models

from openhotline.rules import words


class Assessment(models.Model):
    """One person's dated opinion under a dated scheme. Never changed, only followed by another."""

    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="assessments")
    round = models.PositiveSmallIntegerField(default=1)
    reading = models.CharField(max_length=8)  # first, second, lead
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    opinion = models.CharField(max_length=12, choices=[(o, o) for o in words.OPINIONS])
    cls = models.CharField(max_length=24, default="")
    category = models.CharField(max_length=8, default="")
    age_band = models.CharField(max_length=16, default="")
    files = models.PositiveIntegerField(default=0)
    points = models.JSONField(default=list)  # policy points, e.g. ["4.2"]
    seconds = models.PositiveIntegerField(default=0)  # looked, on the hotline's own viewing station
    reason = models.CharField(max_length=40, default="")  # why it could not be reached, why disputed ...
    scheme = models.CharField(max_length=40)
    policy = models.CharField(max_length=40)
    undone_at = models.DateTimeField(null=True)  # taken back within half a minute

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "round", "by"], condition=models.Q(undone_at=None), name="nobody_grades_twice"
            ),
            models.UniqueConstraint(
                fields=["item", "round", "reading"],
                condition=models.Q(undone_at=None),
                name="one_opinion_per_reading",
            ),
        ]
        indexes = [models.Index(fields=["at"])]


class Alarm(models.Model):
    """A child may be at risk now. Runs beside everything and blocks nothing."""

    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="alarms")
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    due_at = models.DateTimeField()  # minutes
    unit = models.ForeignKey("records.Unit", on_delete=models.PROTECT)
    phone = models.CharField(max_length=40)
    acknowledged_at = models.DateTimeField(null=True)
    managers_at = models.DateTimeField(null=True)  # told that nobody acknowledged it
    acknowledged_by = models.CharField(max_length=24, default="")
    reference = models.TextField(default="")  # what the duty officer gave on the phone
