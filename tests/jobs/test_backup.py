"""The drill: a house is backed up while it works, lost, put back elsewhere, and proves itself whole.

Also what must not come back: a damaged backup, another house's, an older ledger than promised; and what must
never be overwritten. Everything through the one command, as an operator types it.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from openhotline.clock import SystemClock
from openhotline.jobs import recovery
from openhotline.jobs.backup import copy_sqlite
from openhotline.jobs.manifest import Manifest, quiet
from openhotline.jobs.supervise import NOT_VERIFIED
from openhotline.records import sealing, spool
from openhotline.rules.incoming import public
from openhotline.rules.refusals import Refused
from tests.houses import fresh_house

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "five plain words for tests"


def command(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openhotline.cli", *arguments],
        env={**env, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def done(env: dict[str, str], *arguments: str) -> str:
    said = command(env, *arguments)
    assert said.returncode == 0, said.stderr + said.stdout
    return said.stdout


class Kept(NamedTuple):
    """A house that was backed up: its environment, and the three things kept in three places."""

    env: dict[str, str]
    backups: Path
    keys: Path
    recovery: Path
    words: Path

    def back(self, env: dict[str, str], **other: Path) -> subprocess.CompletedProcess[str]:
        kept = {**self._asdict(), **other}
        return command(
            env, "restore", str(kept["backups"]), "--verify", "--recovery", str(kept["recovery"]),
            "--keys", str(kept["keys"]), "--passphrase-file", str(kept["words"]), "--json",
        )  # fmt: skip

    @property
    def folder(self) -> Path:
        (found,) = self.backups.iterdir()
        return found


def together(env: dict[str, str], *commands: tuple[str, ...]) -> None:
    """Several commands, one after the other, in one process: starting one takes longer than most of them."""
    program = (
        "import json, sys\n"
        "from openhotline.cli import app\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try: app(words, standalone_mode=False)\n"
        "    except SystemExit as end: assert not end.code, words\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)],
        env={**env, "PYTHONPATH": str(ROOT)},
        cwd="/",
        check=True,
        stdout=subprocess.DEVNULL,
    )


PUT = (
    "from openhotline.outbox import queue; from openhotline.rules.words import MACHINE_WORKER as m; "
    "from openhotline.clock import SystemClock as c; n = c().now(); "
    "queue.put('police-told', number='P-26-0001-X', recipient='desk@police.example', transport='mail', "
    "at=n, by=m, subject='s', text='t')"
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A small house with reports, a letter waiting to leave and one report in the spool, backed up."""
    place = tmp_path_factory.mktemp("origin")
    env = fresh_house(place)
    words, sealed, data = place / "words", place / "sealed.age", Path(env["OPENHOTLINE_DATA_DIR"])
    words.write_text(PASSPHRASE + "\n")
    together(
        env,
        ("owner", "create", "--username", "owner"),
        ("keys", "recovery", "--to", str(sealed), "--passphrase-file", str(words)),
        ("keys", "backup", "--to", str(place / "keys")),
    )
    report = public(uuid4(), ("http://site3.example/c",), SystemClock().now())
    box = spool.Spool(data / "spool")
    box.append(
        spool.SENT,
        [(report.report_id, sealing.seal(report.to_json(), sealing.public_key(data / "keys")))],
    )
    box.close()
    together(
        env,
        ("report", "add", "http://site1.example/a", "http://site2.example/b"),
        ("ledger", "sequence"),
        ("report", "add", "http://site5.example/e"),  # staged, as in any house at work
        ("manage", "shell", "--no-imports", "-c", PUT),
    )
    said = json.loads(done(env, "backup", "--to", str(place / "backups"), "--json"))
    assert said["ledger_ok"] and said["entries"] > 0
    (keys,) = (place / "keys").iterdir()
    return Kept(env, place / "backups", keys, sealed, words)


@pytest.fixture
def kept(origin: Kept, tmp_path: Path) -> Kept:
    """The same three things, to be damaged; the recovery key without its passphrase, which takes seconds."""
    identity = recovery.open_identity(origin.recovery, lambda: PASSPHRASE)
    opened = tmp_path / "recovery.txt"
    opened.write_text(f"{identity}\n")
    keys = shutil.copy(origin.keys, tmp_path)
    return origin._replace(
        backups=shutil.copytree(origin.backups, tmp_path / "backups"), keys=Path(keys), recovery=opened
    )


