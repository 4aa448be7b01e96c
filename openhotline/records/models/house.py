"""What the house knows of itself: how it was created, which policy it runs, its counters."""

from django.db import models


class House(models.Model):
    """One row. A house created as a demo says so for ever; `up` refuses to run it as a real one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kind = models.CharField(max_length=12)  # production, demo, test
    country = models.CharField(max_length=2)
    name = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_house")]


class PolicyVersion(models.Model):
    """A policy as it was loaded: every decision stores the version it used."""

    country = models.CharField(max_length=2)
    version = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, unique=True)
    loaded_at = models.DateTimeField()


class Counter(models.Model):
    """Gapless numbers by name ("item-2026", "notice-2026" ...); taken under the row's lock."""

    name = models.CharField(max_length=40, primary_key=True)
    n = models.BigIntegerField(default=0)
