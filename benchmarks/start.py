"""How soon the first page is there: seconds from the command to the first 200 of the public form.

* demo: `./run demo` in this clone, installed and compiled, where a demo was played before (its empty database is kept
  as a template); each start makes the house anew: keys, tables, policy, people, world, prober, doors.
* up: `openhotline up` of a real house that was made before, on SQLite.

Each is stopped as a person would, by Ctrl-C, before the next one starts. The page is asked for every 10 ms by plain
HTTP on loopback. The first start of each is not counted. CPU is what all its processes had used when the page came.

    ./run exec python benchmarks/start.py [--quick]
"""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import common
from tests import houses

RUNS = 5
WANTED = 5.0  # seconds
_PATIENCE = 120.0
_EVERY = 0.01


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the command to the page, and CPU seconds of all processes until then."""

    seconds: float
    cpu: float


def main() -> None:
    """Both, in turn."""
    quick = common.quick()
    runs = 1 if quick else RUNS
    machine = common.machine()
    found: dict[str, list[Start]] = {"demo": [], "up": []}
    home = Path(tempfile.mkdtemp(prefix="openhotline-start-"))
    home.chmod(0o755)
    try:
        opened = [common.ROOT / "run", "exec", "openhotline", "up"]
        subprocess.run(
            [*opened[:-1], "owner", "create", "--username", "owner"],
            env=_environment(home / "house", kind="production"),
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        for number in range(runs + 1):
            demo = _start([common.ROOT / "run", "demo"], _environment(home / "demo", kind="demo"))
            house = _start(opened, _environment(home / "house", kind="production"))
            if number:
                found["demo"].append(demo)
                found["up"].append(house)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    common.table(
        f"Command to first page, {runs} starts ({machine['cpu']}, {machine['cores']} cores, load {machine['load']})",
        [
            (
                name,
                f"median {common.median(one.seconds for one in starts):.2f} s",
                f"at most {max(one.seconds for one in starts):.2f} s",
                f"CPU {common.median(one.cpu for one in starts):.2f} s",
            )
            for name, starts in found.items()
        ],
    )
    print(f"  wanted: under {WANTED:.0f} s")
    kept = {name: [asdict(one) for one in starts] for name, starts in found.items()}
    common.write("start", {"starts": kept, "wanted": WANTED}, quick=quick)


def _environment(house: Path, *, kind: str) -> dict[str, str]:
    """Of a house at free ports, Python keeping what it compiled as it does for everybody."""
    public, desk, portal = houses.free_ports(3)
    left_out = ("OPENHOTLINE_", "DJANGO_", "PYTHONDONTWRITEBYTECODE")
    rest = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **rest,
        "OPENHOTLINE_KIND": kind,
        "OPENHOTLINE_WALL": "none",  # the wall is the machine's, and not there on everybody's
        "OPENHOTLINE_DATA_DIR": str(house),
        "OPENHOTLINE_PUBLIC_PORT": str(public),
        "OPENHOTLINE_DESK_PORT": str(desk),
        "OPENHOTLINE_PORTAL_PORT": str(portal),
    }


def _start(command: list[str | Path], env: dict[str, str]) -> Start:
    """Start it, wait until the public form answers 200, stop everything by Ctrl-C. Raises RuntimeError where none came."""
    port = int(env["OPENHOTLINE_PUBLIC_PORT"])
    with tempfile.TemporaryFile() as words:
        began = time.monotonic()
        child = subprocess.Popen(
            command, env=env, cwd=common.ROOT, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
            start_new_session=True,
        )  # fmt: skip
        try:
            while not _answers(port):
                if child.poll() is not None or time.monotonic() - began > _PATIENCE:
                    words.seek(0)
                    raise RuntimeError(
                        f"No page came. It said:\n{words.read().decode(errors='replace')[-2000:]}"
                    )
                time.sleep(_EVERY)
            return Start(round(time.monotonic() - began, 3), round(common.cpu(child.pid), 2))
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
            child.wait(_PATIENCE)


def _answers(port: int) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asking.request("GET", "/")
        return asking.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


if __name__ == "__main__":
    main()
