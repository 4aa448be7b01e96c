"""Places are gapless, nobody is overtaken inside a case, and whoever commits late is not lost."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.db import connection

from openhotline.ledger import record, sequencer, verify
from openhotline.ledger.models import Sequenced, Staged
from openhotline.ledger.record import Act
from openhotline.rules.words import ANALYST, Actor

AT = datetime(2026, 5, 12, tzinfo=UTC)
BY = Actor(ANALYST, "A07")

# Writers and a sequencer as processes of their own. Ten cases for all, so that they meet all the time.
WRITER = """
import sys, django
django.setup()
from datetime import UTC, datetime
from django.db import transaction
from openhotline.ledger.record import Act, record
from openhotline.rules.words import MACHINE_WORKER
for turn in range(25):
    try:
        with transaction.atomic():
            record([Act("item.note", ("item", str(n), 1), case=f"26-{n % 10}") for n in range(3 + turn % 2 * 60)],
                   by=MACHINE_WORKER, at=datetime.now(UTC))
            if turn % 5 == 4:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
"""
SEQUENCER = """
import time, django
django.setup()
from openhotline.ledger.record import sequence
end = time.monotonic() + 4
while time.monotonic() < end:
    sequence(limit=40)
"""
VERDICT = """
import json, django
django.setup()
from openhotline.ledger.record import sequence
from openhotline.ledger.verify import verify
while sequence():
    pass
verdict = verify()
print(json.dumps([verdict.ok, verdict.entries, verdict.why]))
"""


def test_writers_and_sequencers_at_once_leave_no_gap(house_env: dict[str, str]) -> None:
    env = {**house_env, "DJANGO_SETTINGS_MODULE": "openhotline.django_settings"}

    def start(code: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", code], env=env, text=True, stdout=subprocess.PIPE)

    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "ledger", "-v", "0"], env=env, check=True, timeout=120
    )
    running = [start(WRITER), start(WRITER), start(SEQUENCER), start(SEQUENCER)]
    for process in running:
        process.communicate(timeout=120)
        assert process.returncode == 0
    out, _ = start(VERDICT).communicate(timeout=120)
    # Each writer: 25 turns of 3 and 63 in turn, every fifth of them rolled back.
    kept = sum(3 + turn % 2 * 60 for turn in range(25) if turn % 5 != 4)
    assert json.loads(out) == [True, 2 * kept, "Every entry is in its place and as it was written."]


@pytest.mark.django_db
def test_a_late_one_gets_its_place_by_the_remembered_hole_or_by_the_run_over_everything() -> None:
    if connection.vendor != "postgresql":
        return  # one writer at a time: nobody can be late
    record.record([Act("a", ("b", "c", 1)) for _ in range(6)], by=BY, at=AT)
    rows = list(Staged.objects.order_by("id").values("id", "eid", "entry", "case_ref", "case_n"))
    with connection.cursor() as cursor:
        # As if the third had not committed yet.
        cursor.execute("ALTER TABLE ledger_staged DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_staged WHERE id = %s", [rows[2]["id"]])
        cursor.execute("ALTER TABLE ledger_staged ENABLE TRIGGER ALL")
    assert record.sequence() == 5
    assert record.sequence() == 0
    Staged.objects.create(**rows[2])
    assert record.sequence() == 1
    assert Sequenced.objects.get(idx=5).staged_id == rows[2]["id"]
    assert record.sequence() == 0

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_sequence DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_sequence WHERE idx = 5")
    sequencer._memories.clear()  # another process, which saw no hole
    assert record.sequence() == 1


@pytest.mark.django_db
def test_an_entry_is_never_placed_before_an_earlier_one_of_its_case() -> None:
    if connection.vendor != "postgresql":
        return
    record.record([Act("a", ("b", "c", 1), case="26-1"), Act("a", ("b", "d", 1))], by=BY, at=AT)
    first = Staged.objects.order_by("id").values("id", "eid", "entry", "case_ref", "case_n")[0]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_staged DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_staged WHERE id = %s", [first["id"]])
        cursor.execute("ALTER TABLE ledger_staged ENABLE TRIGGER ALL")
    record.sequence()
    for memory in sequencer._memories.values():
        memory.holes.clear()  # forgotten: a quarter of an hour has passed
        memory.all_due = float("inf")
    Staged.objects.create(**first)
    assert record.sequence() == 0, "too late for the holes, and nothing calls for a run over everything"
    record.record([Act("a", ("b", "c", 2), case="26-1")], by=BY, at=AT)
    assert record.sequence() == 2
    sequencer._memories.clear()
    assert [entry.idx for entry in verify.entries_of("26-1")] == [1, 2]
    assert verify.verify().ok
