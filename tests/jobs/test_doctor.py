"""The doctor: sees what is unsafe, says it in a sentence with a remedy, and never falls over itself."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from openhotline.clock import WorldClock
from openhotline.jobs import doctor, doctor_machine, doctor_records
from openhotline.jobs.findings import OK, UNSAFE, WARNING, Finding
from openhotline.jobs.house import refuse_unsafe
from openhotline.ledger.record import sequence
from openhotline.policy import load as load_policy
from openhotline.policy.reading.agreements import text_of
from openhotline.records import sealing
from openhotline.records.models import AgreementVersion, House, Unit, User
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings
from tests.connectors.test_parsers import mmdb
from tests.journeys.cast import Day

ROOT = Path(__file__).resolve().parents[2]


def real(folder: Path, **more: Any) -> Settings:
    return Settings(kind="production", data_dir=folder, **more)


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """Places and keys, as `house.make_places` leaves them."""
    settings = real(tmp_path)
    sealing.create_intake_keys(settings.keys)
    for name in ("site.key", "django.secret"):
        (settings.keys / name).write_bytes(b"k" * 32)
        (settings.keys / name).chmod(0o600)
    settings.spool.mkdir(mode=0o700)
    return settings


def test_keys_that_others_can_read_are_unsafe(house: Settings) -> None:
    assert doctor_machine.keys_kept(house).level == OK
    (house.keys / "site.key").chmod(0o644)
    found = doctor_machine.keys_kept(house)
    assert found.level == UNSAFE and "site.key" in found.sentence and "chmod" in found.remedy
    (house.keys / "intake.key").unlink()
    assert "Missing: intake.key" in doctor_machine.keys_kept(house).sentence


def test_a_proxy_that_cannot_prove_itself_is_said(house: Settings) -> None:
    settings = real(
        house.data_dir, portal_base="https://portal.hotline.example", certificates_from="127.0.0.1"
    )
    assert "No client certificate" in doctor_machine.settings_fit(settings).sentence
    (settings.keys / "proxy.secret").write_text("5" * 64 + "\n")
    assert doctor_machine.settings_fit(settings).level == OK
    (settings.keys / "proxy.secret").write_text("short")
    assert doctor_machine.settings_fit(settings).level == WARNING


def test_a_spool_on_a_disk_is_measured_and_a_missing_one_is_unsafe(
    house: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_machine, "filesystem", lambda place: "ext4")
    assert "durable writes a second" in doctor_machine.spool(house).sentence
    monkeypatch.setattr(doctor_machine, "_flushes", lambda place: 3.0)
    assert doctor_machine.spool(house).level == WARNING
    monkeypatch.setattr(doctor_machine, "filesystem", lambda place: "tmpfs")
    assert doctor_machine.spool(house).level == UNSAFE, "reports would be lost when the machine stops"
    demo = Settings(kind="demo", data_dir=house.data_dir)
    assert doctor_machine.spool(demo).level == WARNING, "a demo may live in memory, and says so"
    house.spool.rmdir()
    assert doctor_machine.spool(house).level == UNSAFE


def test_little_room_is_unsafe_in_a_real_house_only(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor_machine.shutil.disk_usage(house.data_dir)._replace(total=100 << 30, free=1 << 30)
    monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda place: usage)
    assert doctor_machine.disk(house).level == UNSAFE
    assert doctor_machine.disk(Settings(kind="demo", data_dir=house.data_dir)).level == WARNING


def test_backups_that_are_old_or_missing_are_said(house: Settings) -> None:
    assert "No backup was ever made" in doctor_machine.backup(house).sentence
    last = house.data_dir / "last-backup.json"
    last.write_text(json.dumps({"at": "2020-01-01T00:00:00+00:00", "where": "/somewhere"}))
    assert doctor_machine.backup(house).level == WARNING
    last.write_text("half a fi")
    assert doctor_machine.backup(house).level == WARNING


def test_a_demo_counts_the_age_of_its_files_by_its_own_clock(tmp_path: Path) -> None:
    file = mmdb(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "GB"}}})
    WorldClock(tmp_path / "clock").set(datetime.now(UTC) + timedelta(days=10))
    demo = Settings(kind="demo", data_dir=tmp_path, mmdb=f"location={file}|made up")
    assert "c.mmdb (10 days old, made up)" in doctor_machine.mmdb(demo).sentence
    WorldClock(tmp_path / "clock").set(datetime.now(UTC) - timedelta(days=10))
    found = doctor_machine.mmdb(demo)
    assert found.level == WARNING and f"{file} is dated 10 days ahead" in found.sentence


def test_every_file_that_cannot_be_read_is_named(house: Settings, tmp_path: Path) -> None:
    damaged = tmp_path / "b.mmdb"
    damaged.write_bytes(b"nothing of the kind")
    named = Settings(kind="test", data_dir=house.data_dir, mmdb=f"origin=/nowhere/a.mmdb:location={damaged}")
    assert doctor_machine.mmdb(named).sentence == f"/nowhere/a.mmdb and {damaged} cannot be read."


def test_a_prober_that_is_away_is_a_warning_not_a_fault(house: Settings) -> None:
    found = doctor_machine.prober(house)
    assert found.level == WARNING and found.remedy == "openhotline up"


def test_a_look_that_falls_over_is_a_finding(house: Settings) -> None:
    def falls(settings: Settings) -> Finding:
        raise RuntimeError("the floor gave way")

    found = doctor._safely("floor", falls, house)
    assert found.level == WARNING and "the floor gave way" in found.sentence


@pytest.mark.django_db
def test_the_database_of_the_tests_is_durable_guarded_and_up_to_date(house: Settings) -> None:
    for look in (
        doctor_records.durable,
        doctor_records.migrated,
        doctor_records.ledger_guarded,
        doctor_records.ledger_in_order,
        doctor_records.letters,
        doctor_records.receipts,
    ):
        found = look(Settings(kind="test", data_dir=house.data_dir))
        assert found.level != UNSAFE, found


def drop_trigger(name: str, table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute(f'DROP TRIGGER "{name}"')


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_staged", "ledger_sequence"])
@pytest.mark.parametrize("ending", ["update", "delete", "replace", ""])
def test_a_ledger_that_lacks_one_guard_is_unsafe(house: Settings, table: str, ending: str) -> None:
    """The guards of the other table are no comfort. An empty ending: all of this table."""
    Day().public_report("http://img.example.net/1")
    sequence()
    if connection.vendor == "postgresql":
        names = [table] if not ending else []  # one trigger guards against all three
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            names = [name for (name,) in cursor.fetchall() if f"_no_{ending}" in name]
        assert names
    for name in names:
        drop_trigger(name, table)
    found = doctor_records.ledger_guarded(house)
    assert found.level == (UNSAFE if names else OK), found
    assert not names or (table in found.sentence and "Do not open the house" in found.remedy)


@pytest.mark.django_db
def test_demo_accounts_in_a_real_house_are_unsafe(house: Settings) -> None:
    from openhotline.clock import SystemClock

    assert "never set up" in doctor_records.house_kind(house).sentence
    House.objects.create(
        id=1, kind="production", country="gb", name="Example Hotline", created_at=SystemClock().now()
    )
    assert "no owner" in doctor_records.house_kind(house).sentence
    User.objects.create(username="o", role="owner", pseudonym="owner")
    assert doctor_records.house_kind(house).level == OK
    User.objects.create(username="d", role="analyst", pseudonym="A1", demo=True)
    found = doctor_records.house_kind(house)
    assert found.level == UNSAFE and "1 demo accounts" in found.sentence


@pytest.mark.django_db
def test_what_is_no_real_house_is_never_opened_as_one_nor_one_that_is_unsafe(
    house: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `up` and `demo` ask before they open anything."""
    monkeypatch.setattr(doctor_machine, "filesystem", lambda place: "ext4")
    monkeypatch.setattr(doctor_records, "filesystem", lambda place: "ext4")

    def refusal(settings: Settings = house) -> str:
        try:
            refuse_unsafe(settings)
        except Refused as refused:
            return refused.code
        return ""

    assert refusal() == "no-owner"
    made = House.objects.create(
        id=1,
        kind="production",
        country="gb",
        name="Example Hotline",
        created_at=datetime(2026, 5, 12, tzinfo=UTC),
    )
    User.objects.create(username="o", role="owner", pseudonym="owner")
    assert refusal() == ""
    assert refusal(Settings(kind="demo", data_dir=house.data_dir)) == "real-house"
    demo = User.objects.create(username="d", role="analyst", pseudonym="A1", demo=True)
    assert refusal() == "demo-accounts"
    demo.delete()
    (house.keys / "site.key").chmod(0o644)
    assert refusal() == "unsafe", "others can read a key"
    (house.keys / "site.key").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor_records, "_weak_sqlite", lambda: ["synchronous is 1"])
        patch.setattr(doctor_records, "_weak_postgres", lambda: ["fsync is off"])
        assert refusal() == "unsafe", "what is acknowledged might be lost"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor_machine, "filesystem", lambda place: "tmpfs")
        assert refusal() == "unsafe", "what was flushed would be gone with the machine"
    assert refusal() == ""
    with connection.cursor() as cursor:
        drop = "ALTER TABLE ledger_staged DISABLE TRIGGER USER"
        cursor.execute(drop if connection.vendor == "postgresql" else "DROP TRIGGER ledger_staged_no_update")
    Day().public_report("http://img.example.net/1")
    assert refusal() == "unsafe", "the ledger could be changed"
    House.objects.filter(pk=made.pk).update(kind="demo")
    assert refusal() == "demo-house"