def shut(env: dict[str, str]) -> bool:
    data = Path(env["OPENHOTLINE_DATA_DIR"])
    return (data / NOT_VERIFIED).exists() or not (data / "keys").exists()


@pytest.mark.both
def test_the_drill(origin: Kept, tmp_path: Path) -> None:
    """Put back on a new machine: the ledger, every report and the unread spool are there; then it is no longer empty."""
    new = fresh_house(tmp_path / "new")
    said = origin.back(new)
    assert said.returncode == 0, said.stderr + said.stdout
    result = json.loads(said.stdout)
    verdict = json.loads(done(new, "ledger", "verify", "--json"))
    assert verdict["ok"] and verdict["entries"] > result["entries"], "and the restore itself is entered"
    assert items(new) == items(origin.env)
    data = Path(new["OPENHOTLINE_DATA_DIR"])
    assert len(spool.Reader(data / "spool").read(10)) == 1
    assert (data / "keys" / "site.key").stat().st_mode & 0o077 == 0
    looked = json.loads(done(new, "doctor", "--json"))
    assert looked["ok"] and not shut(new)
    # The backup knows a letter as waiting; the relay may have had it an hour later. A person decides.
    assert result["in_doubt"] == 1
    letters = next(check for check in looked["checks"] if check["name"] == "letters")
    assert letters["level"] == "warning" and "1 in doubt" in letters["sentence"]
    # It takes new reports: numbers go on where they stopped, nothing collides.
    done(new, "report", "add", "http://site6.example/f")
    again = origin.back(new)
    assert again.returncode == 1 and "not empty" in again.stderr


def items(env: dict[str, str]) -> list[str]:
    return sorted(row["reference"] for row in json.loads(done(env, "queue", "--json"))["items"])


