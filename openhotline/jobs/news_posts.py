"""Newsgroup posts: what was asked about one post becomes one set of facts for each news server that holds it.

True here: a post's place is the news server, so the server's own name is traced like any host, and nothing leaves
towards it but the question for the post. Servers of open episodes are traced also where they do not say "there":
only looks decide that a post is gone. Not here: asking news servers (the prober), what a trace leads to (`steps/trace`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from openhotline.connectors.news.meaning import there
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.records.models import Item, Removal
from openhotline.rules import removal_path
from openhotline.rules.facts import TraceFacts
from openhotline.rules.words import NEWSGROUP


class Traces(Protocol):
    """What is asked to trace: the prober's client, or its fake."""

    def trace(self, jobs: Sequence[TraceJob]) -> list[TraceFacts]:
        """One TraceFacts per job, in order. Raises ProberUnreachable."""
        ...


def by_server(
    traced: Sequence[tuple[Item, TraceFacts]], prober: Traces, *, at: datetime
) -> list[tuple[Item, TraceFacts]]:
    """The same, with a post's one set of facts in as many as servers hold it; `host` of each is the server.

    A post that no server holds keeps its one set, with no host. Raises ProberUnreachable.
    """
    posts = [item for item, _ in traced if item.kind == NEWSGROUP]
    if not posts:
        return list(traced)
    open_at: dict[int, list[str]] = {}
    rows = Removal.objects.filter(item__in=posts, status__in=removal_path.STILL_OPEN).exclude(server="")
    for post, server in rows.order_by("episode").values_list("item_id", "server"):
        open_at.setdefault(post, []).append(server)
    holds = {
        item.pk: list(
            dict.fromkeys([one.source for one in facts.answers if there(one)] + open_at.get(item.pk, []))
        )
        for item, facts in traced
        if item.kind == NEWSGROUP
    }
    servers = list(dict.fromkeys(server for found in holds.values() for server in found))
    jobs = [TraceJob(f"nntp://{server}/", _name(server), at) for server in servers]
    located = dict(zip(servers, prober.trace(jobs), strict=True)) if jobs else {}
    found: list[tuple[Item, TraceFacts]] = []
    for item, facts in traced:
        if not holds.get(item.pk):
            found.append((item, facts))
        for server in holds.get(item.pk, ()):
            said = tuple(one for one in facts.answers if one.source == server)
            answers = (*said, *located[server].answers)
            found.append((item, TraceFacts(facts.canonical, server, facts.at, answers)))
    return found


def _name(server: str) -> str:
    return server.partition(":")[0] if server.count(":") == 1 else server
