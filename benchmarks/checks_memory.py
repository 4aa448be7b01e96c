"""A million scheduled checks through the real schedule and the real filing: memory flat, CPU for each check.

Real: `steps/due.take`, `jobs/poll.checks`, `steps/check.record`, rules, policy, the database, its ledger entries.
Played: the prober (its fake's way of calling, with answers made beforehand), and the clock, which jumps to the next
look, at least ten seconds on. Removals are spread over many hosts; one in a hundred changes what it shows at any round. The resident memory of
the house's process is printed at every twentieth part. What the prober itself costs is in `probe.py`'s figure, not here.

    ./run exec python benchmarks/checks_memory.py [--quick] [--sqlite] [--checks N]
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import common

CHECKS, QUICK_CHECKS = 1_000_000, 4_000
REMOVALS, QUICK_REMOVALS = 20_000, 500
PLACES = ("north", "south")
TICK = timedelta(seconds=10)  # a busy machine's turn: what came due meanwhile leaves together
START = datetime(2026, 5, 12, 12, tzinfo=UTC)


def main() -> None:
    """A fresh house, and inside it the checks."""
    if "--inside" in sys.argv:
        where = sys.argv.index("--inside")
        print(json.dumps(inside(int(sys.argv[where + 1]), int(sys.argv[where + 2]))))
        return
    quick = common.quick()
    wanted = int(sys.argv[sys.argv.index("--checks") + 1]) if "--checks" in sys.argv else CHECKS
    checks, removals = (QUICK_CHECKS, QUICK_REMOVALS) if quick else (wanted, REMOVALS)
    machine = common.machine()
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
    ):
        sqlite = "--sqlite" in sys.argv
        env = common.make_house(Path(place) / "house", "" if sqlite else server.new_database())
        before = common.cpu(pid)
        ran = common.run([sys.executable, __file__, "--inside", str(checks), str(removals)], env=env)
        database = 0.0 if sqlite else common.cpu(pid) - before
        settings = common.sqlite_settings() if sqlite else common.settings_of(server.url())
        fsync = common.fsync_rate(Path(place))
    found = json.loads(ran.out.splitlines()[-1])
    done = found["checks"]
    found |= {
        "database": settings,
        "fsync_per_second": round(fsync),
        "database_cpu_ms_per_check": round(1000 * database / done, 4),
        "cpu_ms_per_check_with_database": round(found["cpu_ms_per_check"] + 1000 * database / done, 4),
    }
    common.table(
        f"{done:,} checks of {removals:,} removals ({machine['cpu']}, load {machine['load']})",
        [
            ("house's CPU, ms a check", found["cpu_ms_per_check"]),
            ("of it filing (check.record)", found["record_cpu_ms_per_check"]),
            ("database's CPU, ms a check", found["database_cpu_ms_per_check"]),
            ("both", found["cpu_ms_per_check_with_database"]),
            ("checks a second, wall clock", found["checks_per_second"]),
            (
                "resident memory, MiB, first and last twentieth",
                f"{found['rss_mib'][0]} {found['rss_mib'][-1]}",
            ),
            ("largest growth over the first tenth, MiB", found["growth_mib"]),
            ("rounds doubled or lost", found["doubled_or_lost"]),
        ],
    )
    common.write("checks_memory", found, quick=quick or done < CHECKS)


class Played:
    """The prober's call, answered from a table; what an address shows changes now and then."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.gone: set[str] = set()

    def check(self, jobs: Sequence[object]) -> list[object]:
        """One CheckFacts a job."""
        from openhotline.rules.facts import CheckFacts

        facts: list[object] = []
        for job in jobs:
            address = job.canonical  # type: ignore[attr-defined]
            if self.chance.random() < 0.0025:
                self.gone.symmetric_difference_update({address})
            missing = address in self.gone
            facts.append(
                CheckFacts(
                    address,
                    job.vantage,  # type: ignore[attr-defined]
                    job.at,  # type: ignore[attr-defined]
                    "answered",
                    status=404 if missing else 200,
                    content_type="text/html; charset=utf-8",
                    length=20_000,
                    title="Not found" if missing else "Gallery",
                    fingerprint=("0" if missing else "f") * 64,
                    peer="192.0.2.44",
                    headers=(("content-type", "text/html; charset=utf-8"), ("server", "example")),
                    simhash="0123456789abcdef",
                    words=120,
                    signs_version="2026.1",
                )
            )
        return facts


