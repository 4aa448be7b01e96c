"""The same number of workers on job servers' chains of four empty steps: what `letters.py` stands beside.

True here: procrastinate on the same PostgreSQL, Celery on Redis with its rows in the same PostgreSQL; the clock runs
from the first row to the last, so that nobody's start is counted. A step that ran twice or never raises no error here: it is counted. CPU is the workers',
PostgreSQL's and Redis'. Not here: what a step does (`peer_chain.py`).
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import common, peers
from openhotline.crashtest.postgres import Server
from tests.houses import free_ports

LIBRARIES = {
    "procrastinate": ("procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9"),
    "celery": ("celery[redis]==5.7.0", "psycopg[binary]==3.3.9"),
}
STEPS = 4
PATIENCE_S = 300


def beside(
    server: Server, postgres: int, *, chains: int, workers: tuple[int, ...], redis: str
) -> dict[str, dict[str, Any]]:
    """library -> its version, and for each number of workers chains and steps a second, CPU, doubled, missing.

    `redis`: the path of redis-server.
    """
    found: dict[str, dict[str, Any]] = {}
    for library, wanted in LIBRARIES.items():
        folder = peers.environment(f"{library}-chain", wanted)
        each = {count: _run(library, folder, server, postgres, chains, count, redis) for count in workers}
        found[library] = {"version": peers.version(folder, library), "workers": each}
    return found


def _run(
    library: str, folder: Path, server: Server, postgres: int, chains: int, workers: int, redis: str
) -> dict[str, float]:
    url = server.new_database()
    with _broker(redis) as (address, broker), psycopg.connect(url, autocommit=True) as rows:
        begin = [folder / "bin" / "python", Path(__file__).with_name("peer_chain.py"), library]
        common.run([*begin, "fill", url, address, str(chains)])
        crew = [
            subprocess.Popen(
                [*begin, "work", url, address, str(number)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )
            for number in range(workers)
        ]  # fmt: skip
        try:
            for one in crew:
                assert one.stdout is not None and one.stdout.readline() == "ready\n"
            pids = [postgres, broker, *(one.pid for one in crew)]
            used = sum(map(common.cpu, pids))
            for one in crew:
                assert one.stdin is not None
                one.stdin.write("go\n")
                one.stdin.flush()
            done = last = 0
            start = moved = time.monotonic()
            while done < chains * STEPS and time.monotonic() - moved < PATIENCE_S:
                time.sleep(0.05)
                (done,) = rows.execute(
                    "SELECT count(*) FROM (SELECT DISTINCT chain, step FROM steps) s"
                ).fetchone() or (0,)
                if done > last:
                    moved = time.monotonic()
                    start, last = (start if last else moved), done
            seconds, used = moved - start, sum(map(common.cpu, pids)) - used
        finally:
            for one in crew:
                one.kill()
                one.wait()
        (all_,) = rows.execute("SELECT count(*) FROM steps").fetchone() or (0,)
    return {
        "chains_per_second": round(chains / seconds, 1),
        "steps_per_second": round(done / seconds, 1),
        "cpu_ms_per_chain": round(used / chains * 1000, 2),
        "twice": all_ - done,
        "missing": chains * STEPS - done,
    }


@contextmanager
def _broker(redis: str) -> Iterator[tuple[str, int]]:
    """A Redis of our own on loopback that keeps nothing: (its address, its process)."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place:
        command = [redis, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", place]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                time.sleep(0.5)
                yield f"redis://127.0.0.1:{port}/0", process.pid
            finally:
                process.terminate()
