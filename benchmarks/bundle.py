"""433 removals on one host, moved as one: seconds of the house's own time for each act, on both databases.

True here: the real steps, with the standing cast of the journeys; what the outside world says (traces, looks,
relays) is handed in as plain facts, so no time is spent waiting for servers. Each act is timed from the call to
its return, every row and ledger entry committed (SQLite: synchronous=FULL). Not here: the prober's own time.

    ./run exec python benchmarks/bundle.py [--quick]
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common

COUNT, QUICK_COUNT = 433, 20
RUNS = 3
TARGET = 2.0  # seconds


def main() -> None:
    """Each database in processes of their own, alternating."""
    if "--inside" in sys.argv:
        print(json.dumps(inside(int(sys.argv[sys.argv.index("--inside") + 1]))))
        return
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    found: dict[str, list[dict[str, list[float]]]] = {"SQLite": [], "PostgreSQL": []}
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, _),
    ):
        fsync = common.fsync_rate(Path(place))
        for number in range(runs):
            for name in found:
                url = server.new_database() if name == "PostgreSQL" else ""
                env = common.make_house(Path(place) / f"{name}{number}", url)
                ran = common.run([sys.executable, __file__, "--inside", str(count)], env=env)
                found[name].append(json.loads(ran.out.splitlines()[-1]))
        settings = {"PostgreSQL": common.settings_of(server.url()), "SQLite": common.sqlite_settings()}
    acts = list(found["SQLite"][0])
    middle = {
        name: {
            act: {
                "seconds": round(common.median([run[act][0] for run in given]), 3),
                "cpu_seconds": round(common.median([run[act][1] for run in given]), 3),
            }
            for act in acts
        }
        for name, given in found.items()
    }
    common.table(
        f"{count} removals on one host, median of {runs} ({machine['cpu']}, load {machine['load']})",
        [
            ("", "SQLite s", "of it CPU", "PostgreSQL s", "of it CPU (ours)"),
            *(
                (act, *(middle[name][act][what] for name in found for what in ("seconds", "cpu_seconds")))
                for act in acts
            ),
        ],
    )
    slow = [f"{act} on {name}" for name in found for act in acts if middle[name][act]["seconds"] > TARGET]
    print(f"  fsync/s {fsync:,.0f}; over {TARGET:.0f} s: {', '.join(slow) or 'none'}")
    common.write(
        "bundle",
        {
            "removals": count,
            "fsync_per_second": round(fsync),
            "databases": settings,
            "median": middle,
            "over_target": slow,
        },
        quick=quick,
    )


def inside(count: int) -> dict[str, list[float]]:
    """The day of one bundle, in the house that the environment names. Act -> [seconds, our CPU seconds]."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    import django

    django.setup()
    from openhotline.ledger.record import sequence
    from openhotline.rules import words
    from tests.journeys.cast import Day, minutes

    took: dict[str, list[float]] = {}

    class Timed:
        """Times what happens inside a `with`."""

        def __init__(self, act: str) -> None:
            self._act = act

        def __enter__(self) -> None:
            self._begin, self._cpu = time.perf_counter(), time.process_time()

        def __exit__(self, *_: object) -> None:
            took[self._act] = [time.perf_counter() - self._begin, time.process_time() - self._cpu]

    house = Day()
    lines = tuple(f"http://bulk.example.org/s/{n}" for n in range(count))
    with Timed("reported"):
        items = house.public_report(*lines)
    with Timed("graded by the first reader"):
        items = house.graded(items, by=("A07",))
    with Timed("graded by the second reader"):
        items = house.graded(items, by=("A12",))
    with Timed("traced"):
        removals = house.traced(items)
    house.contact_verified(removals)
    house.later(house.policy.clocks.bundle)
    from openhotline.steps import consult

    with Timed("asked"):
        (consultation,) = consult.ask_due(policy=house.policy, at=house.now)
    with Timed("answered"):
        house.answered(consultation, words.GO_AHEAD)
    with Timed("noticed"):
        house.letters_leave()
    assert house.notices_sent() == 1
    with Timed("looked at once from two places, all up"):
        removals = house.looked(house.fresh(removals))
    house.later(minutes(60))
    for number in ("first", "second", "third"):
        with Timed(f"{number} miss from two places"):
            removals = house.looked(removals, status=404)
        house.later(minutes(3))
    assert {removal.status for removal in removals} == {"removed"}, {removal.status for removal in removals}
    with Timed("ledger: all entries in their places"):
        while sequence():
            pass
    return took


if __name__ == "__main__":
    main()
