"""10,000 removals asked about, answered, noticed and their letters settled, on PostgreSQL, with 1, 2 and 4 workers.

True here: the real steps, with the standing cast of the journeys. The removals lie at 200 hosts, so each question
and each notice holds fifty. *Asked* and *answered* are the acts of one process. Then the workers start together: the
outbox's own claim (the case's locks, every guard again, text and XARF rendered and frozen, committed before a socket
opens), SMTP to a sink on loopback that writes each Message-ID down durably before it says 250, and the settling with
the clocks that begin there. That no letter was claimed twice is counted at the sink. Reporting, reading and tracing
come before and are not timed: they are done once, and each number of workers begins with a copy of that house.
CPU is everybody's: this process, the workers, the sink and PostgreSQL. Lock waits are those that PostgreSQL logged,
from 10 ms on. Our queue is our own rows with leases (docs/decisions/0004); beside it the same numbers of workers of
procrastinate and Celery go through chains of four steps that do nothing but put a row down (`chains.py`). Looks until
gone are `bundle.py`'s and `checks.py`'s.

    ./run exec python benchmarks/letters.py [--quick] [--hosts N]
"""

import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import chains, common
from openhotline.crashtest.postgres import Server
from tests.houses import free_ports

HOSTS, EACH = 200, 50
QUICK_HOSTS, QUICK_EACH = 6, 5
CHAINS, QUICK_CHAINS = 2000, 50  # of the peers
WORKERS = (1, 2, 4)
TARGET = 300  # removals a second, end to end
_WAITED = re.compile(r"acquired \w+ on .* after ([0-9.]+) ms")


def main() -> None:
    """One day made, then the same letters with each number of workers."""
    if "--day" in sys.argv:
        print(day(*map(int, sys.argv[-2:])))
        return
    if "--inside" in sys.argv:
        print(json.dumps(inside(*map(int, sys.argv[-3:-1]), datetime.fromisoformat(sys.argv[-1]))))
        return
    if "--worker" in sys.argv:
        work(int(sys.argv[-2]), datetime.fromisoformat(sys.argv[-1]))
        return
    if "--sink" in sys.argv:
        asyncio.run(sink(int(sys.argv[-2]), Path(sys.argv[-1])))
        return
    redis = shutil.which("redis-server")
    if redis is None:
        sys.exit("This machine has no Redis for the peer. Remedy: apt-get install redis-server")
    quick = common.quick()
    hosts, each = (QUICK_HOSTS, QUICK_EACH) if quick else (HOSTS, EACH)
    if "--hosts" in sys.argv:
        hosts = int(sys.argv[sys.argv.index("--hosts") + 1])
    machine = common.machine()
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, postgres),
    ):
        fsync = common.fsync_rate(Path(place))
        made = server.new_database()
        env = common.make_house(Path(place) / "made", made)
        now = common.run([sys.executable, __file__, "--day", str(hosts), str(each)], env=env).out.split()[-1]
        found = {
            workers: _with(workers, Path(place), server, postgres, made=made, env=env, now=now)
            for workers in WORKERS
        }
        links = QUICK_CHAINS if quick else CHAINS
        others = chains.beside(server, postgres, chains=links, workers=WORKERS, redis=redis)
        settings = common.settings_of(server.url())
    count = hosts * each
    common.table(
        f"{count:,} removals at {hosts} hosts ({machine['cpu']}, load {machine['load']})",
        [
            (
                "workers", "asked s", "answered s", "noticed and settled s", "removals/s",
                "ms CPU/removal", "of it PostgreSQL", "lock waits", "letters", "twice",
            ),
            *(
                (
                    workers, one["asked"], one["answered"], one["noticed"], one["per_second"],
                    one["cpu_ms"], one["database_cpu_ms"], one["lock_waits"], one["letters"], one["twice"],
                )
                for workers, one in found.items()
            ),
        ],
    )  # fmt: skip
    common.table(
        f"{links:,} chains of four empty steps",
        [
            ("", "workers", "chains/s", "steps/s", "ms CPU/chain", "twice", "missing"),
            *(
                (name, workers, *one.values())
                for name, theirs in others.items()
                for workers, one in theirs["workers"].items()
            ),
        ],
    )
    best = max(one["per_second"] for one in found.values())
    print(f"  fsync/s {fsync:,.0f}; target {TARGET}/s: {'reached' if best >= TARGET else 'not reached'}")
    common.write(
        "letters",
        {"removals": count, "hosts": hosts, "fsync_per_second": round(fsync), "database": settings,
         "workers": found, "chains": links, "peers": others, "target_per_second": TARGET, "reached": best >= TARGET},
        quick=quick or hosts != HOSTS,
    )  # fmt: skip


