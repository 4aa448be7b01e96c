"""People who sign in: staff of the hotline, officers, hosts' and partners' desks. Roles, never names."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from openhotline.rules import words


class User(AbstractUser):
    """An account. `pseudonym` ("A07") is what the ledger and other people see."""

    role = models.CharField(max_length=12, choices=[(role, role) for role in words.ROLES])
    pseudonym = models.CharField(max_length=24, unique=True)
    unit = models.ForeignKey("records.Unit", null=True, blank=True, on_delete=models.PROTECT)
    host = models.ForeignKey("records.Host", null=True, blank=True, on_delete=models.PROTECT)
    partner = models.ForeignKey("records.Partner", null=True, blank=True, on_delete=models.PROTECT)
    demo = models.BooleanField(default=False)
    theme = models.CharField(max_length=6, default="", blank=True)  # "", light, dark
    single_keys = models.BooleanField(default=True)  # WCAG 2.1.4: single-key shortcuts can be turned off

    def actor(self, *, auth: str = "password+totp", session: str = "") -> words.Actor:
        """This person as steps and ledger know them."""
        return words.Actor(
            self.role,
            self.pseudonym,
            user_id=self.pk,
            unit_id=self.unit_id,
            host_id=self.host_id,
            partner_id=self.partner_id,
            auth=auth,
            session=session,
        )
