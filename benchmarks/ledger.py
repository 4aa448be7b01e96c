"""The ledger: acts appended a second in batches, placed a second, verified a second, on both databases.

Append: `record` in transactions of 5,000 acts, each sealed, committed and durable. Place: `sequence` until
nothing waits. Verify: every entry read, recomputed and opened, as `openhotline ledger verify` does.

    ./run exec python benchmarks/ledger.py [--quick]
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common

COUNT, QUICK_COUNT = 100_000, 2_000
BATCH = 5_000
RUNS = 3


def main() -> None:
    """Each database in processes of their own, alternating."""
    if "--inside" in sys.argv:
        print(json.dumps(inside(int(sys.argv[-1]))))
        return
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    found: dict[str, list[dict[str, float]]] = {"SQLite": [], "PostgreSQL": []}
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
    ):
        fsync = common.fsync_rate(Path(place))
        for number in range(runs):
            for name in found:
                url = server.new_database() if name == "PostgreSQL" else ""
                env = common.make_house(Path(place) / f"{name}{number}", url)
                before = common.cpu(pid)
                ran = common.run([sys.executable, __file__, "--inside", str(count)], env=env)
                found[name].append(
                    {
                        **json.loads(ran.out.splitlines()[-1]),
                        "us CPU/act, database": 1e6 * (common.cpu(pid) - before) / count,
                    }
                )
        settings = {"PostgreSQL": common.settings_of(server.url()), "SQLite": common.sqlite_settings()}
    middle = {
        name: {what: round(common.median([run[what] for run in given]), 1) for what in given[0]}
        for name, given in found.items()
    }
    common.table(
        f"{count:,} acts in batches of {BATCH:,}, median of {runs} ({machine['cpu']}, load {machine['load']})",
        [("", *found), *((what, *(middle[name][what] for name in found)) for what in middle["SQLite"])],
    )
    print(f"  fsync/s {fsync:,.0f}")
    common.write(
        "ledger", {"acts": count, "batch": BATCH, "fsync_per_second": round(fsync), "databases": settings, "median": middle},
        quick=quick,
    )  # fmt: skip


def inside(count: int) -> dict[str, float]:
    """Append, place and verify `count` acts in the house that the environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()
    from datetime import UTC, datetime

    from django.db import transaction

    from openhotline.ledger import verify
    from openhotline.ledger.record import Act, record, sequence
    from openhotline.rules.words import MACHINE_WORKER

    at = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
    batches = [
        [
            Act("report.filed", ("report", str(n), 1), case=f"26-{n % 30_000:05}-X", payload={"source": "hotline", "reference": str(n)})
            for n in range(start, min(start + BATCH, count))
        ]
        for start in range(0, count, BATCH)
    ]  # fmt: skip
    begin, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        with transaction.atomic():
            record(batch, by=MACHINE_WORKER, at=at)
    appended, append_cpu = time.perf_counter() - begin, time.process_time() - cpu
    begin = time.perf_counter()
    while sequence():
        pass
    placed = time.perf_counter() - begin
    begin, cpu = time.perf_counter(), time.process_time()
    verdict = verify.verify()
    verified, verify_cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert verdict.ok and verdict.entries == count, verdict
    return {
        "appended/s": count / appended,
        "us CPU/act, append, ours": 1e6 * append_cpu / count,
        "placed/s": count / placed,
        "verified/s": count / verified,
        "us CPU/entry, verify, ours": 1e6 * verify_cpu / count,
    }


if __name__ == "__main__":
    main()
