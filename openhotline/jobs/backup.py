"""A consistent copy of a house, sealed to its recovery key. The house goes on meanwhile.

True here: the spool is copied before the database is looked at, so no acknowledged report falls between
them; the database is one snapshot; the ledger's size and root are those of that snapshot; nothing lies in
the target unsealed but the manifest, which names no case. The keys are not in it (`recovery.backup_keys`).
Not here: putting a house back (`restore`).
"""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from openhotline import __version__
from openhotline.jobs import pgcopy
from openhotline.jobs.manifest import (
    DATABASE_FILE,
    FILES_FILE,
    FORM,
    MAC,
    MANIFEST,
    PREFIX,
    LedgerHead,
    Manifest,
    Told,
    head_of,
    mac_of,
    quiet,
    towards,
)
from openhotline.jobs.recovery import seal_file, sync_folder, write_new
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings

LAST = "last-backup.json"  # in the data directory: doctor reads it
# What is in the data directory and not in a backup: keys (apart), sockets, what can be made again, and
# half-filled forms, which are erased within the hour.
LEFT_OUT = ("keys", "run", "static", "drafts", "world", "restore-not-verified", LAST)


def make(
    settings: Settings, *, to: Path, recipient: str, at: datetime, told: Told = quiet
) -> tuple[Path, Manifest]:
    """Make one backup in a new folder below `to`. Returns the folder and its manifest.

    Raises Refused where the house has no keys, where `to` lies inside it, or where there is no room.
    A ledger that is not whole does not stop a backup: the manifest says so, and so must the caller.
    """
    if not (settings.keys / "site.key").exists():
        raise Refused(
            f"There is no house in {settings.data}. Is OPENHOTLINE_DATA_DIR right?", code="no-house"
        )
    if to.resolve().is_relative_to(settings.data.resolve()):
        raise Refused("Keep backups away from the house: choose a place outside its data.", code="inside")
    final = to / f"{PREFIX}{at:%Y%m%dT%H%M%SZ}"
    if final.exists():
        raise Refused(f"{final} exists already. Wait a second and try again.", code="exists")
    with _workshop(settings, to) as (work, partial):
        files_tar = work / "files.tar"
        _collect_files(settings, files_tar, told)
        database = work / "database"
        vendor, migrations, head = _copy_database(settings, database, told)
        sealed = []
        for plain, name in ((database, DATABASE_FILE), (files_tar, FILES_FILE)):
            step = towards(told, f"Sealing {name}", plain.stat().st_size)
            sealed.append(seal_file(plain, partial / name, recipient, step))
            plain.unlink()
        manifest = Manifest(
            form=FORM,
            software=__version__,
            made_at=at.isoformat(),
            kind=settings.kind,
            name=settings.hotline_name,
            database=vendor,
            migrations=migrations,
            ledger=head,
            recipient=recipient,
            files=tuple(sealed),
        )
        data = manifest.to_json()
        write_new(partial / MANIFEST, data, mode=0o644)
        write_new(
            partial / MAC, f"{mac_of(data, (settings.keys / 'site.key').read_bytes())}\n".encode(), mode=0o644
        )
        sync_folder(partial)
        partial.rename(final)
        sync_folder(to)
    _remember(settings, final, at)
    return final, manifest


@contextmanager
def _workshop(settings: Settings, to: Path) -> Iterator[tuple[Path, Path]]:
    """A private folder in the house for what is not sealed yet, and a half-done folder in the target."""
    to.mkdir(parents=True, exist_ok=True)
    needed = 2 * _size_of_house(settings) + 64 * 1024 * 1024
    for place in (settings.data, to):
        free = shutil.disk_usage(place).free
        if free < needed:
            raise Refused(
                f"There is no room in {place}: about {needed >> 20} MiB are needed, {free >> 20} MiB are free.",
                code="no-room",
            )
    work = Path(tempfile.mkdtemp(prefix=".backup-", dir=settings.data))
    partial = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=to))
    try:
        yield work, partial
    except OSError as fault:
        raise Refused(
            f"The backup could not be written ({fault.strerror or fault}). Nothing was kept.",
            code="not-written",
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)


def _size_of_house(settings: Settings) -> int:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    return sum(file.stat().st_size for file in _database_files() if file.exists())


def _database_files() -> tuple[Path, ...]:
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    return tuple(Path(f"{name}{end}") for end in ("", "-wal", "-shm", "-journal"))


