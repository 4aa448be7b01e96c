"""Many rows at once come back as they went in, whatever stands in them, on either database."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, transaction

from openhotline.records import bulk
from openhotline.records.models import Report

AT = datetime(2026, 5, 12, 9, 41, 7, 123456, tzinfo=UTC)
COLUMNS = ("id", "report_id", "version", "source", "partner", "reference", "received_at", "seen", "clock",
           "sealed", "complete", "why", "follow", "receipt_hash", "status", "idempotency_key", "due_at", "answered_at")  # fmt: skip
ODD = [
    "plain",
    "",
    "a\tb",
    "a\nb\r\nc",
    "back\\slash \\N \\.",
    "100 % %s %d",
    "b\u00fccher \U0001f600",
    "'quote\" {a,b}",
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=[0, bulk.FEW], ids=["by COPY", "few by INSERT"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows and many go different ways on PostgreSQL, and must come back alike."""
    monkeypatch.setattr(bulk, "FEW", request.param)


def put(texts: list[str], **more: object) -> list[Report]:
    with transaction.atomic():
        ids = bulk.reserve(Report, len(texts))
        base = {
            "version": 1, "source": "hotline", "partner": "", "received_at": AT, "seen": "", "clock": "", "sealed": None,
            "complete": True, "why": "", "follow": "none", "receipt_hash": "", "status": "joined",
            "idempotency_key": None, "due_at": None, "answered_at": None,
        }  # fmt: skip
        rows = []
        for place, (pk, text) in enumerate(zip(ids, texts, strict=True)):
            row = base | {"id": pk, "report_id": uuid4(), "reference": text}
            row |= {name: values[place] for name, values in more.items()}  # type: ignore[index]
            rows.append(tuple(row[column] for column in COLUMNS))
        bulk.insert(Report, COLUMNS, rows)
    return list(Report.objects.order_by("pk"))


def test_odd_texts_come_back_as_they_went_in():
    assert [row.reference for row in put(ODD)] == ODD


@pytest.mark.parametrize("text", ODD)
def test_what_stands_in_every_row_does_too(text):
    assert [row.reference for row in put([text] * 3)] == [text] * 3


def test_absent_values_bytes_times_and_yes_or_no_keep_their_kind():
    sealed = [None, b"\x00\\\xff", b""]
    due = [AT, None, AT.replace(microsecond=0)]
    complete = [True, False, True]
    rows = put(
        ["a", "b", "c"], sealed=sealed, due_at=due, complete=complete, idempotency_key=["k\t1", None, "k2"]
    )
    assert [None if row.sealed is None else bytes(row.sealed) for row in rows] == sealed
    assert [row.due_at for row in rows] == due
    assert [row.complete for row in rows] == complete
    assert [row.idempotency_key for row in rows] == ["k\t1", None, "k2"]
    assert {row.received_at for row in rows} == {AT}


def test_no_rows_are_no_work():
    bulk.insert(Report, COLUMNS, [])
    assert bulk.present(Report, "report_id", [], ("id",)) == []
    assert list(bulk.reserve(Report, 0)) == []


def test_present_finds_those_that_are_there_and_only_those():
    rows = put(["a", "b", "c"])
    wanted = [rows[0].report_id, uuid4(), rows[2].report_id]
    assert sorted(bulk.present(Report, "report_id", wanted, ("id", "reference"))) == [
        (rows[0].pk, "a"),
        (rows[2].pk, "c"),
    ]


def test_present_looks_up_more_than_one_page_of_values_and_leaves_the_planner_as_it_was():
    rows = put([str(number) for number in range(bulk.MANY + 50)])
    with transaction.atomic():
        found = bulk.present(Report, "report_id", [row.report_id for row in rows], ("id",))
        assert sorted(pk for (pk,) in found) == [row.pk for row in rows]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW enable_seqscan")
                assert cursor.fetchone() == ("on",)


def test_numbers_are_taken_without_gaps_and_the_last_is_known():
    with transaction.atomic():
        assert bulk.last_number("benchmark") == 0
        assert bulk.take_numbers("benchmark", 3) == 1
        assert bulk.take_numbers("benchmark", 1) == 4
        assert bulk.last_number("benchmark") == 4
