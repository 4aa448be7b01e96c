"""Turns the prober's facts into a dated trace, and lets it open, keep or end hosting episodes.

True here: the answers are sealed as they came, and the trace's ledger entry commits to their digest. What is not here:
asking the world (connectors, jobs), weighing the methods (`rules/trace_vote.py`), opening an episode (`episode`) and
ending one as moved (`move`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from openhotline import policy as policies
from openhotline.ledger.record import Act
from openhotline.ledger.record import record as enter
from openhotline.policy import Policy
from openhotline.records import trace_answers
from openhotline.records.models import Host, Item, Removal, Trace
from openhotline.rules import item_path, removal_path, words
from openhotline.rules.company_names import folded
from openhotline.rules.contacts import METHOD_SOURCE
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.permits import require_act
from openhotline.rules.trace_reasons import ORIGIN, ordered
from openhotline.rules.trace_vote import Vote, vote
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import contact, episode, freshness, ladder, move, origin, tell
from openhotline.steps.advance import note


def record(
    traced: Sequence[tuple[Item, TraceFacts]], *, policy: Policy, by: Actor, at: datetime
) -> list[Trace]:
    """File the answers about many items, and let each lead where it must.

    First trace of a graded item: a removal opens (traced, or unclear where methods conflict). Later traces:
    the same host keeps the episode; another host, country or operator ends it as moved. Facts about a newsgroup post
    name the news server as their host: each server that holds the post is traced, and opens an episode, by itself.
    """
    weights = policies.trace_weights()
    with transaction.atomic():
        votes = [
            (item, facts, vote(facts, rules_version=policy.version, weights=weights))
            for item, facts in traced
        ]
        hosts = _hosts([ballot for _, _, ballot in votes], at=at)
        made = [
            _trace(item, facts, ballot, host=hosts.get(_host_key(ballot)), policy=policy)
            for item, facts, ballot in votes
        ]
        _keep_back(made)
        _contacts(votes, hosts, at=at)
        current = {
            removal.held_at: removal
            for removal in Removal.objects.filter(
                item__in=[item for item, _ in traced], status__in=removal_path.STILL_OPEN
            ).select_related("item", "host")
        }
        _found_at_last(made, current)
        fresh = _first_of_a_place(made)
        known = [trace for trace in made if trace.held_at in current]
        opened = episode.begin_at(fresh, policy=policy, by=by, at=at)
        moved = move.compare(known, current, policy=policy, weights=weights, by=by, at=at)
        tell.moved(moved, at=at)
        by_place = {removal.held_at: removal for removal in [*current.values(), *opened]}
        for trace in made:
            if trace.removal_id is None and trace.held_at in by_place:
                trace.removal = by_place[trace.held_at]
        _enter(made, by=by, at=at)
        Trace.objects.bulk_create(made, batch_size=200)
        freshness.plan([trace.item_id for trace in made])
    return made


def _found_at_last(made: Sequence[Trace], current: dict[tuple[int, str], Removal]) -> None:
    """A post that no news server was found to hold waits as unclear: the first server that holds it takes that over."""
    for trace in made:
        nowhere = (trace.item_id, "")
        if trace.server and trace.held_at not in current and nowhere in current:
            removal = current[trace.held_at] = current.pop(nowhere)
            removal.server = trace.server
            Removal.objects.filter(pk=removal.pk).update(server=trace.server)


def _first_of_a_place(made: Sequence[Trace]) -> list[Trace]:
    """Only the first trace of a place opens an episode here; moves and reappearances open theirs themselves."""
    rows = Removal.objects.filter(item__in=[trace.item_id for trace in made])
    had = set(rows.values_list("item_id", "server"))
    items = {item for item, _ in had}
    return [
        trace
        for trace in made
        if trace.item.status == item_path.GRADED
        and trace.held_at not in had
        and (trace.server or trace.item_id not in items)
    ]


def open_answers(trace: Trace, *, form: str, by: Actor, at: datetime) -> None:
    """Record that somebody looked at the raw answers, or took them away as a file: every time is an entry."""
    require_act("trace.open", by)
    facts = {"answers": trace.digest, "form": form, "traced": trace.at.isoformat()}
    note([trace.item], "item.trace-opened", by=by, at=at, facts=facts)


def _keep_back(made: Sequence[Trace]) -> None:
    """An origin that was named for us alone is in no letter to others."""
    told = origin.recorded([trace.item for trace in made])
    for trace in made:
        row = told.get(trace.item_id)
        if row is not None and not row.forward:
            trace.kept_back = row.address


def _trace(item: Item, facts: TraceFacts, ballot: Vote, *, host: Host | None, policy: Policy) -> Trace:
    kept = trace_answers.keep(ordered(facts.answers))
    return Trace(
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
        host=host,
        server=facts.host if item.kind == words.NEWSGROUP else "",
        reasons=[list(reason) for reason in ballot.reasons],
        answers=kept.shown,
        layers=[
            {**asdict(layer), "named": [one._asdict() for one in layer.named]} for layer in ballot.layers
        ],
        disclosed_by=ballot.disclosed_by,
        rules=ballot.rules_version,
        weights=ballot.weights_version,
        sealed=kept.sealed,
        digest=kept.digest,
    )


def _enter(traces: Sequence[Trace], *, by: Actor, at: datetime) -> None:
    """One entry for each trace; it commits to the digest of all answers, raw words included."""
    eids = enter(
        [
            Act(
                act="item.traced",
                obj=("item", str(trace.item.pk), trace.item.version),
                case=trace.item.ref,
                payload={
                    "verdict": trace.verdict,
                    "score": f"{trace.score:.4f}",
                    "country": trace.country,
                    "asn": trace.asn,
                    "weights": trace.weights,
                    "answers": trace.digest,
                },
            )
            for trace in traces
        ],
        by=by,
        at=at,
    )
    for trace, eid in zip(traces, eids, strict=True):
        trace.entry = eid


def _speaks_for(ballot: Vote) -> tuple[str, int, str]:
    """(name, number, country) of who can be written to: the origin's host; behind a proxy, who runs the proxy."""
    if ballot.edge is not None and not ballot.host:
        named = ballot.edge.of("host").value
        return named, ballot.edge.asn, ""
    return ballot.host, ballot.asn, ballot.country


