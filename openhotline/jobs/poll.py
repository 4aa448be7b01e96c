"""Looks that are due: takes a batch, asks the prober from every vantage point, files what it saw.

True here: the batch goes to the prober in pieces and each piece is filed when it is back, so that what was seen
before the prober went away is not lost; the rest is released and due again. What is not here: what is due and how
politely (`steps/due`), what a look means (`rules/signs`), the prober's own limits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from openhotline.connectors.probe.client import ProberUnreachable
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.policy import Policy
from openhotline.rules.facts import CheckFacts
from openhotline.rules.refusals import Refused
from openhotline.steps import check, due, likeness
from openhotline.steps.due import Wanted
from openhotline.steps.likeness import First

BATCH = 500  # removals taken at once
PIECE = 250  # removals asked about and filed at once
RATE = 20.0  # looks a second for the whole house, all hosts together


class Looks(Protocol):
    """What is asked to look: the prober's client, or its fake."""

    def check(self, jobs: Sequence[CheckJob]) -> list[CheckFacts]:
        """One CheckFacts per job, in order. Raises ProberUnreachable."""
        ...


def checks(
    prober: Looks,
    *,
    vantages: tuple[str, ...],
    policy: Policy,
    at: datetime,
    rate: float = RATE,
    onions: tuple[str, ...] = (),
) -> int:
    """One batch of looks: at onion addresses from `onions`, if the house has any. Returns how many removals were looked at. Raises ProberUnreachable."""
    wanted = due.take(figures=policy.pace, at=at, limit=BATCH, places=len(vantages), rate=rate)
    done = 0
    for piece in _pieces(wanted):
        jobs = [(one, _job(one, vantage, at)) for one in piece for vantage in _from(one, vantages, onions)]
        try:
            facts = prober.check([job for _, job in jobs])
        except ProberUnreachable:
            due.release(wanted[done:])
            raise
        check.record(
            [(one.removal, seen) for (one, _), seen in zip(jobs, facts, strict=True)],
            policy=policy,
            at=at,
            steps={one.removal: one.step for one in piece},
        )
        done += len(piece)
    return done


def now(prober: Looks, **how: Any) -> int:
    """One batch (`checks`) for a person who asked for it. Raises Refused where the prober does not run."""
    try:
        return checks(prober, **how)
    except ProberUnreachable as fault:
        raise Refused(fault.sentence, code="prober") from None


def _pieces(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    for start in range(0, len(wanted), PIECE):
        yield wanted[start : start + PIECE]


def _from(one: Wanted | First, vantages: tuple[str, ...], onions: tuple[str, ...]) -> tuple[str, ...]:
    """Where it is looked at from. Without an exit for onions the prober says so, and sends nothing."""
    return onions if one.onion and onions else vantages


def _job(one: Wanted, vantage: str, at: datetime) -> CheckJob:
    return CheckJob(
        canonical=one.canonical,
        vantage=vantage,
        at=at,
        referrer=one.referrer,
        allow_path=True,
        cookie=one.cookie,
        steps=one.steps,
        server=one.server,
    )


def first_sights(
    prober: Looks, *, vantages: tuple[str, ...], at: datetime, onions: tuple[str, ...] = ()
) -> int:
    """What items show that an analyst has just opened, for later looks to be read against. Returns how many."""
    wanted = likeness.take_wanted(at=at)
    if not wanted:
        return 0
    jobs = [
        CheckJob(
            canonical=one.canonical,
            vantage=(places := _from(one, vantages, onions))[one.tries % len(places)],
            at=at,
            referrer=one.referrer,
            allow_path=True,
            cookie=one.cookie,
            steps=one.steps,
        )
        for one in wanted
    ]
    facts = prober.check(jobs)
    likeness.record([(one.item, seen) for one, seen in zip(wanted, facts, strict=True)], at=at)
    return len(wanted)
