"""Turns the prober's facts into a dated trace, and opens, keeps or ends hosting episodes by it.

A changed host or country never edits an episode: the old one ends as moved and a new one opens under the
same item, and whoever was told before is told. What is not here: asking the world (connectors, jobs) and
weighing the methods (`rules/trace_vote.py`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from openhotline.policy import Policy
from openhotline.records.models import Hold, Host, Item, Removal, Trace
from openhotline.rules import clocks, item_path, removal_path, words
from openhotline.rules.contacts import METHOD_SOURCE
from openhotline.rules.facts import TraceFacts
from openhotline.rules.routing import route
from openhotline.rules.trace_vote import Vote, vote
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import contact, tell
from openhotline.steps.advance import advance, begin, note


def record(
    traced: Sequence[tuple[Item, TraceFacts]], *, policy: Policy, by: Actor, at: datetime
) -> list[Trace]:
    """File the answers about many items, and let each lead where it must.

    First trace of a graded item: a removal opens (traced, or unclear where methods conflict). Later traces:
    the same host keeps the episode; another host, country or operator ends it as moved.
    """
    made: list[Trace] = []
    with transaction.atomic():
        votes = [(item, facts, vote(facts, rules_version=policy.version)) for item, facts in traced]
        hosts = _hosts([ballot for _, _, ballot in votes], at=at)
        for item, facts, ballot in votes:
            made.append(
                Trace(
                    item=item,
                    at=facts.at,
                    expires_at=facts.at + policy.clocks.trace_valid,
                    verdict=ballot.verdict,
                    score=ballot.score,
                    country=ballot.country,
                    operator=ballot.operator,
                    asn=ballot.asn,
                    address=",".join(ballot.addresses),
                    network=ballot.network,
                    host=hosts.get(_host_key(ballot)),
                    reasons=[list(reason) for reason in ballot.reasons],
                    answers=[asdict(answer) for answer in facts.answers],
                    rules=policy.version,
                )
            )
        _contacts(votes, hosts, at=at)
        current = {
            removal.item_id: removal
            for removal in Removal.objects.filter(
                item__in=[item for item, _ in traced], status__in=removal_path.STILL_OPEN
            ).select_related("item", "host")
        }
        # Only the first trace of an item opens an episode here; moves and reappearances open theirs themselves.
        had = set(
            Removal.objects.filter(item__in=[item for item, _ in traced]).values_list("item_id", flat=True)
        )
        fresh = [
            trace for trace in made if trace.item_id not in had and trace.item.status == item_path.GRADED
        ]
        known = [trace for trace in made if trace.item_id in current]
        opened = _open(fresh, policy=policy, by=by, at=at)
        moved = [
            current[trace.item_id]
            for trace in known
            if _compare(trace, current[trace.item_id], policy=policy, by=by, at=at)
        ]
        tell.police(moved, "moved", at=at)
        by_item = {removal.item_id: removal for removal in [*current.values(), *opened]}
        for trace in made:
            if trace.removal_id is None and trace.item_id in by_item:
                trace.removal = by_item[trace.item_id]
        Trace.objects.bulk_create(made, batch_size=200)
        note(
            [trace.item for trace in made],
            "item.traced",
            by=by,
            at=at,
            facts={"answers": sorted({f"{trace.verdict}:{trace.country}:{trace.asn}" for trace in made})},
        )
    return made


def _host_key(ballot: Vote) -> str:
    return f"AS{ballot.asn}:{ballot.operator.casefold()}"[:200]


def _hosts(ballots: Sequence[Vote], *, at: datetime) -> dict[str, Host]:
    wanted = {_host_key(ballot): ballot for ballot in ballots if ballot.operator or ballot.asn}
    Host.objects.bulk_create(
        [
            Host(
                key=key,
                name=ballot.operator or f"AS{ballot.asn}",
                asn=ballot.asn,
                country=ballot.country,
                first_seen=at,
            )
            for key, ballot in wanted.items()
        ],
        ignore_conflicts=True,
    )
    return {host.key: host for host in Host.objects.filter(key__in=list(wanted))}


def _contacts(
    votes: Sequence[tuple[Item, TraceFacts, Vote]], hosts: dict[str, Host], *, at: datetime
) -> None:
    """Abuse contacts the registries named. Nobody is written to before two people stand for one."""
    named = [
        (host, mail, METHOD_SOURCE[answer.method])
        for _, facts, ballot in votes
        if (host := hosts.get(_host_key(ballot))) is not None
        for answer in facts.answers
        if answer.method in METHOD_SOURCE
        for mail in answer.abuse_mail
    ]
    contact.found(named, by=MACHINE_WORKER, at=at)


def _open(traces: Sequence[Trace], *, policy: Policy, by: Actor, at: datetime) -> list[Removal]:
    """Open an episode per trace and route it."""
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
        agreed = trace.verdict == "agreed"
        removal = Removal(
            item=item,
            episode=episodes.get(item.pk, 0) + 1,
            host=trace.host,
            country=trace.country,
            opened_at=at,
            t0_received=item.received_at,
            t1_graded=item.graded_at,
            t2_traced=at if agreed else None,
            next_check_at=at,
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


def _compare(trace: Trace, removal: Removal, *, policy: Policy, by: Actor, at: datetime) -> bool:
    """A later trace of an open episode. Returns whether the content has moved."""
    trace.removal = removal
    if trace.verdict != "agreed":
        return False  # an answer that does not agree with itself moves nothing; the sweep asks again
    if removal.status == removal_path.UNCLEAR:
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
        if removal.edge:
            Removal.objects.filter(pk=removal.pk).update(edge=False)
            note(
                [removal],
                "removal.origin-known",
                by=by,
                at=at,
                why="The methods agree now: it is held there.",
            )
        return False
    _moved(removal, trace, policy=policy, by=by, at=at)
    return True


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
    for opened in _open([trace], policy=policy, by=by, at=at):
        _carry_hold(removal, opened, at=at)


def _carry_hold(old: Removal, new: Removal, *, at: datetime) -> None:
    """A hold is on the content, not on the place: it follows to the new episode."""
    for hold in Hold.objects.filter(removal=old, released_at=None):
        Hold.objects.filter(pk=hold.pk).update(released_at=at, released_by=MACHINE_WORKER.who)
        hold.pk, hold.removal, hold.released_at = None, new, None
        hold.save(force_insert=True)
        note([new], "removal.held", by=MACHINE_WORKER, at=at, why="The hold followed the content.")


def reopen(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> list[Removal]:
    """It came back: a new episode on the newest trace, and the police are told "again"."""
    opened: list[Removal] = []
    for old in removals:
        trace = Trace.objects.filter(item=old.item).select_related("item", "host").order_by("-at").first()
        if trace is None:
            continue
        trace.pk, trace.removal = None, None
        made = _open([trace], policy=policy, by=MACHINE_WORKER, at=at)
        trace.save(force_insert=True)
        Removal.objects.filter(pk__in=[removal.pk for removal in made]).update(again=True)
        for removal in made:
            removal.again = True
        opened += made
    return opened
