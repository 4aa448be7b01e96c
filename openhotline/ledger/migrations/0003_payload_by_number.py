"""Payloads are found by the number of their staged row, which rises, instead of by a random identifier.

Counters of cases get room on their pages: the next number of a case then changes no index.
"""

import django.db.models.deletion
from django.db import migrations, models


def move(apps, schema_editor):
    """Every payload goes along. One without an entry would be a finding of `ledger verify`: it stops here."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_payload (staged_id, sealed) SELECT s.id, p.sealed"
            " FROM ledger_payload_by_eid p JOIN ledger_staged s ON s.eid = p.eid"
        )
        cursor.execute(
            "SELECT (SELECT count(*) FROM ledger_payload_by_eid) - (SELECT count(*) FROM ledger_payload)"
        )
        lost = cursor.fetchone()[0]
    if lost:
        raise RuntimeError(
            f"{lost} payloads belong to no entry. Run `openhotline ledger verify` before migrating."
        )


def make_room(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE ledger_case SET (fillfactor = 80)", None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_append_only")]
    operations = [
        migrations.RenameModel("Payload", "PayloadByEid"),
        migrations.AlterModelTable("PayloadByEid", "ledger_payload_by_eid"),
        migrations.CreateModel(
            name="Payload",
            fields=[
                (
                    "staged",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payload",
                        serialize=False,
                        to="ledger.staged",
                    ),
                ),
                ("sealed", models.BinaryField()),
            ],
            options={"db_table": "ledger_payload"},
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel("PayloadByEid"),
        migrations.RunPython(make_room, migrations.RunPython.noop),
    ]
