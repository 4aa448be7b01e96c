"""Hosting episodes begin: on the first trace of a graded item, after a move, and when something comes back.

True here: each is routed in the same act (home, abroad with a hotline, abroad without, out of remit). What is not
here: when content has moved (`move`) and filing the trace itself (`trace`).
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max

from openhotline.policy import Policy
from openhotline.records.models import Hold, Removal, Trace
from openhotline.rules import clocks, removal_path, words
from openhotline.rules.routing import route
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import freshness
from openhotline.steps.advance import advance, begin, note

FOLLOWED = "The hold followed the content."


def begin_at(traces: Sequence[Trace], *, policy: Policy, by: Actor, at: datetime) -> list[Removal]:
    """Open an episode per trace and route it. Returns them."""
    if not traces:
        return []
    episodes = dict(
        Removal.objects.filter(item__in=[trace.item_id for trace in traces])
        .values_list("item")
        .annotate(last=Max("episode"))
    )
    groups: dict[bool, list[Removal]] = {True: [], False: []}
    for trace in traces:
        item = trace.item
        episodes[item.pk] = episodes.get(item.pk, 0) + 1
        agreed = trace.verdict == "agreed"
        removal = Removal(
            item=item,
            episode=episodes[item.pk],
            server=trace.server,
            host=trace.host if trace.country else None,  # of a proxy alone there is no hosting yet
            country=trace.country,
            opened_at=at,
            t0_received=item.received_at,
            t1_graded=item.graded_at,
            t2_traced=at if agreed else None,
            next_check_at=at,
            retrace_at=at,  # until its trace is filed (`freshness.plan`)
        )
        trace.removal = removal
        groups[agreed].append(removal)
    opened = begin(
        groups[True],
        "trace",
        "agreed",
        by=by,
        at=at,
        clock=clocks.Deadline(clocks.BUNDLE, at + policy.clocks.bundle),
    )
    opened += begin(
        groups[False],
        "trace",
        "unclear",
        by=by,
        at=at,
        clock=clocks.Deadline(clocks.ORIGIN, at + policy.clocks.origin),
    )
    route_each(opened, policy=policy, at=at)
    return opened


def route_each(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> None:
    """Home, abroad with a hotline, abroad without, or out of remit (dated table, rules/routing.py)."""
    ways: dict[str, list[Removal]] = {}
    for removal in removals:
        if removal.status == removal_path.UNCLEAR:
            continue
        way = route(removal.country, removal.item.cls, on=at.date(), policy=policy)
        removal.route = way.kind
        ways.setdefault(way.kind, []).append(removal)
    for kind, group in ways.items():
        Removal.objects.filter(pk__in=[removal.pk for removal in group]).update(route=kind)
    out = ways.get(words.ROUTE_OUT_OF_REMIT, [])
    if out:
        why = "This class is in our remit only when hosted at home."
        advance(
            out, "route", "out_of_remit", by=MACHINE_WORKER, at=at, why=why, changes={"next_check_at": None}
        )
        advance([removal.item for removal in out], "route", "out_of_remit", by=MACHINE_WORKER, at=at, why=why)


def reopen(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> list[Removal]:
    """It came back: a new episode on the newest trace, and the police are told "again"."""
    opened: list[Removal] = []
    for old in removals:
        known = Trace.objects.filter(item=old.item, server=old.server).select_related("item", "host")
        trace = known.order_by("-at").first()
        if trace is None:
            continue
        trace.pk, trace.removal = None, None
        made = begin_at([trace], policy=policy, by=MACHINE_WORKER, at=at)
        trace.save(force_insert=True)
        freshness.plan([old.item_id])
        Removal.objects.filter(pk__in=[removal.pk for removal in made]).update(again=True)
        for removal in made:
            removal.again = True
            carry_holds(old, removal, at=at)
        opened += made
    return opened


def carry_holds(old: Removal, new: Removal, *, at: datetime) -> None:
    """A hold is on the content, not on the place: it follows to the new episode."""
    for hold in Hold.objects.filter(removal=old, released_at=None):
        Hold.objects.filter(pk=hold.pk).update(released_at=at, released_by=MACHINE_WORKER.who)
        hold.pk, hold.removal, hold.released_at = None, new, None
        hold.save(force_insert=True)
        note([new], "removal.held", by=MACHINE_WORKER, at=at, why=FOLLOWED)


def current_of(removals: Sequence[Removal]) -> dict[int, Removal]:
    """For those of `removals` that ended because the content is elsewhere or came back: its open episode now."""
    ended = {row.pk: row for row in removals if row.status not in removal_path.STILL_OPEN}
    later = (
        Removal.objects.filter(
            item__in=[row.item_id for row in ended.values()], status__in=removal_path.STILL_OPEN
        )
        .select_related("item", "host")
        .order_by("episode")
    )
    newest = {(row.item_id, row.server): row for row in later}
    return {
        pk: newest[row.item_id, row.server]
        for pk, row in ended.items()
        if (row.item_id, row.server) in newest and newest[row.item_id, row.server].episode > row.episode
    }