@pytest.mark.parametrize(
    ("pragma", "said"),
    [
        ("synchronous=NORMAL", "synchronous is 1"),
        ("synchronous=OFF", "synchronous is 0"),
        ("foreign_keys=OFF", "foreign_keys is 0"),
    ],
)
@pytest.mark.once
def test_weak_settings_of_sqlite_are_named(tmp_path: Path, pragma: str, said: str, monkeypatch: Any) -> None:
    import sqlite3

    weak = sqlite3.connect(tmp_path / "weak.sqlite3", isolation_level=None)
    for statement in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", pragma):
        weak.execute(f"PRAGMA {statement}")

    class Weak:
        def cursor(self) -> Any:
            from contextlib import closing

            return closing(weak.cursor())

    monkeypatch.setattr(doctor_records, "connection", Weak())
    assert doctor_records._weak_sqlite() == [said]
    weak.close()


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "bad"),
    [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("zero_damaged_pages", "on"),
     ("ignore_checksum_failure", "on")],
)  # fmt: skip
def test_weak_settings_of_postgresql_are_named(name: str, bad: str, monkeypatch: Any) -> None:
    good = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "zero_damaged_pages": "off"}
    rows: list[tuple[str, str]] = list({**good, "ignore_checksum_failure": "off"}.items())

    class Server:
        """Answers as pg_settings does: those that were asked for."""

        def cursor(self) -> "Server":
            return self

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, _sql: str, wanted: list[list[str]]) -> None:
            self.wanted = wanted[0]

        def fetchall(self) -> list[tuple[str, str]]:
            return [row for row in rows if row[0] in self.wanted]

    monkeypatch.setattr(doctor_records, "connection", Server())
    assert doctor_records._weak_postgres() == []
    rows[:] = [(one, bad if one == name else value) for one, value in rows]
    assert doctor_records._weak_postgres() == [f"{name} is {bad}"]


