"""Looks that are due: takes a batch, asks the prober from every vantage point, files what it saw.

Polite per host on the house clock is the schedule's job (`steps/check`); the prober keeps its own limits.
"""

from datetime import datetime

from openhotline.connectors.probe.client import Prober
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.policy import Policy
from openhotline.steps import check

BATCH = 500


def checks(prober: Prober, *, vantages: tuple[str, ...], policy: Policy, at: datetime) -> int:
    """One batch of looks. Returns how many removals were looked at."""
    wanted = check.take_due(at=at, limit=BATCH)
    if not wanted:
        return 0
    jobs = [
        (
            one.removal,
            CheckJob(canonical=one.canonical, vantage=vantage, at=at, referrer=one.referrer, allow_path=True),
        )
        for one in wanted
        for vantage in vantages
    ]
    facts = prober.check([job for _, job in jobs])
    looks = [(pk, seen) for (pk, _), seen in zip(jobs, facts, strict=True)]
    check.record(looks, policy=policy, at=at)
    return len(wanted)