def _host_key(ballot: Vote) -> str:
    name, asn, _ = _speaks_for(ballot)
    return f"AS{asn}:{name.casefold()}"[:200]


def _hosts(ballots: Sequence[Vote], *, at: datetime) -> dict[str, Host]:
    wanted = {_host_key(ballot): _speaks_for(ballot) for ballot in ballots}
    Host.objects.bulk_create(
        [
            Host(key=key, name=name or f"AS{asn}", asn=asn, country=country, first_seen=at)
            for key, (name, asn, country) in wanted.items()
            if name or asn
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
        for answer in _of_host(facts, ballot)
        if answer.method in METHOD_SOURCE
        for mail in answer.abuse_mail
    ]
    contact.found(named, by=MACHINE_WORKER, at=at)
    ladder.name_registrars([answer for _, facts, _ in votes for answer in facts.answers], at=at)


def _of_host(facts: TraceFacts, ballot: Vote) -> list[MethodAnswer]:
    """Answers about whoever `_speaks_for` names: a proxy's contact is not the origin's host's, and where a name leads
    into two networks, one's abuse desk is not the other's."""
    name, asn, _ = _speaks_for(ballot)
    layer = ballot.edge if ballot.edge is not None and not ballot.host else ballot.origin
    return [
        answer
        for answer in facts.answers
        if (ballot.edge is None or (answer.layer == ORIGIN) == bool(ballot.host))
        and (
            folded(answer.operator) == folded(name)
            or (asn and answer.asn == asn)
            or (layer.network and answer.network == layer.network)
        )
    ]
