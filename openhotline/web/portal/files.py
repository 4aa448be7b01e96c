"""A partner sends a file of reports: a page with what it must look like, then the same step as every door.

True here: the file stays in memory and never lies on a disk unsealed; its page grows while it is filed, without a script;
reloading that page files nothing twice. What is not here: how a row is read (`steps/partner_file`), and the same for
programs (`api/v1/files`).
"""

import hashlib
import io
import logging
from collections.abc import Iterator
from itertools import chain
from uuid import UUID, uuid4

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from openhotline import policy
from openhotline.rules import words
from openhotline.rules.incoming import MOST_OF_A_FILE
from openhotline.rules.refusals import Refused
from openhotline.settings import load
from openhotline.steps import intake_reading, partner_file
from openhotline.web.kept_rows import kept_rows
from openhotline.web.portal.gate import for_role
from openhotline.web.portal.partners import page
from openhotline.web.scoped import Scoped, found

MOST_KEPT = 200
_HERE = "<!--filed-->"
partners = for_role(words.PARTNER)


@partners
def send(request: HttpRequest) -> HttpResponse:
    """What a file must look like, and the button."""
    return _send(request)


@partners
def template(request: HttpRequest) -> HttpResponse:
    """A file with the names of the columns and nothing else."""
    response = HttpResponse(",".join(partner_file.COLUMNS) + "\r\n", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="reports.csv"'
    return response


@for_role(words.PARTNER, "POST")
def take(request: HttpRequest) -> HttpResponseBase:
    """File what was sent, and tell of it while it goes on."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_OF_A_FILE:
        return _send(
            request, "The file is larger than 10 MB, and nothing of it was filed. Send it in parts.", 413
        )
    sent = request.FILES.get("file")
    if sent is None or not sent.size:
        return _send(request, "Choose a file that holds something.", 422)
    scope, at = Scoped(request.user), load().clock().now()
    partner, data, rows = found(scope.partners()), sent.read(), list[UUID | None]()
    # The form's own name and the file's digest: reloading the page sends both again, and files nothing twice.
    name = f"{partner.key}\x1f{request.POST.get('message', '')[:80]}\x1f{hashlib.sha256(data).hexdigest()}"
    try:
        read = partner_file.read_csv(
            io.BytesIO(data),
            partner=partner.key,
            at=at,
            source=words.SOURCE_OF_PARTNER.get(partner.kind, words.FROM_INDUSTRY),
            ids=partner_file.Numbered(name),
        )
    except Refused as refusal:
        return _send(request, f"{refusal.sentence} Nothing was filed.", 422)
    pieces = partner_file.file_in_pieces(
        partner_file.noted(read, rows),
        policy=policy.load(load().country),
        by=request.actor,  # type: ignore[attr-defined]
        at=at,
    )
    frame = page(request, "file_filed", {"here": _HERE, "file_here": True}, scope).content.decode()
    before, _, after = frame.partition(_HERE)
    return StreamingHttpResponse(chain([before], _told(pieces, rows, scope), [after]))


def _told(pieces: Iterator[partner_file.FiledFile], rows: list[UUID | None], scope: Scoped) -> Iterator[str]:
    """What has become of the file: a line after each 5,000 rows, then the counts and what was kept incomplete."""
    total, stopped = partner_file.FiledFile(), False
    try:
        for done in pieces:
            total = done
            if len(rows) >= intake_reading.CHUNK:
                yield f'<p class="soft num">{len(rows):,} rows filed …</p>\n'
    except DatabaseError as fault:
        logging.getLogger(__name__).error("A file was cut off: %s", type(fault).__name__)
        stopped = True
    context = {
        "total": total,
        "kept": kept_rows(scope, rows, most=MOST_KEPT),
        "more": max(0, total.incomplete - MOST_KEPT),
        "stopped": stopped,
    }
    yield render_to_string("portal/file_counts.html", context)


def _send(request: HttpRequest, fault: str = "", status: int = 200) -> HttpResponse:
    context = {"message": str(uuid4()), "columns": partner_file.COLUMNS, "fault": fault, "file_here": True}
    return page(request, "file", context, Scoped(request.user), status=status)
