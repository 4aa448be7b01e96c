"""Is it gone? Looks are weighed; only our own, from more than one place, on the same path, can say so.

*Gone* is three misses with no sight of it between, from at least two vantage points, three minutes or more from
the first to the last, and our own line proved by the canary at each. A look without the canary never counts.
What is not here: looking (connectors) and what follows (`steps/check`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openhotline.rules.facts import CheckFacts

MISS, SEEN, NOT_TOLD = "miss", "up", "unclear"
UP, FIRST_MISS, GONE, CANNOT_TELL, BLOCKED_FOR_US = (
    "up",
    "first miss",
    "gone",
    "cannot tell",
    "blocked for us",
)
KINDS = (UP, FIRST_MISS, GONE, CANNOT_TELL, BLOCKED_FOR_US)

MISSES = 3
PLACES = 2
APART = timedelta(minutes=3)
# Looks from several places within this time are one round: who sees it there outvotes who does not.
ROUND = timedelta(seconds=60)
DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when, from where, what it meant (`miss`, `up`, `unclear`), on which path, and whether our line was proved."""

    at: datetime
    vantage: str
    meaning: str
    path_variant: str = DIRECT
    canary_up: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the looks amount to. `first_miss_at` and `counted` speak of the run of misses, if there is one."""

    kind: str
    why: str
    first_miss_at: datetime | None = None
    counted: int = 0


def meaning(facts: CheckFacts) -> str:
    """What one look says: `miss`, `up`, or `unclear`.

    A miss is a clear sign that nothing is served: no such name, 404 or 410, and, with our own line proved, a
    server that refuses or never answers. Refusals aimed at us or at a place (401, 403, 407, 429, 451), faults of the
    server (5xx), broken answers and redirects that lead nowhere say nothing: blocked for us is not gone.
    """
    if facts.outcome == "answered":
        if facts.status in (200, 203, 206):
            return SEEN
        return MISS if facts.status in (404, 410) else NOT_TOLD
    if facts.outcome == "no-name":
        return MISS
    if facts.outcome in ("refused", "timeout"):
        return MISS if facts.canary_up else NOT_TOLD
    return NOT_TOLD


def judge(looks: Sequence[Look], *, now: datetime) -> Verdict:
    """Weigh the looks, in any order. Looks after `now` are left out."""
    known = sorted(
        (look for look in looks if look.at <= now), key=lambda look: (look.at, look.meaning == SEEN)
    )
    if not known:
        return Verdict(CANNOT_TELL, "Nobody has looked yet.")
    proved = [look for look in known if look.canary_up]
    if not proved:
        return Verdict(CANNOT_TELL, "Our own line was not proved: the canary did not answer.")
    run = _run(proved)
    newest = proved[-1]
    if not run:
        if known[-1].at - newest.at > ROUND:
            return Verdict(CANNOT_TELL, "Our own line was not proved at the newest look.")
        lately = {look.vantage for look in proved if look.meaning == SEEN and newest.at - look.at <= ROUND}
        if lately:
            return Verdict(UP, f"Still there, seen from {', '.join(sorted(lately))}.")
        if newest.meaning == NOT_TOLD:
            return Verdict(CANNOT_TELL, f"The newest look, from {newest.vantage}, gave no clear answer.")
        return Verdict(CANNOT_TELL, "The newest look was on another path, which does not count.")
    first, count = run[0].at, len(run)
    places = sorted({look.vantage for look in run})
    if count >= MISSES and run[-1].at - first >= APART:
        if len(places) >= PLACES:
            return Verdict(
                GONE, f"{count} misses from {', '.join(places)}, our own line proved each time.", first, count
            )
        return Verdict(
            BLOCKED_FOR_US,
            f"{count} misses, all from {places[0]}. Another place must miss it too.",
            first,
            count,
        )
    need = "another place" if len(places) < PLACES else "more looks"
    return Verdict(
        FIRST_MISS, f"{count} of {MISSES} misses, from {', '.join(places)}; {need} to come.", first, count
    )


def _run(proved: Sequence[Look]) -> list[Look]:
    """The misses since it was last seen, on the path that counts.

    Where the way in is a recorded referrer, a direct visit proves nothing gone; a sight of it on any path counts.
    """
    path = next((look.path_variant for look in reversed(proved) if look.path_variant != DIRECT), DIRECT)
    run: list[Look] = []
    last_seen: dict[str, datetime] = {}
    for look in proved:
        if look.meaning == SEEN:
            run = []
            last_seen[look.vantage] = look.at
        elif look.meaning == MISS and look.path_variant == path:
            elsewhere = [at for vantage, at in last_seen.items() if vantage != look.vantage]
            if not any(look.at - at < ROUND for at in elsewhere):
                run.append(look)
    return run
