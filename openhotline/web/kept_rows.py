"""Which rows of a partner's file are kept incomplete, and what is odd about each: for the page and for the API.

What is not here: the text of such a row. It is sealed, and the sender has it.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from openhotline.rules import report_path
from openhotline.web.scoped import Scoped

_PIECE = 5_000


def kept_rows(scope: Scoped, rows: Sequence[UUID | None], *, most: int) -> list[tuple[int, str]]:
    """Number and sentence of the first `most` kept rows. `rows`: each row's report, None where it held nothing.

    The line that names the columns is row 1.
    """
    place = {report_id: number for number, report_id in enumerate(rows, 2) if report_id}
    ids, found = list(place), []
    for start in range(0, len(ids), _PIECE):
        kept = (
            scope.reports()
            .filter(
                Q(status=report_path.INCOMPLETE) | Q(complete=False),
                report_id__in=ids[start : start + _PIECE],
            )
            .values_list("report_id", "why")
        )
        found += sorted((place[report_id], why) for report_id, why in kept)
        if len(found) >= most:
            break
    return found[:most]
