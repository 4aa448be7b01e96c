"""Is it still there? Files looks, judges them, moves removals on, and sets the next look.

Checks go on while we wait for police: what vanishes then is "gone before notice", and the unit is told at
once. Our own outage closes nothing (the canary). What is not here: looking (connectors, jobs), the verdict
(`rules/gone.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from openhotline.policy import Policy
from openhotline.records.models import Check, Removal, Trace
from openhotline.rules import gone, item_path, removal_path
from openhotline.rules.facts import CheckFacts
from openhotline.rules.urls import dialled
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import assess, episode, tell
from openhotline.steps.advance import KEEP, advance, note

LEASE = timedelta(minutes=5)
AGAIN_AFTER_MISS = timedelta(minutes=3)
LONGEST_WAIT = timedelta(hours=1)
LOOKS_JUDGED = 12  # the newest looks that a verdict may rest on


@dataclass(frozen=True, slots=True)
class Wanted:
    """One removal to look at, and the path to it."""

    removal: int
    canonical: str
    referrer: str


def take_due(*, at: datetime, limit: int = 1000) -> list[Wanted]:
    """Claim the removals whose look is due. The lease frees them if the worker dies.

    No request with a path leaves before an analyst has opened the item (security.md 3e).
    """
    due = (
        Removal.objects.filter(next_check_at__lte=at, item__look_allowed_at__isnull=False)
        .filter(Q(check_lease_until=None) | Q(check_lease_until__lte=at))
        .filter(status__in=[*removal_path.STILL_OPEN, *removal_path.WATCHED, removal_path.CLOSED])
        .order_by("next_check_at", "pk")
    )
    with transaction.atomic():
        rows = (
            due.select_for_update(of=("self",), skip_locked=True)
            if connection.vendor == "postgresql"
            else due
        )
        taken = list(rows.select_related("item")[:limit])
        Removal.objects.filter(pk__in=[removal.pk for removal in taken]).update(check_lease_until=at + LEASE)
    return [Wanted(removal.pk, dialled(removal.item.canonical), removal.item.referrer) for removal in taken]


def record(looks: Sequence[tuple[int, CheckFacts]], *, policy: Policy, at: datetime) -> None:
    """File many looks (removal id, facts) and let each removal go where they lead."""
    if not looks:
        return
    by_removal: dict[int, list[CheckFacts]] = defaultdict(list)
    for pk, facts in looks:
        by_removal[pk].append(facts)
    with transaction.atomic():
        Check.objects.bulk_create(
            [
                Check(
                    removal_id=pk,
                    at=facts.at,
                    vantage=facts.vantage,
                    path_variant=facts.path_variant,
                    meaning=gone.meaning(facts),
                    outcome=facts.outcome,
                    status=facts.status,
                    canary_up=facts.canary_up,
                    why=facts.why,
                    facts={
                        "location": facts.location,
                        "content_type": facts.content_type,
                        "length": facts.length,
                        "title": facts.title,
                        "fingerprint": facts.fingerprint,
                        "peer": facts.peer,
                    },
                )
                for pk, facts in looks
            ],
            batch_size=500,
            ignore_conflicts=True,
        )
        removals = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(pk__in=list(by_removal))
            .select_related("item", "host")
            .order_by("pk")
        )
        _enter(removals, by_removal, at=at)
        verdicts = _judge(removals, at=at)
        _move(removals, verdicts, policy=policy, at=at)
        _moved_address(removals, by_removal, at=at)


def _enter(removals: Sequence[Removal], looks: dict[int, list[CheckFacts]], *, at: datetime) -> None:
    """Every look is an entry, also one that moves nothing; removals that were seen alike are written in one go."""
    alike: dict[tuple[str, ...], list[Removal]] = defaultdict(list)
    for removal in removals:
        seen = {f"{facts.vantage}: {gone.meaning(facts)} {facts.status}" for facts in looks[removal.pk]}
        alike[tuple(sorted(seen))].append(removal)
    for looked, group in alike.items():
        note(group, "removal.looked", by=MACHINE_WORKER, at=at, facts={"looks": list(looked)})


def _judge(removals: Sequence[Removal], *, at: datetime) -> dict[int, gone.Verdict]:
    looks: dict[int, list[gone.Look]] = defaultdict(list)
    since = at - timedelta(days=7)
    rows = Check.objects.filter(removal__in=removals, at__gte=since).order_by("-at", "-pk")
    for row in rows:
        if len(looks[row.removal_id]) < LOOKS_JUDGED:
            looks[row.removal_id].append(
                gone.Look(row.at, row.vantage, row.meaning, row.path_variant, row.canary_up)
            )
    return {removal.pk: gone.judge(list(reversed(looks[removal.pk])), now=at) for removal in removals}


def _move(
    removals: Sequence[Removal], verdicts: dict[int, gone.Verdict], *, policy: Policy, at: datetime
) -> None:
    """Group what happens, so that a bundle moves as one."""
    groups: dict[str, list[Removal]] = defaultdict(list)
    for removal in removals:
        kind = verdicts[removal.pk].kind
        status = removal.status
        if status in (*removal_path.WATCHED, removal_path.CLOSED):
            groups["back" if kind == "up" else ("watch" if kind == "gone" else "again")].append(removal)
        elif kind == "gone" and status in removal_path.BEFORE_NOTICE:
            groups["gone_before"].append(removal)
        elif kind == "gone" and status == removal_path.GONE_MAYBE:
            groups["gone"].append(removal)
        elif kind == "gone":
            groups["missed_gone"].append(removal)
        elif kind == "first miss" and status in (*removal_path.WITH_HOST, *removal_path.ABROAD):
            groups["missed"].append(removal)
        elif kind == "first miss":
            groups["again"].append(removal)
        elif kind == "up" and status == removal_path.GONE_MAYBE:
            groups["up_again"].append(removal)
        else:
            groups["next"].append(removal)
    worker = MACHINE_WORKER
    # The first miss is stamped once. A bundle shares its moments, so this is one statement, not one per row.
    first: dict[datetime, list[Removal]] = defaultdict(list)
    for removal in groups["missed"] + groups["missed_gone"] + groups["gone"] + groups["gone_before"]:
        if removal.t7_first_miss is None:
            removal.t7_first_miss = verdicts[removal.pk].first_miss_at or at
            first[removal.t7_first_miss].append(removal)
    for moment, group in first.items():
        Removal.objects.filter(pk__in=[removal.pk for removal in group]).update(t7_first_miss=moment)
    advance(groups["missed"] + groups["missed_gone"], "check", "missed", by=worker, at=at, clock=KEEP)
    _gone(groups["gone"] + groups["missed_gone"], policy=policy, at=at)
    advance(groups["gone_before"], "check", "gone_before", by=worker, at=at, stamps=["t8_gone"])
    tell.police(groups["gone_before"], "gone", at=at)
    _up_again(groups["up_again"], at=at)
    if groups["back"]:
        advance(groups["back"], "reappear", "back", by=worker, at=at, changes={"next_check_at": None})
        tell.police(groups["back"], "again", at=at)
        episode.reopen(groups["back"], policy=policy, at=at)
        assess.ask_trace([removal.item for removal in groups["back"]], at=at)
    for removal in groups["watch"]:
        removal.watch_step += 1
    _schedule(groups, policy=policy, at=at)


def _gone(removals: list[Removal], *, policy: Policy, at: datetime) -> None:
    advance(
        removals,
        "check",
        "gone",
        by=MACHINE_WORKER,
        at=at,
        stamps=["t8_gone"],
        why="Three misses from two vantage points, our own line proved each time.",
    )
    tell.police(removals, "removed", at=at)


def _up_again(removals: list[Removal], *, at: datetime) -> None:
    """Seen again: not a new clock. It goes back to whoever has it."""
    by_outcome: dict[str, list[Removal]] = defaultdict(list)
    for removal in removals:
        if removal.referral_lines.filter(referral__via="hotline").exists():
            by_outcome["up_again_abroad"].append(removal)
        elif removal.referral_lines.exists():
            by_outcome["up_again_police"].append(removal)
        else:
            by_outcome["up_again"].append(removal)
    for outcome, group in by_outcome.items():
        advance(group, "check", outcome, by=MACHINE_WORKER, at=at, clock=KEEP)


def _schedule(groups: dict[str, list[Removal]], *, policy: Policy, at: datetime) -> None:
    """Set the next look. What was missed is looked at again after three minutes, twice."""
    soon = groups["missed"] + groups["again"]
    Removal.objects.filter(pk__in=[removal.pk for removal in soon]).update(
        next_check_at=at + AGAIN_AFTER_MISS, check_lease_until=None
    )
    spread: dict[timedelta, list[int]] = defaultdict(list)
    for removal in groups["next"] + groups["up_again"]:
        spread[_wait(removal, policy=policy, at=at)].append(removal.pk)
    for wait, pks in spread.items():
        Removal.objects.filter(pk__in=pks).update(next_check_at=at + wait, check_lease_until=None)
    days = policy.clocks.watch
    watched: dict[tuple[int, datetime | None], list[Removal]] = defaultdict(list)
    for removal in groups["watch"] + groups["gone"] + groups["missed_gone"] + groups["gone_before"]:
        step = removal.watch_step
        # The relapse watch counts from the day it was gone; after the last look it is over.
        removal.next_check_at = (removal.t8_gone or at) + days[step] if step < len(days) else None
        removal.check_lease_until = None
        watched[step, removal.next_check_at].append(removal)
    for (step, following), group in watched.items():
        Removal.objects.filter(pk__in=[removal.pk for removal in group]).update(
            next_check_at=following, check_lease_until=None, watch_step=step
        )


def _wait(removal: Removal, *, policy: Policy, at: datetime) -> timedelta:
    """How long until the next look: short while things may happen, longer as an episode grows old."""
    if removal.status in removal_path.ABROAD:
        return policy.clocks.check_abroad
    least = policy.clocks.check_with_host if removal.t5_sent else policy.clocks.check_waiting
    age = at - (removal.t5_sent or removal.opened_at)
    return max(least, min(age / 12, LONGEST_WAIT)) // timedelta(minutes=1) * timedelta(minutes=1)


def _moved_address(removals: Sequence[Removal], looks: dict[int, list[CheckFacts]], *, at: datetime) -> None:
    """Something answered from an address the trace does not know: trace again."""
    newest: dict[int, Trace] = {}
    rows = Trace.objects.filter(item__in=[removal.item_id for removal in removals]).order_by("at")
    for row in rows.only("item_id", "address"):
        newest[row.item_id] = row
    elsewhere = [
        removal.item
        for removal in removals
        if removal.status in removal_path.STILL_OPEN
        and removal.item_id in newest
        and removal.item.status == item_path.GRADED
        and any(
            facts.peer and facts.peer not in newest[removal.item_id].address.split(",")
            for facts in looks[removal.pk]
        )
    ]
    assess.ask_trace(elsewhere, at=at)


def to_trace(*, policy: Policy, at: datetime) -> int:
    """Sweep: open removals whose trace ran out are traced again; unclear ones at their origin clock."""
    stale = Removal.objects.filter(status__in=removal_path.STILL_OPEN).exclude(
        Q(item__traces__expires_at__gt=at) | Q(item__status=item_path.OUT_OF_REMIT)
    )
    items = [removal.item for removal in stale.select_related("item")[:2000]]
    assess.ask_trace(items, at=at)
    return len(items)
