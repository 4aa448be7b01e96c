"""`/reports`: a partner sends a report and asks what became of it.

True here: 201 is said only when the report is durable; the same key again gives the same answer and files
nothing, and with other content it is refused; bad lines never lose good ones, and what is odd is kept. What is not here: filing (`steps/intake`).
"""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from django.db import IntegrityError
from django.http import HttpRequest
from ninja import Router, Status

from openhotline import policy
from openhotline.api.v1 import access, reading
from openhotline.api.v1.reading import KeyUsed
from openhotline.api.v1.shapes import (
    REPORT_BODY,
    Fault,
    FiledReport,
    IncompleteLine,
    JoinedItem,
)
from openhotline.records.models import Partner, Report
from openhotline.rules.incoming import IncomingReport
from openhotline.settings import load
from openhotline.steps import intake
from openhotline.web.scoped import found

router = Router(tags=["reports"])
REPORTED = 300  # characters of a line that an answer repeats
_REFUSALS = {400: Fault, 401: Fault, 404: Fault, 409: Fault, 503: Fault}


@router.post(
    "/reports", response={201: FiledReport, 200: FiledReport, **_REFUSALS}, openapi_extra=REPORT_BODY
)
def file_report(request: HttpRequest) -> Status[FiledReport]:
    """File one report. 201 when it is durable, 200 with the same answer for a key that was used before."""
    partner: Partner = request.auth  # type: ignore[attr-defined]
    settings = load()
    now = settings.clock().now()
    key = reading.key(request.headers.get("Idempotency-Key", ""))
    body = reading.body(*reading.front(request), at=now)
    before = _by_key(partner, key)
    if before is None:
        report_id = _id_of(partner, key)
        report = _incoming(report_id, body, key=key, partner=partner, at=now)
        rules, by = policy.load(settings.country), access.actor(partner)
        try:
            filed = intake.file_reports([report], policy=rules, by=by, at=now).reports
        except IntegrityError:
            filed = 0
            if not key:
                raise
        if filed:
            return Status(201, _told(found(access.scope(partner).reports(), report_id=report_id), partner))
        # The same key arrived twice at once; the other one was filed.
        before = found(access.scope(partner).reports(), report_id=report_id)
    return Status(200, _same(before, body, partner))


@router.get("/reports/{uuid:report_id}", response={200: FiledReport, **_REFUSALS})
def report(request: HttpRequest, report_id: UUID) -> FiledReport:
    """What became of a report of yours."""
    partner: Partner = request.auth  # type: ignore[attr-defined]
    return _told(found(access.scope(partner).reports(), report_id=report_id), partner)


def _id_of(partner: Partner, key: str) -> UUID:
    """The same key leads to the same report, so that even two doors at once file one."""
    if not key:
        return uuid4()
    return UUID(bytes=hashlib.sha256(f"report\x1f{partner.key}\x1f{key}".encode()).digest()[:16], version=4)


def _incoming(
    report_id: UUID, body: reading.Body, *, key: str, partner: Partner, at: datetime
) -> IncomingReport:
    return IncomingReport(
        report_id=report_id,
        source=access.source(partner),
        lines=body.lines,
        files=body.files,
        received_at=body.received_at or at,
        reached_at=at,
        help_text=body.note,
        referrer=body.referrer,
        reference=body.reference,
        partner=partner.key,
        key=key,
        odd=body.odd,
        raw=body.whole,
        sent=body.sent,
    )


def _by_key(partner: Partner, key: str) -> Report | None:
    return access.scope(partner).reports().filter(idempotency_key=key).first() if key else None


def _same(before: Report, body: reading.Body, partner: Partner) -> FiledReport:
    """The answer given before. Raises Refused where the key now comes with other content: it would be lost."""
    if bytes(before.sent_digest or b"") != bytes.fromhex(body.sent):
        raise KeyUsed()
    return _told(before, partner)


def _told(report: Report, partner: Partner) -> FiledReport:
    """What a partner may know of its report: references, whether an item was known, what could not be read."""
    lines = (
        access.scope(partner).report_lines().filter(report=report).select_related("item").order_by("position")
    )
    return FiledReport(
        report_id=report.report_id,
        state=report.status,
        source=report.source,
        reference=report.reference,
        received_at=report.received_at,
        why=report.why,
        items=[
            JoinedItem(
                line=line.position + 1,
                reported=line.reported[:REPORTED],
                reference=line.item.ref,
                joined=line.joined,
            )
            for line in lines
            if line.item is not None
        ],
        incomplete=[
            IncompleteLine(line=line.position + 1, reported=line.reported[:REPORTED], why=line.why)
            for line in lines
            if line.item is None
        ],
    )
