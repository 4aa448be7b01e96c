"""The ledger's tables. Staged and sequenced rows are only ever inserted: triggers refuse anything else.

Payloads live outside the triggers, sealed under the site key: disposal deletes bytes and salt together.
"""

from django.db import models


class Staged(models.Model):
    """An entry as the act's own transaction wrote it, canonical bytes."""

    eid = models.UUIDField(unique=True)
    entry = models.BinaryField()
    case_ref = models.CharField(max_length=24, default="")
    case_n = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_staged"
        indexes = [
            models.Index(
                fields=["case_ref", "case_n"], condition=~models.Q(case_ref=""), name="ledger_of_case"
            )
        ]


class Sequenced(models.Model):
    """An entry's place in the log: gapless from 0, and its RFC 6962 leaf."""

    idx = models.BigIntegerField(primary_key=True)
    # No constraint in the database: the id comes out of the very table it points to, where nothing can be
    # deleted, and the check would cost more than the rest of the insert.
    staged = models.OneToOneField(Staged, on_delete=models.PROTECT, db_constraint=False, related_name="place")
    leaf = models.BinaryField(max_length=32)

    class Meta:
        db_table = "ledger_sequence"


class CaseCount(models.Model):
    """How many entries a case has: taken under this row's lock, so `case_n` has no gaps."""

    case_ref = models.CharField(max_length=24, primary_key=True)
    n = models.BigIntegerField()

    class Meta:
        db_table = "ledger_case"


class Payload(models.Model):
    """Salt and payload of an entry, sealed under the site key.

    Found by the number of the staged row, which rises, and not by the entry's random identifier: a million
    payloads in one import then lie side by side. No constraint in the database, for the reason given above.
    """

    staged = models.OneToOneField(
        Staged, on_delete=models.PROTECT, primary_key=True, db_constraint=False, related_name="payload"
    )
    sealed = models.BinaryField()

    class Meta:
        db_table = "ledger_payload"
