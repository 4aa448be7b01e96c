"""A report that comes again: dropped where it is filed already, completed or corrected where it brings more.

True here: by `report_id` and by (partner, key); lines are only ever added, and what a later page gives completes what
an earlier one left. What is not here: reports filed for the first time (`intake`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Report, ReportLine
from openhotline.rules import report_path, urls, words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import Actor
from openhotline.steps import dedupe
from openhotline.steps.advance import advance
from openhotline.steps.intake_kept import raw_of, receipts, sealed
from openhotline.steps.intake_reading import CHUNK, Read, bounded, read, storable

NOTHING_READABLE = "No web address, Message-ID or file we can read. A person will look at what was sent."
LEFT_EARLY = "The form was left after the first page. What was given is kept."


def not_filed_before(
    incoming: Sequence[Read], *, policy: Policy, by: Actor, at: datetime
) -> tuple[list[Read], int]:
    """Drop what is filed already; add the lines it did not have, complete what was filed as left early.

    Inside one batch, the last wins; the lines of those before it are kept.
    """
    latest: dict[UUID, Read] = {}
    keys: dict[tuple[str, str], UUID] = {}
    for report, given in incoming:
        if report.key:
            first = keys.setdefault((report.partner, report.key), report.report_id)
            if first != report.report_id:
                continue
        before = latest.get(report.report_id)
        if before is not None and (merged := report.after(before[0])) is not report:
            (report, given) = read([bounded(merged)], policy)[0]
        latest[report.report_id] = report, given
    rows = bulk.present(Report, "report_id", list(latest), ("report_id", "complete", "why"))
    # Whether the form's last page is still to come. What is odd stays marked so, however often it is filed.
    known = {
        report_id: not complete and (LEFT_EARLY in why or why == NOTHING_READABLE)
        for report_id, complete, why in rows
    }
    # What came under a key is the same again; the door refused it with other content.
    unseen = _unseen({report_id: latest[report_id] for report_id in known if not latest[report_id][0].key})
    known_keys = set()
    if keys:
        known_keys = set(
            Report.objects.filter(
                partner__in={partner for partner, _ in keys}, idempotency_key__in=[key for _, key in keys]
            ).values_list("partner", "idempotency_key")
        )
    fresh = []
    for report_id, (report, given) in latest.items():
        if report_id in known:
            completes = report.complete and known[report_id]
            if completes or report_id in unseen:
                row = Report.objects.get(report_id=report_id)
                _again(row, report, given, completes=completes, policy=policy, by=by, at=at)
        elif not report.key or (report.partner, report.key) not in known_keys:
            fresh.append((report, given))
    return fresh, len(incoming) - len(fresh)


def _unseen(latest: dict[UUID, Read]) -> set[UUID]:
    """Which of these reports, filed before, now come with a line that they did not have."""
    if not latest:
        return set()
    known: defaultdict[UUID, set[str]] = defaultdict(set)
    ids = list(latest)
    for start in range(0, len(ids), CHUNK):
        lines = ReportLine.objects.filter(report__report_id__in=ids[start : start + CHUNK])
        for report_id, reported in lines.values_list("report__report_id", "reported"):
            known[report_id].add(reported)
    return {
        report_id
        for report_id, (_, given) in latest.items()
        if any(storable(address.reported) not in known[report_id] for address in given)
    }


def _again(
    row: Report,
    report: IncomingReport,
    given: Sequence[urls.Address],
    *,
    completes: bool,
    policy: Policy,
    by: Actor,
    at: datetime,
) -> None:
    """A form that was filed as left comes again: add its corrected addresses, and what the later pages gave.

    Without `completes` it was corrected and left once more.
    """
    odd = report.odd or row.why.replace(NOTHING_READABLE, "").replace(LEFT_EARLY, "").strip()
    cases = add_lines(row, given, referrer=report.referrer, policy=policy, by=by, at=at)
    row.refresh_from_db()
    if cases and row.status == report_path.INCOMPLETE:
        left = f"{odd} {LEFT_EARLY}".strip()
        advance([row], "correct", "joined", by=by, at=at, changes={"why": odd if completes else left})
        row.refresh_from_db()
    if report.odd and report.odd not in row.why:
        row.why, row.complete = f"{report.odd} {row.why}".strip(), False
    if row.status != report_path.ANONYMISED:
        row.sealed = sealed(replace(report, raw=raw_of(row, report)))
    if completes:
        row.why = row.why.replace(LEFT_EARLY, "").strip()
        row.complete = not odd
        row.seen, row.follow, row.receipt_hash = report.seen[:12], report.follow, report.receipt_hash
        receipts([(row.pk, report)], policy=policy)
    row.save(update_fields=["complete", "seen", "follow", "receipt_hash", "sealed", "why"])
    coarse = report.source == words.FROM_PUBLIC
    record(
        [
            Act(
                act="report.completed" if completes else "report.corrected",
                obj=("report", str(row.report_id), row.version),
                case=case,
            )
            for case in cases or [""]
        ],
        by=by,
        at=report.received_at if coarse else at,
        coarse=coarse,
    )


def add_lines(
    row: Report,
    given: Sequence[urls.Address],
    *,
    referrer: str = "",
    policy: Policy,
    by: Actor,
    at: datetime,
) -> list[str]:
    """Lines the report did not have yet, inside the caller's transaction. Returns the cases they led to."""
    known = set(row.lines.values_list("reported", flat=True))
    extra = [address for address in given if storable(address.reported) not in known]
    readable = [address for address in extra if address.ok]
    # What nothing could be read in has its clock from when it reached us (`_row`).
    began = (
        row.due_at - policy.clocks.incomplete
        if row.status == report_path.INCOMPLETE and row.due_at
        else row.received_at
    )
    wanted = [dedupe.Wanted(address, row.received_at, began, storable(referrer)) for address in readable]
    found = dedupe.join(wanted, policy=policy, by=by, at=at)
    first = row.lines.count()
    ReportLine.objects.bulk_create(
        [
            ReportLine(
                report=row,
                position=first + place,
                reported=storable(address.reported),
                item_id=found[address.key_digest].pk if address.ok else None,
                joined=address.ok and not found[address.key_digest].new,
                why=address.why,
            )
            for place, address in enumerate(extra)
        ]
    )
    dedupe.reported(found.values(), policy=policy, at=at)
    return [item.ref for item in found.values()]
