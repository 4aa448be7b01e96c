"""The letter box between the public form and the worker: sealed records in append-only files.

True here: `append` returns only when the record is on the disk (fdatasync, and an fsync of the folder
when a file is new), so "received" may be said; many threads share one flush. A reader never loses a
record that was acknowledged and may see one twice, so whoever files them does so by `report_id`. The
records of one report may arrive in any order ("sent" before "opened") when two processes wrote them.

Not here: what is in a record. It is sealed; this file could not open it.

A segment is `<start in us>-<pid>-<random>.seg`, held under flock by its one writer. When the lock is
free the writer has closed it or died, and it is deleted once read. Nothing is ever written behind a
failed write: the segment is closed and the next append begins another.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from openhotline.records.frames import OPENED, SENT, SpoolRecord, frame, read_frames

__all__ = ["OPENED", "SENT", "Reader", "Spool", "SpoolError", "SpoolFull", "SpoolRecord"]

SEGMENT_BYTES = 8 * 1024 * 1024
POSITION = "position.json"
SEGMENT_SECONDS = 300  # so that a quiet site does not keep filed reports lying here


class SpoolError(Exception):
    """The record is not safely on the disk: nothing may be claimed to the person who sent it."""


class SpoolFull(SpoolError):
    """The disk has no room for it."""


def sync_folder(folder: Path) -> None:
    """Make new, renamed and deleted names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class _Batch:
    """Records that will share one flush."""

    frames: list[bytes] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    fault: BaseException | None = None


