"""A partner's file: no row loses another, and what cannot be read as given is kept as it came."""

import io
import json
from datetime import UTC, datetime

import pytest

from openhotline import policy
from openhotline.records import vault
from openhotline.records.models import Item, Report, ReportLine
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import partner_file
from openhotline.steps.intake import file_reports

AT = datetime(2026, 5, 12, 14, tzinfo=UTC)
GOOD = [b"http://a.example.net/1,R1\n", b"http://a.example.net/2,R2\n"]
ONE, TWO = "http://a.example.net/1", "http://a.example.net/2"


def reports(*rows: bytes, header: bytes = b"address,reference") -> list[IncomingReport | None]:
    file = io.BytesIO(b"".join((header, b"\n", *rows)))
    return list(partner_file.read_csv(file, partner="acme", at=AT))


def read(*rows: bytes, header: bytes = b"address,reference") -> list[tuple[str, str, str] | None]:
    """Of each row: its address, what is odd of it (its first words), and what is kept as it came."""
    return [
        None if one is None else ("|".join(one.lines), " ".join(one.odd.split()[:3]), one.raw)
        for one in reports(*rows, header=header)
    ]


@pytest.fixture
def short_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_file, "_LONGEST_CELL", 1000)


@pytest.mark.usefixtures("short_cells")
def test_a_cell_that_is_too_long_is_kept_whole_and_loses_no_neighbour():
    longer = b"z" * 1001
    found = read(GOOD[0], longer + b"\n", GOOD[1])
    assert [(one[0], one[2]) for one in found] == [(ONE, ""), ("", longer.decode()), (TWO, "")]


@pytest.mark.usefixtures("short_cells")
def test_a_line_without_end_comes_in_pieces_and_nothing_of_it_is_lost():
    endless = b"q" * 5000
    found = read(GOOD[0], endless)
    assert found[0] == (ONE, "", "")
    assert "".join(one[0] + one[2] for one in found[1:]) == endless.decode()


OPEN = "A double quote"


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        # to the end of the file; the address stands before the quote
        ((b'http://a.example.net/0,"R0\n', *GOOD), ("http://a.example.net/0", OPEN, 'http://a.example.net/0,"R0')),
        # the address itself is quoted and open
        ((b'"http://a.example.net/0,R0\n', *GOOD), ("", OPEN, '"http://a.example.net/0,R0')),
        # closed by a quote that opens a cell further on
        (
            (b'http://a.example.net/0,"R0\n', GOOD[0], b'"http://a.example.net/2",R2\n'),
            ("http://a.example.net/0", OPEN, 'http://a.example.net/0,"R0'),
        ),
        # closed by the last quote of a cell further on, which a reader of CSV would call one row
        ((b'http://a.example.net/0,"R0\n', GOOD[0], b'http://a.example.net/2,R2"\n'), None),
        ((b'http://a.example.net/0,"R"0\n', *GOOD), ("http://a.example.net/0", OPEN, 'http://a.example.net/0,"R"0')),
    ],
)  # fmt: skip
def test_an_open_quote_swallows_no_row(rows: tuple[bytes, ...], kept: tuple[str, str, str] | None):
    found = read(*rows)
    assert [one[0] for one in found[1:]] == [ONE, TWO]
    assert found[0] == (kept or ("http://a.example.net/0", OPEN, 'http://a.example.net/0,"R0'))


def test_a_million_rows_behind_an_open_quote_are_read_in_time_that_grows_with_them():
    rows = [b'http://a.example.net/0,"R0\n', *[b'http://a.example.net/1,"R""1"\n'] * 5000]
    assert [one[0] for one in read(*rows)].count(ONE) == 5000


def test_a_note_of_several_lines_stays_one_cell():
    found = reports(b'http://a.example.net/1,"first, line\nhttp://b.example.net/x\nlast"\n', GOOD[1],
                    header=b"address,note")  # fmt: skip
    assert [one.lines for one in found] == [(ONE,), (TWO,)]
    assert found[0].help_text == "first, line\nhttp://b.example.net/x\nlast" and not found[0].odd


