"""Files what came in: durably, once, whatever it is. Then a door may say "received".

A report is never refused for being a duplicate, too long or odd: what cannot be read is kept, marked
incomplete, and says what is missing. Filing is idempotent by `report_id` and by (partner, key), so the
spool may be read twice. What is not here: spools, files and forms (the doors), and joining (`dedupe`).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import transaction

from openhotline.ledger.record import Act, begin, record
from openhotline.policy import Policy
from openhotline.records import bulk, vault
from openhotline.records.models import ReceiptPhase, Report, ReportContact, ReportLine
from openhotline.rules import report_path, urls, words
from openhotline.rules.incoming import MOST_LINES, MOST_LINES_OF_THE_PUBLIC, IncomingReport, together
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps import dedupe
from openhotline.steps.advance import advance, begin_rows

CHUNK = 5_000
NOT_CLOSED_BEFORE = timedelta(days=7)  # security.md 3f: the receipt is no oracle for the threshold
NOTHING_READABLE = "No web address, Message-ID or file we can read. A person will look at what was sent."
LEFT_EARLY = "The form was left after the first page. What was given is kept."

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
_Read = tuple[IncomingReport, list[urls.Address]]


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
    for chunk in _chunks(incoming, policy):
        with transaction.atomic():
            total += _file(chunk, policy=policy, by=by, at=at)
        done += len(chunk)
        if progress:
            progress(done)
    return total


def _chunks(incoming: Iterable[IncomingReport], policy: Policy) -> Iterator[list[_Read]]:
    """What came in, read, 5,000 at a time; of more than that, the next chunk is read ahead."""
    rest = iter(incoming)
    if isinstance(incoming, Sequence) and len(incoming) <= CHUNK:
        while piece := _piece(rest):
            yield _read(piece, policy)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="reading-ahead") as reader:
        coming = reader.submit(lambda: _read(_piece(rest), policy))
        while chunk := coming.result():
            coming = reader.submit(lambda: _read(_piece(rest), policy))
            yield chunk


def _piece(rest: Iterator[IncomingReport]) -> list[IncomingReport]:
    """The next reports, until they or their lines are 5,000: nobody waits long for a database that files them."""
    piece: list[IncomingReport] = []
    lines = 0
    for report in rest:
        piece.append(_bounded(_told_apart(report)))
        lines += max(1, len(piece[-1].lines) + len(piece[-1].files))
        if lines >= CHUNK:
            break
    return piece


def _read(told: Sequence[IncomingReport], policy: Policy) -> list[_Read]:
    """Each report with its addresses: those of its lines, then its files."""
    lines = [line for report in told for line in report.lines]
    read = iter(urls.read_many(lines, keep_fragment_hosts=policy.keep_fragment_hosts))
    return [
        (_hour_only(report), [*islice(read, len(report.lines)), *map(urls.read_file, report.files)])
        for report in told
    ]


def _told_apart(report: IncomingReport) -> IncomingReport:
    """Several addresses on one line become lines of their own; the line as it came goes into the sealed part."""
    if len(report.lines) == 1:  # nearly every report; one look, nothing built
        parts = urls.apart(report.lines[0])
        if len(parts) == 1 and parts[0] == report.lines[0]:
            return report
    apart = [(line, urls.apart(line)) for line in report.lines]
    cut = [line for line, parts in apart if parts != (line,)]
    if not cut:
        return report
    return replace(
        report,
        lines=tuple(part for _, parts in apart for part in parts),
        raw=report.raw or "\n".join(cut),
    )


def _bounded(report: IncomingReport) -> IncomingReport:
    """The report with as many lines as one may have; all of them, where there are more, go into the sealed part."""
    most = MOST_LINES_OF_THE_PUBLIC if report.source == words.FROM_PUBLIC else MOST_LINES
    count = len(report.lines) + len(report.files)
    if count <= most:
        return report
    lines = report.lines[:most]
    return replace(
        report,
        lines=lines,
        files=report.files[: most - len(lines)],
        odd=f"{report.odd} {_too_many(count, most)}".strip(),
        raw=together(report.raw, *report.lines, *report.files),
    )


def _too_many(count: int, most: int) -> str:
    return (
        f"It holds {count:,} lines, and the first {most:,} are looked at. The rest is kept, sealed, and may be "
        "sent as further reports."
    )


def _file(incoming: Sequence[_Read], *, policy: Policy, by: Actor, at: datetime) -> Filed:
    fresh, repeated = _not_filed_before(incoming, policy=policy, by=by, at=at)
    if not fresh:
        return Filed(repeated=repeated)
    wanted: list[dedupe.Wanted] = []
    for report, given in fresh:
        priority, referrer = report.source == words.FROM_POLICE, _storable(report.referrer)
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
                line_rows.append((pk, position, _storable(line), None, False, address.why))
                continue
            joined = not item.new or address.key_digest in opened
            opened.add(address.key_digest)
            line_rows.append((pk, position, _storable(line), item.pk, joined, ""))
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
    _receipts([(pk, report) for pk, (report, _) in zip(ids, fresh, strict=True)], policy=policy)
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


def _not_filed_before(
    incoming: Sequence[_Read], *, policy: Policy, by: Actor, at: datetime
) -> tuple[list[_Read], int]:
    """Drop what is filed already; add the lines it did not have, complete what was filed as left early.

    Inside one batch, the last wins; the lines of those before it are kept.
    """
    latest: dict[UUID, _Read] = {}
    keys: dict[tuple[str, str], UUID] = {}
    for report, given in incoming:
        if report.key:
            first = keys.setdefault((report.partner, report.key), report.report_id)
            if first != report.report_id:
                continue
        before = latest.get(report.report_id)
        if before is not None and (merged := report.after(before[0])) is not report:
            (report, given) = _read([_bounded(merged)], policy)[0]
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


def _unseen(latest: dict[UUID, _Read]) -> set[UUID]:
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
        if any(_storable(address.reported) not in known[report_id] for address in given)
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
        row.sealed = _sealed(replace(report, raw=_raw_of(row, report)))
    if completes:
        row.why = row.why.replace(LEFT_EARLY, "").strip()
        row.complete = not odd
        row.seen, row.follow, row.receipt_hash = report.seen[:12], report.follow, report.receipt_hash
        _receipts([(row.pk, report)], policy=policy)
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
    extra = [address for address in given if _storable(address.reported) not in known]
    readable = [address for address in extra if address.ok]
    # What nothing could be read in has its clock from when it reached us (`_row`).
    began = (
        row.due_at - policy.clocks.incomplete
        if row.status == report_path.INCOMPLETE and row.due_at
        else row.received_at
    )
    wanted = [dedupe.Wanted(address, row.received_at, began, _storable(referrer)) for address in readable]
    found = dedupe.join(wanted, policy=policy, by=by, at=at)
    first = row.lines.count()
    ReportLine.objects.bulk_create(
        [
            ReportLine(
                report=row,
                position=first + place,
                reported=_storable(address.reported),
                item_id=found[address.key_digest].pk if address.ok else None,
                joined=address.ok and not found[address.key_digest].new,
                why=address.why,
            )
            for place, address in enumerate(extra)
        ]
    )
    dedupe.reported(found.values(), policy=policy, at=at)
    return [item.ref for item in found.values()]


def _hour_only(report: IncomingReport) -> IncomingReport:
    """A public report by whatever door: T0 is the start of its hour, the exact time goes into the sealed part."""
    hour = report.received_at.replace(minute=0, second=0, microsecond=0)
    if report.source != words.FROM_PUBLIC or hour == report.received_at:
        return report
    return replace(report, received_at=hour, exact_at=report.exact_at or report.received_at)


def _storable(line: str) -> str:
    """The line as a database takes it: what cannot be stored (NUL, lone surrogates) is spelled out, not dropped."""
    if "\x00" not in line and line.isascii():
        return line
    return line.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


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
        _storable(report.reference),
        report.key[:200] or None,
        report.received_at,
        report.seen[:12],
        _sealed(report),
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


def _sealed(report: IncomingReport) -> bytes | None:
    """What only staff may open: the exact time, the reporter's own words, and what could not be read, as it came."""
    if not report.help_text and report.exact_at is None and not report.raw:
        return None
    note = {
        "exact_at": report.exact_at.isoformat() if report.exact_at else None,
        "help_text": report.help_text,
    }
    if report.raw:
        note["raw"] = report.raw
    return vault.seal("report", json.dumps(note, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _raw_of(row: Report, report: IncomingReport) -> str:
    """What was kept as it came, then and now."""
    if not row.sealed:
        return report.raw
    before = json.loads(vault.open_("report", bytes(row.sealed))).get("raw", "")
    return together(before, report.raw)


def _acts(pk: int, report: IncomingReport, cases: list[str]) -> list[Act]:
    """One entry per case the report joined; one outside any case where nothing could be read."""
    obj = ("report", str(report.report_id), 1)
    payload = {"source": report.source, "partner": report.partner, "reference": report.reference}
    if not cases:
        return [Act(act="report.incomplete", obj=obj, payload=payload)]
    return [Act(act="report.filed", obj=obj, case=case, payload=payload) for case in cases]


def _receipts(filed: Sequence[tuple[int, IncomingReport]], *, policy: Policy) -> None:
    """The public door's only window, and the sealed e-mail with the date by which it is deleted."""
    ReceiptPhase.objects.bulk_create(
        [
            ReceiptPhase(
                receipt_hash=report.receipt_hash,
                phase=words.RECEIVED if report.lines or report.files else words.MORE_DETAIL,
                not_closed_before=report.received_at + NOT_CLOSED_BEFORE,
            )
            for _, report in filed
            if report.receipt_hash
        ],
        ignore_conflicts=True,
    )
    ReportContact.objects.bulk_create(
        [
            ReportContact(
                report_id=pk,
                sealed=vault.seal("contact", report.mail.encode("utf-8", "surrogatepass")),
                delete_by=report.received_at + policy.clocks.reporter_contact,
            )
            for pk, report in filed
            if report.mail
        ],
        ignore_conflicts=True,
    )
