"""An unclear trace whose origin clock ran out: from then on it is treated by the edge's country, with a note.

The removal is marked `edge`, and every page and letter says that the country is not where it is held. An origin
that is named later moves it like any other move. What is not here: asking for an origin, and tracing (`trace`).
"""

from collections import defaultdict
from datetime import datetime

from openhotline.policy import Policy
from openhotline.records.models import Removal, Trace
from openhotline.rules import clocks, removal_path
from openhotline.rules.edge import NOTE, edge_country
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps.advance import advance
from openhotline.steps.episode import route_each


def treat_as_edge(*, policy: Policy, at: datetime) -> int:
    """Sweep: unclear removals past their origin clock. Returns how many go on by the edge's country.

    What no method can place at all (an onion address) stays unclear, and the desk lists it.
    """
    late = list(
        Removal.objects.filter(status=removal_path.UNCLEAR, clock=clocks.ORIGIN, due_at__lte=at)
        .select_related("item", "host")
        .order_by("pk")[:2000]
    )
    newest: dict[int, Trace] = {}
    for row in Trace.objects.filter(item__in=[removal.item_id for removal in late]).order_by("at", "pk"):
        newest[row.item_id] = row
    groups: dict[tuple[str, int | None], list[Removal]] = defaultdict(list)
    for removal in late:
        found = newest.get(removal.item_id)
        country = edge_country(found.answers) if found else ""
        if found is not None and country:
            removal.host = found.host
            groups[country, found.host_id].append(removal)
    bundle = clocks.Deadline(clocks.BUNDLE, at + policy.clocks.bundle)
    for (country, host), group in groups.items():
        advance(
            group,
            "retrace",
            "edge",
            by=MACHINE_WORKER,
            at=at,
            clock=bundle,
            why=NOTE,
            stamps=["t2_traced"],
            changes={"country": country, "host_id": host, "edge": True},
        )
        route_each(group, policy=policy, at=at)
    return sum(len(group) for group in groups.values())