def _collect_files(settings: Settings, target: Path, told: Told) -> None:
    """The spool first, in the order that loses nothing while it is being filed; then what else lies there.

    Position, segments, held: each is at least as old as what follows it, and all are older than the
    database. A record may so be filed twice, which changes nothing; none can be missed.
    """
    spool = settings.spool
    first = [spool / "position.json", *sorted(spool.glob("*.seg")), *sorted((spool / "held").glob("*"))]
    skip = {*first, *((path.absolute()) for path in _database_files())}
    rest = [
        path
        for path in sorted(settings.data.rglob("*"))
        if path not in skip
        and path.absolute() not in skip
        and path.relative_to(settings.data).parts[0] not in LEFT_OUT
        and not path.relative_to(settings.data).parts[0].startswith(".")
        and not path.name.startswith((".", "test.sqlite3"))
    ]
    files = [*first, *rest]
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for count, path in enumerate(files, 1):
            told("Copying files", count, len(files))
            _add(archive, path, settings.data)


def _add(archive: tarfile.TarFile, path: Path, base: Path) -> None:
    """Add a regular file as it is at this moment; one that has been filed and deleted meanwhile is not missed."""
    try:
        with path.open("rb") as source:
            data = source.read() if path.is_file() and not path.is_symlink() else None
    except (FileNotFoundError, IsADirectoryError, OSError):
        return
    if data is None:
        return
    member = tarfile.TarInfo(str(path.relative_to(base)))
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _copy_database(
    settings: Settings, target: Path, told: Told
) -> tuple[str, tuple[tuple[str, str], ...], LedgerHead]:
    from django.db import connection

    if connection.vendor == "postgresql":
        return ("postgresql", *pgcopy.copy_out(target, told))
    copy_sqlite(Path(str(connection.settings_dict["NAME"])), target, told)
    return "sqlite", sqlite_migrations(target), verify_copy(settings, target, told)


def copy_sqlite(source: Path, target: Path, told: Told) -> None:
    """One snapshot of a living SQLite database, by its backup API. Writers go on.

    A read transaction held on the source keeps the snapshot still, so the copy never starts anew.
    """
    if not source.exists():
        raise Refused(f"There is no database at {source}.", code="no-house")
    living = sqlite3.connect(f"file:{source}?mode=rw", uri=True, isolation_level=None, timeout=20)
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        living.execute("BEGIN")
        living.execute("SELECT count(*) FROM sqlite_master").fetchone()
        living.backup(
            copy,
            pages=2048,
            sleep=0.001,
            progress=lambda status, left, total: told("Copying the database", total - left, total),
        )
        living.execute("COMMIT")
        copy.execute("PRAGMA journal_mode=DELETE")
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    finally:
        living.close()
        copy.close()
    if found != "ok":
        raise Refused(f"SQLite finds the database damaged: {found}. See the runbook, “Disk”.", code="damaged")


def sqlite_migrations(file: Path) -> tuple[tuple[str, str], ...]:
    """Which migrations a copy has."""
    with sqlite3.connect(file) as copy:
        rows = copy.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    copy.close()
    return tuple((app, name) for app, name in rows)


def verify_copy(settings: Settings, copy: Path, told: Told) -> LedgerHead:
    """Let another process verify the ledger of a copy, so that the root in the manifest is the copy's own."""
    told("Verifying the ledger of the copy", 0, 0)
    said = subprocess.run(
        [sys.executable, "-m", "openhotline.jobs.verdict"],
        env={
            **os.environ,
            "OPENHOTLINE_DATABASE_URL": f"sqlite:///{copy.absolute()}",
            "OPENHOTLINE_DATA_DIR": str(settings.data.absolute()),
            "OPENHOTLINE_KIND": settings.kind,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    _settle_copy(copy)
    return head_of(said.stdout, said.stderr)


def _settle_copy(copy: Path) -> None:
    """Back to one plain file, whatever a reader left beside it."""
    settled = sqlite3.connect(copy, isolation_level=None)
    settled.execute("PRAGMA journal_mode=DELETE")
    settled.close()


def _remember(settings: Settings, folder: Path, at: datetime) -> None:
    file = settings.data / LAST
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps({"at": at.isoformat(), "where": str(folder)}) + "\n")
    temporary.replace(file)