def rss() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def removals_of(count: int) -> None:
    """Removals with their hosts, traces and opened items, in a few statements; the walk that leads here is not timed."""
    from openhotline.records.models import Host, Item, Removal, Trace

    host = Host.objects.create(key="AS64500:made", name="Made", asn=64500, country="GB", first_seen=START)
    items = Item.objects.bulk_create(
        [
            Item(
                ref=f"26-{number:07}-K",
                kind="address",
                key_digest=number.to_bytes(32, "big"),
                canonical=f"http://site{number // 4}.example.org/p/{number}",
                host=f"site{number // 4}.example.org",
                status="graded",
                received_at=START,
                graded_at=START,
                look_allowed_at=START,
            )
            for number in range(count)
        ],
        batch_size=2000,
    )
    Removal.objects.bulk_create(
        [
            Removal(
                item=item,
                host=host,
                country="GB",
                route="home",
                status="noticed",
                opened_at=START,
                t0_received=START,
                t5_sent=START,
                next_check_at=START + timedelta(milliseconds=10 * number),
            )
            for number, item in enumerate(items)
        ],
        batch_size=2000,
    )
    Trace.objects.bulk_create(
        [
            Trace(
                item=item,
                at=START,
                expires_at=START,
                verdict="agreed",
                score=1,
                address="192.0.2.44",
                rules="x",
            )
            for item in items
        ],
        batch_size=2000,
    )


def inside(checks: int, removals: int) -> dict[str, object]:
    """The checks, in the house that the environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()
    from django.db.models import Count, Max

    from openhotline import policy as policies
    from openhotline.jobs import poll
    from openhotline.ledger.record import sequence
    from openhotline.records.models import Check, Removal
    from openhotline.steps import check

    policy = policies.load("gb")
    removals_of(removals)
    prober = Played(1)
    spent, record = [0.0], check.record

    def timed(*given: object, **named: object) -> int:
        began = time.process_time()
        try:
            return record(*given, **named)  # type: ignore[arg-type]
        finally:
            spent[0] += time.process_time() - began

    check.record = timed  # type: ignore[assignment]
    at, done, part, memory = START, 0, max(checks // 20, 1), []
    began, cpu = time.perf_counter(), time.process_time()
    while done < checks:
        looked = poll.checks(prober, vantages=PLACES, policy=policy, at=at, rate=10_000.0)  # type: ignore[arg-type]
        done += looked * len(PLACES)
        if done >= part * (len(memory) + 1):
            memory.append(rss())
            sys.stderr.write(f"{done:,} checks, {memory[-1]} MiB, {time.perf_counter() - began:.0f} s\n")
            while sequence():
                pass
        if not looked:
            following = Removal.objects.aggregate(t=Max("next_check_at"))["t"]
            soonest = (
                Removal.objects.filter(next_check_at__gt=at)
                .order_by("next_check_at")
                .values_list("next_check_at", flat=True)
                .first()
            )
            if following is None or soonest is None:
                break
            at = max(soonest, at + TICK)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    rounds = Removal.objects.aggregate(t=Max("look_step"))["t"]
    filed = Check.objects.count()
    steps = sum(Removal.objects.values_list("look_step", flat=True))
    odd = Check.objects.values("removal", "step").annotate(n=Count("pk")).exclude(n=len(PLACES)).count()
    return {
        "checks": done,
        "filed": filed,
        "most_rounds_of_one_removal": rounds,
        "doubled_or_lost": abs(filed - done) + abs(steps * len(PLACES) - filed) + odd,
        "cpu_ms_per_check": round(1000 * used / done, 4),
        "record_cpu_ms_per_check": round(1000 * spent[0] / done, 4),
        "checks_per_second": round(done / took, 1),
        "rss_mib": memory,
        "growth_mib": round(max(memory[2:], default=memory[-1]) - memory[min(1, len(memory) - 1)], 1),
    }


if __name__ == "__main__":
    main()
