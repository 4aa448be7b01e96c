"""One hosting episode, and the holds on it."""

import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models.functions import Coalesce

from openhotline.rules import removal_path

NEVER = datetime(9000, 1, 1, tzinfo=UTC)  # where one without a clock stands in the order of lists


class Removal(models.Model):
    """One hosting episode of one item: one host, one country, from-to. Legs t0..t8 are stamped once.

    A newsgroup post is held by many news servers at once: each is a place of its own (`server`) with its episodes.
    """

    PATH = removal_path.PATH

    uid = models.UUIDField(unique=True, default=uuid.uuid4)  # what people outside see
    item = models.ForeignKey("records.Item", on_delete=models.PROTECT, related_name="removals")
    episode = models.PositiveSmallIntegerField(default=1)
    host = models.ForeignKey("records.Host", null=True, on_delete=models.PROTECT, related_name="removals")
    # The news server that holds the post, "name" or "name:port"; "" for whatever is held at one place.
    server = models.CharField(max_length=260, default="", db_default="")
    country = models.CharField(max_length=2, default="")
    edge = models.BooleanField(
        default=False
    )  # `country` is the network in front's; where it is held is not known
    route = models.CharField(max_length=16, default="")
    status = models.CharField(max_length=20, choices=[(s, s) for s in removal_path.PATH.statuses()])
    version = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(null=True)
    clock = models.CharField(max_length=24, default="")
    opened_at = models.DateTimeField()
    again = models.BooleanField(default=False)  # it came back: police are told "again"

    t0_received = models.DateTimeField()
    t1_graded = models.DateTimeField(null=True)
    t2_traced = models.DateTimeField(null=True)
    t3_asked = models.DateTimeField(null=True)
    t4_answered = models.DateTimeField(null=True)
    t5_sent = models.DateTimeField(null=True)
    t6_acknowledged = models.DateTimeField(null=True)
    t7_first_miss = models.DateTimeField(null=True)
    t8_gone = models.DateTimeField(null=True)

    next_check_at = models.DateTimeField(null=True)
    check_lease_until = models.DateTimeField(null=True)
    retrace_at = models.DateTimeField(null=True)  # while it is open: when it is traced again
    look_step = models.PositiveIntegerField(
        default=0, db_default=0
    )  # rounds of looks filed: the next one's number
    unsure_looks = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # rounds in a row that told nothing
    silent_since = models.DateTimeField(null=True)  # nothing but silence since then
    watch_step = models.PositiveSmallIntegerField(default=0)  # looks done of the relapse watch

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "episode"], name="one_removal_per_episode"),
            models.UniqueConstraint(
                fields=["item", "server"],
                condition=models.Q(status__in=removal_path.STILL_OPEN),
                name="one_open_removal_per_place",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=removal_path.PATH.statuses()), name="removal_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"]),
            models.Index(
                fields=["next_check_at"],
                condition=models.Q(next_check_at__isnull=False),
                name="removal_checks_due",
            ),
            models.Index(
                fields=["retrace_at"],
                condition=models.Q(status__in=removal_path.STILL_OPEN),
                name="removal_trace_due",
            ),
            # The desk's lists of what goes on, least time left first.
            models.Index(
                Coalesce("due_at", models.Value(NEVER)),
                "id",
                condition=models.Q(status__in=removal_path.STILL_OPEN),
                name="removal_place",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=removal_path.WATCHED, next_check_at=None),
                name="removal_watch_over",
            ),
        ]

    LEGS = (
        "t0_received",
        "t1_graded",
        "t2_traced",
        "t3_asked",
        "t4_answered",
        "t5_sent",
        "t6_acknowledged",
        "t7_first_miss",
        "t8_gone",
    )

    @property
    def held_at(self) -> tuple[int, str]:
        """What its traces are about: the item, and the news server where there is one."""
        return self.item_id, self.server

    @property
    def case_ref(self) -> str:
        """A removal belongs to its item's case."""
        return self.item.ref


class Hold(models.Model):
    """ "Not yet", with a reason and a review time. While it is active no letter about the removal leaves."""

    removal = models.ForeignKey(Removal, on_delete=models.PROTECT, related_name="holds")
    answer = models.ForeignKey("records.Answer", null=True, on_delete=models.PROTECT, related_name="holds")
    # Set where the hold was placed on silence instead of on an answer: the question that stayed silent.
    silent_on = models.ForeignKey(
        "records.Consultation", null=True, on_delete=models.PROTECT, related_name="silence_holds"
    )
    reason = models.CharField(max_length=40)
    placed_at = models.DateTimeField()
    placed_by = models.CharField(max_length=24)
    until = models.DateTimeField(null=True)  # ends by itself only if the answer said so
    review_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=24, default="")

    class Meta:
        indexes = [
            models.Index(fields=["review_at"], condition=models.Q(released_at=None), name="hold_active"),
        ]
        constraints = [
            # Each answer holds once; two units may hold the same content, and each ends its own.
            models.UniqueConstraint(
                fields=["removal", "answer"],
                condition=models.Q(released_at=None),
                name="one_active_hold_per_answer",
            ),
            models.UniqueConstraint(
                fields=["removal"],
                condition=models.Q(released_at=None, answer=None),
                name="one_active_hold_on_silence",
            ),
        ]
