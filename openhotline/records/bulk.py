"""Many rows at once: COPY on PostgreSQL, multi-row INSERT on SQLite. Sets, not loops over rows.

Identifiers are reserved before the insert, so that rows of several tables can be built together. Rows are
turned into columns first: what holds for every row is spelled once, the rest column by column, which costs
a third of spelling row by row. What is not here: which rows, and what they mean.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model, QuerySet

PIECE = 5_000  # values of one look-up on SQLite
FEW = 8  # rows up to which one INSERT is cheaper than a COPY, which asks and answers twice
MANY = 200  # look-ups in one statement, from which on PostgreSQL is told to use the index


def reserve(model: type[Model], count: int) -> Sequence[int]:
    """`count` fresh primary keys of `model`, ascending. Call inside a transaction."""
    if not count:
        return range(0)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            draw = "SELECT nextval(%s::regclass) AS v FROM generate_series(1, %s)"
            cursor.execute(f"SELECT min(v), max(v) FROM ({draw}) AS drawn", [_sequence(table), count])  # noqa: S608
            first, last = cursor.fetchone()
            if last - first + 1 == count:
                return range(first, last + 1)
            # Somebody drew in between: leave these unused and take them one by one.
            cursor.execute(draw, [_sequence(table), count])
            return sorted(row[0] for row in cursor.fetchall())
        # SQLite: the IMMEDIATE transaction is the lock; sqlite_sequence keeps AUTOINCREMENT honest.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
        return range(first, first + count)


@lru_cache(maxsize=32)
def _sequence(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        return str(cursor.fetchone()[0])


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (values in the order of `columns`, which are database column names).

    Values are given as the database takes them: aware datetimes, bytes, str, int, bool, None, UUID. Raises
    the database's own errors; a text with a NUL is one.
    """
    by_column = list(zip(*rows, strict=True))
    if not by_column:
        return
    fields = {field.column: field for field in model._meta.concrete_fields}
    given = [(fields[column], values) for column, values in zip(columns, by_column, strict=True)]
    table, quoted = model._meta.db_table, ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and len(by_column[0]) > FEW:
            with cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN') as copy:
                copy.write(_spelled(given))
            return
        marks = ", ".join(["%s"] * len(columns))
        rows_ = list(zip(*(_plain(field, values) for field, values in given), strict=True))
        into = f'INSERT INTO "{table}" ({quoted}) VALUES'
        if connection.vendor == "postgresql":
            cursor.execute(
                f"{into} {', '.join([f'({marks})'] * len(rows_))}", [v for row in rows_ for v in row]
            )
            return
        cursor.executemany(f"{into} ({marks})", rows_)


