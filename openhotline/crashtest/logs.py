"""The logs that outlive a kill: one fsynced line for each thing somebody was told."""

import os
from pathlib import Path


def add(file: Path, text: str) -> None:
    """What somebody was told: on the disk before the next thing happens."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, f"{text}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def lines(file: Path) -> list[str]:
    """The whole lines of a log; a killed writer may have left half a one."""
    if not file.exists():
        return []
    *whole, _ = file.read_text().split("\n")
    return whole
