"""Traces a second on one core: a name to a filed verdict, every method asked, on the synthetic internet.

Each trace is of a host of its own: two resolvers compared, RDAP for address, domain and system, two MMDB files, the
proxy lists (eight methods, nothing sent to the server); and again with a TLS handshake and two connections from each of three
vantage points (ten methods). The prober asks, the worker reads, votes, seals the answers and files them with their ledger entries on
SQLite. What counts is CPU of the prober and the worker together; the internet's own is left out.

    ./run exec python benchmarks/traces.py [--quick]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import common

TRACES, RUNS, BATCH = 1_000, 3, 200
QUICK_TRACES = 40
TARGET = 200  # traces a second on one core, with eight methods


def world(folder: Path, count: int) -> None:
    """The internet, in a process of its own until its standard input ends."""
    from openhotline.world import places
    from openhotline.world.scenario import REMOVED, Scenario, Site
    from openhotline.world.serve import World

    homes = (places.NORTH_RACK, places.QUAY_DATA, places.POLDER, places.RHINE, places.BULK_RACK)
    sites = tuple(
        Site(
            f"http://h{number}.site{number % 500}.example/x",
            "many",
            homes[number % 5].address(1 + number // 5 % 13),
            REMOVED,
        )
        for number in range(count)
    )
    scenario = Scenario("many", 1, datetime(2026, 3, 2, 7, tzinfo=UTC), sites)
    with World(folder, scenario):
        print("ready", flush=True)
        sys.stdin.read()


def inside(folder: Path, count: int, contact: bool) -> dict[str, float]:
    """The worker's side, in a process that knows its house. CPU seconds for each trace."""
    import django

    django.setup()
    from hashlib import sha256

    from openhotline import policy as policies
    from openhotline.connectors.probe.client import Prober
    from openhotline.jobs import dispatch
    from openhotline.jobs.exits import probe_config
    from openhotline.records.models import Item, Trace
    from openhotline.rules import item_path
    from openhotline.settings import load

    settings, policy = load(), policies.load("gb")
    at = datetime(2026, 3, 2, 7, tzinfo=UTC)
    (folder / "probe.json").write_text(probe_config(settings).to_json(), "utf-8")
    items = Item.objects.bulk_create(
        Item(
            ref=f"26-{number:05d}-{'C' if contact else 'Q'}",
            kind="address",
            key_digest=sha256(f"{number}{contact}".encode()).digest(),
            canonical=f"http://h{number}.site{number % 500}.example/x",
            host=f"h{number}.site{number % 500}.example",
            status=item_path.RECEIVED,
            received_at=at,
            look_allowed_at=at if contact else None,
        )
        for number in range(count)
    )
    command = [sys.executable, "-m", "openhotline.connectors.probe"]
    command += ["--socket", str(settings.prober_socket), "--config", str(folder / "probe.json")]
    with subprocess.Popen(command, env=_plain()) as process:
        prober = Prober(settings.prober_socket, timeout=600)
        while not settings.prober_socket.exists():
            time.sleep(0.05)
        dispatch._trace_now(items[:5], prober, policy=policy, at=at)  # imports and first connections
        begin_prober, begin_own, begin = common.cpu(process.pid), time.process_time(), time.perf_counter()
        for start in range(0, count, BATCH):
            dispatch._trace_now(items[start : start + BATCH], prober, policy=policy, at=at)
        spent_own, spent_prober = time.process_time() - begin_own, common.cpu(process.pid) - begin_prober
        wall = time.perf_counter() - begin
        process.terminate()
    last = Trace.objects.order_by("-pk").first()
    assert last is not None and last.verdict == "agreed", last
    methods = {answer["method"] for answer in last.answers if answer["ok"]}
    return {
        "prober_ms": spent_prober / count * 1000,
        "worker_ms": spent_own / count * 1000,
        "per_second": count / (spent_own + spent_prober),
        "wall_s": wall,
        "methods": len(methods),
    }


def _plain() -> dict[str, str]:
    """The prober is told nothing of the house."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENHOTLINE_", "DJANGO_"))
    }


def main() -> None:
    """A fresh house and world for each run; the median is kept."""
    if "--world" in sys.argv:
        world(Path(sys.argv[-2]), int(sys.argv[-1]))
        return
    if "--inside" in sys.argv:
        print(json.dumps(inside(Path(sys.argv[-3]), int(sys.argv[-2]), sys.argv[-1] == "contact")))
        return
    quick = common.quick()
    count, runs = (QUICK_TRACES, 1) if quick else (TRACES, RUNS)
    machine = common.machine()
    found: dict[str, list[dict[str, float]]] = {"nothing sent": [], "contact": []}
    for _ in range(runs):
        for which, some in found.items():
            some.append(_one(count, which))
    middle = {
        which: {key: round(common.median([one[key] for one in some]), 2) for key in some[0]}
        for which, some in found.items()
    }
    common.table(
        f"{count:,} traces, CPU of prober and worker, median of {runs} ({machine['cpu']}, load {machine['load']})",
        [
            (
                which,
                f"{one['methods']:.0f} methods",
                f"{one['per_second']:,.0f} traces/s a core",
                f"prober {one['prober_ms']:.2f} ms, worker {one['worker_ms']:.2f} ms",
            )
            for which, one in middle.items()
        ],
    )
    print(f"  wanted with eight methods: {TARGET}")
    common.write("traces", {"traces": count, "by": middle, "wanted": TARGET}, quick=quick)


def _one(count: int, which: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="oh-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "house"
        env = {**common.make_house(folder), "OPENHOTLINE_KIND": "test", "OPENHOTLINE_EXIT": "world"}
        (folder / "kind").unlink(missing_ok=True)
        with subprocess.Popen(
            [sys.executable, __file__, "--world", str(folder), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as internet:
            assert internet.stdout is not None and internet.stdin is not None
            assert internet.stdout.readline().strip() == "ready"
            said = subprocess.run(
                [sys.executable, __file__, "--inside", str(folder), str(count), which],
                env=env,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            internet.stdin.close()
    return json.loads(said.stdout)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
