"""A PostgreSQL house as one file and back: COPY of every table out of one snapshot, into empty tables.

True here: one REPEATABLE READ transaction sees it all, the ledger's root included; rows go in by COPY and
are never changed, so the ledger's triggers have nothing to refuse; no program but our own driver is
needed, and any PostgreSQL version may read what another wrote. Not here: sealing, files.
"""

import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from openhotline.jobs.manifest import LedgerHead, Told
from openhotline.jobs.verdict import head_of_this_house
from openhotline.rules.refusals import Refused

TABLES = "tables.json"
# Made anew by the migrations, or not worth keeping: nobody stays signed in through a restore.
NOT_COPIED = ("django_migrations", "django_session")
_BLOCK = 1 << 18


def copy_out(target: Path, told: Told) -> tuple[tuple[tuple[str, str], ...], LedgerHead]:
    """Write every table of the snapshot into one tar. Returns (migrations, ledger head)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
            migrations = tuple((str(app), str(name)) for app, name in cursor.fetchall())
            tables = _tables(cursor)
            described = []
            with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
                for count, table in enumerate(tables, 1):
                    told("Copying the database", count, len(tables))
                    described.append(_table_out(cursor, archive, table, target.parent))
                _put(archive, TABLES, json.dumps(described, indent=1).encode())
        told("Verifying the ledger of the copy", 0, 0)
        head = head_of_this_house()
    return migrations, head


def _tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname"
    )
    return [row[0] for row in cursor.fetchall() if row[0] not in NOT_COPIED]


def _table_out(cursor: Any, archive: tarfile.TarFile, table: str, folder: Path) -> dict[str, Any]:
    cursor.execute(
        "SELECT column_name, is_identity = 'YES' OR column_default LIKE 'nextval%%' FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER' "
        "ORDER BY ordinal_position",
        [table],
    )
    columns = cursor.fetchall()
    sequences = {}
    for column, counts in columns:
        if counts:
            cursor.execute("SELECT pg_get_serial_sequence(quote_ident(%s), %s)", [table, column])
            name = cursor.fetchone()[0]
            cursor.execute(f"SELECT last_value, is_called FROM {name}")  # noqa: S608  a name the server gave
            sequences[column] = list(cursor.fetchone())
    names = [column for column, _ in columns]
    rows = 0
    with tempfile.TemporaryFile(dir=folder) as plain:
        with cursor.copy(f"COPY {_quoted(table, names)} TO STDOUT") as copy:
            for data in copy:
                plain.write(data)
                rows += bytes(data).count(b"\n")
        size = plain.tell()
        plain.seek(0)
        member = tarfile.TarInfo(f"{table}.copy")
        member.size, member.mode = size, 0o600
        archive.addfile(member, plain)
    return {"table": table, "columns": names, "rows": rows, "sequences": sequences}


def _put(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _quoted(table: str, columns: list[str]) -> str:
    listed = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
    return '"{}" ({})'.format(table.replace('"', '""'), listed)


def is_empty() -> bool:
    """Whether the database holds no table at all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r','p')"
        )
        return int(cursor.fetchone()[0]) == 0


def copy_in(source: Path, told: Told) -> None:
    """Fill freshly migrated tables, all or none. Raises Refused where tables do not fit or rows are missing."""
    with tarfile.open(source) as archive:
        described = json.loads(_content(archive, TABLES))
        with transaction.atomic(), connection.cursor() as cursor:
            ours = set(_tables(cursor))
            theirs = {one["table"] for one in described}
            if ours != theirs:
                odd = ", ".join(sorted(ours ^ theirs))
                raise Refused(
                    f"The backup and this release disagree about tables: {odd}.", code="other-release"
                )
            # Foreign keys are checked at the end of the transaction, so tables may come in any order.
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for one in described:
                # What the migrations put in themselves is in the backup too.
                cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{one["table"]}")')  # noqa: S608  our own tables
                if cursor.fetchone()[0]:
                    cursor.execute(f'DELETE FROM "{one["table"]}"')  # noqa: S608
            for count, one in enumerate(described, 1):
                told("Filling the database", count, len(described))
                _table_in(cursor, archive, one)


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise Refused(f"The backup lacks {name}.", code="damaged")
    return member.read()


def _table_in(cursor: Any, archive: tarfile.TarFile, one: dict[str, Any]) -> None:
    source = archive.extractfile(f"{one['table']}.copy")
    if source is None:
        raise Refused(f"The backup lacks the table {one['table']}.", code="damaged")
    with cursor.copy(f"COPY {_quoted(one['table'], one['columns'])} FROM STDIN") as copy:
        while data := source.read(_BLOCK):
            copy.write(data)
    if cursor.rowcount != one["rows"]:
        raise Refused(
            f"{one['table']}: {cursor.rowcount} rows came back of {one['rows']}. Use another backup.",
            code="damaged",
        )
    for column, (last, called) in one["sequences"].items():
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(quote_ident(%s), %s), %s, %s)",
            [one["table"], column, last, called],
        )
