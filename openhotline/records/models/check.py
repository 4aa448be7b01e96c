"""Looks: is it still there? What it was like at first, and when its host may be asked again."""

from django.db import models


class Check(models.Model):
    """One look, from one vantage point, on one path. Headers and signs; never a picture, never a body.

    `step` is the number of the round within the removal: one look per place and round, however often a worker dies.
    """

    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="checks")
    step = models.PositiveIntegerField()
    at = models.DateTimeField()
    vantage = models.CharField(max_length=24)
    path_variant = models.CharField(max_length=12)
    meaning = models.CharField(max_length=8)  # one of rules/signs.MEANINGS
    sign = models.CharField(max_length=16, default="", db_default="")  # by which sign
    outcome = models.CharField(max_length=12)
    status = models.PositiveSmallIntegerField(default=0)
    canary_up = models.BooleanField()
    why = models.TextField(default="")
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["removal", "-at"]),
            # The few by which something else is there: listed for a person to look (`web/desk/views.py`).
            models.Index(
                fields=["removal", "step"], condition=models.Q(meaning="changed"), name="check_changed"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["removal", "step", "vantage"], name="one_look_per_place_and_step"
            ),
        ]


class Likeness(models.Model):
    """What an item showed when it was first looked at after an analyst had opened it: signs, never a body.

    Wanted when the analyst opens the item; `at` is None until a look has shown something. Each later look is read
    against it.
    """

    item = models.OneToOneField("records.Item", on_delete=models.PROTECT, related_name="likeness")
    wanted_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField(null=True)
    vantage = models.CharField(max_length=24, default="")
    path_variant = models.CharField(max_length=12, default="")
    status = models.PositiveSmallIntegerField(default=0)
    content_type = models.TextField(default="")
    size = models.BigIntegerField(null=True)
    final = models.TextField(default="")
    title = models.TextField(default="")
    fingerprint = models.CharField(max_length=64, default="")
    simhash = models.CharField(max_length=16, default="")
    words = models.PositiveIntegerField(default=0)
    signs = models.JSONField(default=list)

    COLUMNS = ("status", "content_type", "size", "final", "title", "fingerprint", "simhash", "words", "signs")

    class Meta:
        indexes = [
            models.Index(
                fields=["wanted_at"], condition=models.Q(at=None, tries__lt=3), name="likeness_wanted"
            ),
        ]


class HostTurn(models.Model):
    """From when on a host may be asked again. "" is the house as a whole: its own rate."""

    host = models.TextField()
    watch = models.BooleanField(default=False)  # the relapse watch has a pace of its own
    ready_at = models.DateTimeField()
    why = models.TextField(default="")  # where the host itself asked to be left alone

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "watch"], name="one_turn_per_host")]
