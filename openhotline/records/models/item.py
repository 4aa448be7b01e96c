"""The thing that may be illegal, and the clocks that run on items and removals."""

from django.db import models

from openhotline.rules import item_path, words


class Item(models.Model):
    """One address, onion address, newsgroup post or file. With all that hangs on it: the Case."""

    PATH = item_path.PATH

    ref = models.CharField(max_length=16)  # 26-04417-K: what people say on the phone
    kind = models.CharField(max_length=10, choices=[(k, k) for k in words.ITEM_KINDS])
    key_digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the key: joins reports
    canonical = models.TextField()  # what is dialled: WHATWG form of the address as reported
    host = models.TextField(default="")
    status = models.CharField(max_length=16, choices=[(s, s) for s in item_path.PATH.statuses()])
    version = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(null=True)
    clock = models.CharField(max_length=24, default="")
    priority = models.BooleanField(default=False)
    at_risk = models.BooleanField(default=False)  # the safeguarding alarm was raised
    locked_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    locked_until = models.DateTimeField(null=True)
    look_allowed_at = models.DateTimeField(null=True)  # an analyst opened it: path requests may leave
    # The way in, for disguised sites: looks take the same one, or they do not count.
    referrer = models.TextField(default="")  # the page that leads there
    cookie = models.TextField(default="", db_default="")  # one cookie, sent for this item only and never kept
    way_steps = models.TextField(
        default="", db_default=""
    )  # addresses opened before it, one a line, in order
    way_at = models.DateTimeField(null=True)  # when an analyst last changed the way; older looks do not count
    cls = models.CharField(max_length=24, default="")
    category = models.CharField(max_length=8, default="")
    age_band = models.CharField(max_length=16, default="")
    received_at = models.DateTimeField()  # T0 of its first report
    graded_at = models.DateTimeField(null=True)  # T1
    readings = models.PositiveSmallIntegerField(
        default=1
    )  # round of assessment; a later report may open a new one
    retries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            # A constraint and not `unique=True`, which on PostgreSQL would bring a second index for LIKE.
            models.UniqueConstraint(fields=["ref"], name="one_item_per_reference"),
            models.CheckConstraint(
                condition=models.Q(status__in=item_path.PATH.statuses()), name="item_status_known"
            ),
        ]
        indexes = [
            # The queue: open items, least time left first.
            models.Index(
                fields=["due_at", "id"], condition=models.Q(status__in=item_path.OPEN), name="item_queue"
            ),
            # Its views of few among many, and what is tried again.
            models.Index(
                fields=["status", "due_at", "id"],
                condition=models.Q(
                    status__in=[item_path.GRADED_ONCE, item_path.DISPUTED, item_path.UNREACHABLE]
                ),
                name="item_read_again",
            ),
            # The search by host. Many items share one, so it stays small.
            models.Index(fields=["host"], name="item_host"),
        ]

    @property
    def case_ref(self) -> str:
        """A case bears its item's reference."""
        return self.ref

    @property
    def reports(self) -> int:
        """How many reports name it. Counted when asked: a counter here would be written for each of them."""
        return int(self.lines.aggregate(n=models.Count("report", distinct=True))["n"])

    def __str__(self) -> str:
        return self.ref


class Clock(models.Model):
    """A stored deadline and how it ended. Never edited once closed."""

    subject = models.CharField(max_length=12)  # item, removal, consultation, alarm
    subject_id = models.BigIntegerField()
    name = models.CharField(max_length=24)  # assess, police answer, host, hold review ...
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=8, default="")  # met, missed, held, stopped
    left = models.DurationField(null=True)  # time left when it closed; negative if missed

    class Meta:
        # Sweeps look at the deadline on the item and the removal; a clock is only looked for by its subject.
        indexes = [models.Index(fields=["subject", "subject_id"])]
