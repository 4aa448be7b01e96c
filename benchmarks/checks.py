"""Complete checks: what one costs in CPU from the job to the durable row, beside requests, httpx and aiohttp.

True here: the real prober process behind a SOCKS5 exit, names looked up, vetted and pinned, a page's title and
fingerprint taken, a picture's headers read; then `steps/check.record`: the look filed, judged against those
before it, the removal's next look set, committed. CPU is user + system of prober, worker and database; the server
that plays the sites is nobody's. The peers only fetch, from loopback, and keep nothing. All take turns in one run.
Not here: TLS, and waiting, which costs no CPU: looks a second on the wire are bounded by latency and manners.

    ./run exec python benchmarks/checks.py [--quick]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks import common, peers

COUNT, QUICK_COUNT = 600, 100
HOSTS = 50
RUNS = 1
ENDINGS = {"pictures": ".jpg", "pages": ".html"}
LIBRARIES = {
    "requests": ("requests==2.32.5",),
    "httpx": ("httpx==0.28.1",),
    "aiohttp": ("aiohttp==3.13.2",),
}
TARGET_MS, TIMES = 1.0, {"requests": 10.0, "httpx": 4.0}


def main() -> None:
    """House and peers alternate; each database has houses of its own."""
    if "--inside" in sys.argv:
        at = sys.argv.index("--inside")
        print(json.dumps(inside(int(sys.argv[at + 1]), Path(sys.argv[at + 2]), int(sys.argv[at + 3]))))
        return
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    folders = {name: peers.environment(name, wanted) for name, wanted in LIBRARIES.items()}
    ours: dict[str, list[dict[str, dict[str, float]]]] = {"SQLite": [], "PostgreSQL": []}
    theirs: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in ENDINGS} for name in LIBRARIES}
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
        sites(Path(place)) as (exit_socket, port),
    ):
        Path(place).chmod(0o755)
        fsync = common.fsync_rate(Path(place))
        for number in range(runs):
            for name in ours:
                url = server.new_database() if name == "PostgreSQL" else ""
                env = common.make_house(Path(place) / f"{name}{number}", url)
                watched = pid if url else 0
                command = [sys.executable, __file__, "--inside", str(count), exit_socket, str(watched)]
                ours[name].append(json.loads(common.run(command, env=env).out.splitlines()[-1]))
            for name, folder in folders.items():
                for kind, ending in ENDINGS.items():
                    script = Path(__file__).with_name("peer_fetch.py")
                    command = [folder / "bin" / "python", script, name, port, count, HOSTS, ending]
                    said = json.loads(common.run(list(map(str, command))).out)
                    assert said["good"] == count, (name, said)
                    theirs[name][kind].append(said["cpu"] / count * 1000)
    parts = list(ours["SQLite"][0]["pages"])
    middle = {
        name: {
            kind: {part: round(common.median([run[kind][part] for run in given]), 3) for part in parts}
            for kind in ENDINGS
        }
        for name, given in ours.items()
    }
    peer = {
        name: {kind: round(common.median(given), 3) for kind, given in kinds.items()}
        for name, kinds in theirs.items()
    }
    ratios = {
        name: {
            kind: {
                "fetch alone": round(given[kind] / middle["SQLite"][kind]["prober"], 1),
                "complete": round(given[kind] / middle["SQLite"][kind]["complete"], 1),
            }
            for kind in ENDINGS
        }
        for name, given in peer.items()
    }
    common.table(
        f"CPU of one look in ms, median of {runs} x {count} ({machine['cpu']}, load {machine['load']})",
        [
            ("", "pictures", "pages"),
            *(
                (f"{name}: {part}", *(middle[name][kind][part] for kind in ENDINGS))
                for name in middle
                for part in parts
            ),
            *((f"{name} (fetch alone)", *(given[kind] for kind in ENDINGS)) for name, given in peer.items()),
        ],
    )
    common.table(
        "Times less CPU than",
        [
            ("", *(f"{kind}, {what}" for kind in ENDINGS for what in ("fetch alone", "complete"))),
            *(
                (name, *(given[kind][what] for kind in ENDINGS for what in ("fetch alone", "complete")))
                for name, given in ratios.items()
            ),
        ],
    )
    per_core = {
        name: round(1000 / max(kinds[k]["complete"] for k in ENDINGS)) for name, kinds in middle.items()
    }
    print(f"  complete checks a second and core: {per_core}; fsync/s {fsync:,.0f}")
    common.write(
        "checks",
        {
            "looks": count,
            "hosts": HOSTS,
            "fsync_per_second": round(fsync),
            "cpu_ms": middle,
            "peers_cpu_ms": peer,
            "peers": {name: peers.version(folder, name) for name, folder in folders.items()},
            "times_less_cpu": ratios,
            "complete_checks_per_core_second": per_core,
            "targets": {"complete_cpu_ms": TARGET_MS, "times_less_cpu_than": TIMES},
        },
        quick=quick,
    )


@contextmanager
def sites(folder: Path) -> Iterator[tuple[str, int]]:
    """The sites' process: (the exit's socket, the loopback port)."""
    socket_path = folder / "exit.sock"
    command = [sys.executable, "-m", "benchmarks.checks_world", str(socket_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=common.ROOT) as process:
        assert process.stdout is not None
        try:
            yield str(socket_path), json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()


def inside(count: int, exit_socket: Path, database: int) -> dict[str, dict[str, float]]:
    """In the house that the environment names: kind -> part -> CPU ms a look. `database`: its pid, or 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()
    from openhotline.connectors.probe.client import Prober
    from openhotline.connectors.probe.config import Limits, ProbeConfig, Resolver
    from openhotline.connectors.probe.meaning import CheckJob
    from openhotline.connectors.probe.ways import Way
    from openhotline.records.models import Check
    from openhotline.rules.urls import dialled
    from openhotline.steps import check
    from tests.journeys.cast import Day

    day = Day()
    found: dict[str, dict[str, float]] = {}
    config = ProbeConfig(
        {"north": Way("socks5-unix", str(exit_socket))},
        (Resolver("192.0.2.53"),),
        canary="http://canary.example.org/x.jpg",
        limits=Limits(dns_s=60, total_s=120, job_s=120, first_byte_s=120, connect_s=60),
        lift_documentation=True,
        polite=False,
        never=(),
    )
    with tempfile.TemporaryDirectory() as run, prober(Path(run), config) as (pid, socket_path):
        client = Prober(socket_path, timeout=600)
        for kind, ending in ENDINGS.items():
            lines = [f"http://h{n % HOSTS}.example.org/{kind}/{n}{ending}" for n in range(count)]
            removals = day.traced(day.graded(day.public_report(*lines)))
            jobs = [
                (one.pk, CheckJob(dialled(one.item.canonical), "north", day.now, allow_path=True))
                for one in removals
            ]
            client.check([CheckJob("http://warm.example.org/", "north", day.now, allow_path=True)] * 50)
            before = Check.objects.count()
            marks = [(common.cpu(pid), time.process_time(), common.cpu(database) if database else 0.0)]
            facts = client.check([job for _, job in jobs])
            marks.append((common.cpu(pid), time.process_time(), common.cpu(database) if database else 0.0))
            assert {one.outcome for one in facts} == {"answered"} and all(one.canary_up for one in facts)
            assert ending == ".jpg" or all(one.fingerprint for one in facts)
            check.record(
                [(pk, seen) for (pk, _), seen in zip(jobs, facts, strict=True)], policy=day.policy, at=day.now
            )
            marks.append((common.cpu(pid), time.process_time(), common.cpu(database) if database else 0.0))
            assert Check.objects.count() - before == count
            ms = 1000 / count
            found[kind] = {
                "prober": (marks[1][0] - marks[0][0]) * ms,
                "worker asks": (marks[1][1] - marks[0][1]) * ms,
                "worker files": (marks[2][1] - marks[1][1]) * ms,
                "database": (marks[2][2] - marks[0][2]) * ms,
                "complete": sum(marks[2][i] - marks[0][i] for i in range(3)) * ms,
            }
            day.later(timedelta(hours=1))
    return found


@contextmanager
def prober(folder: Path, config: object) -> Iterator[tuple[int, Path]]:
    """A prober of our own: (its pid, its socket)."""
    socket_path = folder / "prober.sock"
    file = folder / "prober.json"
    file.write_text(config.to_json())  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "openhotline.connectors.probe"]
    with subprocess.Popen([*command, "--socket", str(socket_path), "--config", str(file)]) as process:
        try:
            while not socket_path.exists():
                assert process.poll() is None
                time.sleep(0.02)
            time.sleep(0.5)
            yield process.pid, socket_path
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
