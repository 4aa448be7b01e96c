"""Many rows at once: COPY on PostgreSQL, multi-row INSERT on SQLite. Sets, not loops over rows.

Identifiers are reserved before the insert, so that rows of several tables can be built together. What is
not here: which rows, and what they mean.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def reserve(model: type[Model], count: int) -> range | list[int]:
    """`count` fresh primary keys of `model`, ascending. Call inside a transaction."""
    if not count:
        return []
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        # SQLite: the IMMEDIATE transaction is the lock; sqlite_sequence keeps AUTOINCREMENT honest.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
        return range(first, first + count)


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (values in the order of `columns`, which are database column names).

    Values are given as the database takes them: aware datetimes, bytes, str, int, bool, None, UUID.
    """
    table = model._meta.db_table
    quoted = ", ".join(f'"{column}"' for column in columns)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    adapt = _sqlite_adapter(model, columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({marks})', [adapt(row) for row in rows])  # noqa: S608  names come from the models


def _sqlite_adapter(model: type[Model], columns: Sequence[str]) -> Any:
    """Per-row conversion by the models' own fields, so that both databases hold the same values."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    converters = [fields[column].get_db_prep_value for column in columns]

    def adapt(row: Sequence[Any]) -> list[Any]:
        return [convert(value, connection, False) for convert, value in zip(converters, row, strict=True)]

    return adapt


def take_numbers(name: str, count: int) -> int:
    """Take `count` gapless numbers of the counter `name`; returns the first. Call inside a transaction.

    The counter's row stays locked until the transaction ends: that is what makes it gapless.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_counter (name, n) VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET n = records_counter.n + excluded.n RETURNING n",
            [name, count],
        )
        return int(cursor.fetchone()[0]) - count + 1
