"""Gives staged entries their places: 0, 1, 2 ... without gaps, each with its leaf digest.

One sequencer works at a time (a lock), any number of processes may try. Nothing is ever updated: a place is
a new row. What is not here: tiles, signatures and witnesses.

**Late ones** (PostgreSQL). Ids are drawn before a transaction commits, so a low id may become visible after
a higher one has its place. Such an id is a hole in what was taken. Each run remembers the holes it left and
looks into them again for a quarter of an hour; for whatever is later still, or was another process's hole,
every run that is a process's first or comes an hour after the last goes through everything that has no
place. So an entry may come late, never not at all. SQLite lets one writer in at a time: there, ids become
visible in their own order.

**Order inside a case.** A transaction draws its ids after it has the lock on the case's counter, and it
holds that lock until it has committed; the next writer of the case draws numbers and ids afterwards. So
inside a case ids rise with `case_n`, and whoever sees a number sees all smaller ones. One run takes what it
takes in id order. Only a late one outside the remembered holes could be overtaken by a later number of its
case; therefore each run checks that the number before every number it took has a place, and if not, is
rolled back and done again over everything.
"""

# ruff: noqa: S608 - statements are put together from this file's own constants only

import time
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from openhotline.ledger.merkle import leaf_hash

_LOCK = 0x6C6564676572  # "ledger": the advisory lock of the one sequencer
_HOLES_KEPT = 900.0  # seconds
_ALL_EVERY = 3600.0  # seconds
_RECENT = 200_000  # ids below the newest, in which a run over everything looks for holes


@dataclass(frozen=True, slots=True)
class _Hole:
    """Ids without a visible entry, below the newest that was taken. Times are monotonic seconds."""

    first: int
    last: int
    forget_at: float


@dataclass(slots=True)
class _Memory:
    """What this process remembers of its own runs on one database."""

    all_due: float = 0.0
    holes: list[_Hole] = field(default_factory=list)


_memories: dict[tuple[object, ...], _Memory] = {}


def forget() -> None:
    """Forget what earlier runs of this process saw: its database was put back to an earlier state."""
    _memories.clear()


class _Overtaken(Exception):
    """An entry of a case would have got its place before an earlier one of the same case."""


def sequence(limit: int = 50_000, *, wait: bool = True) -> int:
    """Give places to at most about `limit` staged entries. Returns how many; 0 means none is waiting.

    Safe to call from anywhere at any time. Where another process is at it, it waits, or, without `wait`, leaves
    the work to that one and returns 0.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _postgresql(cursor, limit) if _alone(cursor, wait=wait) else 0
        return _sqlite(cursor, limit)


def _sqlite(cursor: CursorWrapper, limit: int) -> int:
    cursor.execute("SELECT coalesce(max(idx), -1) + 1, coalesce(max(staged_id), 0) FROM ledger_sequence")
    base, high = cursor.fetchone()
    cursor.execute("SELECT id, entry FROM ledger_staged WHERE id > %s ORDER BY id LIMIT %s", [high, limit])
    rows = [
        (idx, pk, leaf_hash(bytes(entry))) for idx, (pk, entry) in enumerate(cursor.fetchall(), start=base)
    ]
    cursor.executemany("INSERT INTO ledger_sequence (idx, staged_id, leaf) VALUES (%s, %s, %s)", rows)
    return len(rows)


def _alone(cursor: CursorWrapper, *, wait: bool) -> bool:
    if wait:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    return bool(cursor.fetchone()[0])


def _postgresql(cursor: CursorWrapper, limit: int) -> int:
    where = connection.settings_dict
    memory = _memories.setdefault((where["HOST"], where["PORT"], where["NAME"]), _Memory())
    now = time.monotonic()
    # A statement of its own: only now is everything visible that the one before us committed.
    cursor.execute("SELECT coalesce(max(idx), -1) + 1, coalesce(max(staged_id), 0) FROM ledger_sequence")
    base, high = cursor.fetchone()
    memory.holes = [hole for hole in memory.holes if hole.forget_at > now]
    if now < memory.all_due:
        try:
            with transaction.atomic():
                done = _newest(cursor, memory, base, high, limit)
        except _Overtaken:
            pass
        else:
            if done:
                memory.holes += _holes(cursor, above=high, now=now)
            return done
    done = _everything(cursor, base, limit)
    memory.all_due = now + _ALL_EVERY if done < limit else 0.0
    cursor.execute("SELECT coalesce(max(staged_id), 0) FROM ledger_sequence")
    memory.holes = _holes(cursor, above=max(cursor.fetchone()[0] - _RECENT, 0), now=now)
    return done


# The place, the id and the leaf of whatever the subselect `taken` yields, in id order.
_PLACE = """INSERT INTO ledger_sequence (idx, staged_id, leaf)
    SELECT %s - 1 + row_number() OVER (ORDER BY id), id, sha256('\\x00'::bytea || entry) FROM ({}) AS taken"""
_WITHOUT = "NOT EXISTS (SELECT 1 FROM ledger_sequence q WHERE q.staged_id = s.id)"
_NEWEST = _PLACE.format(
    f"""(SELECT id, entry FROM ledger_staged WHERE id > %s ORDER BY id LIMIT %s)
    UNION ALL
    SELECT s.id, s.entry FROM unnest(%s::bigint[], %s::bigint[]) AS hole (lo, hi)
    JOIN ledger_staged s ON s.id BETWEEN hole.lo AND hole.hi WHERE {_WITHOUT}"""
)
_EVERYTHING = _PLACE.format(
    f"SELECT s.id, s.entry FROM ledger_staged s WHERE {_WITHOUT} ORDER BY s.id LIMIT %s"
)
# A number that was taken now, whose predecessor is there and has no place.
_OVERTAKEN = f"""SELECT 1 FROM ledger_sequence now JOIN ledger_staged later ON later.id = now.staged_id
    JOIN ledger_staged s ON s.case_ref = later.case_ref AND s.case_n = later.case_n - 1
    WHERE now.idx >= %s AND later.case_n > 1 AND {_WITHOUT} LIMIT 1"""
_HOLES = """SELECT lo, hi FROM (
        SELECT lag(staged_id, 1, %s) OVER (ORDER BY staged_id) + 1 AS lo, staged_id - 1 AS hi
        FROM ledger_sequence WHERE staged_id > %s
    ) AS gap WHERE lo <= hi"""


def _newest(cursor: CursorWrapper, memory: _Memory, base: int, high: int, limit: int) -> int:
    """What came after the last run, and what came late into its holes. Raises _Overtaken."""
    holes = [hole.first for hole in memory.holes], [hole.last for hole in memory.holes]
    cursor.execute(_NEWEST, [base, high, limit, *holes])
    done: int = cursor.rowcount
    if done:
        cursor.execute(_OVERTAKEN, [base])
        if cursor.fetchone():
            raise _Overtaken
    return done


def _everything(cursor: CursorWrapper, base: int, limit: int) -> int:
    """Whatever has no place, lowest ids first."""
    cursor.execute(_EVERYTHING, [base, limit])
    done: int = cursor.rowcount
    return done


def _holes(cursor: CursorWrapper, *, above: int, now: float) -> list[_Hole]:
    """Ids above `above` that were passed by. Read off the places, so that nothing slips in between."""
    cursor.execute(_HOLES, [above, above])
    return [_Hole(first, last, now + _HOLES_KEPT) for first, last in cursor.fetchall()]
