"""How an act gets into the ledger: in the transaction of the act itself, or not at all.

`record` stages entries; `sequence` (`sequencer.py`) gives them their places a moment later, so no writer
waits for another one's place. What is not here: any judgement whether an act was right, and any clock.
"""

import os
import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection

from openhotline.ledger.entry import Act, Form, Surroundings, checked, fitting
from openhotline.ledger.sealing import NONCE, SALT, Sealer, commitment, to_bytes
from openhotline.ledger.sequencer import sequence
from openhotline.rules.words import Actor

__all__ = ["Act", "begin", "configure", "context", "record", "sequence"]

COPY_FROM = 50  # acts from which COPY beats one INSERT (PostgreSQL)
APART_FROM = 500  # acts from which they are spelled in a thread of its own
PIECE = 500  # acts that are handed on together by that thread
_VERSION = 0x4 << 76 | 0x8 << 60  # RFC 9562: what makes 128 random bits a UUIDv4
_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\"})
_RANDOM = ~(0xF << 76 | 0xC << 60) & (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a process knows before its first act."""

    around: Surroundings
    sealer: Sealer = field(repr=False)


# One entry on its way into the tables: id (128 bits), canonical bytes, case, its number there, sealed payload.
_Row = tuple[int, bytes, str, int | None, bytes | None]


_context: Context | None = None


def configure(
    *,
    sw: str,
    pol: str,
    clock_source: str,
    site_key: bytes,
    offset_ms: int | None = None,
    stratum: int | None = None,
) -> None:
    """Tell the ledger about this process, once, at its start.

    `sw` is the build, `pol` the policy set's digest, `clock_source` "system", "world" or "test", `site_key` 32
    bytes. `offset_ms` and `stratum` describe the machine's clock where it was measured; None says it was not.
    Raises ValueError on a key of another length.
    """
    global _context
    boot = Path("/proc/sys/kernel/random/boot_id")
    _context = Context(
        Surroundings(
            sw=sw,
            pol=pol,
            source=clock_source,
            boot=boot.read_text().strip() if boot.exists() else "",
            offset_ms=offset_ms,
            stratum=stratum,
        ),
        Sealer(site_key),
    )


def context() -> Context:
    """What `configure` was told. A test house may do without; every other one raises RuntimeError."""
    if _context is None:
        # A house of kind `demo` gets no default either: it has a key of its own, and what a process sealed
        # under another one could not be opened by the rest of the house.
        if getattr(getattr(settings, "HOUSE", None), "kind", "") != "test":
            raise RuntimeError("The ledger is not configured: this process holds no site key.")
        configure(sw="test", pol="test", clock_source="test", site_key=b"a test house's site key".ljust(32))
        assert _context is not None
    return _context


def record(acts: Sequence[Act], *, by: Actor, at: datetime, coarse: bool = False) -> list[UUID]:
    """Stage one entry per act, in order, inside the caller's transaction. Returns their ids.

    All of them share `by` and `at` (tz-aware). `coarse` leaves the monotonic clock out, so that the time of a
    public report cannot be read more exactly than `at` tells it. The row locks of the cases' counters are
    held until the transaction ends and taken in one order per call; a transaction that calls twice with
    crossing cases may meet a deadlock, so write a batch with one call.

    Raises RuntimeError outside a transaction, ValueError where a field breaks its limits.
    """
    return [UUID(int=row[0]) for row in _begin(acts, by=by, at=at, coarse=coarse)()]


def begin(acts: Sequence[Act], *, by: Actor, at: datetime, coarse: bool = False) -> Callable[[], object]:
    """`record` in two halves, for a batch that has other tables to write meanwhile.

    Numbers the acts now and spells and seals many of them in a thread, which never touches the database. The
    caller must call what is returned, in the same transaction: that stages the entries. Two batches are
    staged in the order in which they were begun. Raises what `record` raises, in either half.
    """
    return _begin(acts, by=by, at=at, coarse=coarse)


def _begin(acts: Sequence[Act], *, by: Actor, at: datetime, coarse: bool) -> Callable[[], list[_Row]]:
    if not connection.in_atomic_block:
        raise RuntimeError("record() belongs into the transaction of the act: use transaction.atomic().")
    if not acts:
        return list
    known = context()
    form = Form(
        known.around,
        by=by,
        at=at,
        mono_ns=0 if coarse else time.monotonic_ns(),
        req=secrets.token_hex(8),
    )
    cases = Counter(act.case for act in acts if act.case)
    for case in cases:
        checked("case", case)
    last = _number(cases)
    if len(acts) < APART_FROM:
        rows = _rows(acts, form, known.sealer, last)
        return lambda: _stage([rows], len(acts))
    # Piece by piece and in order: the database takes one while the next is spelled.
    pool = ThreadPoolExecutor(1, thread_name_prefix="spelling")
    pieces = [
        pool.submit(_rows, acts[start : start + PIECE], form, known.sealer, last)
        for start in range(0, len(acts), PIECE)
    ]
    pool.shutdown(wait=False)  # ends when it has spelled these
    return lambda: _stage((piece.result() for piece in pieces), len(acts))


def _stage(pieces: Iterable[list[_Row]], count: int) -> list[_Row]:
    if connection.vendor == "postgresql" and count > COPY_FROM:
        return _copy(pieces, count)
    rows = [row for piece in pieces for row in piece]
    (_insert_postgresql if connection.vendor == "postgresql" else _insert_sqlite)(rows)
    return rows


def _rows(acts: Sequence[Act], form: Form, sealer: Sealer, last: dict[str, int]) -> list[_Row]:
    """Spell and seal every act. `last`: case -> the number its next entry gets. Touches no database."""
    seal, size = sealer.seal, 16 + NONCE + SALT
    luck = os.urandom(size * len(acts))  # one system call for all ids, nonces and salts
    rows: list[_Row] = []
    for start, act in zip(range(0, len(luck), size), acts, strict=True):
        number = int.from_bytes(luck[start : start + 16], "big") & _RANDOM | _VERSION
        why, payload = fitting(act) if act.why else ("", act.payload)
        commit, sealed = "", None
        if payload:
            nonce, salt = luck[start + 16 : start + 16 + NONCE], luck[start + 16 + NONCE : start + size]
            data = to_bytes(payload).encode()
            commit = commitment(salt, data)
            sealed = seal(number.to_bytes(16, "big"), nonce, salt, data)
        case_n = None
        if act.case:
            case_n = last[act.case]
            last[act.case] = case_n + 1
        text = f"{number:032x}"
        eid = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        rows.append(
            (
                number,
                form.entry(act, eid=eid, case_n=case_n, commit=commit, why=why),
                act.case,
                case_n,
                sealed,
            )
        )
    return rows


def _number(cases: Counter[str]) -> dict[str, int]:
    """Take as many numbers as each case needs, in one statement. Returns the first number of each.

    The counter's row stays locked until the transaction ends: the numbers of a case are gapless, and one
    transaction's numbers are visible before the next one can draw any.
    """
    if not cases:
        return {}
    wanted = sorted(cases.items())  # one order for everybody: two batches never wait for each other
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "INSERT INTO ledger_case AS c (case_ref, n) SELECT * FROM unnest(%s::text[], %s::int[])"
                " ON CONFLICT (case_ref) DO UPDATE SET n = c.n + excluded.n RETURNING case_ref, n",
                [_array(case for case, _ in wanted), _array(str(count) for _, count in wanted)],
            )
        else:
            cursor.execute(
                "INSERT INTO ledger_case (case_ref, n)"
                " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(%s) WHERE true"
                " ON CONFLICT (case_ref) DO UPDATE SET n = ledger_case.n + excluded.n RETURNING case_ref, n",
                [dumps(wanted)],
            )
        return {case: n - cases[case] + 1 for case, n in cursor.fetchall()}


def _array(values: Iterable[str]) -> str:
    """PostgreSQL's text form of an array: one parameter instead of one for each value."""
    return "{" + ",".join(f'"{value.translate(_ESCAPES)}"' for value in values) + "}"


def _array_of_bytes(values: Iterable[bytes | None]) -> str:
    return "{" + ",".join("NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values) + "}"


def _insert_sqlite(rows: Sequence[_Row]) -> None:
    with connection.cursor() as cursor:
        # The IMMEDIATE transaction is the lock: nobody else draws ids meanwhile.
        cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'ledger_staged'")
        first = cursor.fetchone()[0] + 1
        cursor.executemany(
            "INSERT INTO ledger_staged (id, eid, entry, case_ref, case_n) VALUES (%s, %s, %s, %s, %s)",
            [(pk, f"{row[0]:032x}", *row[1:4]) for pk, row in enumerate(rows, first)],
        )
        cursor.executemany(
            "INSERT INTO ledger_payload (staged_id, sealed) VALUES (%s, %s)",
            [(pk, row[4]) for pk, row in enumerate(rows, first) if row[4] is not None],
        )


def _insert_postgresql(rows: Sequence[_Row]) -> None:
    """One statement for both tables. Ordered, because the ids inside a case must rise with its numbers."""
    ids, entries, cases, numbers, payloads = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH given AS (SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::text[], %s::bigint[], %s::bytea[])"
            " WITH ORDINALITY AS given (eid, entry, case_ref, case_n, sealed, place)),"
            " staged AS (INSERT INTO ledger_staged (eid, entry, case_ref, case_n)"
            " SELECT eid, entry, case_ref, case_n FROM given ORDER BY place RETURNING id, eid)"
            " INSERT INTO ledger_payload (staged_id, sealed)"
            " SELECT staged.id, given.sealed FROM staged JOIN given USING (eid) WHERE given.sealed IS NOT NULL",
            [
                "{" + ",".join(f"{number:032x}" for number in ids) + "}",
                _array_of_bytes(entries),
                _array(cases),
                "{" + ",".join("NULL" if n is None else str(n) for n in numbers) + "}",
                _array_of_bytes(payloads),
            ],
        )


