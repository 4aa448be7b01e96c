"""`/reports/csv`: a partner's program sends a file of reports, each row one.

True here: what is answered is durable; the same key with the same file files nothing twice, and goes on where it was
cut off. What is not here: how a row is read (`steps/partner_file`), and a page for people (the portal's).
"""

import io
from dataclasses import asdict
from uuid import UUID, uuid4

from django.db import IntegrityError
from django.http import HttpRequest
from ninja import Router, Status

from openhotline import policy
from openhotline.api.v1 import access, reading
from openhotline.api.v1.shapes import FILE_BODY, Fault, FiledFile, KeptRow
from openhotline.records.models import Partner
from openhotline.rules.incoming import MOST_OF_A_FILE, IncomingReport
from openhotline.rules.refusals import MovedMeanwhile, Refused
from openhotline.settings import load
from openhotline.steps import partner_file
from openhotline.web.kept_rows import kept_rows

router = Router(tags=["reports"])
MOST_KEPT = 1_000


@router.post(
    "/reports/csv",
    response={201: FiledFile, 200: FiledFile, 400: Fault, 401: Fault, 409: Fault, 413: Fault, 503: Fault},
    openapi_extra=FILE_BODY,
)
def file_of_reports(request: HttpRequest) -> Status[FiledFile]:
    """File each row as a report. 201 when all are durable, 200 where all of them were filed before."""
    partner: Partner = request.auth  # type: ignore[attr-defined]
    settings, scope = load(), access.scope(partner)
    now, source = settings.clock().now(), access.source(partner)
    key = reading.key(request.headers.get("Idempotency-Key", ""))
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_OF_A_FILE:
        raise reading.too_large()
    body = request.read()
    if not body.strip():
        raise reading.nothing()
    sent = reading.digest_of(body)
    ids = partner_file.Numbered(f"{partner.key}\x1f{key or uuid4()}")
    before = scope.reports().filter(report_id=ids.of(0)).first()
    if before is not None and bytes(before.sent_digest or b"") != bytes.fromhex(sent):
        raise reading.KeyUsed()
    rows: list[UUID | None] = []

    try:
        read = partner_file.read_csv(
            io.BytesIO(body), partner=partner.key, at=now, source=source, ids=ids, sent=sent
        )
    except Refused as refusal:  # no columns are named: the file is kept whole
        text = reading.text_of(body)
        read = iter(
            [
                IncomingReport(
                    ids(), source, (), now, partner=partner.key, odd=refusal.sentence, raw=text, sent=sent
                )
            ]
        )
    pieces = partner_file.file_in_pieces(
        partner_file.noted(read, rows), policy=policy.load(settings.country), by=access.actor(partner), at=now
    )
    try:
        *_, total = partner_file.FiledFile(), *pieces
    except IntegrityError:
        raise MovedMeanwhile(
            "The same file is being filed at this moment. Send it again with the same key in a minute."
        ) from None
    kept = [KeptRow(row=row, why=why) for row, why in kept_rows(scope, rows, most=MOST_KEPT)]
    answer = FiledFile(**asdict(total), kept=kept)
    return Status(201 if total.reports or not total.repeated else 200, answer)
