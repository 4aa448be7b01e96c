"""The doctor's looks at the machine: files and their modes, disk, clock, prober. No database."""

import ctypes
import json
import os
import shutil
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import maxminddb

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.rdap.client import KINDS
from openhotline.jobs import registry_lists
from openhotline.jobs.backup import LAST
from openhotline.jobs.exits import files, probe_config, vantages
from openhotline.jobs.findings import Finding, fine, grave, unsafe, warning
from openhotline.jobs.recovery import PUBLIC
from openhotline.jobs.supervise import NOT_VERIFIED
from openhotline.records.spool import unread
from openhotline.rules.facts import AHEAD_S
from openhotline.settings import Settings

GIB = 1 << 30
FREE_SHARE, FREE_BYTES = 0.10, 2 * GIB
BACKUP_AGE = timedelta(hours=26)
MMDB_AGE = timedelta(days=45)
LISTS_AGE = timedelta(days=7)
UNREAD = 180.0  # seconds; a worker reads the spool several times a second
SLOW_FSYNC = 20.0  # flushes a second; below it people wait for "received"
_SECRETS = {"site.key": 0o600, "django.secret": 0o600, "intake.key": 0o600, "receipt.pepper": 0o640}
_IN_MEMORY = ("tmpfs", "ramfs")


def real(settings: Settings) -> bool:
    """Whether this is a real house."""
    return settings.kind == "production"


def settings_fit(settings: Settings) -> Finding:
    """Addresses that people are given, and what they can be reached by."""
    if real(settings) and not settings.public_url.startswith("https://") and settings.public_base:
        return unsafe(
            "settings",
            "The public form's address is not https.",
            "Set OPENHOTLINE_PUBLIC_BASE to an https:// address.",
        )
    if real(settings) and not settings.portal_url.startswith("https://"):
        return warning(
            "settings",
            "Letters would carry links that are not https.",
            "Set OPENHOTLINE_PORTAL_BASE to the portal's https:// address, behind your proxy.",
        )
    if settings.certificates_from and not settings.proxy_secret:
        return warning(
            "settings",
            "No client certificate is believed: keys/proxy.secret is not there, or is shorter than 32 characters.",
            "Make it as the runbook says under “Client certificates”, and give the proxy the same.",
        )
    if real(settings) and settings.bind not in ("127.0.0.1", "::1", "localhost"):
        return warning(
            "settings",
            f"The doors listen on {settings.bind}, not behind a proxy on this machine.",
            "Set OPENHOTLINE_BIND=127.0.0.1 and let a buffering proxy with TLS stand before it.",
        )
    return fine("settings", f"A {settings.kind} house in {settings.data}.")


def restored_whole(settings: Settings) -> Finding:
    """A restore that was not found whole keeps the house shut."""
    if (settings.data / NOT_VERIFIED).exists():
        return unsafe(
            "restore",
            "This house was restored and not found whole.",
            "Restore into an empty place: openhotline restore DIR --verify",
        )
    return fine("restore", "No unfinished restore.")


def keys_kept(settings: Settings) -> Finding:
    """Every key there, and nobody else can read them."""
    keys = settings.keys
    if not keys.is_dir():
        return unsafe("keys", f"There is no house in {settings.data}.", "Make one: openhotline owner create")
    missing = [name for name in (*_SECRETS, "intake.pub") if not (keys / name).is_file()]
    if missing:
        return unsafe(
            "keys",
            f"Missing: {', '.join(missing)}.",
            "Put them back from the keys backup; see the runbook, “Lost keys”.",
        )
    loose = [name for name, most in _SECRETS.items() if stat.S_IMODE((keys / name).stat().st_mode) & ~most]
    if stat.S_IMODE(keys.stat().st_mode) & 0o077:
        loose.insert(0, str(keys))
    if loose:
        return unsafe(
            "keys", f"Others can read: {', '.join(loose)}.", f"chmod 700 {keys}; chmod 600 the files named."
        )
    return fine("keys", "All keys are there, and nobody else can read them.")


def recovery_key(settings: Settings) -> Finding:
    """Without one no backup can be made."""
    if (settings.keys / PUBLIC).exists():
        return fine("recovery key", "Backups are sealed to a recovery key.")
    if not real(settings):
        return fine("recovery key", "None; a demo needs none.")
    return warning(
        "recovery key",
        "There is none, so no backup can be made.",
        "openhotline keys recovery --to FILE (on a stick that you lock away)",
    )


def disk(settings: Settings) -> Finding:
    """More than a tenth and more than 2 GiB free."""
    use = shutil.disk_usage(settings.data if settings.data.is_dir() else settings.data.parent)
    free = f"{use.free / GIB:.1f} GiB free ({use.free / use.total:.0%})"
    if use.free < FREE_BYTES or use.free / use.total < FREE_SHARE:
        remedy = "Make room: see the runbook, “Disk full”."
        return grave("disk", f"Only {free}.", remedy, real=real(settings))
    return fine("disk", f"{free}.")


