"""Put a letter into the spool directory, once, whatever breaks in between (security.md 3c).

True here: the file is on the disk before anybody can see it; `link(2)` gives it its names and refuses a name
that is there, so the same key is one letter for ever and asking again is always safe. The folder has
`new/` (for the mail server), `taken/` (where it moves what it took) and `kept/` (ours). Not here: SMTP.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from openhotline.connectors.receipt import ACCEPTED, REFUSED, TEMPORARY, Receipt
from openhotline.connectors.spool.meaning import HANDED_OVER, checked, state_of

NEW, TAKEN, KEPT = "new", "taken", "kept"


@dataclass(frozen=True, slots=True)
class Spool:
    """The folder, made by the operator for us and the mail server's pick-up."""

    folder: Path


def send(frozen: bytes, spool: Spool, *, key: str) -> Receipt:
    """Hand `frozen` over under `key`. Raises ValueError for a key that is none; nothing else."""
    started = time.monotonic()
    name = f"{checked(key)}.eml"
    kept, new = spool.folder / KEPT / key, spool.folder / NEW / name
    try:
        for folder in (NEW, TAKEN, KEPT):
            (spool.folder / folder).mkdir(mode=0o770, exist_ok=True)
        _keep(frozen, kept)
        if kept.read_bytes() != frozen:
            why = "The spool holds another letter under this key; nothing was handed over."
            return Receipt(REFUSED, why, stage="content", seconds=_since(started))
        if state_of(kept.stat().st_nlink) != HANDED_OVER:
            with suppress(FileExistsError):
                os.link(kept, new)
            _sync(spool.folder / NEW)
        return Receipt(ACCEPTED, "The spool has the letter.", 0, "", key[:16], "content", _since(started))
    except OSError as fault:
        why = "The spool cannot be written; handing the same letter over again is safe."
        return Receipt(TEMPORARY, why, text=str(fault)[:500], stage="content", seconds=_since(started))


def ask(spool: Spool, *, key: str) -> str:
    """Whether a letter was handed over under `key`: "taken", "not taken", "unknown" where nobody can look."""
    try:
        names = (spool.folder / KEPT / checked(key)).stat().st_nlink
    except FileNotFoundError:
        return "not taken" if (spool.folder / KEPT).is_dir() else "unknown"
    except OSError:
        return "unknown"
    return "taken" if state_of(names) == HANDED_OVER else "not taken"


def _keep(frozen: bytes, kept: Path) -> None:
    """Our own name for the file, on the disk. One that is there already stays."""
    if kept.exists():
        return
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(frozen)
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(temporary, kept)
    finally:
        temporary.unlink()
    _sync(kept.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 4)
