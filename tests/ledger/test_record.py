"""Entries: in the act's transaction, canonical, gapless per case; in place afterwards; and never changed."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from django.db import DatabaseError, connection, connections, transaction

from openhotline.ledger import canonical, record, verify
from openhotline.ledger.entry import DISPOSE
from openhotline.ledger.merkle import leaf_hash
from openhotline.ledger.models import CaseCount, Payload, Sequenced, Staged
from openhotline.ledger.record import Act
from openhotline.rules.words import ANALYST, Actor

AT = datetime(2026, 5, 12, 10, 30, tzinfo=timezone(timedelta(hours=1)))
BY = Actor(ANALYST, "A07", auth="password+totp", session="0011aabb")

pytestmark = pytest.mark.django_db


def acts(count, case="26-00001-A"):
    return [
        Act("item.assess", ("item", str(n), 1), case=case, payload={"n": n, "words": "à la “carte”"})
        for n in range(count)
    ]


def whole(count=30):
    with transaction.atomic():
        record.record(acts(count), by=BY, at=AT)
        record.record([Act("house.opened", ("house", "1", 1))], by=BY, at=AT)
    record.sequence()


def test_an_entry_outside_a_transaction_is_a_programmers_error(monkeypatch):
    monkeypatch.setattr(connections["default"], "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="transaction"):
        record.record(acts(1), by=BY, at=AT)


@pytest.mark.parametrize("count", [1, 3, 60])
def test_entries_are_canonical_in_utc_and_gapless_in_their_case(count):
    record.record(acts(count), by=BY, at=AT)
    record.record(acts(2), by=BY, at=AT)
    rows = list(Staged.objects.order_by("id"))
    entries = [canonical.decode(bytes(row.entry)) for row in rows]
    assert [entry["case_n"] for entry in entries] == list(range(1, count + 3))
    assert {entry["at"] for entry in entries} == {"2026-05-12T09:30:00.000000Z"}
    assert entries[0]["obj"] == ["item", "0", 1]
    assert entries[0]["auth"] == {"method": "password+totp", "session": "0011aabb"}
    assert [bytes(row.entry) for row in rows] == [canonical.encode(entry) for entry in entries]


def test_odd_words_still_make_canonical_entries():
    odd = 'say "no"\\ \n\t\x01 e\u0301 \u2028 \ud800 \U0001f600'
    record.record([Act("item.note", ("item", "1", 1), case="26-00002-B", why=odd)], by=BY, at=AT)
    entry = canonical.decode(bytes(Staged.objects.get().entry))
    assert "é" in entry["why"], "normalised before it is hashed"
    [told] = verify.entries_of("26-00002-B")
    assert told.why == odd, "and whole in the payload"


def test_a_public_report_tells_no_monotonic_time():
    record.record(acts(1), by=BY, at=AT, coarse=True)
    assert canonical.decode(bytes(Staged.objects.get().entry))["clk"]["mono_ns"] == 0


def test_no_personal_data_is_in_the_log_itself():
    record.record(
        [Act("report.filed", ("report", "1", 1), payload={"reference": "secret words"})], by=BY, at=AT
    )
    assert b"secret" not in bytes(Staged.objects.get().entry)
    assert b"secret" not in bytes(Payload.objects.get().sealed)
    assert verify.entries_of("") == [] or verify.entries_of("")[0].payload == {"reference": "secret words"}


@pytest.mark.parametrize(
    "wrong",
    [
        Act("a" * 65, ("b", "c", 1)),
        Act("a", ("b", "c" * 129, 1)),
        Act("a", ("b", "c", 2**53)),
        Act("a", ("b", "c\n", 1)),
        Act("a", ("b", "c", 1), case="x" * 25),
        Act("a", ("b", "c", 1), prev="abc"),
        Act("a", ("b", "c", 1), on_behalf="e\u0301"),
    ],
)
def test_a_field_beyond_its_limit_is_refused_and_nothing_is_written(wrong):
    with pytest.raises(ValueError, match=r"ledger's field|version|hex digits"), transaction.atomic():
        record.record([*acts(3), wrong], by=BY, at=AT)
    assert Staged.objects.count() == CaseCount.objects.count() == 0


def test_no_reason_and_no_payload_is_too_long_to_be_kept():
    long = "because \ud800 " * 20_000
    record.record([Act("a", ("b", "c", 1), case="26-1", why=long, payload={"raw": long})], by=BY, at=AT)
    record.sequence()
    [told] = verify.entries_of("26-1")
    assert (told.why, told.payload["raw"], told.payload_state) == (long, long, "open")
    assert len(bytes(Staged.objects.get().entry)) <= 8192
    assert verify.verify().ok


def test_an_act_that_fails_leaves_no_entry_and_no_gap():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record.record(acts(5), by=BY, at=AT)
        _ = 1 / 0
    whole(4)
    assert verify.verify().ok
    assert [entry.entry["case_n"] for entry in verify.entries_of("26-00001-A")] == [1, 2, 3, 4]


def test_verify_finds_a_whole_log_whole_and_says_what_it_cannot_see():
    whole()
    verdict = verify.verify()
    assert (verdict.ok, verdict.exit_code, verdict.entries, verdict.first_bad) == (True, 0, 31, None)
    assert verdict.note == "removal from the end is not detectable"


def test_entries_that_wait_for_their_place_are_read_where_they_will_stand_and_nothing_is_written():
    record.record(acts(2), by=BY, at=AT)
    record.sequence()
    record.record(acts(3), by=BY, at=AT)
    early = verify.verify()
    assert (early.exit_code, early.entries, early.staged) == (0, 5, 3)
    assert "The last 3 wait" in early.why
    assert Sequenced.objects.count() == 2
    assert record.sequence() == 3
    assert record.sequence() == 0
    late = verify.verify()
    assert (late.exit_code, late.entries, late.staged, late.root) == (0, 5, 0, early.root)


def test_an_entry_that_waits_and_is_no_entry_is_tampered_with():
    record.record(acts(3), by=BY, at=AT)
    drop_the_wall()
    Staged.objects.filter(pk=Staged.objects.order_by("pk")[1].pk).update(entry=b"{}")
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad, verdict.entries) == (1, 1, 1)


def test_a_payload_that_vanished_is_incomplete_until_a_dispose_entry_says_so():
    whole(5)
    gone = Staged.objects.order_by("id")[2]
    Payload.objects.filter(staged__eid=gone.eid).delete()
    assert (verify.verify().exit_code, verify.verify().first_bad) == (2, 2)
    record.record([Act(DISPOSE, ("payload", str(gone.eid), 1))], by=BY, at=AT)
    record.sequence()
    assert verify.verify().exit_code == 0


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger_staged SET case_ref = 'x'",
        "DELETE FROM ledger_staged",
        "UPDATE ledger_sequence SET idx = idx + 100",
        "DELETE FROM ledger_sequence",
    ],
)
def test_the_database_refuses_to_change_the_log(attack):
    whole(3)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attack)
    assert verify.verify().ok


def test_the_database_refuses_to_replace_or_truncate():
    whole(3)
    row = Sequenced.objects.get(idx=0)
    attack = (
        "TRUNCATE ledger_sequence"
        if connection.vendor == "postgresql"
        else (
            f"INSERT OR REPLACE INTO ledger_sequence (idx, staged_id, leaf) VALUES (0, {row.staged_id}, x'00')"
        )
    )
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attack)


def drop_the_wall():
    """What an administrator with the database's own password could do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in ("ledger_staged", "ledger_sequence"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


