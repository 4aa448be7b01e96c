"""More reports than one transaction takes: drawn from one after the other, filed in order, none lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from openhotline import policy as policies
from openhotline.ledger.models import Staged
from openhotline.records.models import Item, Report, ReportLine
from openhotline.rules import incoming, words
from openhotline.rules.incoming import MOST_LINES_OF_THE_PUBLIC, IncomingReport
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER
from openhotline.steps import clarify, intake, intake_again, intake_reading

AT = datetime(2026, 5, 12, 9, 41, 7, tzinfo=UTC)
POLICY = policies.load("gb")

pytestmark = pytest.mark.django_db


def came(*lines: str) -> Iterator[IncomingReport]:
    for number, line in enumerate(lines):
        yield IncomingReport(uuid4(), words.FROM_HOTLINE, (line,), AT, reference=f"PN-{number}")


def test_a_long_row_of_reports_is_filed_in_pieces_and_in_order(monkeypatch):
    monkeypatch.setattr(intake_reading, "CHUNK", 3)
    told: list[int] = []
    lines = [f"http://img.example.net/{number % 5}" for number in range(11)]
    filed = intake.file_reports(came(*lines), policy=POLICY, by=MACHINE_WORKER, at=AT, progress=told.append)
    assert (filed.reports, filed.items_new, filed.joined) == (11, 5, 6)
    assert told == [3, 6, 9, 11]
    assert list(Report.objects.order_by("pk").values_list("reference", flat=True)) == [
        f"PN-{n}" for n in range(11)
    ]
    assert list(ReportLine.objects.order_by("pk").values_list("reported", flat=True)) == lines
    assert {item.canonical: item.reports for item in Item.objects.all()} == {
        f"http://img.example.net/{number}": 3 if number == 0 else 2 for number in range(5)
    }
    assert Staged.objects.count() == 11


def test_what_breaks_while_drawing_is_raised_and_what_was_filed_before_stays(monkeypatch):
    monkeypatch.setattr(intake_reading, "CHUNK", 2)

    def breaking() -> Iterator[IncomingReport]:
        yield from came("http://a.example.net/1", "http://a.example.net/2", "http://a.example.net/3")
        raise OSError("the disk was pulled out")

    with pytest.raises(OSError, match="pulled out"):
        intake.file_reports(breaking(), policy=POLICY, by=MACHINE_WORKER, at=AT)
    assert Report.objects.count() == 2


def test_one_address_twice_in_a_report_counts_once_and_twice_in_a_batch_counts_twice():
    report = IncomingReport(
        uuid4(), words.FROM_HOTLINE, ("http://a.example.net/1", "https://a.example.net/1#x"), AT
    )
    other = IncomingReport(uuid4(), words.FROM_HOTLINE, ("http://A.example.net/1",), AT)
    filed = intake.file_reports([report, other], policy=POLICY, by=MACHINE_WORKER, at=AT)
    assert (filed.items_new, filed.joined) == (1, 2)
    assert Item.objects.get().reports == 2
    again = IncomingReport(uuid4(), words.FROM_HOTLINE, ("http://a.example.net/1",), AT)
    intake.file_reports([again], policy=POLICY, by=MACHINE_WORKER, at=AT)
    assert Item.objects.get().reports == 3


def test_a_referrer_that_no_database_takes_is_spelled_out():
    report = IncomingReport(
        uuid4(), words.FROM_HOTLINE, ("http://a.example.net/1",), AT, referrer="http://b\x00.example/"
    )
    assert intake.file_reports([report], policy=POLICY, by=MACHINE_WORKER, at=AT).items_new == 1
    assert Item.objects.get().referrer == "http://b\\x00.example/"


def test_a_thousand_reports_of_few_cases_are_numbered_without_gaps():
    lines = [f"http://img.example.net/{number % 7}" for number in range(1_200)]
    intake.file_reports(list(came(*lines)), policy=POLICY, by=MACHINE_WORKER, at=AT)
    for ref in Item.objects.values_list("ref", flat=True):
        numbers = list(Staged.objects.filter(case_ref=ref).order_by("id").values_list("case_n", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) in (171, 172)


@pytest.mark.parametrize("sent_later", [False, True])
def test_one_form_opens_no_more_items_than_people_can_look_at_and_keeps_the_rest_sealed(sent_later):
    lines = tuple(f"http://img.example.net/{number}" for number in range(66_000))
    form = incoming.public(uuid4(), lines, AT, receipt_hash="ab" * 32)
    if sent_later:  # the first page alone was filed two hours later, and the person came back
        left = replace(form, complete=False, receipt_hash="")
        intake.file_reports([left], policy=POLICY, by=PUBLIC_REPORTER, at=AT)
        assert intake_again.LEFT_EARLY in Report.objects.get().why
    for _ in range(2):  # a spool may be read twice
        intake.file_reports([form], policy=POLICY, by=PUBLIC_REPORTER, at=AT)
    row = Report.objects.get()
    assert (row.status, row.complete, row.receipt_hash) == ("joined", False, "ab" * 32)
    assert "66,000 lines" in row.why
    assert intake_again.LEFT_EARLY not in row.why
    assert Item.objects.count() == ReportLine.objects.count() == MOST_LINES_OF_THE_PUBLIC
    assert set(lines) == set(clarify.words_of(row).splitlines()) & set(lines)
    told = sum(
        b"report.completed" in bytes(entry) for entry in Staged.objects.values_list("entry", flat=True)
    )
    assert told == sent_later


def test_many_long_reports_are_filed_in_pieces_of_lines(monkeypatch):
    monkeypatch.setattr(intake_reading, "CHUNK", 10)
    told: list[int] = []
    long = [
        IncomingReport(
            uuid4(), words.FROM_HOTLINE, tuple(f"http://img.example.net/{n}/{m}" for m in range(6)), AT
        )
        for n in range(5)
    ]
    intake.file_reports(long, policy=POLICY, by=MACHINE_WORKER, at=AT, progress=told.append)
    assert told == [2, 4, 5]
    assert Item.objects.count() == 30