class Spool:
    """The writing end, one per process, safe for many threads. Make it after forking, not before."""

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, segment_seconds: float = SEGMENT_SECONDS
    ) -> None:
        self._folder = folder
        self._segment_bytes, self._segment_seconds = segment_bytes, segment_seconds
        self._queue = threading.Lock()  # guards which batch takes new records
        self._disk = threading.Lock()  # one leader writes at a time
        self._next = _Batch()
        self._file = -1
        self._size = 0
        self._born = 0.0
        self.flushes = 0

    def append(self, kind: str, records: Iterable[tuple[UUID, bytes]]) -> None:
        """Store what was sealed, each under the id of its report; returns when all of it is on the disk.

        The first thread of a batch leads: while it waits for the flush before it, others join, and one
        flush serves them all. Raises SpoolFull or SpoolError, to every thread of the batch.
        """
        data = b"".join(frame(kind, report_id, sealed) for report_id, sealed in records)
        with self._queue:
            batch = self._next
            batch.frames.append(data)
            leads = len(batch.frames) == 1
        if leads:
            with self._disk:
                with self._queue:
                    self._next = _Batch()  # from here on nobody joins this one
                try:
                    self._write(b"".join(batch.frames))
                except BaseException as fault:
                    batch.fault = fault  # whatever it was, nobody of this batch may say "received"
                    self._drop()
                finally:
                    batch.done.set()
        else:
            batch.done.wait()
        if batch.fault is not None:
            raise _as_refusal(batch.fault) from batch.fault

    def rest(self) -> None:
        """Close a segment that is old enough, so that the reader may delete it. Cheap; call it often."""
        with self._disk:
            if self._file >= 0 and time.monotonic() - self._born >= self._segment_seconds:
                self._drop()

    def close(self) -> None:
        """Give the segment to the reader."""
        with self._disk:
            self._drop()

    def probe(self) -> None:
        """Prove that a durable write is possible now, without leaving a record. Raises SpoolError."""
        path = self._folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(mode=0o770, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                _write_all(descriptor, b"\0" * 4096)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
                path.unlink()
        except OSError as fault:
            raise _as_refusal(fault) from fault

    def _write(self, data: bytes) -> None:
        old = time.monotonic() - self._born >= self._segment_seconds
        if self._file >= 0 and (old or self._size >= self._segment_bytes):
            self._drop()
        if self._file < 0:
            self._begin()
        _write_all(self._file, data)
        os.fdatasync(self._file)
        self._size += len(data)
        self.flushes += 1

    def _begin(self) -> None:
        """A new segment: locked before it has its name, so that no reader ever finds it unheld."""
        self._folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        # The machine's clock, not the house's: the name only sorts and must differ between segments.
        name = f"{time.time_ns() // 1000:017d}-{os.getpid()}-{secrets.token_hex(4)}"
        temp = self._folder / f".{name}.new"
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.fsync(descriptor)
            temp.rename(self._folder / f"{name}.seg")
            sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            temp.unlink(missing_ok=True)
            raise
        self._file, self._size, self._born = descriptor, 0, time.monotonic()

    def _drop(self) -> None:
        if self._file >= 0:
            descriptor, self._file = self._file, -1
            try:
                os.close(descriptor)
            except OSError:  # the kernel has let go of it all the same
                return


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _as_refusal(fault: BaseException) -> SpoolError:
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SpoolFull("The spool could not be written: the disk is full.")
    return SpoolError(f"The spool could not be written: {fault}.")


def unread(folder: Path, *, older_than: float) -> int:
    """Bytes that nobody has read although they were written more than `older_than` seconds ago."""
    position = folder / POSITION
    at = json.loads(position.read_bytes()) if position.exists() else {}
    before = time.time() - older_than
    found = [(path.name, path.stat()) for path in folder.glob("*.seg")]
    return sum(max(is_.st_size - int(at.get(name, 0)), 0) for name, is_ in found if is_.st_mtime < before)


class Reader:
    """The reading end: one, in the worker.

    `read`, file them, commit, then `done`. Between commit and `done` the machine may stop: the same
    records come again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: dict[str, int] = {}
        position = folder / POSITION
        if position.exists():
            self._at = {str(name): int(at) for name, at in json.loads(position.read_bytes()).items()}

    def read(self, limit: int) -> list[SpoolRecord]:
        """Up to `limit` records that `done` has not had yet, oldest segment first.

        Asking twice gives the same again. Deletes segments that are read and let go of by their writer.
        """
        found: list[SpoolRecord] = []
        for path in sorted(self._folder.glob("*.seg")):
            if len(found) >= limit:
                break
            found += self._read_segment(path, limit - len(found))
        return found

    def done(self, records: list[SpoolRecord]) -> None:
        """Remember durably that `records`, the whole or the front of one `read`, are filed."""
        if not records:
            return
        for record in records:
            self._at[record.segment] = max(record.end, self._at.get(record.segment, 0))
        known = {path.name for path in self._folder.glob("*.seg")}
        self._at = {name: at for name, at in self._at.items() if name in known}
        temp = self._folder / f".{POSITION}.new"
        with temp.open("wb") as file:
            file.write(json.dumps(self._at).encode())
            file.flush()
            os.fsync(file.fileno())
        temp.replace(self._folder / POSITION)
        sync_folder(self._folder)

    def _read_segment(self, path: Path, limit: int) -> list[SpoolRecord]:
        start = self._at.get(path.name, 0)
        with path.open("rb") as file:
            free = _is_free(file.fileno())  # asked before reading: behind a free lock nothing is added
            file.seek(start)
            records, length = read_frames(file.read(), limit, segment=path.name, base=start)
            rest = os.fstat(file.fileno()).st_size - start - length
            if free and not records:
                self._retire(path, rest)
        return records

    def _retire(self, path: Path, rest: int) -> None:
        """A segment nobody writes to and that holds nothing more to file."""
        if rest <= 0:
            path.unlink()
            return
        # Cut off in the middle of a record that was never acknowledged, or damaged by the disk: a person
        # decides. Kept under another name, still sealed.
        path.rename(path.with_suffix(".torn"))
        logging.getLogger(__name__).warning("Spool: %d unreadable bytes kept in %s.", rest, path.stem)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
