"""`openhotline report add|import`: reports by hand and by file, through the same step as every door."""

import gc
import io
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import typer

from openhotline.commands import common
from openhotline.commands.faults import Misused
from openhotline.rules import words
from openhotline.rules.incoming import IncomingReport


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
        raise Misused(f"“{source}” is not a source. Choose one of {', '.join(words.SOURCES)}.", code="source")
    settings = common.open_house()
    from openhotline.rules.printable import readable
    from openhotline.steps.intake import file_reports

    at = settings.clock().now()
    report = IncomingReport(
        report_id=uuid4(),
        source=source,
        lines=tuple(map(readable, addresses)),
        received_at=at,
        help_text=readable(note),
        reference=readable(reference),
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

    A line that cannot be read as given never loses the others: it is kept as it came, in an incomplete report that
    says what is odd, or counted as rejected where it holds nothing at all.
    """
    settings = common.open_house()
    from openhotline.records.models import Report
    from openhotline.steps.intake import file_reports
    from openhotline.steps.partner_file import read_csv

    Report._meta.get_field("partner").run_validators(partner)
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


def _make_haste() -> None:
    """For a process that files very much: nothing of what a batch makes refers in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    sys.setswitchinterval(
        0.0005
    )  # the thread that reads ahead gives way as soon as the database has answered
