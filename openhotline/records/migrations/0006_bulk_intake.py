"""What a million reports in one file must not pay for: keys checked row by row, indexes that nobody asks.

On PostgreSQL a foreign key costs a look-up, a row lock and a record in the write-ahead log for each row. The two
keys of `records_reportline` are therefore kept by triggers that look at all lines of a statement together. They
promise the same: no line without its report, none that leads to an item that is not there. A report or item with
lines cannot be deleted: the trigger first waits for whoever is writing lines (table lock), then looks; whoever
comes after finds the parent gone. Identifiers never change. SQLite keeps its keys, which cost next to nothing.
"""

from django.db import migrations, models

LINES, PARENTS = "records_reportline", {"report_id": "records_report", "item_id": "records_item"}

# Look-ups by index whatever the statistics say: they lag behind tables that grow by the thousand each second.
BY_INDEX = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

# Django gave the constraints generated names.
DROP_KEYS = f"""DO $$ DECLARE found text; BEGIN
    FOR found IN SELECT conname FROM pg_constraint WHERE conrelid = '{LINES}'::regclass AND contype = 'f'
    LOOP EXECUTE 'ALTER TABLE {LINES} DROP CONSTRAINT ' || quote_ident(found); END LOOP; END $$"""

CHILDREN = [
    f"""CREATE FUNCTION records_lines_have_parents() RETURNS trigger LANGUAGE plpgsql {BY_INDEX} AS $$
    DECLARE lost bigint; BEGIN
        SELECT g.report_id INTO lost FROM given g
            WHERE NOT EXISTS (SELECT 1 FROM records_report r WHERE r.id = g.report_id) LIMIT 1;
        IF FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('A line belongs to report %s, which is not there.', lost);
        END IF;
        SELECT g.item_id INTO lost FROM given g WHERE g.item_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM records_item i WHERE i.id = g.item_id) LIMIT 1;
        IF FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('A line leads to item %s, which is not there.', lost);
        END IF;
        RETURN NULL; END $$""",
    *[
        f"""CREATE TRIGGER lines_have_parents_{verb.lower()} AFTER {verb} ON {LINES}
        REFERENCING NEW TABLE AS given FOR EACH STATEMENT EXECUTE FUNCTION records_lines_have_parents()"""
        for verb in ("INSERT", "UPDATE")
    ],
]

PARENT = """CREATE FUNCTION {table}_keeps_its_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE lost bigint; BEGIN
        IF TG_OP = 'UPDATE' THEN
            RAISE foreign_key_violation USING MESSAGE = 'The identifiers of {table} never change.';
        END IF;
        LOCK TABLE {lines} IN SHARE ROW EXCLUSIVE MODE;
        IF TG_OP = 'TRUNCATE' THEN
            SELECT n.{key} INTO lost FROM {lines} n WHERE n.{key} IS NOT NULL LIMIT 1;
        ELSE
            SELECT n.{key} INTO lost FROM {lines} n JOIN gone ON gone.id = n.{key} LIMIT 1;
        END IF;
        IF FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('{table} %s has lines and cannot be deleted.', lost);
        END IF;
        RETURN NULL; END $$"""
PARENT_TRIGGERS = (
    "CREATE TRIGGER {table}_keeps_its_lines AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION {table}_keeps_its_lines()",
    "CREATE TRIGGER {table}_keeps_its_lines_all AFTER TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION {table}_keeps_its_lines()",
    "CREATE TRIGGER {table}_keeps_its_id BEFORE UPDATE OF id ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION {table}_keeps_its_lines()",
)

# Django gives a text key a second index for LIKE. Nobody asks for half a receipt.
ONE_INDEX_IS_ENOUGH = """DO $$ DECLARE found text; BEGIN
    FOR found IN SELECT indexname FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename = 'receipt_phase' AND indexname LIKE '%\\_like'
    LOOP EXECUTE 'DROP INDEX ' || quote_ident(found); END LOOP; END $$"""


def keep_keys_by_statement(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for statement in (DROP_KEYS, *CHILDREN, ONE_INDEX_IS_ENOUGH):
        schema_editor.execute(statement, None)
    for key, table in PARENTS.items():
        for statement in (PARENT, *PARENT_TRIGGERS):
            schema_editor.execute(statement.format(table=table, lines=LINES, key=key), None)


class Migration(migrations.Migration):
    dependencies = [("records", "0005_notices")]

    operations = [
        migrations.RemoveIndex(model_name="clock", name="clock_running"),
        migrations.RemoveIndex(model_name="report", name="records_rep_status_6f0e9a_idx"),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(
                fields=["received_at"],
                condition=models.Q(("status", "incomplete"), ("complete", False), _connector="OR"),
                name="report_incomplete",
            ),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(
                fields=["received_at"],
                condition=models.Q(("source", "public"), models.Q(("status", "anonymised"), _negated=True)),
                name="report_to_anonymise",
            ),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(
                fields=["id"],
                condition=models.Q(models.Q(("receipt_hash", ""), _negated=True), ("answered_at", None)),
                name="report_followed",
            ),
        ),
        migrations.AddIndex(model_name="item", index=models.Index(fields=["host"], name="item_host")),
        migrations.RemoveField(model_name="item", name="reports"),
        migrations.RunPython(keep_keys_by_statement, migrations.RunPython.noop),
    ]
