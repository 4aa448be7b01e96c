"""Files what the public door has spooled. The spool may be read twice; filing is idempotent.

A form left after page 1 is filed too, two hours later, marked so. Until then it waits,
still sealed, in `spool/held/`. An address corrected meanwhile is one more line: each spelling that was given is filed.
"""

import fcntl
import hashlib
import logging
import os
import weakref
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from openhotline.policy import Policy
from openhotline.records import sealing, spool
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import PUBLIC_REPORTER
from openhotline.settings import Settings
from openhotline.steps import intake

log = logging.getLogger("openhotline.worker")

LEFT_AFTER = timedelta(hours=2)


class Filer:
    """Reads the spool in order and files what is complete, or was left."""

    def __init__(self, settings: Settings) -> None:
        self.place = settings.spool
        self.reader = spool.Reader(settings.spool)
        self.secret = sealing.secret_key(settings.keys)
        self.held = settings.spool / "held"
        self.held.mkdir(mode=0o700, exist_ok=True)
        self.opened: dict[UUID, tuple[datetime, IncomingReport]] = {}
        self._files: defaultdict[UUID, list[Path]] = defaultdict(list)  # in which each opened form lies
        self._reads = False
        self._lock: Callable[[], object] = lambda: None

    def close(self) -> None:
        """Let another process read this spool: this one is done with it."""
        self._lock()
        self._reads = False

    def file(self, *, policy: Policy, at: datetime, limit: int = 1000) -> int:
        """File what is there. Returns how many reports were filed or completed; 0 where another worker reads."""
        if not self._mine():
            return 0
        records = self.reader.read(limit)
        ready: dict[UUID, IncomingReport] = {}
        for record in records:
            report = self._open(record)
            if report is None:
                continue
            if record.kind == "sent":
                earlier = ready.get(report.report_id) or self._opened(report.report_id)
                ready[report.report_id] = report.after(earlier) if earlier else report
            else:
                self._hold(record.report_id, record.sealed, report, at)
        for report_id in ready:
            self._let_go(report_id)
        left = [held for since, held in self.opened.values() if since + LEFT_AFTER <= at]
        ready |= {report.report_id: report for report in left}
        if ready:
            intake.file_reports(list(ready.values()), policy=policy, by=PUBLIC_REPORTER, at=at)
        for report in left:
            self._let_go(report.report_id)
        if records:
            self.reader.done(records)
        return len(ready)

    def _mine(self) -> bool:
        """One worker reads a spool. The lock is the kernel's: it is free as soon as its holder is dead."""
        if self._reads:
            return True
        handle = os.open(self.place / "reader.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._lock = weakref.finalize(
            self, os.close, handle
        )  # the lock goes with the file, and the file with its reader
        self._reads = True
        # What the one before had read and held is on the disk.
        self.reader = spool.Reader(self.place)
        self._read_held()
        return True

    def _open(self, record: "spool.SpoolRecord") -> IncomingReport | None:
        try:
            return IncomingReport.from_json(sealing.open_(record.sealed, self.secret))
        except (sealing.CannotOpen, ValueError):
            # Kept for a person: nothing that was acknowledged is thrown away.
            (self.held / f"{record.report_id}.unreadable").write_bytes(record.sealed)
            log.warning("A spooled report cannot be opened; it is kept in %s.", self.held)
            return None

    def _hold(self, report_id: UUID, sealed: bytes, report: IncomingReport, at: datetime) -> None:
        """Keep an opened form, still sealed, on disk before the spool forgets it: each of its spellings."""
        # The same bytes are the same file, so that a spool read twice holds once.
        file = self.held / f"{report_id}.{hashlib.sha256(sealed).hexdigest()[:16]}.opened"
        self._remember(file, report, report.exact_at or at)
        temporary = file.with_suffix(".new")
        with temporary.open("wb") as handle:
            handle.write(sealed)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
        spool.sync_folder(self.held)

    def _let_go(self, report_id: UUID) -> None:
        self.opened.pop(report_id, None)
        for file in self._files.pop(report_id, ()):
            file.unlink(missing_ok=True)

    def _opened(self, report_id: UUID) -> IncomingReport | None:
        held = self.opened.get(report_id)
        return held[1] if held else None

    def _remember(self, file: Path, report: IncomingReport, since: datetime) -> None:
        earlier = self._opened(report.report_id)
        self.opened[report.report_id] = since, report.after(earlier) if earlier else report
        self._files[report.report_id].append(file)

    def _read_held(self) -> None:
        self.opened.clear()
        self._files.clear()
        for file in sorted(self.held.glob("*.opened"), key=lambda file: file.stat().st_mtime_ns):
            try:
                report = IncomingReport.from_json(sealing.open_(file.read_bytes(), self.secret))
            except (sealing.CannotOpen, ValueError):
                continue
            self._remember(file, report, report.exact_at or report.received_at)
