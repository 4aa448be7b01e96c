"""The request to a host to preserve and remove, and what the host said by the signed link."""

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


class NoticeLine(models.Model):
    """One removal in a notice."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="notice_lines")
    dropped = models.TextField(default="")  # why it left the notice before departure

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "removal"], name="one_notice_line")]


class HostAnswer(models.Model):
    """What the host pressed, per removal. It stops no clock, no ladder and no check."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="answers")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="host_answers")
    at = models.DateTimeField()
    said = models.CharField(max_length=12)  # removed, cut-off, not-ours, need-more, appeal
    ticket = models.TextField(default="")
    contact = models.TextField(default="")
    text = models.TextField(default="")

    SAID = ("removed", "cut-off", "not-ours", "need-more", "appeal")
