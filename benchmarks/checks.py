"""Complete checks: what one costs in CPU from the job to the durable row, beside the same check built on a peer.

Ours, as the schedule does it (`jobs/poll`): the real prober process behind a SOCKS5 exit, names looked up, vetted and
pinned, a page's title, fingerprint, simhash and sign words taken, a picture's headers read; then `steps/check.record`
with 250 removals at once, each seen from two vantage points: the looks filed, judged against those before, a ledger
entry, the next look set, committed. CPU is user + system of prober, worker and database.
The peers (`peer_fetch.py`), in three ways. *Fetch alone*: straight to the host, nothing kept. *Through the exit*: the same
way our prober goes, which does more than fetch. *Complete*: through the same exit, title and SHA-256, a verdict against
the last look, a row and a commit for each check, as a script is written. They look no name up, vet nothing and keep no
ledger. *bare* is no peer but the floor: sockets and epoll with one frozen request, nothing read but what ends it.
Every answer takes a tenth of a second, so that who asks for 200 at once has 200 open; the server's CPU is nobody's.
All take turns in one run. Not here: TLS, and waiting, which costs no CPU: on the wire manners bound the rate.

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

COUNT, QUICK_COUNT = 1000, 200  # looks
PIECE = 250  # removals asked about and filed at once, as `jobs/poll` does
PLACES = ("north", "south")
HOSTS = 50
RUNS = 3
ENDINGS = {"pictures": ".jpg", "pages": ".html"}
DATABASES = ("SQLite", "PostgreSQL")
_ROWS = "psycopg[binary]==3.3.9"
LIBRARIES = {
    "requests": ("requests[socks]==2.32.5", _ROWS),
    "httpx": ("httpx[socks]==0.28.1", _ROWS),
    "aiohttp": ("aiohttp==3.13.2", "aiohttp-socks==0.12.0", _ROWS),
    "bare": (_ROWS,),
}
TARGET_MS, TIMES = 1.0, {"requests": 10.0, "httpx": 4.0}
ALONE, EXIT = "fetch alone", "fetch through the exit"
PARTS = (ALONE, EXIT, *DATABASES)
Figures = dict[str, dict[str, dict[str, float]]]  # who -> kind -> part -> ms of CPU a look


def main() -> None:
    """House and peers alternate; each database has houses of its own."""
    if "--inside" in sys.argv:
        at = sys.argv.index("--inside")
        count, way_out, database = map(int, sys.argv[at + 1 : at + 4])
        print(json.dumps(inside(count, way_out, database)))
        return
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    folders = {name: peers.environment(name, wanted) for name, wanted in LIBRARIES.items()}
    found: list[Figures] = []
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
        sites(Path(place)) as ports,
    ):
        Path(place).chmod(0o755)
        fsync = common.fsync_rate(Path(place))
        for number in range(runs):
            run: Figures = {}
            for name in DATABASES:
                url = server.new_database() if name == "PostgreSQL" else ""
                env = common.make_house(Path(place) / f"{name}{number}", url)
                watched = pid if url else 0
                command = [sys.executable, __file__, "--inside", *map(str, (count, ports["exit"], watched))]
                run[name] = json.loads(common.run(command, env=env).out.splitlines()[-1])
            for name, folder in folders.items():
                run[name] = {}
                for kind, ending in ENDINGS.items():
                    begin = [folder / "bin" / "python", Path(__file__).with_name("peer_fetch.py"), name]
                    begin += [str(count), str(HOSTS), ending]
                    through = [*begin, "192.0.2.44", f"127.0.0.1:{ports['exit']}"]
                    parts = {ALONE: peer([*begin, f"127.0.0.1:{ports['site']}"], count)}
                    parts[EXIT] = peer(through, count)
                    for base in DATABASES:
                        url = server.new_database() if base == "PostgreSQL" else ""
                        rows = url or str(Path(place) / f"{name}{number}{kind}.sqlite")
                        before = common.cpu(pid) if url else 0.0
                        parts[base] = peer([*through, rows], count)
                        if url:
                            parts[base] += (common.cpu(pid) - before) / count * 1000
                    run[name][kind] = parts
            found.append(run)
    middle = {
        who: {
            kind: {part: round(common.median([run[who][kind][part] for run in found]), 3) for part in parts}
            for kind, parts in kinds.items()
        }
        for who, kinds in found[0].items()
    }
    ratios = {
        name: {
            kind: {
                **{one: round(parts[one] / middle["SQLite"][kind]["prober"], 1) for one in (ALONE, EXIT)},
                **{base: round(parts[base] / middle[base][kind]["complete"], 1) for base in DATABASES},
            }
            for kind, parts in middle[name].items()
        }
        for name in LIBRARIES
    }
    common.table(
        f"CPU of one look in ms, median of {runs} x {count} ({machine['cpu']}, load {machine['load']})",
        [
            ("", *ENDINGS),
            *(
                (f"{who}: {_said(part)}", *(middle[who][kind][part] for kind in ENDINGS))
                for who, kinds in middle.items()
                for part in kinds["pages"]
            ),
        ],
    )
    common.table(
        "Times less CPU than",
        [
            ("", *(f"{kind}: {_said(part)}" for kind in ENDINGS for part in PARTS)),
            *(
                (name, *(kinds[kind][part] for kind in ENDINGS for part in PARTS))
                for name, kinds in ratios.items()
            ),
        ],
    )
    per_core = {
        base: round(1000 / max(middle[base][kind]["complete"] for kind in ENDINGS)) for base in DATABASES
    }
    print(f"  complete checks a second and core: {per_core}; fsync/s {fsync:,.0f}")
    common.write(
        "checks",
        {
            "looks": count,
            "runs": runs,
            "hosts": HOSTS,
            "fsync_per_second": round(fsync),
            "cpu_ms": middle,
            "peers": {
                name: peers.version(folder, name) for name, folder in folders.items() if name != "bare"
            },
            "times_less_cpu": ratios,
            "complete_checks_per_core_second": per_core,
            "targets": {"complete_cpu_ms": TARGET_MS, "times_less_cpu_than": TIMES},
        },
        quick=quick,
    )


def _said(part: str) -> str:
    return f"complete, {part}" if part in DATABASES else part


def peer(command: list[str | Path], count: int) -> float:
    """Milliseconds of a peer's own CPU for one look."""
    said = json.loads(common.run(command).out)
    assert said["good"] == count, said
    return float(said["cpu"]) / count * 1000


