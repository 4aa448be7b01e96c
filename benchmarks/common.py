"""What every benchmark shares: the machine it runs on, a durable house, CPU of whole process trees, results.

True here: CPU is user + system of every process that did the work, read from the kernel (the database server
with the backends it has reaped included); memory is the kernel's high-water mark of one process. Not here:
any figure. A benchmark is a program a person starts; nothing in the tests is timed.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from openhotline import __version__
from openhotline.crashtest import postgres
from tests import houses

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"
TICK = os.sysconf("SC_CLK_TCK")
DURABLE = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "wal_compression",
)


# --- the machine ----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def machine() -> dict[str, object]:
    """What this ran on. `load` is the one-minute load average when first asked: before the run."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "openhotline": __version__,
        "load": round(os.getloadavg()[0], 2),
    }


def fsync_rate(folder: Path, seconds: float = 1.0) -> float:
    """Appends of 4 KiB with fdatasync, one after the other, that this disk does in a second."""
    path = folder / "fsync.probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    count, end = 0, time.monotonic() + seconds
    begin = time.monotonic()
    try:
        while time.monotonic() < end:
            os.write(descriptor, b"x" * 4096)
            os.fdatasync(descriptor)
            count += 1
    finally:
        os.close(descriptor)
        path.unlink()
    return count / (time.monotonic() - begin)


# --- CPU and memory of processes ------------------------------------------------------------------


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _family(pid: int) -> Iterator[int]:
    """A process and everything below it that lives."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield from _family(int(child))


def cpu(pid: int) -> float:
    """User + system seconds of a process and all its descendants, the ended and reaped ones included."""
    ticks = 0
    for member in _family(pid):
        try:
            ticks += sum(map(int, _stat(member)[11:15]))  # utime stime cutime cstime
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile: its parent has the sum
    return ticks / TICK


@dataclass(frozen=True, slots=True)
class Ran:
    """One command: how long it took, what it cost, the most memory it held, what it said."""

    seconds: float
    cpu: float
    peak_mib: float
    out: str


def run(command: Sequence[str | Path], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Run a command to its end. Raises RuntimeError with its words where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        child = subprocess.Popen(list(map(str, command)), env=_compiled(env), cwd=cwd, stdout=out, stderr=err)
        peak, over = [0.0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(child.pid, peak, over), daemon=True)
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
        out.seek(0)
        err.seek(0)
        said, why = out.read().decode(), err.read().decode(errors="replace")
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {child.returncode}:\n{why[-4000:]}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, peak[0], said)


def _compiled(env: dict[str, str] | None) -> dict[str, str]:
    """An environment in which Python keeps what it compiled, as it does for everybody: a start is a start."""
    return {k: v for k, v in (os.environ if env is None else env).items() if k != "PYTHONDONTWRITEBYTECODE"}


def _watch(pid: int, peak: list[float], over: threading.Event) -> None:
    """VmHWM never falls, so looking often enough to see it near the end is enough."""
    while not over.wait(0.02):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                peak[0] = int(line.split()[1]) / 1024


# --- databases and houses -------------------------------------------------------------------------


@contextmanager
def postgresql() -> Iterator[tuple[postgres.Server, int]]:
    """A fresh PostgreSQL from the wheel with the settings it ships with, and its process id."""
    launcher = postgres.Launcher()
    with launcher as server:
        assert launcher.process is not None
        yield server, launcher.process.pid


def settings_of(url: str) -> dict[str, str]:
    """The settings that durability and speed hang on, as the server itself says them."""
    import psycopg

    with psycopg.connect(url) as connection:
        found = {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in DURABLE}  # type: ignore[index,arg-type]
        version = connection.execute("SHOW server_version").fetchone()
    return {"server_version": str(version[0] if version else ""), **found}


def sqlite_settings() -> dict[str, str]:
    """What a house's SQLite runs with (django_settings)."""
    import sqlite3

    return {"sqlite": sqlite3.sqlite_version, "journal_mode": "WAL", "synchronous": "FULL"}


_MAKE = """
import django; django.setup()
from openhotline.jobs import house
from openhotline.settings import load
settings = load()
house.make_places(settings)
house.migrate()
house.settle(settings, at=settings.clock().now())
"""


def make_house(folder: Path, url: str = "") -> dict[str, str]:
    """A new house with places, keys, tables and policy. Returns the environment of its processes.

    `url`: the address of an empty PostgreSQL database, or "" for SQLite in the folder.
    """
    rest = {k: v for k, v in os.environ.items() if not k.startswith(("OPENHOTLINE_", "DJANGO_"))}
    public, desk, portal = houses.free_ports(3)
    env = {
        **rest,
        "OPENHOTLINE_KIND": "production",
        "OPENHOTLINE_DATA_DIR": str(folder),
        "OPENHOTLINE_DATABASE_URL": url,
        "OPENHOTLINE_PUBLIC_PORT": str(public),
        "OPENHOTLINE_DESK_PORT": str(desk),
        "OPENHOTLINE_PORTAL_PORT": str(portal),
        "DJANGO_SETTINGS_MODULE": "openhotline.django_settings",
        "TZ": "UTC",
    }
    folder.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-c", _MAKE], env=env)
    return env


def openhotline(*arguments: str | Path) -> list[str]:
    """The command line of the house's own command."""
    return [sys.executable, "-m", "openhotline.cli", *map(str, arguments)]


# --- results --------------------------------------------------------------------------------------


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def table(title: str, rows: Iterable[tuple[object, ...]]) -> None:
    """A plain table on the terminal."""
    cells = [[f"{cell:,.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [
        max(len(row[i]) for row in cells if i < len(row)) for i in range(max(map(len, cells), default=0))
    ]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())


def write(name: str, value: dict[str, object], *, quick: bool) -> None:
    """Keep the result beside the program. A quick run proves the program, not the figure: it is not kept."""
    kept = {"benchmark": name, "date": datetime.now(UTC).date().isoformat(), "machine": machine(), **value}
    if quick:
        print("\n(--quick: nothing is kept)")
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(
        json.dumps(kept, indent=1, sort_keys=False) + "\n", encoding="utf-8"
    )


def quick(arguments: Sequence[str] | None = None) -> bool:
    """Whether this is a short run that only shows that the program works."""
    return "--quick" in (sys.argv[1:] if arguments is None else arguments)


def timed(act: Callable[[], object]) -> float:
    """Seconds an act took."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin
