"""`openhotline report add|import`: reports by hand and by file, through the same step as every door."""

import csv
import gc
import io
import operator
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import typer

from openhotline.commands import common
from openhotline.rules import words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import split_lines

COLUMNS = ("address", "source", "reference", "received_at", "referrer", "note")
_LONGEST_CELL = 16 * 1024 * 1024  # characters
_VERSION_7 = 0x7 << 76 | 0x8 << 60  # RFC 9562: what makes a time and 74 random bits a UUIDv7
_RANDOM = (1 << 76) - 1 & ~(0xC << 60)
_SOURCES = {source: source for source in words.SOURCES} | {
    "": words.FROM_HOTLINE,
    "partner": words.FROM_HOTLINE,
}


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="File reports.", no_args_is_help=True)
    group.command("add")(add)
    group.command("import")(import_)
    app.add_typer(group, name="report")


def add(
    addresses: list[str] = typer.Argument(..., help="One address or more."),
    source: str = typer.Option(words.FROM_STAFF, help=f"One of {', '.join(words.SOURCES)}."),
    note: str = typer.Option("", help="Where to look; kept sealed."),
    reference: str = typer.Option("", help="The sender's own reference."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """File one report by hand."""
    if source not in words.SOURCES:
        raise Refused(f"“{source}” is not a source. Choose one of {', '.join(words.SOURCES)}.", code="source")
    settings = common.open_house()
    from openhotline.steps.intake import file_reports

    at = settings.clock().now()
    report = IncomingReport(
        report_id=uuid4(),
        source=source,
        lines=tuple(addresses),
        received_at=at,
        help_text=note,
        reference=reference,
    )
    filed = file_reports([report], policy=common.policy_of(settings), by=common.command_line(), at=at)
    words_ = f"Filed. New items: {filed.items_new}, joined: {filed.joined}, not readable: {filed.incomplete}."
    common.say({**asdict(filed), "report_id": str(report.report_id)}, as_json=as_json, words=words_)


def import_(
    file: Path = typer.Argument(
        ..., exists=True, dir_okay=False, help="CSV with a header; - is not read here."
    ),
    partner: str = typer.Option("", help="Key of the partner that sent the file."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """File a partner's CSV: header address,source,reference,received_at,referrer,note (all but the first optional).

    A line that cannot be read never loses the others: it is kept as an incomplete report, however long it is,
    or counted as rejected where it holds nothing at all.
    """
    settings = common.open_house()
    from openhotline.steps.intake import file_reports

    _make_haste()
    at = settings.clock().now()
    rejected = 0

    def readable(rows: Iterator[IncomingReport | None]) -> Iterator[IncomingReport]:
        nonlocal rejected
        for report in rows:
            if report is None:
                rejected += 1
            else:
                yield report

    size = file.stat().st_size
    with common.progress(f"Filing {file.name}", size, show=not as_json) as bar, file.open("rb") as raw:
        counted = _Counting(raw)
        total = file_reports(
            readable(read_csv(counted, partner=partner, at=at)),
            policy=common.policy_of(settings),
            by=common.command_line(),
            at=at,
            progress=lambda done: bar(counted.read_bytes),
        )
    result = {
        "reports": total.reports,
        "items_new": total.items_new,
        "joined": total.joined,
        "incomplete": total.incomplete,
        "rejected": rejected,
    }
    words_ = (
        f"{total.reports:,} reports filed: {total.items_new:,} new items, {total.joined:,} joined, "
        f"{total.incomplete:,} incomplete, {rejected:,} empty lines."
    )
    common.say(result, as_json=as_json, words=words_)


class _Counting(io.RawIOBase):
    """Counts the bytes read, for the progress bar."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self.raw, self.read_bytes = raw, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        count = self.raw.readinto(buffer) or 0
        self.read_bytes += count
        return count


def read_csv(raw: io.RawIOBase, *, partner: str, at: datetime) -> Iterator[IncomingReport | None]:
    """Each row as a report; None for a row that holds nothing. Never stops at a bad row.

    What cannot be read as a row (a cell beyond 16 MiB) becomes a report too, with its text as it came: it will be
    kept as incomplete. Raises Refused where the header names no address column.
    """
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(
        io.BufferedReader(raw), encoding="utf-8-sig", errors="surrogateescape", newline=""
    )  # type: ignore[arg-type]
    taken: list[str] = []  # the lines of the file that the row at hand was read from
    rows = csv.reader(_lines_of(text, taken))
    header = [name.strip().lower() for name in next(rows, [])]
    header = ["address" if name == "url" else name for name in header]
    if "address" not in header:
        raise Refused(
            "The first line of the file must name its columns: address (or url), and where you have them "
            "source, reference, received_at, referrer, note.",
            code="header",
        )
    place = {name: header.index(name) for name in COLUMNS if name in header}
    report = _reporter(place, partner=partner, at=at)
    while True:
        taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            whole = _text("".join(taken).rstrip("\r\n"))
            yield _kept(whole, partner=partner, at=at) if whole.strip() else None
            continue
        yield report(row)


def _lines_of(text: io.TextIOWrapper, taken: list[str]) -> Iterator[str]:
    """The lines of a file, each also put into `taken`. One without end comes in pieces that memory bears."""
    while line := text.readline(_LONGEST_CELL + 2):
        line = line.replace("\x00", "\ufffd")
        taken.append(line)
        yield line


def _kept(whole: str, *, partner: str, at: datetime) -> IncomingReport:
    """What is no row, kept as it came: one line that nobody can follow, but a person can look at."""
    return IncomingReport(uuid4(), words.FROM_HOTLINE, (whole,), received_at=at, partner=partner)


def _reporter(
    place: dict[str, int], *, partner: str, at: datetime
) -> Callable[[list[str]], IncomingReport | None]:
    """What makes a report of a row, for one header."""
    wide = max(place.values())
    cells = operator.itemgetter(*(place.get(name, wide + 1) for name in COLUMNS))
    luck: list[UUID] = []

    def report(row: list[str]) -> IncomingReport | None:
        if len(row) != wide + 1:
            row = (row + [""] * wide)[: wide + 1]
        row.append("")  # what columns that the header lacks are read from
        address, source, reference, received_at, referrer, note = map(_text, cells(row))
        if not address.strip() and not note.strip() and not reference.strip():
            return None
        if not luck:
            luck.extend(_uuids(1_000))
        return IncomingReport(
            report_id=luck.pop(),
            source=_SOURCES.get(source) or _SOURCES.get(source.strip().lower(), words.FROM_HOTLINE),
            lines=_lines(address),
            received_at=_when(received_at, at) if received_at else at,
            referrer=referrer,
            help_text=note,
            reference=reference,
            partner=partner,
        )

    return report


def _uuids(count: int) -> Iterator[UUID]:
    """`count` UUIDv7 for one system call: their time comes first, so neighbours stay neighbours in the index.

    Only for files of partners: the identifier of what a person of the public sends tells no time.
    """
    luck = os.urandom(10 * count)
    moment = (time.time_ns() // 1_000_000) << 80 | _VERSION_7
    for start in range(0, len(luck), 10):
        yield UUID(int=moment | int.from_bytes(luck[start : start + 10], "big") & _RANDOM)


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _make_haste() -> None:
    """For a process that files very much: nothing of what a batch makes refers in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    sys.setswitchinterval(
        0.0005
    )  # the thread that reads ahead gives way as soon as the database has answered


def _lines(address: str) -> tuple[str, ...]:
    """The address of a row. A cell with line breaks (an unclosed quote swallowed rows) is read line by line."""
    if "\n" in address or "\r" in address:
        return split_lines(address)
    return (address,) if address.strip() else ()


def _when(text: str, at: datetime) -> datetime:
    """The time a partner gave, if it can be read and lies in the past; else now."""
    try:
        moment = datetime.fromisoformat(text.strip()) if text.strip() else at
    except ValueError:
        return at
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return at
    return min(moment, at) if moment.year >= 1990 else at
