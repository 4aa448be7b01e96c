"""Has it moved? A later trace of an open episode, compared with where the episode is.

A changed host, country or operator never edits an episode: the old one ends as moved, a new one opens under the same
item, and whoever was told before is told. True here: a trace that does not agree with itself moves nothing, but where
nobody has been asked yet and nothing that still counts names the place, the episode is unclear until one does; new
addresses or a new name at the same operator are no move; what only goes back and forth (anycast, names answered by
place) opens no episode at each look. What is not here: filing traces (`trace`), opening episodes (`episode`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F

from openhotline.policy import Policy
from openhotline.records.models import Removal, Trace
from openhotline.rules import clocks, hosting, removal_path
from openhotline.rules.hosting import Place
from openhotline.rules.trace_weights import Weights
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import freshness
from openhotline.steps.advance import advance, note
from openhotline.steps.episode import begin_at, carry_holds, route_each


def place_of(trace: Trace) -> Place:
    """Where a trace says it is held."""
    return Place(
        trace.country,
        trace.asn,
        trace.host.name if trace.host else "",
        trace.network,
        frozenset(filter(None, trace.address.split(","))),
    )


def compare(
    traces: Sequence[Trace],
    current: dict[tuple[int, str], Removal],
    *,
    policy: Policy,
    weights: Weights,
    by: Actor,
    at: datetime,
) -> list[Removal]:
    """Later traces of open episodes (`current`: place -> removal). Returns the removals that ended as moved."""
    _doubted(traces, current, policy=policy, by=by, at=at)
    known = _last_agreed([current[trace.held_at].pk for trace in traces])
    recent = _recent([trace.item_id for trace in traces])
    return [
        current[trace.held_at]
        for trace in traces
        if _compare(
            trace,
            current[trace.held_at],
            known.get(current[trace.held_at].pk),
            recent.get(trace.held_at, []),
            policy=policy,
            weights=weights,
            by=by,
            at=at,
        )
    ]


def _doubted(
    traces: Sequence[Trace],
    current: dict[tuple[int, str], Removal],
    *,
    policy: Policy,
    by: Actor,
    at: datetime,
) -> None:
    """What was about to be asked about and is not found there any more is listed as unclear, so that somebody sees it;
    it is traced again within minutes (`freshness.to_trace`)."""
    doubted = [
        current[trace.held_at]
        for trace in traces
        if trace.verdict != "agreed"
        and current[trace.held_at].status == removal_path.TRACED
        and not freshness.names(trace, current[trace.held_at])
    ]
    standing = {removal.pk for removal in freshness.standing(doubted, at=at)} if doubted else set()
    advance(
        [removal for removal in doubted if removal.pk not in standing],
        "retrace",
        "unclear",
        by=by,
        at=at,
        clock=clocks.Deadline(clocks.ORIGIN, at + policy.clocks.origin),
        why="The methods do not agree any more.",
    )


def _last_agreed(removals: Sequence[int]) -> dict[int, Trace]:
    """removal id -> the newest trace that agreed and named the removal's own place."""
    rows = (
        Trace.objects.filter(
            removal__in=removals,
            verdict="agreed",
            country=F("removal__country"),
            host=F("removal__host"),
        )
        .select_related("host")
        .defer("sealed", "answers", "reasons", "layers")
        .order_by("at", "pk")
    )
    return {row.removal_id: row for row in rows if row.removal_id is not None}


def _recent(items: Sequence[int]) -> dict[tuple[int, str], list[tuple[datetime, str, int | None]]]:
    """place -> (time, country, host) of its traces that agreed, newest first."""
    found: dict[tuple[int, str], list[tuple[datetime, str, int | None]]] = {}
    rows = Trace.objects.filter(item__in=items, verdict="agreed").order_by("-at", "-pk")
    columns = ("item_id", "server", "at", "country", "host_id")
    for item, server, moment, country, host in rows.values_list(*columns):
        found.setdefault((item, server), []).append((moment, country, host))
    return found


def _compare(
    trace: Trace,
    removal: Removal,
    known: Trace | None,
    recent: Sequence[tuple[datetime, str, int | None]],
    *,
    policy: Policy,
    weights: Weights,
    by: Actor,
    at: datetime,
) -> bool:
    """Whether the content has moved; if it has, the next episode is open when this returns."""
    trace.removal = removal
    if trace.verdict != "agreed":
        return False  # an answer that does not agree with itself moves nothing; the sweep asks again
    placed = removal.t2_traced is not None  # there was an agreed place before the methods came to differ
    if removal.status == removal_path.UNCLEAR and not placed:
        advance(
            [removal],
            "retrace",
            "agreed",
            by=by,
            at=at,
            clock=clocks.Deadline(clocks.BUNDLE, at + policy.clocks.bundle),
            stamps=["t2_traced"],
            changes={"host_id": trace.host_id, "country": trace.country},
        )
        removal.host = trace.host
        route_each([removal], policy=policy, at=at)
        return False
    if trace.country == removal.country and trace.host_id == removal.host_id:
        _clear_again(removal, by=by, at=at)
        if removal.edge:
            Removal.objects.filter(pk=removal.pk).update(edge=False)
            why = "The methods agree now: it is held there."
            note([removal], "removal.origin-known", by=by, at=at, why=why)
        return False
    here = place_of(trace)
    if known is not None and hosting.same(place_of(known), here):
        if hosting.renamed(place_of(known), here):
            note(
                [removal],
                "removal.host-renamed",
                by=by,
                at=at,
                facts={"from": known.host.name if known.host else "", "to": here.host},
            )
        trace.host = removal.host
        _clear_again(removal, by=by, at=at)
        return False
    if not _settled(trace, recent, weights):
        trace.expires_at = min(trace.expires_at, at + timedelta(minutes=weights.back_and_forth_minutes))
        note(
            [removal],
            "removal.back-and-forth",
            by=by,
            at=at,
            why="It is back where it was a short while ago. Believed when it stays there.",
        )
        return False
    _moved(removal, trace, policy=policy, by=by, at=at)
    return True


def _clear_again(removal: Removal, *, by: Actor, at: datetime) -> None:
    """The methods agree again on the place it had: it has waited its time, so its question is due."""
    if removal.status == removal_path.UNCLEAR:
        advance([removal], "retrace", "agreed", by=by, at=at, clock=clocks.Deadline(clocks.BUNDLE, at))


def _settled(trace: Trace, recent: Sequence[tuple[datetime, str, int | None]], weights: Weights) -> bool:
    """False while it is back where it had just been and has not stayed there long enough to be believed."""
    here = (trace.country, trace.host_id)
    since = trace.at
    streak = 0
    for moment, country, host in recent:
        if (country, host) != here:
            break
        since, streak = moment, streak + 1
    window = trace.at - timedelta(hours=weights.back_and_forth_hours)
    was_here = any(moment >= window and (country, host) == here for moment, country, host in recent[streak:])
    return not was_here or trace.at - since >= timedelta(minutes=weights.back_and_forth_minutes)


def _moved(removal: Removal, trace: Trace, *, policy: Policy, by: Actor, at: datetime) -> None:
    """The content is elsewhere: end this episode, open the next, tell whoever was told before."""
    where = f"{removal.country} to {trace.country}" if trace.country != removal.country else "another host"
    advance(
        [removal],
        "move",
        "moved",
        by=MACHINE_WORKER,
        at=at,
        why=f"Moved: {where}.",
        changes={"next_check_at": None},
    )
    trace.removal = None
    for opened in begin_at([trace], policy=policy, by=by, at=at):
        carry_holds(removal, opened, at=at)