ALL = b"address,source,reference,received_at,referrer,note"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (b"address,reference", "http://a.example.net/1,2,R1", ("", "The row has", "http://a.example.net/1,2,R1")),
        (b"address,reference", "http://a.example.net/1,R1,,", (ONE, "", "")),
        (b"address", "http://a.example.net/1,2", ("http://a.example.net/1,2", "", "")),
        (b"address", "http://a.example.net/1, beside it", ("", "The row has", "http://a.example.net/1, beside it")),
        (ALL, f"{ONE},police,,,,he said, there", (ONE, "The note holds", f"{ONE},police,,,,he said, there")),
        (ALL, f"{ONE},2,police,,,,he said", ("", "The row has", f"{ONE},2,police,,,,he said")),
        (ALL, f"{ONE},2,police", ("", "The row has", f"{ONE},2,police")),
        (ALL, ONE, (ONE, "", "")),
        (ALL, f"{ONE},web form,,,,", (ONE, "“web form” is", f"{ONE},web form,,,,")),
        (ALL, f"{ONE},Police,,yesterday,,", (ONE, "“yesterday” is no", f"{ONE},Police,,yesterday,,")),
        (ALL, f"{ONE},,,2026-05-13,,", (ONE, "“2026-05-13” is no", f"{ONE},,,2026-05-13,,")),
        (ALL, ",,,2026-05-11,,", ("", "The row has", ",,,2026-05-11,,")),
        (b"address,colour", f"{ONE},red", (ONE, "", f"{ONE},red")),
        (b"url,address", f"{ONE},{TWO}", (ONE, "", f"{ONE},{TWO}")),
        (b"address", "http://a.example.net/caf\udce9", ("", "The address holds", r"http://a.example.net/caf\xe9")),
        (b"address,note", f"{ONE},caf\udce9", (ONE, "", "")),
        (b"address,note", " ,\t", None),
    ],
)  # fmt: skip
def test_every_word_of_a_row_is_read_or_kept(header: bytes, row: str, expected: tuple[str, str, str] | None):
    odd = row.encode("utf-8", "surrogateescape") + b"\n"
    assert read(odd, f"{TWO}\n".encode(), header=header) == [expected, (TWO, "", "")]


@pytest.mark.django_db
def test_what_is_odd_becomes_an_incomplete_report_and_every_row_is_counted():
    rows = reports(
        b'http://a.example.net/1,police,,,,\n',
        b"http://a.example.net/2,web form,,,,\n",
        b"http://a.example.net/3,4,R1,,,,of the \x00 note\n",
        b",,,,,\n",
        b'"http://a.example.net/5 ; hxxp://a[.]example[.]net/6",,,,,\n',
        header=ALL,
    )  # fmt: skip
    filed = file_reports([row for row in rows if row], policy=policy.load("gb"), by=MACHINE_WORKER, at=AT)
    assert (filed.reports, filed.items_new, filed.joined, filed.incomplete) == (4, 4, 0, 2)
    assert rows.count(None) == 1
    guessed, kept = Report.objects.filter(complete=False).order_by("pk")
    assert (guessed.status, guessed.why[:18]) == ("joined", "“web form” is no s")
    assert (kept.status, kept.partner, kept.why[:11]) == ("incomplete", "acme", "The row has")
    assert not kept.lines.exists(), "the address may be cut, so nobody is sent there"
    raw = json.loads(vault.open_("report", bytes(kept.sealed)))["raw"]
    assert raw == "http://a.example.net/3,4,R1,,,,of the \x00 note"
    assert {6, 5} == {int(item.canonical[-1]) for item in Item.objects.order_by("-pk")[:2]}
    assert ReportLine.objects.filter(reported="hxxp://a[.]example[.]net/6").exists()
