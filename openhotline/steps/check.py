"""Is it still there? Files looks, judges them, moves removals on, and sets the next look.

Checks go on while we wait for police: what vanishes then is "gone before notice", and the unit is told at
once. Our own outage closes nothing (the canary). Looks are filed in batches: what most of them say ("still there")
costs a few statements for all of them; only what moves is loaded whole. A look belongs to a round of its removal: a
round that was filed is never filed again, whoever took it twice.
What is not here: taking what is due (`due.py`), looking (connectors, jobs), the verdict (`rules/gone.py`,
`rules/signs.py`), what follows from it (`after.py`), and how rounds are read and filed (`rounds.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from openhotline.ledger.record import Act
from openhotline.ledger.record import record as enter
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Check, Removal
from openhotline.rules import gone, item_path, pace, removal_path
from openhotline.rules.facts import CheckFacts
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import after, assess, due, rounds
from openhotline.steps.rounds import Round

ASKED_FOR = timedelta(minutes=15)  # how long a wish to be traced may wait until it is looked for again
NOT_YET_DECIDED = (gone.CANNOT_TELL, gone.BLOCKED_FOR_US, gone.MOVED)


def record(
    looks: Sequence[tuple[int, CheckFacts]],
    *,
    policy: Policy,
    at: datetime,
    steps: Mapping[int, int] | None = None,
) -> int:
    """File many looks (removal id, facts) and let each removal go where they lead. Returns how many were filed.

    `steps`: the number of the round each removal's looks were taken for; a round that is filed already is left out.
    """
    if not looks:
        return 0
    with transaction.atomic():
        batch = rounds.read(looks, steps)
        if not batch:
            return 0
        rounds.file(batch)
        _enter(batch, at=at)
        _judge(batch, at=at)
        groups = after.groups_of(batch)
        after.move(groups, policy=policy, at=at)
        after.schedule(batch, groups, policy=policy, at=at)
        _write(batch)
        _left_alone(batch, policy=policy, at=at)
        after.elsewhere(batch, at=at)
    return sum(len(one.looks) for one in batch)


def _enter(batch: Sequence[Round], *, at: datetime) -> None:
    """Every round is an entry, also one that moves nothing."""
    enter(
        [
            Act(
                act="removal.looked",
                obj=("removal", str(one.row.pk), one.row.version),
                case=one.row.ref,
                payload={
                    "round": one.row.step,
                    "looks": sorted(f"{f.vantage}: {read.meaning} {f.status}" for f, read in one.looks),
                },
            )
            for one in batch
        ],
        by=MACHINE_WORKER,
        at=at,
    )


def _judge(batch: Sequence[Round], *, at: datetime) -> None:
    """The verdict of each removal, on its newest rounds. What is seen, as most is, needs no older ones."""
    new = {one.row.pk: one.on_its_way(one.weighed()) for one in batch}
    unseen = [pk for pk, looks in new.items() if not gone.decides_alone(looks)]
    before = Check.objects.filter(
        removal_id__in=unseen,
        step__gt=F("removal__look_step") - gone.ROUNDS_JUDGED,
        step__lt=F("removal__look_step"),
    ).values_list("removal_id", "at", "vantage", "meaning", "path_variant", "canary_up", "step")
    older: dict[int, list[gone.Look]] = defaultdict(list)
    for pk, when, vantage, meaning, variant, proved, step in before:
        older[pk].append(gone.Look(when, vantage, meaning, variant, proved, step))
    for one in batch:
        known = [*one.on_its_way(older[one.row.pk]), *new[one.row.pk]]
        newest = max((facts.at for facts, _ in one.looks), default=at)
        one.verdict = gone.judge(known, now=max(at, newest), silent_since=one.row.silent_since)
        one.watch_step = one.row.watch_step
        one.unsure = one.row.unsure + 1 if one.verdict.kind in NOT_YET_DECIDED else 0


def _write(batch: Sequence[Round]) -> None:
    """The next look and what it has to remember, for all of them at once. The lease ends."""
    bulk.change(
        Removal,
        ["next_check_at", "watch_step", "unsure_looks", "silent_since", "look_step", "check_lease_until"],
        [
            (
                *(one.row.pk, one.next_at, one.watch_step, min(one.unsure, 1000), one.verdict.silent_since),
                *(one.row.step + 1, None),  # its row is locked since it was read
            )
            for one in batch
        ],
    )


def _left_alone(batch: Sequence[Round], *, policy: Policy, at: datetime) -> None:
    """Hosts that said "too many requests" or "not now" are left alone as long as they asked for."""
    until: dict[str, datetime] = {}
    for one in batch:
        for facts, _ in one.looks:
            if asked := pace.retry_after(facts.status, dict(facts.headers), at, policy.pace):
                until[one.row.host] = max(asked, until.get(one.row.host, asked))
    if until:
        due.leave_alone(until)


def to_trace(*, policy: Policy, at: datetime) -> int:
    """Sweep: open removals whose time to be traced again has come (`freshness.plan`). Returns how many.

    A wish waits in the outbox until the prober has answered it: it is not asked for again meanwhile.
    """
    stale = Removal.objects.filter(status__in=removal_path.STILL_OPEN, retrace_at__lte=at).exclude(
        item__status=item_path.OUT_OF_REMIT
    )
    # In the order of its index: by their statistics alone PostgreSQL would read every removal.
    removals = list(stale.select_related("item").order_by("retrace_at")[:2000])
    assess.ask_trace([removal.item for removal in removals], at=at)
    bulk.change(Removal, ["retrace_at"], [(removal.pk, at + ASKED_FOR) for removal in removals])
    return len(removals)