@pytest.mark.both
@pytest.mark.parametrize("name", ["database.age", "files.tar.age", "manifest.json", "manifest.mac", "keys"])
def test_one_flipped_bit_anywhere_and_nothing_comes_back(kept: Kept, tmp_path: Path, name: str) -> None:
    file = kept.keys if name == "keys" else kept.folder / name
    whole = bytearray(file.read_bytes())
    whole[len(whole) * 2 // 3] ^= 4
    file.write_bytes(whole)
    new = fresh_house(tmp_path / "new")
    said = kept.back(new)
    assert said.returncode == 1 and "Traceback" not in said.stderr
    assert "damaged" in said.stderr or "does not" in said.stderr or "changed since" in said.stderr
    assert shut(new)


@pytest.mark.both
def test_a_backup_that_says_another_root_stays_shut(kept: Kept, tmp_path: Path) -> None:
    """Whoever holds the keys could rewrite the manifest too. The ledger still disagrees."""
    from openhotline.jobs.manifest import mac_of

    value = json.loads((kept.folder / "manifest.json").read_text())
    value["ledger"]["root"] = "00" * 32
    data = Manifest.from_json(json.dumps(value).encode()).to_json()
    site_key = Path(kept.env["OPENHOTLINE_DATA_DIR"]) / "keys" / "site.key"
    (kept.folder / "manifest.json").write_bytes(data)
    (kept.folder / "manifest.mac").write_text(mac_of(data, site_key.read_bytes()))
    new = fresh_house(tmp_path / "new")
    said = kept.back(new)
    assert said.returncode == 1 and "The house stays shut" in said.stderr
    opened = command(new, "up")
    assert opened.returncode == 1 and "stays shut" in opened.stderr
    assert json.loads(command(new, "doctor", "--json").stdout)["ok"] is False


def test_the_wrong_passphrase_opens_nothing(origin: Kept, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not these words at all\n")
    new = fresh_house(tmp_path / "new")
    said = origin.back(new, words=other)
    assert said.returncode == 1 and "the passphrase is wrong" in said.stderr


def test_without_verify_there_is_no_restore(kept: Kept, tmp_path: Path) -> None:
    new = fresh_house(tmp_path / "new")
    said = command(new, "restore", str(kept.backups), "--recovery", str(kept.recovery))
    assert said.returncode == 1 and "Add --verify" in said.stderr


def test_a_house_without_a_recovery_key_is_told_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="openhotline keys recovery --to FILE"):
        recovery.recipient_of(tmp_path)


@pytest.mark.both
def test_nothing_lies_open_in_a_backup(kept: Kept) -> None:
    for file in kept.folder.iterdir():
        data = file.read_bytes()
        assert b"site1.example" not in data and b"SQLite format" not in data
    assert {file.name for file in kept.folder.iterdir()} == {
        "manifest.json", "manifest.mac", "database.age", "files.tar.age",
    }  # fmt: skip
    data = Path(kept.env["OPENHOTLINE_DATA_DIR"])
    assert not list(data.glob(".backup-*")), "what was not sealed yet is gone"


def test_a_copy_of_a_living_sqlite_database_is_one_moment_of_it(tmp_path: Path) -> None:
    """Writers go on; the copy neither starts anew nor mixes two moments."""
    living = tmp_path / "living.sqlite3"
    with sqlite3.connect(living, isolation_level=None) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE pair (a INTEGER, b INTEGER, filler BLOB)")
        made.execute("BEGIN")
        made.executemany("INSERT INTO pair VALUES (?, ?, zeroblob(2000))", [(n, n) for n in range(8000)])
        made.execute("COMMIT")
    made.close()
    stop = threading.Event()

    def write() -> None:
        mine = sqlite3.connect(living, isolation_level=None, timeout=20)
        number = 8000
        while not stop.is_set():
            mine.execute("BEGIN IMMEDIATE")
            mine.execute("INSERT INTO pair VALUES (?, 0, '')", [number])
            mine.execute("UPDATE pair SET b = ? WHERE a = ?", [number, number])
            mine.execute("COMMIT")
            number += 1
        mine.close()

    writer = threading.Thread(target=write)
    writer.start()
    progress: list[int] = []
    try:
        copy_sqlite(living, tmp_path / "copy", lambda what, at, total: progress.append(at))
    finally:
        stop.set()
        writer.join()
    copy = sqlite3.connect(tmp_path / "copy")
    assert copy.execute("SELECT count(*) FROM pair WHERE a <> b").fetchone() == (0,)
    assert copy.execute("SELECT count(*) >= 8000 FROM pair").fetchone() == (1,)
    copy.close()
    assert progress == sorted(progress), "the copy started anew"


def test_keys_are_never_overwritten_and_the_recovery_key_never_stays(tmp_path: Path) -> None:
    keys = tmp_path / "house" / "keys"
    sealing.create_intake_keys(keys)
    (keys / "site.key").write_bytes(b"k" * 32)
    with pytest.raises(Refused, match="away from the house"):
        recovery.create(keys, tmp_path / "house" / "recovery.age", PASSPHRASE)
    with pytest.raises(Refused, match="12 characters"):
        recovery.create(keys, tmp_path / "recovery.age", "short")
    made = recovery.create(keys, tmp_path / "recovery.age", PASSPHRASE)
    with pytest.raises(Refused, match="has a recovery key already"):
        recovery.create(keys, tmp_path / "second.age", PASSPHRASE)
    assert recovery.recipient_of(keys) == made
    assert not any(
        b"AGE-SECRET-KEY" in file.read_bytes() and file.name != "intake.key" for file in keys.iterdir()
    )
    file = recovery.backup_keys(keys, tmp_path / "safe", recipient=made, at=SystemClock().now())
    identity = recovery.open_identity(tmp_path / "recovery.age", lambda: PASSPHRASE)
    recovery.restore_keys(file, identity, tmp_path / "other")
    assert {p.name: p.read_bytes() for p in (tmp_path / "other").iterdir()} == {
        p.name: p.read_bytes() for p in keys.iterdir()
    }
    with pytest.raises(Refused, match="never overwritten"):
        recovery.restore_keys(file, identity, tmp_path / "other")


def test_a_full_target_is_said_in_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openhotline.jobs import backup
    from openhotline.settings import Settings

    settings = Settings(kind="test", data_dir=tmp_path / "house")
    (settings.keys).mkdir(parents=True)
    (settings.keys / "site.key").write_bytes(b"k" * 32)
    usage: Any = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(backup, "_size_of_house", lambda settings: 1)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(Refused, match="There is no room"):
        backup.make(settings, to=tmp_path / "to", recipient="age1", at=SystemClock().now(), told=quiet)
    assert list((tmp_path / "to").iterdir()) == []
