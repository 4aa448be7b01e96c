"""Where half-filled forms lie: one small SQLite file of sealed rows, each with the time of its end.

True here: what is erased is overwritten (`secure_delete`), within a minute in the write-ahead log too. Rows are
not flushed one by one, so a machine that loses power may lose the last of them; a file damaged by that is thrown
away, because nothing in it is worth a report. One file and not one for each person: making a name in a folder
cost more than all else about a draft, and every flush of the spool had to carry it to the disk first.
What is not here: any key, and what a row means (`drafts`).
"""

import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

FILE = "drafts.sqlite3"
_MAKE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA secure_delete = ON",
    "CREATE TABLE IF NOT EXISTS draft (name BLOB PRIMARY KEY, until REAL NOT NULL, sealed BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS draft_until ON draft (until)",
)
_PUT, _ROW = "INSERT OR REPLACE INTO draft (name, until, sealed) VALUES ", "(?, ?, ?)"


class Drawer:
    """The rows of one folder; safe for many threads, and for other processes beside this one.

    Every method raises OSError where the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def put(self, rows: Iterable[tuple[bytes, bytes]], *, until: float) -> None:
        """Keep rows (name, sealed) until then, all or none; one of the same name is replaced."""
        values = [value for name, sealed in rows for value in (name, until, sealed)]
        self._run(_PUT + ", ".join([_ROW] * (len(values) // 3)), values)

    def get(self, name: bytes, *, now: float) -> bytes | None:
        """The row of that name, if its time is not over."""
        rows, _ = self._run("SELECT sealed FROM draft WHERE name = ? AND until >= ?", (name, now))
        return bytes(rows[0][0]) if rows else None

    def erase(self, name: bytes) -> None:
        """Overwrite the row of that name, if there is one."""
        self._run("DELETE FROM draft WHERE name = ?", (name,))

    def sweep(self, now: float) -> int:
        """Overwrite every row whose time is over, and the log of what was erased. Returns how many went."""
        _, gone = self._run("DELETE FROM draft WHERE until < ?", (now,))
        self._run("PRAGMA wal_checkpoint(TRUNCATE)", ())
        return gone

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _run(self, sql: str, values: Sequence[object]) -> tuple[list[tuple[bytes]], int]:
        with self._lock:
            try:
                return self._once(sql, values)
            except sqlite3.OperationalError as fault:
                raise OSError(errno.EIO, f"Drafts: {fault}") from fault
            except sqlite3.DatabaseError as fault:
                self._throw_away(fault)
                return self._once(sql, values)

    def _once(self, sql: str, values: Sequence[object]) -> tuple[list[tuple[bytes]], int]:
        if self._open is None:
            self._open = self._begin()
        found = self._open.execute(sql, values)
        return found.fetchall(), found.rowcount

    def _begin(self) -> sqlite3.Connection:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite would let others read
        made = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            for statement in _MAKE:
                made.execute(statement).fetchall()
        except BaseException:
            made.close()
            raise
        return made

    def _throw_away(self, fault: Exception) -> None:
        """A file that a power cut damaged: begin anew. What was sent lies in the spool."""
        logging.getLogger(__name__).warning("Drafts were damaged and begun anew: %s", fault)
        if self._open is not None:
            self._open.close()
            self._open = None
        for end in ("", "-wal", "-shm"):
            (self._folder / f"{FILE}{end}").unlink(missing_ok=True)


_lock = threading.Lock()
_drawers: dict[tuple[int, Path], Drawer] = {}


def drawer(folder: Path) -> Drawer:
    """The drawer of that folder in this process: made on first use, behind any fork."""
    key = (os.getpid(), folder)
    known = _drawers.get(key)
    if known is None:
        with _lock:
            for old in [old for old in _drawers if old[0] == key[0]]:
                _drawers.pop(old).close()  # a process serves one house
            known = _drawers.setdefault(key, Drawer(folder))
    return known
