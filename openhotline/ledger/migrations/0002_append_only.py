"""Triggers: staged and sequenced entries are inserted and never touched again, on either database."""

from django.db import migrations

TABLES = ("ledger_staged", "ledger_sequence")

SQLITE = [
    f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: {verb} on {table} is refused.'); END"""
    for table in TABLES
    for verb in ("UPDATE", "DELETE")
]
# REPLACE deletes without a delete trigger unless this says no first.
SQLITE += [
    f"""CREATE TRIGGER {table}_no_replace_{key} BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})
    BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: nothing in {table} is replaced.'); END"""
    for table, key in (
        ("ledger_staged", "eid"),
        ("ledger_staged", "id"),
        ("ledger_sequence", "idx"),
        ("ledger_sequence", "staged_id"),
    )
]

POSTGRESQL = [
    """CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'The ledger is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME; END $$""",
    *[
        f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"""
        for table in TABLES
    ],
]


# Django gives a text key a second index for LIKE on PostgreSQL. Nobody asks like that here, and each new case
# of a bulk import would pay for it.
ONE_INDEX_IS_ENOUGH = """DO $$ DECLARE found text; BEGIN
    FOR found IN SELECT indexname FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename = 'ledger_case' AND indexname LIKE '%\\_like'
    LOOP EXECUTE 'DROP INDEX ' || quote_ident(found); END LOOP; END $$"""


def raise_the_wall(apps, schema_editor):
    statements = POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE
    if schema_editor.connection.vendor == "postgresql":
        statements = [*statements, ONE_INDEX_IS_ENOUGH]
    for statement in statements:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(raise_the_wall, migrations.RunPython.noop)]