def spool_kept(settings: Settings) -> Finding:
    """What was flushed is still there after the machine stopped."""
    if filesystem(settings.spool) in _IN_MEMORY:
        return grave(
            "spool",
            "It lies in memory: reports would be lost when the machine stops.",
            "Put OPENHOTLINE_DATA_DIR on a disk.",
            real=real(settings),
        )
    return fine("spool", "It lies on a disk.")


def spool(settings: Settings) -> Finding:
    """A durable write is possible, and how many a second."""
    place = settings.spool
    if not place.is_dir():
        return unsafe("spool", "There is no spool.", "It is made at the first start: openhotline up")
    if not (kept := spool_kept(settings)).ok:
        return kept
    try:
        rate = _flushes(place)
    except OSError as fault:
        return unsafe(
            "spool",
            f"It cannot be written ({fault.strerror}): no report can be taken.",
            f"See that {place} exists, belongs to the user that runs the house, and has room.",
        )
    if rate < SLOW_FSYNC:
        return warning(
            "spool",
            f"Only {rate:.0f} durable writes a second.",
            "A faster disk, or one with a battery-backed cache.",
        )
    waits = unread(place, older_than=UNREAD)
    if waits:
        return warning(
            "spool",
            f"{waits:,} bytes of reports have waited for minutes to be filed.",
            "Is the worker running? Start it: openhotline up",
        )
    return fine("spool", f"Writable, {rate:.0f} durable writes a second.")


def _flushes(place: Path, seconds: float = 0.3) -> float:
    file = place / f".doctor-{os.getpid()}"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        started, count = time.monotonic(), 0
        while (passed := time.monotonic() - started) < seconds and count < 2000:
            os.write(handle, b"\0" * 4096)
            os.fdatasync(handle)
            count += 1
        return count / max(passed, 1e-6)
    finally:
        os.close(handle)
        file.unlink()


def filesystem(place: Path) -> str:
    """The type of the filesystem under `place`, "" if it cannot be told."""
    best, kind = "", ""
    whole = str(place.resolve())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, name, *_ = line.split(" ")
        if (whole == mount or whole.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, name
    return kind


def spool_leftovers(settings: Settings) -> Finding:
    """What was kept because it could not be read."""
    kept = [*settings.spool.glob("*.torn"), *(settings.spool / "held").glob("*.unreadable")]
    if kept:
        return warning(
            "spool leftovers",
            f"{len(kept)} kept, not readable: {kept[0].name} ...",
            "A person should look; see the runbook, “Torn spool”.",
        )
    return fine("spool leftovers", "None.")


def clock(settings: Settings) -> Finding:
    """Whose clock, and whether the machine's is kept right."""
    source = settings.clock().source
    if source != "system":
        return fine("clock", "The world's clock, as in every demo.")
    if real(settings) and _adjtimex() == 5:  # TIME_ERROR: the kernel was told nothing for a long while
        return warning(
            "clock",
            "The machine's clock is not kept right by a time server.",
            "Start chrony or systemd-timesyncd.",
        )
    return fine("clock", "The machine's own clock, UTC.")


def _adjtimex() -> int:
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))


def prober(settings: Settings) -> Finding:
    """There, without privileges, and refusing to visit this machine itself."""
    try:
        hello = Prober(settings.prober_socket, timeout=5).hello()
    except ProberUnreachable:
        return warning(
            "prober", "The prober does not answer; nothing can be traced or checked.", "openhotline up"
        )
    if not hello.denies:
        return unsafe(
            "prober",
            "It did not prove that it refuses this machine itself.",
            "Stop it; tell the maintainers.",
        )
    if hello.lift_documentation and real(settings):
        return unsafe(
            "prober", "It is set up for a synthetic internet.", "Set OPENHOTLINE_EXIT=direct and restart."
        )
    if hello.uid == 0:
        return unsafe("prober", "It runs as root.", "Restart it with openhotline up, which gives root up.")
    if hello.reached:
        return warning(
            "prober",
            f"Nothing but its own table keeps it from this house: it reached {'; '.join(hello.reached)}.",
            "Build the wall of docs/RUNBOOK.md (The prober's wall), then unset OPENHOTLINE_WALL.",
        )
    if hello.notes:
        return warning("prober", " ".join(hello.notes), "Mend what it names, then restart it.")
    proved = f"this machine and its database are out of reach through {len(hello.vantages)} exit(s)"
    if not hello.dropped and hello.uid == os.getuid():
        return warning(
            "prober",
            f"It runs as the same user as the rest of the house (no root to give up); {proved}.",
            "For a real house start `openhotline up` as root, or give the prober a user of its own.",
        )
    return fine("prober", f"Unprivileged (user {hello.uid}); {proved}.")