def _with(
    workers: int,
    place: Path,
    server: Server,
    postgres: int,
    *,
    made: str,
    env: dict[str, str],
    now: str,
) -> dict[str, Any]:
    """A copy of the house, and its letters sent by so many workers. Raises RuntimeError where the sink misses one
    or has one twice."""
    folder, (port,) = place / str(workers), free_ports(1)
    shutil.copytree(place / "made", folder)
    url = _copy(server, made)
    env = {**env, "OPENHOTLINE_DATA_DIR": str(folder), "OPENHOTLINE_DATABASE_URL": url}
    taker = subprocess.Popen([sys.executable, __file__, "--sink", str(port), str(folder)], env=env)
    log = _log(server)
    skip, before, sunk = log.stat().st_size, common.cpu(postgres), common.cpu(taker.pid)
    try:
        inside = [sys.executable, __file__, "--inside", str(port), str(workers), now]
        one: dict[str, Any] = json.loads(common.run(inside, env=env).out.splitlines()[-1])
        sunk = common.cpu(taker.pid) - sunk
    finally:
        taker.kill()
        taker.wait()
    database = common.cpu(postgres) - before
    taken = Counter((folder / "taken.log").read_text().split())
    if taken.total() != one["letters"] or len(taken) != one["letters"]:
        raise RuntimeError(f"{workers} workers: the sink has {taken.total()} letters of {one['letters']}")
    with log.open("rb") as lines:
        lines.seek(skip)
        waits = [float(ms) for ms in _WAITED.findall(lines.read().decode(errors="replace"))]
    removals = one["removals"]
    return {
        **one,
        "twice": taken.total() - len(taken),
        "cpu_ms": round((one.pop("cpu") + sunk + database) / removals * 1000, 2),
        "database_cpu_ms": round(database / removals * 1000, 2),
        "sink_cpu_ms": round(sunk / removals * 1000, 2),
        "lock_waits": len(waits),
        "lock_waits_ms": round(sum(waits)),
    }


def _copy(server: Server, made: str) -> str:
    """A copy of a database that nobody is in. Waits of 10 ms and more on a lock are logged there."""
    url = server.new_database()
    name, source = url.rpartition("/")[2], made.rpartition("/")[2]
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        connection.execute(f'ALTER DATABASE "{name}" SET log_lock_waits = on')
        connection.execute(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '10ms'")
    return url


def _log(server: Server) -> Path:
    with psycopg.connect(server.url()) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return Path(folder).parent / "log"


def day(hosts: int, each: int) -> str:
    """So many removals traced to hosts with verified contacts, ready to be asked about. Returns the time it is."""
    _django()
    from tests.journeys.cast import Day

    house = Day()
    for number in range(hosts):
        lines = [f"http://host{number}.example.org/{n}" for n in range(each)]
        where = (f"Example Hosting {number}", 64500 + number, f"2001:db8:{number:x}::1", "GB")
        house.contact_verified(house.traced(house.graded(house.public_report(*lines)), where))
    return house.later(house.policy.clocks.bundle).isoformat()


def inside(port: int, workers: int, at: datetime) -> dict[str, float]:
    """The three parts. Seconds of each, removals a second over all, CPU seconds of this process and the workers."""
    _django()
    from openhotline import policy as policies
    from openhotline.outbox.models import SENT, Letter
    from openhotline.records.models import Consultation, Removal, User
    from openhotline.rules import words
    from openhotline.rules.agreement import UNDO_WITHIN
    from openhotline.steps import answer, consult

    policy = policies.load("gb")
    officers = {user.unit_id: user.actor() for user in User.objects.filter(role=words.OFFICER)}
    removals = Removal.objects.count()
    later = at + UNDO_WITHIN
    command = [sys.executable, __file__, "--worker", str(port), later.isoformat()]
    crew = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for one in crew:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    used = sum(os.times()[:2])
    took: dict[str, float] = {}
    took["asked"] = common.timed(lambda: consult.ask_due(policy=policy, at=at))

    def answer_all() -> None:
        for one in Consultation.objects.filter(asks=True).select_related("unit").order_by("pk"):
            answer.record(one, kind=words.GO_AHEAD, by=officers[one.unit_id], at=at, policy=policy)

    took["answered"] = common.timed(answer_all)
    used = sum(os.times()[:2]) - used
    took["noticed"] = common.timed(lambda: _go(crew))
    for one in crew:
        assert one.stdout is not None
        used += float(one.stdout.readline())
    noticed = Removal.objects.filter(status="noticed").count()
    if noticed != removals:
        raise RuntimeError(f"only {noticed} of {removals} removals were noticed")
    return {
        **{part: round(seconds, 3) for part, seconds in took.items()},
        "per_second": round(removals / sum(took.values()), 1),
        "removals": removals,
        "letters": Letter.objects.filter(transport="mail", state=SENT).count(),
        "cpu": used,
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
    used = sum(os.times()[:2])
    while left.exists():
        if not dispatch.letters(post, policy=policy, at=at):
            time.sleep(0.01)  # another has the last ones
    print(sum(os.times()[:2]) - used, flush=True)


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
