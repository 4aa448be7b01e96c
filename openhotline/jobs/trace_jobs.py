"""What the prober is asked about items: the address as it may be dialled, what is allowed, what was seen before.

True here: contact with the server is allowed only where an analyst has opened the item. Not here: asking, filing
the answers (`dispatch.py`).
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max

from openhotline.connectors.probe.meaning import TraceJob
from openhotline.records.models import Check, Item
from openhotline.rules.urls import dialled


def trace_jobs(items: Sequence[Item], *, at: datetime) -> list[TraceJob]:
    """What the prober is asked, in order. Contact only where an analyst has opened the item; the headers are
    those of the newest look that was answered."""
    newest = (
        Check.objects.filter(removal__item__in=items, outcome="answered")
        .values("removal__item")
        .annotate(last=Max("id"))
        .values_list("last", flat=True)
    )
    seen = Check.objects.filter(pk__in=list(newest)).values_list("removal__item_id", "facts", "at")
    looks = {
        item: (tuple((str(name), str(value)) for name, value in facts.get("headers") or ()), when)
        for item, facts, when in seen
    }
    none = (None, None)
    return [
        TraceJob(
            canonical=dialled(item.canonical),
            host=item.host,
            at=at,
            contact=item.look_allowed_at is not None,
            headers=looks.get(item.pk, none)[0],
            headers_at=looks.get(item.pk, none)[1],
        )
        for item in items
    ]
