"""Is the log whole? Reads every entry in order and recomputes everything that can be recomputed.

Nothing is believed: not the columns, not the leaf digests, not the types. A hostile row gives a verdict,
never a crash. Nothing is written either: entries that wait for their place are read behind the others, in the
order in which they will get one. What is not here: checkpoints and signatures. Until those exist, removal from the end is not
detectable, and the verdict says so.
"""

# ruff: noqa: S608 - statements are put together from this file's own constants only

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from openhotline.ledger import canonical
from openhotline.ledger.entry import DISPOSE, MAX_ENTRY, fault
from openhotline.ledger.merkle import CompactRange
from openhotline.ledger.reading import EntryOfCase, entries_of
from openhotline.ledger.record import context
from openhotline.ledger.sealing import Sealer, Unopened, commitment

__all__ = ["EntryOfCase", "Verdict", "absent", "entries_of", "verify"]

NOTE = "removal from the end is not detectable"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found.

    `root` (hex) is the RFC 6962 root over the first `entries` entries, all of them sound; where the log was
    tampered with, these are the ones before `first_bad`. Where a payload is missing, `first_bad` is its entry.
    The last `staged` of them have no place yet: each is sound, but nothing shows that it was not changed.
    """

    ok: bool
    entries: int
    root: str
    first_bad: int | None
    staged: int
    why: str
    tampered: bool = False
    note: str = NOTE

    @property
    def exit_code(self) -> int:
        """0 whole, 1 tampered, 2 incomplete."""
        return 0 if self.ok else 1 if self.tampered else 2


@dataclass(frozen=True, slots=True)
class _Row:
    """One place with what stands there, everything as bytes and possibly absent or nonsense."""

    idx: object
    leaf: bytes | None
    eid: bytes | None  # 32 hex digits
    entry: bytes | None
    case_ref: bytes | None
    case_n: bytes | None  # decimal
    sealed: bytes | None


def verify(*, progress: Callable[[int], object] | None = None) -> Verdict:
    """Read the whole log. `progress` is called with the number of entries read so far.

    Memory: one digest for each payload that was disposed of, between its entry and the act of disposal.
    """
    tree = CompactRange()
    try:
        return _verify(tree, progress or (lambda done: None))
    except (DatabaseError, RecursionError, ValueError, TypeError, OverflowError) as error:
        why = f"Entry {tree.size} or the table around it cannot be read ({type(error).__name__})."
        return Verdict(False, tree.size, tree.root().hex(), tree.size, 0, why, tampered=True)


def absent(why: str) -> Verdict:
    """The verdict where there is no log to read: incomplete, with the root of an empty log (RFC 6962)."""
    return Verdict(False, 0, CompactRange().root().hex(), None, 0, why)


def _verify(tree: CompactRange, progress: Callable[[int], object]) -> Verdict:
    sealer = _sealer()
    placed = _number("SELECT count(*) FROM ledger_sequence")
    waiting = _waiting()
    total = placed + len(waiting)
    suspects = _suspects(placed)
    destroyed: dict[bytes, int] = {}  # entries whose payload is gone and not accounted for yet
    unopened = 0
    for row in chain(_rows(placed), _waiting_rows(waiting, placed)):
        why = suspects.get(tree.size, "")
        value, reason = _sound(row, tree.size)
        why = reason or why
        if value is not None and not why:
            why = _payload_fault(row, value, sealer)
        if why or value is None or row.eid is None or row.entry is None:
            sentence = f"Entry {tree.size}: {why}."
            return Verdict(
                False, tree.size, tree.root().hex(), tree.size, len(waiting), sentence, tampered=True
            )
        if value["commit"] and row.sealed is None:
            destroyed[row.eid] = tree.size
        elif row.sealed is not None and sealer is None:
            unopened += 1
        if value["act"] == DISPOSE and value["obj"][0] == "payload":
            destroyed.pop(value["obj"][1].replace("-", "").encode(), None)
        tree.append(sha256(b"\x00" + row.entry).digest())
        if tree.size % _BATCH == 0:
            progress(tree.size)
    if tree.size != total:
        why = f"Entry {tree.size}: {total} places are taken, but not one after the other."
        return Verdict(False, tree.size, tree.root().hex(), tree.size, len(waiting), why, tampered=True)
    progress(tree.size)
    lacking = list(_lacking(destroyed, unopened=unopened))
    why = " ".join(lacking) or _whole(len(waiting))
    missing = min(destroyed.values(), default=None)
    return Verdict(not lacking, tree.size, tree.root().hex(), missing, len(waiting), why)


def _whole(waiting: int) -> str:
    if not waiting:
        return "Every entry is in its place and as it was written."
    return (
        f"Every entry that has its place is as it was written. The last {waiting:,} wait for theirs: they are sound, "
        "but only a place shows that an entry was not changed. The worker gives it, or `openhotline ledger sequence`."
    )


def _lacking(destroyed: Mapping[bytes, int], *, unopened: int) -> Iterator[str]:
    """Sentences about what should be there and is not."""
    if destroyed:
        first = min(destroyed.values())
        yield f"{len(destroyed)} payloads are missing without an act of disposal, the first of entry {first}."
    if unopened:
        yield f"{unopened} payloads were not opened: this process holds no site key."
    # Counters and payloads lie outside the triggers. They prove nothing, but whoever cuts off the end of the
    # log may forget them.
    counted = _number(
        "SELECT count(*) FROM ledger_case c LEFT JOIN"
        " (SELECT case_ref, max(case_n) AS n FROM ledger_staged WHERE case_ref <> '' GROUP BY case_ref) s"
        " ON s.case_ref = c.case_ref WHERE s.n IS NULL OR s.n <> c.n"
    )
    if counted:
        yield f"{counted} cases have another number of entries than their counters say."
    orphans = _number(
        "SELECT count(*) FROM ledger_payload p WHERE NOT EXISTS (SELECT 1 FROM ledger_staged s WHERE s.id = p.staged_id)"
    )
    if orphans:
        yield f"{orphans} payloads belong to no entry."


def _sealer() -> Sealer | None:
    try:
        return context().sealer
    except RuntimeError:
        return None


def _number(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0] or 0)


def _waiting() -> list[int]:
    """Ids of the entries that have no place, in the order in which they will get one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id FROM ledger_staged s WHERE NOT EXISTS"
            " (SELECT 1 FROM ledger_sequence q WHERE q.staged_id = s.id) ORDER BY s.id"
        )
        return [pk for (pk,) in cursor.fetchall()]