def present(
    model: type[Model], column: str, values: Sequence[Any], wanted: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The `wanted` columns of every row whose `column` is one of `values`, however many these are.

    `column` is a field of bytes, UUIDs or integers. One look-up on PostgreSQL, one per 5,000 on SQLite.
    """
    if not values:
        return []
    if connection.vendor == "postgresql":
        field = model._meta.get_field(column)
        assert isinstance(field, Field)
        names = ", ".join(f'"{name}"' for name in wanted)
        kind = str(field.db_type(connection)).partition(" ")[0]
        # One text instead of one parameter for each value: nothing is parsed or adapted value by value.
        text = "{" + ",".join(map(_array_item(field), values)) + "}"
        with connection.cursor() as cursor, _by_index(cursor, len(values)):
            cursor.execute(
                f'SELECT {names} FROM "{model._meta.db_table}" WHERE "{column}" = ANY(%s::{kind}[])',  # noqa: S608
                [text],
            )
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(values), PIECE):
        piece = {f"{column}__in": values[start : start + PIECE]}
        found += model._default_manager.filter(**piece).values_list(*wanted)
    return found


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


def last_number(name: str) -> int:
    """The last number taken of the counter `name` by a finished transaction or this one; 0 if none was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM records_counter WHERE name = %s", [name])
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def put_number(name: str, n: int) -> None:
    """Remember a number under `name`: where a sweep stopped, not a count of anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_counter (name, n) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET n = excluded.n",
            [name, n],
        )


def next_turn(name: str, rows: QuerySet[Any], size: int) -> list[int]:
    """The primary keys of the next `size` of `rows`, by number, around and around: each is come by, however many wait.

    Where they are fewer than `size` every turn holds all of them, and nothing is written.
    """
    after = last_number(name)
    found = list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:size])
    stopped = found[-1] if len(found) == size else 0
    if stopped != after:
        put_number(name, stopped)
    return found


@contextmanager
def _by_index(cursor: Any, count: int) -> Iterator[None]:
    """Inside, PostgreSQL looks up by index. Call inside a transaction.

    Left to itself it reads the whole table for a few thousand look-ups, by statistics that lag behind a table
    which grows by the thousand each second.
    """
    if count < MANY:
        yield
        return
    cursor.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) AS name", [_WHOLE])
    yield
    cursor.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) AS name", [_WHOLE])


_WHOLE = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"]


def change(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write `columns` of many rows at once, each with values of its own; `rows` are (primary key, value, ...).

    Columns are database column names of times, numbers and texts. One statement on PostgreSQL.
    """
    if not rows:
        return
    fields = {field.column: field for field in model._meta.concrete_fields}
    table, names = model._meta.db_table, ("id", *columns)
    by_column = list(zip(*rows, strict=True))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            kinds = ["bigint", *(str(fields[name].db_type(connection)) for name in columns)]
            arrays = ", ".join(f"%s::{kind.partition(' check')[0]}[]" for kind in kinds)
            written = ", ".join(f'"{name}" = given."{name}"' for name in columns)
            quoted = ", ".join(f'"{name}"' for name in names)
            cursor.execute(
                f'UPDATE "{table}" t SET {written} FROM unnest({arrays}) AS given ({quoted})'  # noqa: S608
                " WHERE t.id = given.id",
                [list(values) for values in by_column],
            )
            return
        marks = ", ".join(f'"{name}" = %s' for name in columns)
        plain = [_plain(fields[name], values) for name, values in zip(columns, by_column[1:], strict=True)]
        cursor.executemany(
            f'UPDATE "{table}" SET {marks} WHERE id = %s',  # noqa: S608
            list(zip(*plain, by_column[0], strict=True)),
        )


# --- spelling values ------------------------------------------------------------------------------


def _same(values: Sequence[Any]) -> bool:
    """Whether one value stands in every row. The ends are compared first: mostly they differ."""
    first = values[0]
    return bool(
        first == values[-1] and type(first) is type(values[-1]) and values.count(first) == len(values)
    )


def _plain(field: "Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    """Converted by the model's own field, so that both databases hold the same values (SQLite)."""
    if _same(values):
        return [field.get_db_prep_value(values[0], connection, False)] * len(values)
    return [field.get_db_prep_value(value, connection, False) for value in values]


def _spelled(given: Sequence[tuple["Field[Any, Any]", Sequence[Any]]]) -> bytes:
    """Rows in COPY's text format: tabs between values, \\N for nothing, backslash before what is special."""
    form, changing = [], []
    for field, values in given:
        if _same(values):
            form.append(str(_texts(field, values[:1])[0]).replace("%", "%%"))
        else:
            form.append("%s")
            changing.append(_texts(field, values))
    line = "\t".join(form) + "\n"
    if not changing:
        return (line % ()).encode() * len(given[0][1])
    return "".join(map(line.__mod__, zip(*changing, strict=True))).encode()


def _texts(field: "Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    """Each value as COPY reads it."""
    spell: _Spell = _SPELL.get(_kind(field), _other)
    if None in values:
        return [r"\N" if value is None else spell(field, (value,))[0] for value in values]
    return spell(field, values)


def _kind(field: "Field[Any, Any]") -> str:
    return (getattr(field, "target_field", None) or field).get_internal_type()


def _string(field: "Field[Any, Any]", values: Sequence[str]) -> Sequence[str]:
    together = "".join(values)
    if "\\" in together or "\t" in together or "\n" in together or "\r" in together:
        return [value.translate(_ESCAPES) for value in values]
    return values


def _moment(field: "Field[Any, Any]", values: Sequence[Any]) -> Sequence[str]:
    return list(map(_iso, values))


@lru_cache(maxsize=1 << 15)
def _iso(moment: datetime) -> str:
    """The same moments stand in many rows and tables."""
    return moment.isoformat()


def _other(field: "Field[Any, Any]", values: Sequence[Any]) -> Sequence[str]:
    """A type of which there are never many: as psycopg itself spells it."""
    from psycopg.adapt import PyFormat, Transformer

    spell = Transformer(connection.connection)
    plain = [field.get_db_prep_value(value, connection, False) for value in values]
    raw = [spell.get_dumper(value, PyFormat.TEXT).dump(value) for value in plain]
    return [bytes(text or b"").decode().translate(_ESCAPES) for text in raw]


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_Spell = Callable[["Field[Any, Any]", Sequence[Any]], Sequence[Any]]
_as_it_is: _Spell = lambda field, values: values  # noqa: E731
_SPELL: dict[str, _Spell] = {
    **dict.fromkeys(("BigAutoField", "BigIntegerField", "IntegerField", "SmallIntegerField"), _as_it_is),
    **dict.fromkeys(("PositiveIntegerField", "PositiveSmallIntegerField"), _as_it_is),
    **dict.fromkeys(("CharField", "TextField"), _string),
    "BooleanField": lambda field, values: ["t" if value else "f" for value in values],
    "UUIDField": lambda field, values: [value.hex for value in values],
    "BinaryField": lambda field, values: [f"\\\\x{value.hex()}" for value in values],
    "DateTimeField": _moment,
}


def _array_item(field: "Field[Any, Any]") -> Callable[[Any], str]:
    """A value inside PostgreSQL's text form of an array."""
    kind = _kind(field)
    if kind == "UUIDField":
        return lambda value: str(value.hex)
    if kind == "BinaryField":
        return lambda value: f'"\\\\x{value.hex()}"'
    return str
