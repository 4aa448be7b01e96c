"""The request to a host to preserve and remove; what the host said, asked and was told; its ladder."""

from django.db import models


class Notice(models.Model):
    """One serial number, one contact, many removals. The letter that carries it waits in the outbox."""

    number = models.CharField(max_length=16, unique=True)  # N-26-0311-M
    host = models.ForeignKey("records.Host", on_delete=models.PROTECT, related_name="notices")
    contact = models.ForeignKey("records.Contact", null=True, on_delete=models.PROTECT)
    cls = models.CharField(max_length=24)
    drafted_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # host target; never edited
    ladder_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=12)  # for "is this genuine?"
    link_digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the link's secret
    ticket = models.TextField(default="")
    withdrawn_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)  # somebody pressed something on its page; a GET opens nothing
    inner = models.BinaryField(null=True)  # the whole notice, where the letter is sealed or names no address


class NoticeLine(models.Model):
    """One removal in a notice."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="notice_lines")
    dropped = models.TextField(default="")  # why it left the notice before departure

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "removal"], name="one_notice_line")]


class HostAnswer(models.Model):
    """What was pressed on the page of a notice, or of another letter, per removal. It stops no clock, no ladder and no
    check. An alert about a domain is answered as one: no removal."""

    notice = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT, related_name="answers")
    page = models.ForeignKey(
        "records.SecurePage", null=True, on_delete=models.PROTECT, related_name="answers"
    )
    removal = models.ForeignKey(
        "records.Removal", null=True, on_delete=models.PROTECT, related_name="host_answers"
    )
    at = models.DateTimeField()
    said = models.CharField(max_length=12)  # of a notice: one of SAID; of another page: of `rules/paged.SAID`
    ticket = models.TextField(default="")
    contact = models.TextField(default="")
    text = models.TextField(default="")

    SAID = ("removed", "cut-off", "not-ours", "need-more", "appeal")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(notice=None, page__isnull=False)
                | models.Q(notice__isnull=False, page=None, removal__isnull=False),
                name="answer_on_one_page",
            )
        ]


class NoticeMessage(models.Model):
    """One question or answer in the logged channel of a notice or another letter's page. Mail proves no sender."""

    notice = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT, related_name="messages")
    page = models.ForeignKey(
        "records.SecurePage", null=True, on_delete=models.PROTECT, related_name="messages"
    )
    at = models.DateTimeField()
    side = models.CharField(max_length=5)  # host, house
    via = models.CharField(max_length=8)  # link, account, program, mail, desk
    who = models.CharField(max_length=24)
    text = models.TextField()
    due_at = models.DateTimeField(null=True)  # a question waits for its answer until then
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False, answered_at=None),
                name="question_waiting",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(notice=None, page__isnull=False)
                | models.Q(notice__isnull=False, page=None),
                name="message_on_one_page",
            )
        ]


class HostProgram(models.Model):
    """How a host's program talks with us: a key that names it and a secret that signs its requests."""

    host = models.OneToOneField("records.Host", on_delete=models.PROTECT, related_name="program")
    key = models.UUIDField(unique=True)
    sealed = models.BinaryField()  # the secret
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=24)
    closed_at = models.DateTimeField(null=True)
    hook = models.TextField(default="")  # where it wants to be told that a notice is there


class HostRequest(models.Model):
    """One request of a host's program: the same key again is the same request, answered again."""

    program = models.ForeignKey(HostProgram, on_delete=models.PROTECT, related_name="requests")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    reply = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "key"], name="one_request_per_key")]


class Rung(models.Model):
    """One step up the ladder of a notice that was not acted on: whom it was taken to, and when.

    The same step is taken again, in another round, about what a hold kept out of the letter, or where the
    letter was withdrawn before it left.
    """

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="rungs")
    step = models.CharField(max_length=12)  # one of rules/ladder.STEPS
    round = models.PositiveSmallIntegerField(default=1, db_default=1)
    at = models.DateTimeField()
    recipient = models.TextField(default="")
    why = models.TextField(default="")
    stopped_at = models.DateTimeField(null=True)  # its letter was withdrawn: nobody was told

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "step", "round"], name="one_rung_per_step_and_round")
        ]

    @property
    def number(self) -> str:
        """The number of its letter."""
        again = f"/{self.round}" if self.round > 1 else ""
        return f"{self.notice.number}/{self.step}{again}"


class Breach(models.Model):
    """A member host that did not act as its code of practice says. One per notice; a manager settles it."""

    host = models.ForeignKey("records.Host", on_delete=models.PROTECT, related_name="breaches")
    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, related_name="breach")
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=24, default="")
    note = models.TextField(default="")
