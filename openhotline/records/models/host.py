"""Who can remove it, and how they are reached."""

from django.db import models


class Host(models.Model):
    """An organisation that holds things on its network. Its key is its AS number and operator name."""

    key = models.CharField(max_length=200, unique=True)
    name = models.TextField()
    asn = models.BigIntegerField(default=0)
    country = models.CharField(max_length=2, default="")
    first_seen = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """One way to reach a host. A new contact needs a second person; a bounce demotes it."""

    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="contacts")
    mail = models.EmailField(max_length=254)
    source = models.CharField(max_length=40)  # rdap-abuse, register, host-page, person
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=24)
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=24, default="")
    last_success = models.DateTimeField(null=True)
    last_failure = models.DateTimeField(null=True)
    bounces = models.PositiveIntegerField(default=0)
    usable = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "mail"], name="one_contact_per_mail"),
            models.CheckConstraint(
                condition=models.Q(verified_by="") | ~models.Q(verified_by=models.F("added_by")),
                name="contact_verified_by_another",
            ),
        ]