def lines_out(settings: Settings) -> Finding:
    """ "Gone" needs looks from two places and a canary that proves our own line: without them nothing closes."""
    places = vantages(settings)
    if settings.exit == "world" or (len(places) >= 2 and settings.canary):
        return fine(
            "vantage points", f"{len(places)} vantage points, and our own line is proved by a canary."
        )
    lacks = [] if len(places) >= 2 else ["a second vantage point (OPENHOTLINE_EXITS)"]
    lacks += [] if settings.canary else ["an address of your own that is always up (OPENHOTLINE_CANARY)"]
    return warning(
        "vantage points",
        "Nothing can be confirmed as gone: two places and a proved line are needed.",
        f"Set {' and '.join(lacks)}.",
    )


def mmdb(settings: Settings) -> Finding:
    """The files that say origin network and country: there, and not too old."""
    named = files(settings)
    if not named:
        return warning(
            "mmdb",
            "No MMDB file is named: traces have one method less.",
            "OPENHOTLINE_MMDB=origin=/path/asn.mmdb:location=/path/country.mmdb",
        )
    ages, told, broken = [], [], []
    for file in named:
        try:
            with maxminddb.open_database(file.path) as opened:
                age = settings.clock().now().timestamp() - opened.metadata().build_epoch
                ages.append((age, file.path))
                licence = f", {file.licence}" if file.licence else ""
                told.append(f"{Path(file.path).name} ({max(0.0, age) / 86400:.0f} days old{licence})")
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            broken.append(file.path)
    if broken:
        return warning("mmdb", f"{' and '.join(broken)} cannot be read.", "Download anew what is named.")
    seconds, path = max(ages)
    earliest, ahead = min(ages)
    if earliest < -AHEAD_S:
        return warning(
            "mmdb",
            f"{ahead} is dated {-earliest / 86400:.0f} days ahead; traces count it as one of unknown age.",
            "Set this machine's clock right. If it is right, download the file anew.",
        )
    if settings.exit == "direct" and seconds > MMDB_AGE.total_seconds():
        return warning("mmdb", f"{path} is {seconds / 86400:.0f} days old.", "Download a newer one.")
    unnamed = [file.path for file in named if not file.licence]
    if unnamed and real(settings):
        return warning(
            "mmdb",
            f"{', '.join(told)}. The licence of {unnamed[0]} is not given, so no trace can show it.",
            "Write it behind the path in OPENHOTLINE_MMDB: location=/path/country.mmdb|CC BY 4.0",
        )
    return fine("mmdb", f"{len(named)} files: {', '.join(told)}.")


def registries(settings: Settings) -> Finding:
    """The lists that say which registry answers for what, and resolvers enough to compare."""
    config = probe_config(settings)
    if len({one.address for one in config.resolvers}) < 2:
        return warning(
            "registries",
            f"{len(config.resolvers)} resolver is named: a trace compares two, and one alone cannot say that a name is gone.",
            "OPENHOTLINE_RESOLVERS=tls://ADDRESS#NAME,tls://ADDRESS#NAME",
        )
    kept = registry_lists.kept(settings.data)
    if config.rdap_base:
        return fine("registries", "The synthetic internet has one registry for everything.")
    if len(kept) < len(KINDS):
        lacks = ", ".join(sorted(set(KINDS) - {one.kind for one in kept}))
        return warning(
            "registries",
            f"The lists of registries lack {lacks}: traces fall back on WHOIS.",
            "openhotline refresh registries",
        )
    days = max((settings.clock().now() - one.fetched).total_seconds() for one in kept) / 86400
    if days > LISTS_AGE.days:
        return warning(
            "registries",
            f"The lists of registries are {days:.0f} days old.",
            "openhotline refresh registries",
        )
    told = ", ".join(f"{one.kind} of {one.published} ({one.entries} entries)" for one in kept)
    return fine("registries", f"Fetched {days:.0f} days ago: {told}.")


def backup(settings: Settings) -> Finding:
    """When the last one was made from here."""
    if not real(settings):
        return fine("backup", "A demo needs none.")
    remedy = "openhotline backup --to DIR, every night; see the runbook, “Back up”."
    try:
        last = json.loads((settings.data / LAST).read_text())
        age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return warning("backup", "No backup was ever made.", remedy)
    hours = age.total_seconds() / 3600
    if age > BACKUP_AGE:
        return warning("backup", f"The last one is {hours:.0f} hours old.", remedy)
    return fine("backup", f"The last one is {hours:.0f} hours old, in {last['where']}.")
