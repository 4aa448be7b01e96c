"""Putting a house back from a backup, into an empty place, and proving that it is whole.

True here: nothing that exists is overwritten; every digest is compared before anything is put in place; the
house stays shut (`supervise.NOT_VERIFIED`) until its ledger shows the root the manifest names. What could
not be verified is a failure. Letters that may have left since the backup go in doubt: a restore never sends
a second time. Not here: making a backup.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from openhotline.jobs import house, pgcopy, recovery
from openhotline.jobs.arrived import compare_mac, compare_sealed, find, read, understood
from openhotline.jobs.backup import sqlite_migrations
from openhotline.jobs.manifest import (
    DATABASE_FILE,
    FILES_FILE,
    MANIFEST,
    LedgerHead,
    Manifest,
    Told,
    quiet,
    towards,
)
from openhotline.jobs.supervise import NOT_VERIFIED
from openhotline.jobs.verdict import head_of_this_house
from openhotline.ledger.record import Act, record, sequence
from openhotline.outbox import settling
from openhotline.outbox.models import PENDING, SENDING, Letter
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.settings import Settings

STAYS_SHUT = "The house stays shut. Empty its place and restore another backup."


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: from which backup, the ledger as verified, and letters now in doubt."""

    folder: Path
    made_at: str
    entries: int
    root: str
    in_doubt: int


