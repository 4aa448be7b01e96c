"""A database in a stranger's hands: tables without constraints, rows of any kind. A verdict, never a crash."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from openhotline.ledger import record, verify
from openhotline.ledger.models import Payload, Staged
from openhotline.ledger.record import Act
from openhotline.rules.words import ANALYST, Actor

pytestmark = pytest.mark.django_db
SQLITE_ONLY = [
    "UPDATE ledger_sequence SET idx = 'three' WHERE idx = 3",
    "UPDATE ledger_sequence SET idx = 3.5 WHERE idx = 3",
    "UPDATE ledger_staged SET entry = CAST(x'ff22' AS TEXT) WHERE {third}",
    "UPDATE ledger_staged SET case_ref = CAST(x'ff' AS TEXT) WHERE {third}",
    "UPDATE ledger_staged SET eid = 7 WHERE {third}",
]
BOTH = [
    "UPDATE ledger_staged SET entry = '' WHERE {third}",
    "UPDATE ledger_staged SET entry = NULL WHERE {third}",
    "UPDATE ledger_staged SET case_n = NULL WHERE {third}",
    "UPDATE ledger_staged SET case_n = 77 WHERE {third}",
    "UPDATE ledger_staged SET case_ref = '26-9' WHERE {third}",
    "UPDATE ledger_staged SET eid = (SELECT eid FROM ledger_staged s ORDER BY id LIMIT 1) WHERE {third}",
    "UPDATE ledger_sequence SET leaf = NULL WHERE idx = 3",
    "UPDATE ledger_sequence SET staged_id = staged_id - 1 WHERE idx = 3",
    "UPDATE ledger_sequence SET staged_id = -1 WHERE idx = 3",
    "UPDATE ledger_sequence SET idx = 99 WHERE idx = 3",
    "DELETE FROM ledger_sequence WHERE idx = 3",
    "DELETE FROM ledger_staged WHERE {third}",
    "UPDATE ledger_payload SET sealed = '' WHERE staged_id = (SELECT id FROM ledger_staged WHERE {third})",
]


def strip() -> None:
    """Put bare copies in the tables' place: no trigger, no key, no constraint."""
    with connection.cursor() as cursor:
        for table in ("ledger_staged", "ledger_sequence"):
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_old")
            cursor.execute(f"CREATE TABLE {table} AS SELECT * FROM {table}_old")


@pytest.mark.parametrize("attack", [*BOTH, *SQLITE_ONLY])
def test_what_a_stranger_did_to_entry_3_is_found_there(attack: str) -> None:
    if attack in SQLITE_ONLY and connection.vendor != "sqlite":
        return
    acts = [Act("a", ("b", "c", 1), case="26-1", payload={"n": n}) for n in range(8)]
    record.record(acts, by=Actor(ANALYST, "A07"), at=datetime(2026, 5, 12, tzinfo=UTC))
    record.sequence()
    strip()
    third = "id = (SELECT staged_id FROM ledger_sequence WHERE idx = 3)"
    with connection.cursor() as cursor:
        cursor.execute(attack.format(third=third))
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad, verdict.entries) == (1, 3, 3), verdict.why


def test_a_cut_off_end_shows_where_the_counters_were_forgotten() -> None:
    acts = [Act("a", ("b", "c", 1), case="26-1", payload={"n": n}) for n in range(8)]
    record.record(acts, by=Actor(ANALYST, "A07"), at=datetime(2026, 5, 12, tzinfo=UTC))
    record.sequence()
    strip()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_staged WHERE id IN (SELECT staged_id FROM ledger_sequence WHERE idx > 5)"
        )
        cursor.execute("DELETE FROM ledger_sequence WHERE idx > 5")
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.entries) == (2, 6)
    assert "counters" in verdict.why and "belong to no entry" in verdict.why
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_case SET n = 6")
        cursor.execute("DELETE FROM ledger_payload WHERE staged_id NOT IN (SELECT id FROM ledger_staged)")
    assert verify.verify().ok, "this is what the note is about"
    assert verify.verify().note == "removal from the end is not detectable"


def test_the_same_entry_a_second_time_is_found_where_no_case_counts_it() -> None:
    record.record(
        [Act("a", ("b", str(n), 1)) for n in range(3)],
        by=Actor(ANALYST, "A07"),
        at=datetime(2026, 5, 12, tzinfo=UTC),
    )
    record.sequence()
    strip()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_staged (id, eid, entry, case_ref, case_n)"
            " SELECT s.id + 100, s.eid, s.entry, s.case_ref, s.case_n FROM ledger_staged s"
            " JOIN ledger_sequence q ON q.staged_id = s.id WHERE q.idx = 1"
        )
        cursor.execute(
            "INSERT INTO ledger_sequence (idx, staged_id, leaf)"
            " SELECT 3, staged_id + 100, leaf FROM ledger_sequence WHERE idx = 1"
        )
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad) == (1, 3) and "second time" in verdict.why


def test_a_payload_exchanged_by_whoever_holds_the_site_key_is_not_what_was_committed_to() -> None:
    acts = [Act("a", ("b", "c", 1), case="26-1", payload={"n": n}) for n in range(3)]
    record.record(acts, by=Actor(ANALYST, "A07"), at=datetime(2026, 5, 12, tzinfo=UTC))
    record.sequence()
    row = Staged.objects.order_by("id")[1]
    sealed = record.context().sealer.seal(row.eid.bytes, b"n" * 12, b"s" * 32, b'{"n":7}')
    Payload.objects.filter(staged=row).update(sealed=sealed)
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad) == (1, 1) and "commits to" in verdict.why
