"""Who can remove it, how they are reached, what every contact went through, and calls to them."""

from django.db import models

from openhotline.rules import contacts, notice


class Host(models.Model):
    """An organisation that holds things on its network. Its key is its AS number and operator name."""

    key = models.CharField(max_length=200, unique=True)
    name = models.TextField()
    asn = models.BigIntegerField(default=0)
    country = models.CharField(max_length=2, default="")
    first_seen = models.DateTimeField()
    site = models.CharField(max_length=253, default="", blank=True)  # its own domain, once a person said it
    upstream = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="below")
    area = models.CharField(
        max_length=80, default="", db_default="", blank=True
    )  # its place, as units name theirs
    member = models.BooleanField(default=False)  # bound by the code of practice
    language = models.CharField(max_length=8, default="en")  # of the notices and alerts it gets
    letter_form = models.CharField(max_length=8, default=notice.SAFE)  # one of rules/notice.FORMS

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """One way to reach a host. One person proposes it, another verifies it; a bounce demotes it."""

    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="contacts")
    mail = models.EmailField(max_length=254)
    source = models.CharField(max_length=40)  # the first of rules/contacts.SOURCES that named it
    page = models.TextField(default="")  # where the host publishes it
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=24)
    proposed_by = models.CharField(max_length=24, default="")  # "": found by the machine, nobody says so yet
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=24, default="")
    first_success = models.DateTimeField(null=True)
    last_success = models.DateTimeField(null=True)
    last_failure = models.DateTimeField(null=True)
    bounces = models.PositiveIntegerField(default=0)
    usable = models.BooleanField(default=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "mail"], name="one_contact_per_mail"),
            models.CheckConstraint(
                condition=models.Q(verified_by="")
                | ~models.Q(verified_by=models.F("added_by"))
                & ~models.Q(verified_by=models.F("proposed_by")),
                name="contact_verified_by_another",
            ),
        ]

    def known(self) -> contacts.Known:
        """This contact as the rule that ranks them reads it."""
        return contacts.Known(
            key=self.pk,
            mail=self.mail,
            source=self.source,
            proposed_by=self.proposed_by,
            verified_by=self.verified_by if self.verified_at else "",
            first_success=self.first_success,
            last_success=self.last_success,
            last_failure=self.last_failure,
            bounces=self.bounces,
            usable=self.usable,
            retired=self.retired_at is not None,
        )


class ContactSource(models.Model):
    """Which source named a contact, first and last. Several sources may name the same one."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="sources")
    source = models.CharField(max_length=40)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "source"], name="one_source_per_contact")]


class ContactEvent(models.Model):
    """One thing that was done to a contact, or that it did. The ledger holds the same; this is for the page."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    who = models.CharField(max_length=24)
    act = models.CharField(max_length=24)  # found, added, proposed, verified, demoted, retired
    why = models.TextField(default="")


class ContactKey(models.Model):
    """The key letters to a contact are sealed to. One person brings it, another verifies its fingerprint."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="keys")
    kind = models.CharField(max_length=8)  # openpgp, smime
    fingerprint = models.CharField(max_length=64)
    text = models.TextField()  # the public key or certificate, armoured
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=24)
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=24, default="")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(retired_at=None, verified_at__isnull=False),
                name="one_key_in_use_per_contact",
            ),
            models.CheckConstraint(
                condition=models.Q(verified_by="") | ~models.Q(verified_by=models.F("proposed_by")),
                name="key_verified_by_another",
            ),
        ]


class HostCall(models.Model):
    """A phone call to a host, as somebody logged it. It may acknowledge a notice; it closes nothing."""

    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="calls")
    notice = models.ForeignKey("records.Notice", null=True, on_delete=models.PROTECT, related_name="calls")
    at = models.DateTimeField()
    who = models.CharField(max_length=24)
    outcome = models.CharField(max_length=16)  # one of OUTCOMES
    text = models.TextField(default="")

    OUTCOMES = {
        "reached": "Reached: they know of it",
        "removes": "They say they remove it now",
        "removed": "They say it is removed",
        "not-ours": "They say it is not theirs",
        "no-answer": "Nobody answered",
        "wrong-number": "The number is wrong",
    }
    REACHED = ("reached", "removes", "removed", "not-ours")
