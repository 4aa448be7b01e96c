"""What stands behind serial and code of a letter that is no notice: one up the ladder, or an alert."""

from django.db import models


class SecurePage(models.Model):
    """One letter's page, made when the letter is frozen. The letter names nothing of it unless it is sealed.

    The serial is that of the notice the ladder is about, or of the alert; the code is this letter's own.
    """

    key = models.CharField(max_length=64, unique=True)  # its letter's
    kind = models.CharField(max_length=24)  # its letter's: ladder- and the rung, host-alert, domain-alert
    serial = models.CharField(max_length=16, db_index=True)  # N-26-0311-M, A-26-0007-K
    name = models.TextField()  # whom the letter is to
    notice = models.ForeignKey("records.Notice", null=True, on_delete=models.PROTECT, related_name="pages")
    alert = models.ForeignKey("records.HostAlert", null=True, on_delete=models.PROTECT, related_name="pages")
    domain = models.ForeignKey(
        "records.DomainAlert", null=True, on_delete=models.PROTECT, related_name="pages"
    )
    code = models.CharField(max_length=12)
    link_digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the link's secret
    made_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)  # somebody pressed something on it; a GET opens nothing
    ticket = models.TextField(default="")
    inner = models.BinaryField(default=b"")  # the whole letter, with what an open mail does not name

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(notice__isnull=False, alert=None, domain=None)
                | models.Q(notice=None, alert__isnull=False, domain=None)
                | models.Q(notice=None, alert=None, domain__isnull=False),
                name="secure_page_about_one",
            )
        ]
