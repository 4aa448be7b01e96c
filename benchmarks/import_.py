"""Bulk import: `openhotline report import FILE --json` as a process, every row durable on PostgreSQL.

What is measured: wall time from starting the command to its end (starting Python included), CPU of the command
and of the database, VmHWM of the command; then `openhotline ledger sequence`, which puts the entries in their
places, apart. What is checked: reports, items, lines and entries in the database are as many as they must be,
and `ledger verify` finds them whole (in the first run). Then once more with the two settings of PostgreSQL that
the runbook advises for such imports, and, in houses of their own: single reports, each filed in a transaction of
its own through the same step, by one process and by four at once.

    ./run exec python benchmarks/import_.py [--quick]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common, made

COUNT, QUICK_COUNT = 1_000_000, 5_000
RUNS = 3
SINGLE, QUICK_SINGLE = 4_000, 40
FILERS = 4
ADVISED = {
    "max_wal_size": "8GB",
    "wal_compression": "on",
}  # for a house that imports by the million (RUNBOOK)


def main() -> None:
    """Import the same file into fresh houses, three times."""
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
    ):
        folder = Path(place)
        file = folder / "partner.csv"
        different = made.write_csv(file, count)
        fsync = common.fsync_rate(folder)
        found = [
            one(folder / f"house{n}", server.new_database(), pid, file, count, different, verify=n == 0)
            for n in range(runs)
        ]
        plain = common.settings_of(server.url())
        advise(server.url())
        advised = one(folder / "advised", server.new_database(), pid, file, count, different, verify=False)
        advised_settings = common.settings_of(server.url())
        advise(server.url(), back=True)
        alone = {
            filers: single(
                folder / f"single{filers}",
                server.new_database(),
                pid,
                QUICK_SINGLE if quick else SINGLE,
                filers,
            )
            for filers in (1, FILERS)
        }
    names = list(found[0])
    middle = {name: round(common.median([run[name] for run in found]), 3) for name in names}
    common.table(
        f"Import of {count:,} addresses, {count - different:,} of them repeated ({machine['cpu']}, load {machine['load']})",
        [
            ("", *(f"run {n + 1}" for n in range(runs)), "median"),
            *((name, *(run[name] for run in found), middle[name]) for name in names),
        ],
    )
    common.table(
        f"The same once more with what docs/RUNBOOK.md advises: {ADVISED}",
        [(name, advised[name]) for name in names],
    )
    common.table(
        "Single reports, each its own transaction",
        [
            ("processes", "reports/s", "ms CPU each (all)"),
            *((filers, one_["reports/s"], one_["ms CPU/report"]) for filers, one_ in alone.items()),
        ],
    )
    print(f"  fsync/s {fsync:,.0f}; {plain}")
    common.write(
        "import",
        {"addresses": count, "repeated": count - different, "fsync_per_second": round(fsync), "postgresql": plain,
         "median": middle, "runs": found, "advised": {"postgresql": advised_settings, **advised}, "single": {f"{filers} processes": one_ for filers, one_ in alone.items()}},
        quick=quick,
    )  # fmt: skip


def one(
    folder: Path, url: str, postgres_pid: int, file: Path, count: int, different: int, *, verify: bool
) -> dict[str, float]:
    """One import into a house that never was, then its sequencing."""
    env = common.make_house(folder, url)
    before = common.cpu(postgres_pid)
    ran = common.run(common.openhotline("report", "import", file, "--json"), env=env)
    between = common.cpu(postgres_pid)
    said = json.loads(ran.out)
    assert said == {
        "reports": count,
        "items_new": different,
        "joined": count - different,
        "incomplete": 0,
        "rejected": 0,
    }, said
    order = common.run(common.openhotline("ledger", "sequence"), env=env)
    after = common.cpu(postgres_pid)
    _count(url, count, different)
    if verify:
        verdict = json.loads(common.run(common.openhotline("ledger", "verify", "--json"), env=env).out)
        assert verdict["ok"] and verdict["entries"] == count, verdict
    both = ran.seconds + order.seconds
    return {
        "import s": round(ran.seconds, 3),
        "reports/s": round(count / ran.seconds, 1),
        "sequencing s": round(order.seconds, 3),
        "reports/s with sequencing": round(count / both, 1),
        "peak MiB": round(ran.peak_mib, 1),
        "ms CPU/report (command)": round(1000 * ran.cpu / count, 5),
        "ms CPU/report (database)": round(1000 * (between - before) / count, 5),
        "ms CPU/report (sequencing, both)": round(1000 * (order.cpu + after - between) / count, 5),
        "ms CPU/report (all)": round(1000 * (ran.cpu + order.cpu + after - before) / count, 5),
    }


def advise(url: str, *, back: bool = False) -> None:
    """Give the server the settings of the runbook, or what it shipped with."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in ADVISED.items():
            connection.execute(
                f"ALTER SYSTEM {'RESET' if back else 'SET'} {name}" + ("" if back else f" = '{value}'")
            )  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")


_SINGLE = """
import sys, django; django.setup()
from uuid import uuid4
from benchmarks import made
from openhotline import policy
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import FROM_INDUSTRY, MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps.intake import file_reports
house, seed, count = load(), int(sys.argv[1]), int(sys.argv[2])
law, lines = policy.load(house.country), [text for text, _ in made.lines(count + 20, seed=seed)]

def file(line):
    at = house.clock().now()
    report = IncomingReport(uuid4(), FROM_INDUSTRY, (line,), at, partner="firm", key=str(uuid4()))
    assert file_reports([report], policy=law, by=MACHINE_WORKER, at=at).reports == 1

for line in lines[:20]:
    file(line)
print("ready", flush=True)
sys.stdin.readline()
for line in lines[20:]:
    file(line)
print("done", flush=True)
sys.stdin.readline()
"""


def single(folder: Path, url: str, postgres_pid: int, count: int, filers: int) -> dict[str, float]:
    """`count` reports one by one, by so many processes together; starting them is not counted."""
    env = common.make_house(folder, url) | {"PYTHONPATH": str(common.ROOT)}
    each = count // filers
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _SINGLE, str(seed), str(each)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(filers)
    ]
    pids = [postgres_pid, *(process.pid for process in running)]

    def all_say(word: str) -> None:
        for process in running:
            assert process.stdout and process.stdout.readline().strip() == word

    def go_on() -> None:
        for process in running:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()

    all_say("ready")
    before, begin = sum(map(common.cpu, pids)), time.monotonic()
    go_on()
    all_say("done")
    took, spent = time.monotonic() - begin, sum(map(common.cpu, pids)) - before
    go_on()
    for process in running:
        process.communicate()
        assert process.returncode == 0
    return {
        "reports/s": round(each * filers / took, 1),
        "ms CPU/report": round(1000 * spent / (each * filers), 3),
    }


def _count(url: str, count: int, different: int) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        for table, wanted in (
            ("records_report", count), ("records_reportline", count), ("records_item", different),
            ("ledger_staged", count), ("ledger_sequence", count),
        ):  # fmt: skip
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
            assert row and row[0] == wanted, (table, row, wanted)


if __name__ == "__main__":
    main()