def test_every_byte_of_every_entry_that_is_flipped_is_found_at_its_place():
    whole(4)
    drop_the_wall()
    flips = 0
    for row in Sequenced.objects.select_related("staged").order_by("idx"):
        entry = bytes(row.staged.entry)
        for place in range(len(entry)):
            changed = bytearray(entry)
            changed[place] ^= 1 << (place % 8)
            Staged.objects.filter(pk=row.staged_id).update(entry=bytes(changed))
            verdict = verify.verify()
            assert (verdict.exit_code, verdict.first_bad) == (1, row.idx), place
            flips += 1
        Staged.objects.filter(pk=row.staged_id).update(entry=entry)
    assert flips > 1000
    assert verify.verify().ok


def test_a_change_with_a_leaf_that_fits_still_changes_the_root():
    whole(4)
    root = verify.verify().root
    drop_the_wall()
    row = Sequenced.objects.select_related("staged").get(idx=2)
    value = json.loads(bytes(row.staged.entry))
    value["why"] = "another reason"
    forged = canonical.encode(value)
    Staged.objects.filter(pk=row.staged_id).update(entry=forged)
    Sequenced.objects.filter(pk=row.pk).update(leaf=leaf_hash(forged))
    assert verify.verify().root != root


def test_swapping_splicing_and_cutting_out_are_found():
    whole(6)
    drop_the_wall()
    first, second = Sequenced.objects.order_by("idx")[1:3]
    ids = (first.staged_id, second.staged_id)
    Sequenced.objects.filter(pk=first.pk).delete()
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad) == (1, 1)
    Sequenced.objects.filter(pk=second.pk).delete()
    Sequenced.objects.create(idx=1, staged_id=ids[1], leaf=bytes(second.leaf))
    Sequenced.objects.create(idx=2, staged_id=ids[0], leaf=bytes(first.leaf))
    verdict = verify.verify()
    assert (verdict.exit_code, verdict.first_bad) == (1, 1), "case_n tells the order"


def test_an_entry_made_up_and_put_in_with_its_leaf_is_found():
    whole(3)
    drop_the_wall()
    row = Staged.objects.order_by("id").first()
    value = json.loads(bytes(row.entry))
    value["who"] = "A99"
    forged = canonical.encode(value)
    Staged.objects.filter(pk=row.pk).update(entry=forged)
    before = verify.verify()
    assert (before.exit_code, before.first_bad) == (1, 0)
