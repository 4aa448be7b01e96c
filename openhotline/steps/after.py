"""What follows from the verdict on a round: who moves, who is told, and when each is looked at next.

True here: a bundle moves as one; only what moves is loaded whole. What is not here: the verdict (`rules/gone.py`),
intervals (`rules/pace.py`), and filing (`check.py`, `rounds.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.db.models import OuterRef, Subquery

from openhotline.policy import Policy
from openhotline.records.models import Item, ReferralLine, Removal, Trace
from openhotline.rules import clocks, gone, item_path, pace, removal_path
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import assess, episode, tell
from openhotline.steps.advance import KEEP, advance
from openhotline.steps.rounds import Round, Row

TRACE_AGAIN_AFTER = timedelta(minutes=30)  # an unknown address is traced, but not at every look


def groups_of(rounds: Sequence[Round]) -> dict[str, list[Round]]:
    """What happens to whom, so that a bundle moves as one. Whoever is in no group only gets its next look."""
    groups: dict[str, list[Round]] = defaultdict(list)
    for one in rounds:
        kind, status = one.verdict.kind, one.row.status
        if one.row.watched:
            if kind == gone.UP:
                groups["back"].append(one)
        elif kind == gone.GONE and status in removal_path.BEFORE_NOTICE:
            groups["gone_before"].append(one)
        elif kind == gone.GONE:
            groups["gone" if status == removal_path.GONE_MAYBE else "missed_gone"].append(one)
        elif kind == gone.FIRST_MISS and status in (*removal_path.WITH_HOST, *removal_path.ABROAD):
            groups["missed"].append(one)
        elif kind in (gone.UP, gone.CHANGED) and status == removal_path.GONE_MAYBE:
            groups["up_again"].append(one)
        elif kind in (gone.UP, gone.CHANGED) and status == removal_path.UNAVAILABLE:
            groups["seen_here"].append(one)
        elif kind == gone.MOVED:
            groups["moved"].append(one)
    return groups


def _whole(rounds: Sequence[Round]) -> list[Removal]:
    """The removals of these rounds, loaded whole, with the status their rounds were read under."""
    if not rounds:
        return []
    ids = [one.row.pk for one in rounds]
    return list(Removal.objects.filter(pk__in=ids).select_related("item", "host").order_by("pk"))


def move(groups: Mapping[str, list[Round]], *, policy: Policy, at: datetime) -> None:
    worker = MACHINE_WORKER
    # The first miss is stamped once. A bundle shares its moments, so this is one statement, not one per row.
    first: dict[datetime, list[int]] = defaultdict(list)
    for name in ("missed", "missed_gone", "gone", "gone_before"):
        for one in groups.get(name, ()):
            first[one.verdict.first_miss_at or at].append(one.row.pk)
    for moment, ids in first.items():
        Removal.objects.filter(pk__in=ids, t7_first_miss=None).update(t7_first_miss=moment)
    missed_gone = _whole(groups.get("missed_gone", ()))
    if missed := [*_whole(groups.get("missed", ())), *missed_gone]:
        advance(missed, "check", "missed", by=worker, at=at, clock=KEEP)
    if now_gone := [*_whole(groups.get("gone", ())), *missed_gone]:
        _gone(now_gone, groups, at=at)
    if before := _whole(groups.get("gone_before", ())):
        advance(before, "check", "gone_before", by=worker, at=at, stamps=["t8_gone"])
        tell.police(before, "gone", at=at)
    if again := _whole(groups.get("up_again", ())):
        _up_again(again, at=at)
    if seen := _whole(groups.get("seen_here", ())):
        # The partner could not reach it, we can: it is with the partner again, on a clock of its own.
        query = clocks.Deadline(clocks.PARTNER_QUERY, at + policy.clocks.partner_query)
        advance(seen, "check", "seen_here", by=worker, at=at, clock=query)
    if back := _whole(groups.get("back", ())):
        advance(back, "reappear", "back", by=worker, at=at, changes={"next_check_at": None})
        tell.police(back, "again", at=at)
        episode.reopen(back, policy=policy, at=at)
        assess.ask_trace([removal.item for removal in back], at=at)
    if elsewhere := [one.row.item for one in groups.get("moved", ())]:
        untraced = Item.objects.filter(pk__in=elsewhere, status=item_path.GRADED).exclude(
            traces__at__gt=at - TRACE_AGAIN_AFTER
        )
        assess.ask_trace(list(untraced), at=at)


def _gone(removals: Sequence[Removal], groups: Mapping[str, list[Round]], *, at: datetime) -> None:
    silent = {
        one.row.pk
        for name in ("gone", "missed_gone")
        for one in groups.get(name, ())
        if one.verdict.silent_since is not None
    }
    for why, group in (
        (
            "Missed in three rounds from two vantage points, our own line proved each time.",
            [removal for removal in removals if removal.pk not in silent],
        ),
        (
            "Nothing answered for a day, from two vantage points, our own line proved each time.",
            [removal for removal in removals if removal.pk in silent],
        ),
    ):
        advance(group, "check", "gone", by=MACHINE_WORKER, at=at, stamps=["t8_gone"], why=why)
    tell.police(list(removals), "removed", at=at)


def _up_again(removals: Sequence[Removal], *, at: datetime) -> None:
    """Seen again: not a new clock. It goes back to whoever has it."""
    lines = ReferralLine.objects.filter(removal__in=removals).values_list("removal_id", "referral__via")
    via: dict[int, set[str]] = defaultdict(set)
    for pk, way in lines:
        via[pk].add(way)
    by_outcome: dict[str, list[Removal]] = defaultdict(list)
    for removal in removals:
        ways = via.get(removal.pk)
        outcome = "" if not ways else ("_abroad" if "hotline" in ways else "_police")
        by_outcome[f"up_again{outcome}"].append(removal)
    for outcome, group in by_outcome.items():
        advance(group, "check", outcome, by=MACHINE_WORKER, at=at, clock=KEEP)


def schedule(
    rounds: Sequence[Round], groups: Mapping[str, list[Round]], *, policy: Policy, at: datetime
) -> None:
    """When each is looked at next: by its state and age, by the relapse watch, or never."""
    back = {one.row.pk for one in groups.get("back", ())}
    seen_here = {one.row.pk for one in groups.get("seen_here", ())}
    now_gone = {one.row.pk for name in ("gone", "missed_gone", "gone_before") for one in groups.get(name, ())}
    for one in rounds:
        row = one.row
        if row.pk in back:
            one.next_at = None
        elif row.pk in now_gone:
            one.watch_step = 0
            one.next_at = at + policy.clocks.watch[0]
        elif row.watched:
            _watch(one, policy=policy, at=at)
        elif row.status == removal_path.UNAVAILABLE and row.pk not in seen_here and not _missing(one):
            one.next_at = _unavailable(row, policy=policy, at=at)
        else:
            wait = pace.wait(
                policy.pace,
                one.verdict.kind,
                state=row.state,
                age=at - (row.t5_sent or row.opened_at),
                number=row.pk,
                step=row.step,
                unsure=one.unsure,
            )
            one.next_at = pace.on_the_grid(at + wait, wait, one.verdict.kind)


def _missing(one: Round) -> bool:
    return one.verdict.kind == gone.FIRST_MISS


def _unavailable(row: Row, *, policy: Policy, at: datetime) -> datetime:
    """One, seven and thirty days after the partner gave up (row 37); its clock ends at the last of them."""
    last = policy.clocks.unavailable[-1]
    since = (row.due_at or at + last) - last
    return next((since + after for after in policy.clocks.unavailable if since + after > at), at + last)


def _watch(one: Round, *, policy: Policy, at: datetime) -> None:
    """The relapse watch: not seen again, so on to its next day, counted from the day it was gone."""
    days, row = policy.clocks.watch, one.row
    if one.verdict.kind in (gone.GONE, gone.FIRST_MISS) or one.unsure >= policy.pace.watch_tries:
        one.unsure, one.watch_step = 0, row.watch_step + 1
        step = one.watch_step
        # The last look done, the watch is over.
        one.next_at = (row.t8_gone or at) + days[step] if step < len(days) else None
        if one.next_at is not None:
            one.next_at = max(one.next_at, at + policy.pace.unsure_most)
        return
    # Something else is there, or nothing can be told: tried again a few times, then the watch goes on.
    one.unsure = max(one.unsure, row.unsure + 1)
    one.next_at = at + policy.pace.unsure_most * (1 + pace.JITTER * pace.jitter(row.pk, row.step))


def elsewhere(rounds: Sequence[Round], *, at: datetime) -> None:
    """Something answered from an address and a network the trace does not know: trace again."""
    peers: dict[int, set[str]] = defaultdict(set)
    for one in rounds:
        if one.row.status in removal_path.STILL_OPEN and one.row.item_status == item_path.GRADED:
            peers[one.row.item].update(facts.peer for facts, _ in one.looks if facts.peer)
    asked = [item for item, found in peers.items() if found]
    if not asked:
        return
    newest = Trace.objects.filter(item=OuterRef("pk")).order_by("-at")
    rows = (
        Item.objects.filter(pk__in=asked)
        .annotate(
            known=Subquery(newest.values("address")[:1]),
            network=Subquery(newest.values("network")[:1]),
            traced=Subquery(newest.values("at")[:1]),
        )
        .filter(traced__isnull=False)
        .values_list("pk", "known", "network", "traced")
    )
    unknown = [
        pk
        for pk, known, network, traced in rows
        if not peers[pk] <= set(known.split(","))
        and any(not _within(peer, network) for peer in peers[pk] - set(known.split(",")))
        and at - traced >= (TRACE_AGAIN_AFTER if network else timedelta(0))
    ]
    if unknown:
        assess.ask_trace(list(Item.objects.filter(pk__in=unknown)), at=at)


def _within(address: str, network: str) -> bool:
    try:
        return any(
            ip_address(address) in ip_network(one.strip()) for one in network.split(",") if one.strip()
        )
    except ValueError:
        return False
