"""How often is "gone" said of what is there, "up" of what is gone, and how soon is "gone" known? By simulation.

Real: what a look means (`rules/signs`), the verdict (`rules/gone`), intervals, jitter and what 429 and 503 ask
for (`rules/pace`), the policy's figures and sign words, and the prober's page reader. Simulated: hosts, networks, our own
line, the clock, and the keeping of looks (the house's rows; the journeys and `checks_memory.py` go through those). The
lives and their truth are drawn in `lives.py`; three places look.

Truth: gone is what nobody can be shown any more for five minutes or longer; a host that is down has removed nothing; a
server switched off for good has. A host that hides the content from all of our places alike cannot be told by anybody
who looks from them, and is not among the lives.

    ./run exec python benchmarks/false_gone.py [--quick]
"""

import sys
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from benchmarks import common, lives
from openhotline import policy
from openhotline.rules import gone, pace, signs
from openhotline.rules.signs import Likeness

CHECKS, QUICK_CHECKS = 300_000, 5_000
SEED = 900_000_001  # never used while the rules and figures were being made
TUNED_ON = 7
FIGURES = policy.load("gb").pace


@dataclass
class Tally:
    """What came of the lives."""

    lives: int = 0
    checks: int = 0
    rounds: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    false_gone: list[str] = field(default_factory=list)
    false_up: int = 0
    rounds_gone: int = 0  # rounds at which it was gone in truth
    changed_when_gone: int = 0
    cannot_tell_of: Counter[str] = field(default_factory=Counter)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # minutes, by state
    by_ending: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    never_known: Counter[str] = field(default_factory=Counter)


def live(life: lives.Life, tally: Tally) -> None:
    """Look at one removal until it is gone, or its time is over."""
    at = lives.START + timedelta(seconds=life.chance.uniform(0, 240))
    likeness = first_sight(life, at)
    looks: deque[list[gone.Look]] = deque(maxlen=gone.ROUNDS_JUDGED)
    step = unsure = 0
    silent: datetime | None = None
    tally.lives += 1
    while at < lives.START + lives.HORIZON:
        facts = [life.answer(place, at) for place in lives.PLACES]
        looks.append(
            [
                gone.Look(
                    at, one.vantage, signs.read(one, likeness).meaning, canary_up=one.canary_up, number=step
                )
                for one in facts
            ]
        )
        verdict = gone.judge([look for one in looks for look in one], now=at, silent_since=silent)
        silent = verdict.silent_since
        count(life, verdict, at, len(facts), tally)
        if verdict.kind == gone.GONE:
            return
        unsure = unsure + 1 if verdict.kind in (gone.CANNOT_TELL, gone.BLOCKED_FOR_US, gone.MOVED) else 0
        wait = pace.wait(
            FIGURES,
            verdict.kind,
            state=life.state,
            age=at - lives.START,
            number=life.number,
            step=step,
            unsure=unsure,
        )
        following = pace.on_the_grid(at + wait, wait, verdict.kind)
        for one in facts:
            if asked := pace.retry_after(one.status, dict(one.headers), at, FIGURES):
                following = max(following, asked)
        at, step = following, step + 1
    if life.gone_at is not None:
        tally.never_known[life.kind] += 1


def first_sight(life: lives.Life, at: datetime) -> Likeness | None:
    """What it showed when an analyst had just seen it; for one in twenty the first sight failed."""
    if life.chance.random() < 0.05:
        return None
    shown = life._up(life.answer(lives.PLACES[0], at)) if life.there(at) else None
    if shown is None:
        return None
    return Likeness(
        shown.status, shown.content_type, shown.size, "", shown.title, shown.fingerprint, shown.simhash, shown.words,
        shown.signs,
    )  # fmt: skip


def count(life: lives.Life, verdict: gone.Verdict, at: datetime, checks: int, tally: Tally) -> None:
    """Hold one verdict against the truth."""
    there = life.there(at)
    tally.checks += checks
    tally.rounds += 1
    tally.verdicts[verdict.kind] += 1
    if verdict.kind == gone.CANNOT_TELL:
        tally.cannot_tell_of["our own line" if not life.line_up(lives.PLACES[0], at) else life.kind] += 1
    if not there:
        tally.rounds_gone += 1
        tally.false_up += verdict.kind == gone.UP
        tally.changed_when_gone += verdict.kind == gone.CHANGED
    if verdict.kind != gone.GONE:
        return
    if there:
        tally.false_gone.append(f"life {life.number}: {life.kind} at {at:%d %b %H:%M}: {verdict.why}")
    elif life.gone_at is not None:
        late = (at - life.gone_at) / lives.MINUTE
        tally.late[life.state].append(late)
        tally.by_ending[life.kind].append(late)


def simulate(checks: int, seed: int) -> Tally:
    """Lives until so many checks are made."""
    tally = Tally()
    while tally.checks < checks:
        live(lives.draw(tally.lives, seed), tally)
    return tally


def main() -> None:
    """Simulate, print, keep."""
    quick = common.quick()
    seed = TUNED_ON if "--tuning" in sys.argv else SEED
    tally = simulate(QUICK_CHECKS if quick else CHECKS, seed)
    everyone = [late for group in tally.late.values() for late in group]
    middle = {state: round(common.median(late), 1) for state, late in sorted(tally.late.items())}
    endings = {kind: round(common.median(late), 1) for kind, late in sorted(tally.by_ending.items())}
    shares = {kind: round(100 * n / tally.rounds, 3) for kind, n in sorted(tally.verdicts.items())}
    found: dict[str, object] = {
        "seed": seed,
        "lives": tally.lives,
        "checks": tally.checks,
        "rounds": tally.rounds,
        "false_gone": len(tally.false_gone),
        "false_up_percent": round(100 * tally.false_up / max(tally.rounds_gone, 1), 4),
        "changed_when_gone_percent": round(100 * tally.changed_when_gone / max(tally.rounds_gone, 1), 4),
        "verdict_percent": shares,
        "cannot_tell_percent": shares.get(gone.CANNOT_TELL, 0.0),
        "cannot_tell_of": dict(tally.cannot_tell_of.most_common()),
        "recognised_minutes_median": round(common.median(everyone), 1),
        "recognised_minutes_median_by_state": middle,
        "recognised_minutes_median_by_ending": endings,
        "recognised": len(everyone),
        "not_recognised_in_time": dict(tally.never_known),
    }
    common.table(
        f"{tally.checks:,} checks of {tally.lives:,} removals from three places, seed {seed}",
        [(name, str(value)) for name, value in found.items() if name not in ("seed", "lives", "checks")],
    )
    for wrong in tally.false_gone[:10]:
        print(f"  WRONG: {wrong}")
    common.write("false_gone", found, quick=quick or "--tuning" in sys.argv)


if __name__ == "__main__":
    main()
