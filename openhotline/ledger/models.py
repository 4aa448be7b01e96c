from django.db import models


class Staged(models.Model):
    eid = models.UUIDField(unique=True)
    entry = models.BinaryField()
    case_ref = models.CharField(max_length=40, default="", db_index=True)
    case_n = models.IntegerField(null=True)

    class Meta:
        db_table = "ledger_staged"


class Sequence(models.Model):
    idx = models.BigIntegerField(primary_key=True)
    staged = models.OneToOneField(Staged, on_delete=models.PROTECT)
    leaf = models.BinaryField()

    class Meta:
        db_table = "ledger_sequence"


class CaseCount(models.Model):
    case_ref = models.CharField(max_length=40, primary_key=True)
    n = models.BigIntegerField()

    class Meta:
        db_table = "ledger_case"


class Payload(models.Model):
    eid = models.UUIDField(primary_key=True)
    sealed = models.BinaryField()

    class Meta:
        db_table = "ledger_payload"
