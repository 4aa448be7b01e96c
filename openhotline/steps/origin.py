"""The server behind a proxy: named to us by somebody and recorded by a person, or not named in time.

A recorded origin joins every later trace as one more answer, with who told it and when; registries and files are then
asked about it like about any other. What was told for us alone is in no notice and no referral. An unclear trace whose
origin clock ran out is treated by the edge's country: the removal is marked `edge`, and every page and letter says that
the country is not where it is held. An origin that is named later moves it like any other move.
What is not here: asking a proxy's operator (connectors, jobs), tracing (`trace`) and weighing (`rules/trace_vote.py`).
"""

import ipaddress
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Item, Origin, Removal, Trace
from openhotline.rules import clocks, item_path, methods, removal_path
from openhotline.rules.edge import NOTE, edge_country
from openhotline.rules.facts import MethodAnswer, written
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.trace_reasons import ORIGIN
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import assess
from openhotline.steps.advance import advance, note
from openhotline.steps.episode import route_each

TURN = 100  # unclear removals that one sweep looks at
_TURN = "origins"  # the counter that remembers where the last one stopped
TOLD_BY_CHARS = 200


def record(
    item: Item,
    address: str,
    *,
    told_by: str,
    told_at: datetime | None,
    forward: bool,
    by: Actor,
    at: datetime,
) -> Origin:
    """Record where the server behind the proxy is, and have the item traced again. Raises Refused with a sentence."""
    require_act("item.origin", by)
    try:
        literal = ipaddress.ip_address(address.strip())
    except ValueError:
        raise Refused(
            "Write the server's IP address, such as 192.0.2.7. A name is not looked up.", code="origin"
        ) from None
    if literal.is_loopback or literal.is_link_local or literal.is_multicast or literal.is_unspecified:
        raise Refused(f"{literal} cannot be a server on the Internet. Look at it again.", code="origin")
    told_by = " ".join(told_by.split())
    if not told_by or len(told_by) > TOLD_BY_CHARS:
        raise Refused(f"Write who named it, in at most {TOLD_BY_CHARS} letters.", code="origin")
    if told_at is None or told_at > at:
        raise Refused("Write when it was named, in UTC; it cannot be in the future.", code="origin")
    if item.status != item_path.GRADED:
        raise Refused("Only a graded item is traced. Give an opinion first.", code="not-graded")
    with transaction.atomic():
        made = Origin.objects.create(
            item=item,
            at=at,
            by_id=by.person,
            address=str(literal),
            told_by=told_by,
            told_at=told_at,
            forward=forward,
        )
        facts = {
            "address": str(literal),
            "told_by": told_by,
            "told_at": told_at.isoformat(),
            "forward": forward,
        }
        note([item], "item.origin", by=by, at=at, facts=facts)
        assess.ask_trace([item], at=at)
    return made


def recorded(items: Sequence[Item]) -> dict[int, Origin]:
    """Item id -> the newest origin that a person recorded."""
    rows = (
        Origin.objects.filter(item_id__in=[item.pk for item in items])
        .select_related("by")
        .order_by("at", "pk")
    )
    return {row.item_id: row for row in rows}


def answer(row: Origin, *, at: datetime) -> MethodAnswer:
    """What was recorded, as one more answer of a trace."""
    return MethodAnswer(
        methods.DISCLOSED,
        ok=True,
        why=f"Named by {row.told_by} as the server behind the proxy.",
        answer=row.address,
        addresses=(row.address,),
        source=f"recorded by {row.by.pseudonym}",
        source_age_s=max(0, int((at - row.told_at).total_seconds())),
        raw=f"{row.address}, told by {row.told_by} at {row.told_at.isoformat()}",
        tool="recorded by hand",
        layer=ORIGIN,
        disclosed_by=f"{row.told_by}, {row.told_at:%d %b %Y %H:%M} UTC",
        at=written(row.at),
    )


def treat_as_edge(*, policy: Policy, at: datetime) -> int:
    """Sweep: unclear removals past their origin clock. Returns how many go on by the edge's country.

    What no method can place at all (an onion address) stays unclear, and the desk lists it. Because it stays, a sweep
    looks at the next `TURN` of them: whatever can be placed is come by.
    """
    unclear = Removal.objects.filter(status=removal_path.UNCLEAR, clock=clocks.ORIGIN, due_at__lte=at)
    turn = bulk.next_turn(_TURN, unclear, TURN)
    if not turn:
        return 0
    late = list(Removal.objects.filter(pk__in=turn).select_related("item", "host").order_by("pk"))
    newest: dict[tuple[int, str], Trace] = {}
    traces = Trace.objects.filter(item__in=[removal.item_id for removal in late]).order_by("at", "pk")
    for row in traces.defer("sealed", "reasons", "layers"):
        newest[row.held_at] = row
    groups: dict[tuple[str, int | None], list[Removal]] = defaultdict(list)
    for removal in late:
        found = newest.get(removal.held_at)
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
