"""No line without its report, none that leads to an item that is not there: on either database, in any order.

PostgreSQL keeps these two keys by triggers over whole statements (migration 0006), SQLite by its own.
"""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from openhotline import policy
from openhotline.records import bulk
from openhotline.records.models import Item, Report, ReportLine
from openhotline.rules import words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import intake

pytestmark = pytest.mark.django_db

AT = datetime(2026, 5, 12, 14, tzinfo=UTC)
COLUMNS = ("report_id", "position", "reported", "item_id", "joined", "why")


ONE_REPORT = """
import django; django.setup()
from datetime import UTC, datetime
from uuid import uuid4
from openhotline.records.models import Report
at = datetime(2026, 5, 12, 14, tzinfo=UTC)
Report.objects.create(pk=1, report_id=uuid4(), status="joined", source="staff", received_at=at)
"""


@pytest.fixture
def line() -> ReportLine:
    report = IncomingReport(uuid4(), words.FROM_STAFF, ("http://a.example.net/1",), AT)
    intake.file_reports([report], policy=policy.load("gb"), by=MACHINE_WORKER, at=AT)
    return ReportLine.objects.get()


def refused(act: Callable[[], object]) -> bool:
    """Whether the database refuses, at once or at the end of the transaction."""
    try:
        with transaction.atomic():
            act()
            connection.check_constraints()
    except (IntegrityError, psycopg.errors.ForeignKeyViolation):
        return True
    return False


def put(report: int, item: int | None) -> None:
    bulk.insert(ReportLine, COLUMNS, [(report, place, "x", item, False, "") for place in (7, 8)])


def test_a_line_needs_its_report_and_an_item_that_is_there(line):
    assert refused(lambda: put(line.report_id + 1, None))
    assert refused(lambda: put(line.report_id, line.item_id + 1))
    assert not refused(lambda: put(line.report_id, line.item_id))
    assert ReportLine.objects.count() == 3


def test_one_lost_line_among_many_is_enough(line):
    rows = [(line.report_id, place, "x", line.item_id, False, "") for place in range(1, 500)]
    rows[250] = (line.report_id, 251, "x", line.item_id + 77, False, "")
    assert refused(lambda: bulk.insert(ReportLine, COLUMNS, rows))


def test_a_line_cannot_be_led_elsewhere(line):
    lines = ReportLine.objects.filter(pk=line.pk)
    assert refused(lambda: lines.update(item=line.item_id + 1))
    assert refused(lambda: lines.update(report=line.report_id + 1))
    assert not refused(lambda: lines.update(item=None, why="put aside"))


def test_a_report_or_item_with_lines_stays(line):
    for table, pk in (("records_report", line.report_id), ("records_item", line.item_id)):
        for sql in (f"DELETE FROM {table} WHERE id = {pk}", f"UPDATE {table} SET id = id + 1000"):
            with connection.cursor() as cursor:
                assert refused(lambda sql=sql, cursor=cursor: cursor.execute(sql)), sql
    assert (Report.objects.count(), Item.objects.count()) == (1, 1)


def test_who_deletes_and_who_writes_a_line_wait_for_each_other(house_env: dict[str, str]) -> None:
    url = house_env["OPENHOTLINE_DATABASE_URL"]
    if not url:
        pytest.skip("SQLite lets one writer in at a time")
    env = {**house_env, "DJANGO_SETTINGS_MODULE": "openhotline.django_settings"}
    for command in (["-m", "django", "migrate", "records", "-v", "0"], ["-c", ONE_REPORT]):
        subprocess.run([sys.executable, *command], env=env, check=True, timeout=120)
    insert = "INSERT INTO records_reportline (report_id, position, reported, joined, why) VALUES (1, 9, 'x', false, '')"
    delete = "DELETE FROM records_report"
    with psycopg.connect(url) as one, psycopg.connect(url) as other, ThreadPoolExecutor(1) as pool:
        one.execute(insert)
        waiting = pool.submit(other.execute, delete)
        assert not wait([waiting], 0.3).done, "it waits until it is known whether there is a line"
        one.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="has lines"):
            waiting.result(20)
        other.rollback()

        one.execute("DELETE FROM records_reportline")
        one.commit()
        one.execute(delete)
        waiting = pool.submit(other.execute, insert)
        assert not wait([waiting], 0.3).done, "it waits until it is known whether there is a report"
        one.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="which is not there"):
            waiting.result(20)
