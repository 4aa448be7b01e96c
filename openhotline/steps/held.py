"""How long removals were held: time that counts for nobody's clock.

What is not here: placing and ending a hold (`answer`, `silence`), and the clocks (`advance`).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from openhotline.records.models import Hold


def spans(removals: Iterable[int]) -> dict[int, list[tuple[datetime, datetime]]]:
    """Removal -> (placed, released) of every hold of it that has ended; none where it never was held."""
    found: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    rows = Hold.objects.filter(removal__in=list(removals), released_at__isnull=False)
    for removal, placed, released in rows.values_list("removal_id", "placed_at", "released_at"):
        if released is not None:
            found[removal].append((placed, released))
    return found