def restore(
    settings: Settings,
    place: Path,
    *,
    recovery_file: Path,
    passphrase: Callable[[], str],
    keys_file: Path | None,
    by: Actor,
    told: Told = quiet,
) -> Restored:
    """Restore the backup in `place` into this empty house and verify it. Raises Refused otherwise.

    `keys_file` is a keys backup; None where the keys lie in the house's keys folder already.
    """
    folder = find(place)
    data = read(folder / MANIFEST)
    manifest = understood(data)
    _refuse_unless_empty(settings, manifest, keys_file)
    compare_sealed(folder, manifest, told)
    identity = recovery.open_identity(recovery_file, passphrase)
    settings.data.mkdir(parents=True, exist_ok=True)
    mark = settings.data / NOT_VERIFIED
    work = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.data))
    try:
        if keys_file is not None:
            recovery.restore_keys(keys_file, identity, work / "keys")
            keys = work / "keys"
        else:
            keys = settings.keys
        compare_mac(folder, data, keys)
        for sealed, name in ((DATABASE_FILE, "database"), (FILES_FILE, "files.tar")):
            expected = next((file for file in manifest.files if file.name == sealed), None)
            if expected is None:
                raise Refused(f"The backup lacks {sealed}. Use another backup.", code="damaged")
            step = towards(told, f"Opening {sealed}", expected.sealed_size)
            recovery.open_file(folder / sealed, work / name, identity, expected, step)
        mark.write_text(f"{folder.name}\n")
        recovery.sync_folder(settings.data)
        if keys_file is not None:
            (work / "keys").rename(settings.keys)
        _put_files(work / "files.tar", settings.data)
        house.make_places(settings)
        apps.get_app_config("records").ready()  # the keys are here now
        _put_database(work / "database", manifest, told)
        restored = _verify(folder, manifest, told)
    except (OSError, tarfile.TarError) as fault:
        raise Refused(
            f"The restore could not be finished ({fault}). {STAYS_SHUT}", code="not-restored"
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    house.migrate()
    at = settings.clock().now()
    doubtful = _after(manifest, folder, by=by, at=at)
    while sequence():
        told("Putting the last entries in order", 0, 0)
    mark.unlink()
    recovery.sync_folder(settings.data)
    return Restored(folder, manifest.made_at, restored.entries, restored.root, doubtful)


def _refuse_unless_empty(settings: Settings, manifest: Manifest, keys_file: Path | None) -> None:
    wanted = "postgresql" if settings.postgres else "sqlite"
    if manifest.database != wanted:
        raise Refused(
            f"This backup is of a house on {manifest.database}; this house is set up for {wanted}. "
            "Set OPENHOTLINE_DATABASE_URL accordingly.",
            code="other-database",
        )
    allowed = set() if keys_file is not None else {"keys"}
    there = {path.name for path in settings.data.iterdir()} - allowed if settings.data.is_dir() else set()
    if there:
        raise Refused(
            f"{settings.data} is not empty ({', '.join(sorted(there)[:3])}). A restore goes into an empty place only: "
            "choose another OPENHOTLINE_DATA_DIR.",
            code="not-empty",
        )
    if keys_file is None and not (settings.keys / "site.key").exists():
        raise Refused("The house's keys are needed: add --keys FILE, the keys backup.", code="no-keys")
    if settings.postgres and not pgcopy.is_empty():
        raise Refused(
            "The PostgreSQL database is not empty. A restore goes into an empty one only: make a new one and name it "
            "in OPENHOTLINE_DATABASE_URL.",
            code="not-empty",
        )
    if not settings.postgres and Path(str(connection.settings_dict["NAME"])).exists():
        raise Refused(
            "There is a database already. A restore goes into an empty place only.", code="not-empty"
        )


def _put_files(archive: Path, data: Path) -> None:
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            name, content = Path(member.name), opened.extractfile(member) if member.isfile() else None
            if content is None or name.is_absolute() or ".." in name.parts:
                raise Refused(f"The backup holds something odd: {member.name}. {STAYS_SHUT}", code="damaged")
            target = data / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            recovery.write_new(target, content.read())
    for folder in (data / "spool", data / "spool" / "held"):
        if folder.is_dir():
            recovery.sync_folder(folder)


def _put_database(file: Path, manifest: Manifest, told: Told) -> None:
    if connection.vendor == "postgresql":
        _migrate_to(manifest)
        pgcopy.copy_in(file, told)
        return
    if sqlite_migrations(file) != manifest.migrations:
        raise Refused(f"The database is not the one the manifest describes. {STAYS_SHUT}", code="damaged")
    _refuse_unknown(manifest)
    connection.close()
    target = Path(str(connection.settings_dict["NAME"]))
    with file.open("rb") as source:
        os.fsync(source.fileno())
    shutil.move(file, target)
    target.chmod(0o640)
    recovery.sync_folder(target.parent)


def _refuse_unknown(manifest: Manifest) -> MigrationExecutor:
    executor = MigrationExecutor(connection)
    unknown = [
        f"{app} {name}" for app, name in manifest.migrations if (app, name) not in executor.loader.graph.nodes
    ]
    if unknown:
        raise Refused(
            f"This backup was made by release {manifest.software}, which is newer ({unknown[0]}). "
            "Restore it with that release.",
            code="other-release",
        )
    return executor


def _migrate_to(manifest: Manifest) -> None:
    """Tables in the form they had when the backup was made; `house.migrate` goes on from there."""
    executor = _refuse_unknown(manifest)
    wanted = set(manifest.migrations)
    graph = executor.loader.graph
    ends = [
        node
        for node in sorted(wanted)
        if not any(child.key in wanted and child.key[0] == node[0] for child in graph.node_map[node].children)
    ]
    executor.migrate(ends)


def _verify(folder: Path, manifest: Manifest, told: Told) -> LedgerHead:
    """The ledger as it came back must be the manifest's, entry for entry; then what waited is put in order."""
    told("Verifying the ledger", 0, 0)
    found, wanted = head_of_this_house(), manifest.ledger
    if not found.ok:
        raise Refused(
            f"The ledger that came back is not whole: {found.why} {STAYS_SHUT}", code="not-verified"
        )
    if (found.entries, found.root, found.staged) != (wanted.entries, wanted.root, wanted.staged):
        raise Refused(
            f"The ledger that came back ends at {found.entries} entries, root {found.root[:16]}…; the manifest "
            f"of {folder.name} says {wanted.entries}, root {wanted.root[:16]}…. {STAYS_SHUT}",
            code="not-verified",
        )
    if not found.staged:
        return found
    while sequence():
        told("Putting the last entries in order", 0, 0)
    whole = head_of_this_house()
    if whole.exit_code or (whole.entries, whole.root) != (wanted.entries, wanted.root):
        raise Refused(f"The ledger's last entries do not fit: {whole.why} {STAYS_SHUT}", code="not-verified")
    return whole


def _after(manifest: Manifest, folder: Path, *, by: Actor, at: datetime) -> int:
    """Enter the restore into the ledger; what may have left since the backup goes in doubt."""
    why = f"The house was put back to {manifest.made_at}; this letter may have left after that."
    Session.objects.all().delete()  # nobody stays signed in through a restore
    with transaction.atomic():
        record(
            [
                Act(
                    act="house.restored",
                    obj=("house", "1", 1),
                    why=f"Restored from {folder.name}.",
                    payload={
                        "made_at": manifest.made_at,
                        "entries": manifest.ledger.entries,
                        "root": manifest.ledger.root,
                    },
                )
            ],
            by=by,
            at=at,
        )
        letters = list(
            Letter.objects.filter(transport="mail", state__in=[PENDING, SENDING], due_at__lte=at).order_by(
                "pk"
            )
        )
        # Without a claim of this house nobody is asked about them by machine: only people settle these.
        Letter.objects.filter(pk__in=[letter.pk for letter in letters]).update(state=SENDING, claimed_at=None)
        for letter in letters:
            settling.in_doubt(letter, why=why, by=by, at=at)
    return len(letters)