def _suspects(total: int) -> dict[int, str]:
    """What only a look at all rows together shows, done by the database: {place: why}.

    It looks at columns; that the columns say what the entries say is checked entry by entry.
    """
    joined = "FROM ledger_sequence q JOIN ledger_staged s ON s.id = q.staged_id WHERE q.idx < %s"
    looks = {
        "the same entry stands in the log a second time": (
            f"SELECT idx FROM (SELECT q.idx, row_number() OVER (PARTITION BY s.eid ORDER BY q.idx) AS n {joined}) x"
            " WHERE n > 1 ORDER BY idx LIMIT 1"
        ),
        "the entries of its case are not numbered 1, 2, 3 up to it": (
            "SELECT idx FROM (SELECT q.idx, s.case_n,"
            f" row_number() OVER (PARTITION BY s.case_ref ORDER BY q.idx) AS n {joined} AND s.case_ref <> '') x"
            " WHERE case_n IS NULL OR case_n <> n ORDER BY idx LIMIT 1"
        ),
    }
    found: dict[int, str] = {}
    for why, sql in looks.items():
        with connection.cursor() as cursor:
            cursor.execute(sql, [total])
            for (idx,) in cursor.fetchall():
                found.setdefault(idx, why)
    return found


_FROM_PLACES = (
    "FROM ledger_sequence q LEFT JOIN ledger_staged s ON s.id = q.staged_id"
    " LEFT JOIN ledger_payload p ON p.staged_id = s.id"
)
_FROM_STAGED = "FROM ledger_staged s LEFT JOIN ledger_payload p ON p.staged_id = s.id"