@contextmanager
def sites(folder: Path) -> Iterator[dict[str, int]]:
    """The sites' process: the loopback ports of its exit and of its web host."""
    command = [sys.executable, "-m", "benchmarks.checks_world", str(folder / "exit.sock"), "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=common.ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def inside(count: int, way_out: int, database: int) -> dict[str, dict[str, float]]:
    """In the house that the environment names: kind -> part -> CPU ms a look. `database`: its pid, or 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()
    from openhotline import policy as policies
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
        dict.fromkeys(PLACES, Way("socks5", f"127.0.0.1:{way_out}")),
        (Resolver("192.0.2.53"),),
        signs=policies.sign_words(),
        canary="http://canary.example.org/x.jpg",
        limits=Limits(dns_s=60, total_s=120, job_s=120, first_byte_s=120, connect_s=60),
        lift_documentation=True,
        polite=False,
        never=(),
    )

    def spent(pid: int) -> tuple[float, float, float]:
        return common.cpu(pid), time.process_time(), common.cpu(database) if database else 0.0

    with tempfile.TemporaryDirectory() as run, prober(Path(run), config) as (pid, socket_path):
        client = Prober(socket_path, timeout=600)
        for kind, ending in ENDINGS.items():
            sums = [0.0] * 4  # prober, worker asks, worker files, database
            most = min(PIECE, count // 2)
            lines = [f"http://h{n % HOSTS}.example.org/{kind}/{n}{ending}" for n in range(most)]
            removals = day.traced(day.graded(day.public_report(*lines)))
            done = -2 * most  # the first piece warms both processes and is not counted
            while done < count:
                day.later(timedelta(hours=1))
                jobs = [
                    (one.pk, CheckJob(dialled(one.item.canonical), place, day.now, allow_path=True))
                    for one in removals
                    for place in PLACES
                ]
                before = Check.objects.count()
                begin = spent(pid)
                facts = client.check([job for _, job in jobs])
                asked = spent(pid)
                looks = [(pk, seen) for (pk, _), seen in zip(jobs, facts, strict=True)]
                check.record(looks, policy=day.policy, at=day.now)
                end = spent(pid)
                assert {one.outcome for one in facts} == {"answered"} and all(one.canary_up for one in facts)
                assert ending == ".jpg" or all(one.fingerprint and one.simhash for one in facts)
                assert Check.objects.count() - before == len(jobs)
                if done >= 0:
                    parts = (
                        asked[0] - begin[0],
                        asked[1] - begin[1],
                        end[1] - asked[1],
                        end[2] - begin[2],
                    )
                    sums = [had + part for had, part in zip(sums, parts, strict=True)]
                done += len(jobs)
            each = [1000 * one / done for one in sums]
            names = ("prober", "worker asks", "worker files", "database")
            found[kind] = {**dict(zip(names, each, strict=True)), "complete": sum(each)}
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