# PostgreSQL's binary COPY: a row is its number of columns, then each value behind its length (-1: null).
_STAGED, _PAYLOAD = struct.Struct(">hiqi16si"), struct.Struct(">hiqi")
_LENGTH, _INT, _NULL = struct.Struct(">i"), struct.Struct(">iq"), struct.pack(">i", -1)
_BEGIN, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), struct.pack(">h", -1)


def _copy(pieces: Iterable[list[_Row]], count: int) -> list[_Row]:
    rows: list[_Row] = []
    payload: list[bytes] = [_BEGIN]
    ids = iter(_ids(count))
    with _into("ledger_staged (id, eid, entry, case_ref, case_n)") as send:
        send(_BEGIN)
        for piece in pieces:
            staged: list[bytes] = []
            for (identity, entry, case_ref, case_n, sealed), pk in zip(piece, ids, strict=False):
                eid, case = identity.to_bytes(16, "big"), case_ref.encode()
                number = _NULL if case_n is None else _INT.pack(8, case_n)
                staged += (
                    _STAGED.pack(5, 8, pk, 16, eid, len(entry)), entry,
                    _LENGTH.pack(len(case)), case, number,
                )  # fmt: skip
                if sealed is not None:
                    payload += (_PAYLOAD.pack(2, 8, pk, len(sealed)), sealed)
            send(b"".join(staged))
            rows += piece
        send(_END)
    if len(payload) > 1:
        with _into("ledger_payload (staged_id, sealed)") as send:
            send(b"".join((*payload, _END)))
    return rows


def _ids(count: int) -> list[int]:
    """Fresh numbers of staged rows, rising. Drawn behind the locks on the cases' counters (`sequencer`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('ledger_staged', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return sorted(pk for (pk,) in cursor.fetchall())


@contextmanager
def _into(target: str) -> Iterator[Callable[[bytes], object]]:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)") as copy:
        yield copy.write
