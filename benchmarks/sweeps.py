"""What a worker asks of a large house in which nothing is due: milliseconds for each sweep and each claim.

The house is that of `pages.py` with what hangs on its removals (`grown.py`): as many graded items as open ones, traces,
looks, questions, notices, referrals, letters. Nothing is due in it, so whatever a sweep costs it costs for nothing,
every two seconds at the most. Each is asked eleven times in one process; the first is not counted. A house of
100,000 stands beside the one of 1,000,000, so that it shows how the cost grows.

    ./run exec python benchmarks/sweeps.py [--quick]
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from benchmarks import common, house

TURNS, QUICK_TURNS = 10, 2
WANTED = 50.0  # ms


def main() -> None:
    """A house of 100,000 and one of 1,000,000 open items, each asked by a process that is the worker."""
    if "--worker" in sys.argv:
        print(json.dumps(worker(int(sys.argv[-1]))))
        return
    quick = common.quick()
    turns = QUICK_TURNS if quick else TURNS
    machine = common.machine()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    sizes = [house.QUICK] if quick else [house.OPEN, house.MILLION]
    with common.postgresql() as (server, _):
        for size in sizes:
            with house.grown(server, size) as (env, items):
                found[f"{items:,}"] = house.ask(__file__, "--worker", turns, env=env)
        settings = common.settings_of(server.url())
    names = list(next(iter(found.values())))
    common.table(
        f"Sweeps and claims that find nothing, ms, median and worst of {turns} ({machine['cpu']}, load {machine['load']})",
        [
            ("", *(f"{size} open: median, worst, CPU" for size in found), "wanted"),
            *(
                (name, *(" ".join(str(found[size][name][k]) for k in ("median", "worst", "cpu")) for size in found), WANTED)
                for name in names
            ),
        ],
    )  # fmt: skip
    common.write(
        "sweeps", {"turns": turns, "postgresql": settings, "wanted_ms": WANTED, "houses": found}, quick=quick
    )


def worker(turns: int) -> dict[str, dict[str, float]]:
    """This process becomes the worker and asks what is due, a minute after the house was made."""
    import django

    django.setup()

    from openhotline import policy as policies
    from openhotline.commands import common as commands
    from openhotline.jobs.sweep import SWEEPS, put_in_order
    from openhotline.outbox import claims, settling
    from openhotline.records.models import ListIssue
    from openhotline.rules.words import MACHINE_WORKER
    from openhotline.steps import due, freshness, likeness

    commands.open_house(door="worker")
    policy = policies.load("gb")
    # `grown` writes the list's last issue for a minute before the moment the house was made for.
    at: datetime = ListIssue.objects.latest("at").at + timedelta(minutes=2)
    put_in_order()

    def guard(letter: Any, now: datetime) -> bytes | None:
        raise RuntimeError(f"{letter.number} was due.")

    asked: list[tuple[str, Callable[[], Any]]] = [
        *((f"sweep: {name}", (lambda run=run: run(policy, at))) for name, run in SWEEPS),
        ("wishes to be traced", lambda: len(claims.claim("prober", at=at, by=MACHINE_WORKER, limit=200, kinds=["trace"]))),
        *(
            (f"letters by {how}", (lambda how=how: len(list(claims.claim_each(how, at=at, by=MACHINE_WORKER, limit=200, guard=guard)))))
            for how in ("mail", "partner", "exchange", "hook")
        ),
        ("alarms by mail", lambda: len(list(claims.claim_each("mail", at=at, by=MACHINE_WORKER, limit=200, guard=guard, kinds=["alarm"])))),
        ("letters in doubt", lambda: len(settling.doubtful(("mail", "partner", "exchange", "hook"), at=at))),
        ("traces before departure", lambda: len(freshness.to_trace(at=at))),
        ("first sights", lambda: len(likeness.take_wanted(at=at))),
        ("looks that are due", lambda: len(due.take(figures=policy.pace, at=at))),
        ("the ledger's order", put_in_order),
    ]  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    for name, ask in asked:
        took: list[float] = []
        spent, done = 0.0, 0
        for turn in range(turns + 1):
            begin, cpu = time.perf_counter(), time.process_time()
            done = ask()
            if turn:
                took.append(1000 * (time.perf_counter() - begin))
                spent += 1000 * (time.process_time() - cpu)
        found[name] = {
            "median": round(common.median(took), 1),
            "worst": round(max(took), 1),
            "cpu": round(spent / turns, 1),
            "found": int(done or 0),
        }
    return found


if __name__ == "__main__":
    main()