@pytest.mark.once
def test_unsafe_settings_are_a_sentence_and_exit_code_one(tmp_path: Path) -> None:
    """Not a traceback, and never the value that was given: it may hold a password."""
    said = subprocess.run(
        [sys.executable, "-m", "openhotline.cli", "doctor", "--json"],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "OPENHOTLINE_DATA_DIR": str(tmp_path),
            "OPENHOTLINE_DATABASE_URL": "mysql://house:verysecret@db.example/house",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        said.returncode == 1
        and "Traceback" not in said.stderr
        and "verysecret" not in said.stdout + said.stderr
    )
    (check,) = json.loads(said.stdout)["checks"]
    assert check["name"] == "settings" and not check["ok"] and "postgresql://" in check["sentence"]
    assert set(check) == {"name", "ok", "level", "sentence", "remedy"}


@pytest.mark.once
def test_a_place_without_a_house_is_said_so(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "openhotline.cli", "doctor"],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "OPENHOTLINE_DATA_DIR": str(tmp_path / "none"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1 and "Traceback" not in said.stderr + said.stdout
    assert "openhotline owner create" in said.stdout


@pytest.mark.django_db
def test_a_unit_without_an_agreement_in_force_is_unsafe(house: Settings) -> None:
    unit = Unit.objects.create(key="NU", name="National unit", level="national", agreement="authorise-first")
    found = doctor_records.agreements(house)
    assert (found.level, found.sentence) == (
        OK,
        "In force: authorise-first/2026.1, notify-together/2026.1.",
    )
    row = AgreementVersion(key="authorise-first", version="authorise-first/2090.1", terms="{}")
    row.valid_from, row.proposed_at, row.agreed_at = date(2090, 1, 1), *(datetime.now(UTC),) * 2
    row.save()
    assert doctor_records.agreements(house).level == UNSAFE, "a row that nobody can read"
    (late, _) = load_policy("gb").agreements.versions
    row.terms = text_of(replace(late, version=row.version, valid_from=row.valid_from))
    row.save()
    found = doctor_records.agreements(house)
    assert (found.level, "today for: NU." in found.sentence) == (UNSAFE, True)
    unit.agreement = "notify-together"
    unit.save()
    assert "today for: authorise-first." in doctor_records.agreements(house).sentence
