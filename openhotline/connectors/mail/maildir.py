"""A Maildir as the border between the world's mail and the house: written durably, read in order, never changed.

True here: a message that was acknowledged is on the disk (file and folder fsynced); one that was read moves to
`cur` and stays. What is not here: what a message says (`inbound`), and a listener's conversation (`listener`).
"""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("tmp", "new", "cur")


def make(place: Path) -> Path:
    """The Maildir at `place`, made where it is missing."""
    for name in FOLDERS:
        (place / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def deliver(place: Path, raw: bytes) -> str:
    """Put one message in, durably, under a name of its own. Raises OSError; then nothing was acknowledged."""
    name = f"{time.time_ns()}.{os.getpid()}.{secrets.token_hex(6)}"
    temporary, final = place / "tmp" / name, place / "new" / name
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(raw)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    os.link(temporary, final)
    temporary.unlink()
    _sync(place / "new")
    return name


def waiting(place: Path, limit: int = 100) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of messages nobody has read yet, oldest first; the bytes cut one past 10 MiB."""
    new = place / "new"
    if not new.is_dir():
        return
    names = sorted(entry.name for entry in os.scandir(new) if entry.is_file(follow_symlinks=False))
    for name in names[:limit]:
        try:
            with (new / name).open("rb") as handle:
                yield name, handle.read(10 * 1024 * 1024 + 1)
        except OSError:
            continue  # another reader took it, or it cannot be read now: it stays where it is


def done(place: Path, name: str) -> None:
    """It was kept: out of the way, still there."""
    (place / "cur").mkdir(mode=0o700, exist_ok=True)
    (place / "new" / name).replace(place / "cur" / f"{name}:2,S")
    _sync(place / "cur")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
