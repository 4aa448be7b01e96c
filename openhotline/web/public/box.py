"""What the public form's process holds: the letter box, the sealing key's public half, the pepper.

One spool per process, made on first use, behind any fork. True here: `keep` returns only when the report is
sealed and on the disk. What is not here: anything that could open a report, and any case.
"""

import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from openhotline import policy
from openhotline.records import sealing
from openhotline.records.spool import Spool, SpoolError
from openhotline.rules import receipts
from openhotline.rules.incoming import IncomingReport
from openhotline.settings import load
from openhotline.web.public import drafts

ROOM_NEEDED = 64 * 1024 * 1024  # bytes free below which the form says it is not ready
TIDY_SECONDS = 60.0
READY_SECONDS = 2.0  # the answer to /readyz is remembered, so that asking often costs the disk nothing

_lock = threading.Lock()
_spools: dict[tuple[int, Path], Spool] = {}
_tidied = 0.0
_ready: tuple[float, str] = (float("-inf"), "")


def keep(kind: str, reports: Sequence[IncomingReport]) -> None:
    """Seal each report and store them durably. Raises SpoolFull or SpoolError; then nothing may be claimed."""
    try:
        public = _public(load().keys)
    except OSError as fault:
        raise SpoolError(f"The sealing key cannot be read: {fault.strerror}.") from fault
    _spool().append(kind, [(report.report_id, sealing.seal(report.to_json(), public)) for report in reports])


def drafts_folder() -> Path:
    """Where half-filled forms wait, encrypted."""
    return load().data_dir / "drafts"


def new_words() -> tuple[str, ...]:
    """Seven fresh words."""
    return receipts.new_words(secrets.token_bytes, _list())


def hash_of(words: tuple[str, ...]) -> str:
    """The keyed hash under which these words are known, 64 hex digits."""
    return receipts.keyed_hash(_pepper(load().keys), words)


def read_words(text: str) -> tuple[str, ...] | None:
    """The seven words somebody typed, or None where there are not seven of the list."""
    return receipts.read_words(text, _list())


def tidy() -> None:
    """Once a minute at most: erase old drafts, let a quiet segment go to the worker."""
    global _tidied
    now = time.monotonic()
    with _lock:
        if now - _tidied < TIDY_SECONDS and _tidied:
            return
        _tidied = now
    try:
        drafts.sweep(drafts_folder())
    except OSError as fault:
        logging.getLogger(__name__).warning("Old drafts could not be swept: %s", fault.strerror)
    _spool().rest()


def not_ready() -> str:
    """Why the form could not keep a report just now; "" where it could. Writes to the disk to know."""
    global _ready
    with _lock:
        if time.monotonic() - _ready[0] < READY_SECONDS:
            return _ready[1]
    why = _look()
    with _lock:
        _ready = (time.monotonic(), why)
    return why


def _look() -> str:
    try:
        _public(load().keys)
        _pepper(load().keys)
        _spool().probe()
        free = shutil.disk_usage(load().spool).free
    except SpoolError as fault:
        return str(fault)
    except OSError as fault:
        return f"The form's keys cannot be read: {fault.strerror}. Run: openhotline doctor"
    if free < ROOM_NEEDED:
        return f"The disk has {free // 2**20} MiB left and the spool wants {ROOM_NEEDED // 2**20}. Make room."
    return ""


def _spool() -> Spool:
    key = (os.getpid(), load().spool)
    with _lock:
        if key not in _spools:
            _spools[key] = Spool(load().spool)
        return _spools[key]


@lru_cache(maxsize=1)
def _list() -> receipts.WordList:
    folder = Path(policy.__file__).parent / "words"
    return receipts.WordList.of((folder / "eff_large.txt").read_text().split())


@lru_cache(maxsize=2)
def _public(keys: Path) -> str:
    return sealing.public_key(keys)


@lru_cache(maxsize=2)
def _pepper(keys: Path) -> bytes:
    return sealing.pepper(keys)
