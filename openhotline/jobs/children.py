"""One process of a house: how it is started with the least it needs, and how it is known again.

True here: a child ends with the thread that started it (PR_SET_PDEATHSIG), leads a group of its own, and
sees no variable but those it is given. Not here: when to start it again (`supervise`).
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROBER = "prober"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_REMEMBERED = 100  # lines
_PIPE = 1024 * 1024  # bytes that wait in it while nobody reads


@dataclass
class Child:
    """One process: what starts it, what it may know, and how it is doing."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    falls: int = 0  # in a row
    again_at: float = 0.0
    fell: str = ""  # how it ended last, while it keeps ending
    words: list[str] = field(default_factory=list)  # the prober's own, since its last start
    before: list[str] = field(default_factory=list)  # and those before that start
    piece: bytes = b""  # of a line that is not whole yet

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def begin(self, process: "subprocess.Popen[bytes]", now: float) -> None:
        """It was started, for the first time or again. `now`: seconds of the monotonic clock."""
        self.process, self.started = process, now
        self.before, self.words, self.piece = self.words, [], b""

    def fresh_words(self) -> list[str]:
        """Lines it has said on a pipe since the last call, without those it said before its last start too."""
        if self.process is None or self.process.stderr is None:
            return []
        with suppress(BlockingIOError):
            while data := os.read(self.process.stderr.fileno(), 65_536):
                self.piece += data
        *whole, self.piece = self.piece.split(b"\n")
        lines = [line.decode("utf-8", "replace") for line in whole]
        self.words = [*self.words, *lines][-_REMEMBERED:]
        return [line for line in lines if line not in self.before]


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

    process = subprocess.Popen(  # noqa: S603  our own interpreter, our own modules
        [sys.executable, *child.command],
        env=environment,
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # what a child has to say it says on stderr; stdout belongs to the command
        stderr=subprocess.PIPE
        if child.name == PROBER
        else None,  # a prober that refuses says so at each start
        start_new_session=True,  # Ctrl-C is for us; we stop them in order
        preexec_fn=die_with_parent,
    )
    if process.stderr is not None:
        os.set_blocking(process.stderr.fileno(), False)
        with suppress(OSError):
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, _PIPE)
    return process


def birth_of(pid: int) -> str:
    """When a process began, in the kernel's ticks: a pid alone may have been given away again. "" if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
