"""10,000 removals asked about, answered, noticed and their letters settled, on PostgreSQL, with 1, 2 and 4 workers.

True here: the real steps, with the standing cast of the journeys. The removals lie at 200 hosts, so each question
and each notice holds fifty. *Asked* and *answered* are the acts of one process. Then the workers start together: the
outbox's own claim (the case's locks, every guard again, text and XARF rendered and frozen, committed before a socket
opens), SMTP to a sink on loopback that writes each Message-ID down durably before it says 250, and the settling with
the clocks that begin there. That no letter was claimed twice is counted at the sink. The issue named procrastinate;
the queue is our own rows with leases (docs/decisions/0004), so that is what is measured. Reporting, reading and
tracing come before and are not timed; looks until gone are `bundle.py`'s and `checks.py`'s.

    ./run exec python benchmarks/letters.py [--quick]
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from benchmarks import common
from tests.houses import free_ports

HOSTS, EACH = 200, 50
QUICK_HOSTS, QUICK_EACH = 6, 5
WORKERS = (1, 2, 4)
TARGET = 300  # removals a second, end to end


def main() -> None:
    """A fresh house for each number of workers."""
    if "--inside" in sys.argv:
        print(json.dumps(inside(*map(int, sys.argv[-4:]))))
        return
    if "--worker" in sys.argv:
        work(int(sys.argv[-2]), datetime.fromisoformat(sys.argv[-1]))
        return
    if "--sink" in sys.argv:
        asyncio.run(sink(int(sys.argv[-2]), Path(sys.argv[-1])))
        return
    quick = common.quick()
    hosts, each = (QUICK_HOSTS, QUICK_EACH) if quick else (HOSTS, EACH)
    machine = common.machine()
    found: dict[int, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, postgres),
    ):
        fsync = common.fsync_rate(Path(place))
        for workers in WORKERS:
            folder = Path(place) / str(workers)
            env = common.make_house(folder, server.new_database())
            (port,) = free_ports(1)
            taking = [sys.executable, __file__, "--sink", str(port), str(folder)]
            taker = subprocess.Popen(taking, env=env)
            try:
                before = common.cpu(postgres)
                ran = common.run(
                    [sys.executable, __file__, "--inside", *map(str, (hosts, each, workers, port))], env=env
                )
            finally:
                taker.kill()
                taker.wait()
            one = json.loads(ran.out.splitlines()[-1])
            taken = Counter((folder / "taken.log").read_text().split())
            if max(taken.values()) > 1 or len(taken) != one["letters"]:
                raise RuntimeError(
                    f"{workers} workers: the sink has {taken.total()} letters of {one['letters']}"
                )
            one["database_cpu_seconds"] = round(common.cpu(postgres) - before, 2)
            found[workers] = one
        settings = common.settings_of(server.url())
    count = hosts * each
    common.table(
        f"{count:,} removals at {hosts} hosts ({machine['cpu']}, load {machine['load']})",
        [
            ("workers", "asked s", "answered s", "noticed and settled s", "removals/s", "letters", "twice"),
            *(
                (workers, one["asked"], one["answered"], one["noticed"], one["per_second"], one["letters"], 0)
                for workers, one in found.items()
            ),
        ],
    )
    best = max(one["per_second"] for one in found.values())
    print(f"  fsync/s {fsync:,.0f}; target {TARGET}/s: {'reached' if best >= TARGET else 'not reached'}")
    common.write(
        "letters",
        {"removals": count, "hosts": hosts, "fsync_per_second": round(fsync), "database": settings,
         "workers": found, "target_per_second": TARGET, "reached": best >= TARGET},
        quick=quick,
    )  # fmt: skip


def inside(hosts: int, each: int, workers: int, port: int) -> dict[str, float]:
    """One day of so many removals. Seconds of each part, removals a second over all three, letters the sink must have."""
    _django()
    from openhotline.outbox.models import SENT, Letter
    from openhotline.records.models import Consultation, Removal
    from openhotline.rules import words
    from openhotline.steps import consult
    from tests.journeys.cast import Day, minutes

    house = Day()
    for number in range(hosts):
        lines = [f"http://host{number}.example.org/{n}" for n in range(each)]
        where = (f"Example Hosting {number}", 64500 + number, f"2001:db8:{number:x}::1", "GB")
        house.contact_verified(house.traced(house.graded(house.public_report(*lines)), where))
    house.later(house.policy.clocks.bundle)
    took: dict[str, float] = {}
    took["asked"] = common.timed(lambda: consult.ask_due(policy=house.policy, at=house.now))
    questions = list(Consultation.objects.filter(asks=True).select_related("unit").order_by("pk"))

    def answer_all() -> None:
        for one in questions:
            house.answered(one, words.GO_AHEAD)

    took["answered"] = common.timed(answer_all)
    house.later(minutes(1))
    command = [sys.executable, __file__, "--worker", str(port), house.now.isoformat()]
    crew = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for one in crew:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    took["noticed"] = common.timed(lambda: _go(crew))
    noticed = Removal.objects.filter(status="noticed").count()
    if noticed != hosts * each:
        raise RuntimeError(f"only {noticed} of {hosts * each} removals were noticed")
    return {
        **{part: round(seconds, 3) for part, seconds in took.items()},
        "per_second": round(hosts * each / sum(took.values()), 1),
        "letters": Letter.objects.filter(transport="mail", state=SENT).count(),
    }


def _go(crew: list["subprocess.Popen[str]"]) -> None:
    for one in crew:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in crew:
        if one.wait():
            raise RuntimeError("a worker failed")


def work(port: int, at: datetime) -> None:
    """A worker: ready, wait for the word, then send until nothing is left."""
    _django()
    from openhotline import policy as policies
    from openhotline.connectors.mail.client import Relay
    from openhotline.jobs import dispatch
    from openhotline.jobs.post import Post
    from openhotline.outbox.models import PENDING, SENDING, Letter
    from tests.journeys.cast import HOUSE

    policy, post = policies.load("gb"), Post(Relay("127.0.0.1", port), HOUSE, partner_tokens=dict)
    left = Letter.objects.filter(transport="mail", state__in=(PENDING, SENDING))
    left.exists()  # connected
    print("ready", flush=True)
    sys.stdin.readline()
    while left.exists():
        if not dispatch.letters(post, policy=policy, at=at):
            time.sleep(0.01)  # another has the last ones


async def sink(port: int, folder: Path) -> None:
    """The crash test's relay, without its pauses."""
    from openhotline.crashtest.relay import talk

    class Still(random.Random):
        """Never waits."""

        def uniform(self, a: float, b: float) -> float:
            return 0.0

    server = await asyncio.start_server(
        lambda reader, writer: talk(reader, writer, folder, Still()), "127.0.0.1", port, limit=1 << 24
    )
    await server.serve_forever()


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()


if __name__ == "__main__":
    main()
