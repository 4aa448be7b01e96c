"""A partner's file: no row loses another, and what is no row is kept as it came."""

import io
from datetime import UTC, datetime

import pytest

from openhotline import policy
from openhotline.commands import reports
from openhotline.records.models import Report, ReportLine
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps.intake import file_reports

AT = datetime(2026, 5, 12, 14, tzinfo=UTC)
GOOD = [b"http://a.example.net/1,R1\n", b"http://a.example.net/2,R2\n"]


def read(*rows: bytes) -> list[str | None]:
    file = io.BytesIO(b"".join((b"address,reference\n", *rows)))
    found = reports.read_csv(file, partner="acme", at=AT)  # type: ignore[arg-type]
    return [None if report is None else "|".join(report.lines) for report in found]


@pytest.fixture(autouse=True)
def short_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_LONGEST_CELL", 1000)


def test_a_cell_that_is_too_long_is_kept_whole_and_loses_no_neighbour():
    longer = b"z" * 1001
    assert read(GOOD[0], longer + b"\n", GOOD[1]) == [
        "http://a.example.net/1", longer.decode(), "http://a.example.net/2",
    ]  # fmt: skip


def test_a_line_without_end_comes_in_pieces_and_nothing_of_it_is_lost():
    endless = b"q" * 5000
    found = read(GOOD[0], endless)
    assert found[0] == "http://a.example.net/1"
    assert "".join(text or "" for text in found[1:]) == endless.decode()


def test_rows_swallowed_by_an_open_quote_are_kept():
    found = read(b'"http://a.example.net/0,R0\n', *[GOOD[0]] * 60)
    assert "".join(text or "" for text in found).count("http://a.example.net/1") == 60


@pytest.mark.django_db
def test_what_is_no_row_becomes_an_incomplete_report_with_its_text():
    file = io.BytesIO(b"address\n" + b"w" * 1001 + b"\nhttp://a.example.net/1\n")
    rows = reports.read_csv(file, partner="acme", at=AT)  # type: ignore[arg-type]
    filed = file_reports([row for row in rows if row], policy=policy.load("gb"), by=MACHINE_WORKER, at=AT)
    assert (filed.reports, filed.items_new, filed.incomplete) == (2, 1, 1)
    kept = Report.objects.get(status="incomplete")
    assert (kept.partner, kept.source) == ("acme", "hotline")
    assert ReportLine.objects.get(report=kept).reported == "w" * 1001
    assert kept.why
