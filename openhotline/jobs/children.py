"""One process of a house: how it is started with the least it needs, and how it is known again.

True here: a child ends with the thread that started it (PR_SET_PDEATHSIG), leads a group of its own, and
sees no variable but those it is given. Not here: when to start it again (`supervise`).
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROBER = "prober"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """One process: what starts it, what it may know, and how it is doing."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    falls: int = 0
    again_at: float = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def spawn(child: Child, place: Path) -> "subprocess.Popen[bytes]":
    """Start it in `place`. Raises OSError."""
    parent, package = os.getpid(), str(Path(__file__).resolve().parents[2])
    environment = {
        **{
            name: os.environ[name]
            for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")
            if name in os.environ
        },
        "PYTHONPATH": package,
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        **child.environment,
    }
    if child.name == PROBER:
        environment.pop("HOME", None)

    def die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # it died between fork and here

    return subprocess.Popen(  # noqa: S603  our own interpreter, our own modules
        [sys.executable, *child.command],
        env=environment,
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # what a child has to say it says on stderr; stdout belongs to the command
        start_new_session=True,  # Ctrl-C is for us; we stop them in order
        preexec_fn=die_with_parent,
    )


def birth_of(pid: int) -> str:
    """When a process began, in the kernel's ticks: a pid alone may have been given away again. "" if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
