"""Files what came in: durably, once, whatever it is. Then a door may say "received".

A report is never refused for being a duplicate, too long or odd: what cannot be read is kept, marked
incomplete, and says what is missing. Filing is idempotent by `report_id` and by (partner, key), so the
spool may be read twice. What is not here: spools, files and forms (the doors), joining (`dedupe`), reading addresses
(`intake_reading`), what comes again (`intake_again`) and what is sealed (`intake_kept`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, begin
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Report, ReportLine
from openhotline.rules import words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps import dedupe
from openhotline.steps.advance import begin_rows
from openhotline.steps.intake_again import LEFT_EARLY, NOTHING_READABLE, not_filed_before
from openhotline.steps.intake_kept import receipts, sealed
from openhotline.steps.intake_reading import Read, chunks, storable

_REPORT = (
    "id",
    "report_id",
    "version",
    "due_at",
    "clock",
    "source",
    "partner",
    "reference",
    "idempotency_key",
    "received_at",
    "seen",
    "sealed",
    "complete",
    "why",
    "follow",
    "receipt_hash",
    "answered_at",
    "sent_digest",
)
_LINE = ("report_id", "position", "reported", "item_id", "joined", "why")


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a batch. `rejected` is what no report could be made of; the CSV door counts it."""

    reports: int = 0
    items_new: int = 0
    joined: int = 0
    incomplete: int = 0
    repeated: int = 0  # filed before: same report_id or same partner and key

    def __add__(self, other: "Filed") -> "Filed":
        return Filed(
            self.reports + other.reports,
            self.items_new + other.items_new,
            self.joined + other.joined,
            self.incomplete + other.incomplete,
            self.repeated + other.repeated,
        )


def file_reports(
    incoming: Iterable[IncomingReport],
    *,
    policy: Policy,
    by: Actor,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> Filed:
    """File what comes, in transactions of about 5,000 reports or lines. When it returns, every one is durable.

    `incoming` may be longer than memory: it is drawn from in a thread of its own, which reads the addresses
    of the next piece while this one is filed, in order, one transaction after the other. Raises NotPermitted if
    `by` may not file, and what drawing from `incoming` raises. `progress` is told how many have been filed.
    """
    require_act("report.file", by)
    total, done = Filed(), 0
    for chunk in chunks(incoming, policy):
        with transaction.atomic():
            total += _file(chunk, policy=policy, by=by, at=at)
        done += len(chunk)
        if progress:
            progress(done)
    return total


def _file(incoming: Sequence[Read], *, policy: Policy, by: Actor, at: datetime) -> Filed:
    fresh, repeated = not_filed_before(incoming, policy=policy, by=by, at=at)
    if not fresh:
        return Filed(repeated=repeated)
    wanted: list[dedupe.Wanted] = []
    for report, given in fresh:
        priority, referrer = report.source == words.FROM_POLICE, storable(report.referrer)
        began = report.began
        wanted += [
            dedupe.Wanted(address, report.received_at, began, referrer, priority)
            for address in given
            if address.ok
        ]
    found = dedupe.join(wanted, policy=policy, by=by, at=at)
    ids = bulk.reserve(Report, len(fresh))
    rows: dict[bool, list[tuple[object, ...]]] = {True: [], False: []}
    line_rows: list[tuple[object, ...]] = []
    acts: defaultdict[tuple[datetime, bool], list[Act]] = defaultdict(list)
    opened: set[bytes] = set()
    odd = 0
    for pk, (report, given) in zip(ids, fresh, strict=True):
        led: dict[str, None] = {}  # to cases, in the order of the lines
        for position, address in enumerate(given):
            line = address.reported
            item = found[address.key_digest] if address.ok else None
            if item is None:
                line_rows.append((pk, position, storable(line), None, False, address.why))
                continue
            joined = not item.new or address.key_digest in opened
            opened.add(address.key_digest)
            line_rows.append((pk, position, storable(line), item.pk, joined, ""))
            led[item.ref] = None
        cases = list(led)
        odd += bool(report.odd and cases)
        rows[bool(cases)].append(_row(pk, report, bool(cases), policy))
        coarse = report.source == words.FROM_PUBLIC
        acts[(report.received_at if coarse else at, coarse)] += _acts(pk, report, cases)
    # Spelled while the rows below are on their way.
    entries = [begin(group, by=by, at=moment, coarse=coarse) for (moment, coarse), group in acts.items()]
    begin_rows(Report, [("intake", "filed"), ("dedupe", "joined")], _REPORT, rows[True], by=by)
    begin_rows(Report, [("intake", "filed"), ("dedupe", "incomplete")], _REPORT, rows[False], by=by)
    bulk.insert(ReportLine, _LINE, line_rows)
    receipts([(pk, report) for pk, (report, _) in zip(ids, fresh, strict=True)], policy=policy)
    for stage in entries:
        stage()
    dedupe.reported(found.values(), policy=policy, at=at)
    new = sum(item.new for item in found.values())
    return Filed(
        reports=len(fresh),
        items_new=new,
        joined=sum(1 for row in line_rows if row[4]),
        incomplete=len(rows[False]) + odd,
        repeated=repeated,
    )


def _row(pk: int, report: IncomingReport, readable: bool, policy: Policy) -> tuple[object, ...]:
    why = report.odd
    if not readable:
        why = f"{why} {NOTHING_READABLE}".strip()
    if not report.complete and (readable or report.odd):
        why = f"{why} {LEFT_EARLY}".strip()
    return (
        pk,
        report.report_id,
        1,
        _ends(report, readable, policy),
        "",
        report.source,
        report.partner,
        storable(report.reference),
        report.key[:200] or None,
        report.received_at,
        report.seen[:12],
        sealed(report),
        report.complete and not report.odd,
        why,
        report.follow,
        report.receipt_hash,
        None,
        bytes.fromhex(report.sent) if report.sent else None,
    )


def _ends(report: IncomingReport, readable: bool, policy: Policy) -> datetime | None:
    """When nothing more is hoped of what could not be read; of a public report that reached us long after its T0, when
    the reporter's words are forgotten, so that there is time to read them. Else nothing is stored."""
    if not readable:
        return report.began + policy.clocks.incomplete
    if report.source == words.FROM_PUBLIC and report.began > report.received_at:
        return report.began + policy.clocks.reporter_contact
    return None


def _acts(pk: int, report: IncomingReport, cases: list[str]) -> list[Act]:
    """One entry per case the report joined; one outside any case where nothing could be read."""
    obj = ("report", str(report.report_id), 1)
    payload = {"source": report.source, "partner": report.partner, "reference": report.reference}
    if not cases:
        return [Act(act="report.incomplete", obj=obj, payload=payload)]
    return [Act(act="report.filed", obj=obj, case=case, payload=payload) for case in cases]