def _columns() -> tuple[str, str, str]:
    """The place, its leaf, and what stands there. SQLite holds any type in any column: there all is read as bytes."""
    if connection.vendor == "postgresql":
        return (
            "q.idx",
            "q.leaf",
            "replace(s.eid::text, '-', ''), s.entry, s.case_ref, s.case_n::text, p.sealed",
        )
    blobs = ("s.eid", "s.entry", "s.case_ref", "s.case_n", "p.sealed")
    return (
        "CASE typeof(q.idx) WHEN 'integer' THEN q.idx END",
        "CAST(q.leaf AS BLOB)",
        ", ".join(f"CAST({blob} AS BLOB)" for blob in blobs),
    )


def _rows(total: int) -> Iterator[_Row]:
    """The first `total` places in order."""
    sql = f"SELECT {', '.join(_columns())} {_FROM_PLACES} WHERE q.idx > %s ORDER BY q.idx LIMIT %s"
    last, left = -(2**63), total
    while left > 0:
        with connection.cursor() as cursor:
            cursor.execute(sql, [last, min(left, _BATCH)])
            rows = cursor.fetchall()
        if not rows:
            return
        for idx, *rest in rows:
            yield _Row(idx, *map(_bytes, rest))
        left -= len(rows)
        if not isinstance(rows[-1][0], int):
            return
        last = rows[-1][0]


def _waiting_rows(ids: Sequence[int], first: int) -> Iterator[_Row]:
    """What waits, as it will stand from place `first` on."""
    for start in range(0, len(ids), _BATCH):
        piece = ids[start : start + _BATCH]
        marks = ", ".join(["%s"] * len(piece))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_columns()[2]} {_FROM_STAGED} WHERE s.id IN ({marks}) ORDER BY s.id", piece
            )
            rows = cursor.fetchall()
        for place, row in enumerate(rows, start=first + start):
            eid, entry, *rest = map(_bytes, row)
            leaf = None if entry is None else sha256(b"\x00" + entry).digest()
            yield _Row(place, leaf, eid, entry, *rest)


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)


def _sound(row: _Row, place: int) -> tuple[dict[str, Any] | None, str]:
    """(the entry as a value, what is wrong with it)."""
    if row.idx != place:
        return None, "there is no such place in the log, although later ones exist"
    if row.entry is None:
        return None, "the place is there, the entry is not"
    if len(row.entry) > MAX_ENTRY:
        return None, f"it is longer than {MAX_ENTRY} bytes"
    if row.leaf != sha256(b"\x00" + row.entry).digest():
        return None, "its bytes are not the ones that got this place"
    try:
        value = canonical.decode(row.entry)
    except ValueError as error:
        return None, f"it is not canonical: {str(error).rstrip('.')}"
    reason = fault(value)
    if reason:
        return None, reason
    case_n = None if value["case_n"] is None else str(value["case_n"]).encode()
    if (value["eid"].replace("-", "").encode(), value["case"].encode(), case_n) != (
        row.eid,
        row.case_ref,
        row.case_n,
    ):
        return None, "the columns beside it say something else than it does"
    return value, ""


def _payload_fault(row: _Row, value: Mapping[str, Any], sealer: Sealer | None) -> str:
    if row.sealed is None or sealer is None:
        return ""
    if not value["commit"]:
        return "there is a payload which it does not commit to"
    try:
        salt, data = sealer.open(UUID(value["eid"]), row.sealed)
    except Unopened:
        return "its payload was altered, or was sealed under another key than this house's"
    return "" if commitment(salt, data) == value["commit"] else "its payload is not the one it commits to"
