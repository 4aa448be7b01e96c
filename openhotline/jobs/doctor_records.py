"""The doctor's looks at the database: durable, up to date, guarded; and at what waits for a person.

True here: nothing is changed. The one thing that is tried (changing the ledger) is tried inside a
savepoint that is rolled back, and is expected to be refused.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from openhotline import policy as policies
from openhotline.jobs.doctor_machine import filesystem, real
from openhotline.jobs.findings import Finding, fine, grave, unsafe, warning
from openhotline.ledger.models import Sequenced, Staged
from openhotline.outbox.models import CONTACT_NEEDED, IN_DOUBT, PENDING, SENDING, Letter
from openhotline.records.agreements import house_agreements
from openhotline.records.models import House, ReceiptPhase, Report, Unit, User
from openhotline.rules import words
from openhotline.settings import Settings

LONG_STAGED = timedelta(minutes=70)
APPEND_ONLY = (Staged, Sequenced)
LATE = timedelta(minutes=15)  # a letter that could have left so long ago: the worker is not turning


def reachable(settings: Settings) -> Finding:
    """The database answers."""
    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
        return unsafe(
            "database",
            f"There is no database in {settings.data}.",
            "Make the house: openhotline owner create",
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return fine("database", f"{'PostgreSQL' if connection.vendor == 'postgresql' else 'SQLite'} answers.")


def durable(settings: Settings) -> Finding:
    """What is acknowledged survives power loss. Eight weak settings are known and refused."""
    weak = _weak_postgres() if connection.vendor == "postgresql" else _weak_sqlite()
    if weak:
        return unsafe(
            "durability",
            f"The database may lose what it acknowledged: {'; '.join(weak)}.",
            "Put it back to its default.",
        )
    if connection.vendor == "sqlite":
        place = Path(str(connection.settings_dict["NAME"])).parent
        if filesystem(place) in ("tmpfs", "ramfs"):
            remedy = "Put OPENHOTLINE_DATA_DIR on a disk."
            return grave("durability", "The database lies in memory.", remedy, real=real(settings))
        return fine("durability", "WAL, synchronous=FULL.")
    return fine("durability", "fsync, synchronous_commit and full_page_writes are on.")


def _weak_sqlite() -> list[str]:
    weak = []
    with connection.cursor() as cursor:
        for name, good in (("journal_mode", ("wal",)), ("synchronous", ("2", "3")), ("foreign_keys", ("1",))):
            cursor.execute(f"PRAGMA {name}")
            value = str(cursor.fetchone()[0]).lower()
            if value not in good:
                weak.append(f"{name} is {value}")
    return weak


def _weak_postgres() -> list[str]:
    wanted = {
        "fsync": ("on",),
        "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
        "full_page_writes": ("on",),
        "zero_damaged_pages": ("off",),
        "ignore_checksum_failure": ("off",),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
        return [f"{name} is {value}" for name, value in cursor.fetchall() if value not in wanted[name]]


def migrated(settings: Settings) -> Finding:
    """The database has this release's form."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return unsafe(
            "migrations",
            f"{len(plan)} are not applied.",
            "Back up, then start the house: openhotline up brings them in.",
        )
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.graph.nodes)
    if unknown:
        return unsafe("migrations", "The database was made by a newer release.", "Install that release.")
    return fine("migrations", "All are applied.")


def house_kind(settings: Settings) -> Finding:
    """A demo house stays one; demo accounts never open a real door."""
    house = House.objects.filter(pk=1).first()
    if house is None:
        return unsafe("house", "This house was never set up.", "openhotline owner create")
    if real(settings):
        if house.kind != "production":
            return unsafe(
                "house",
                "It was created as a demo and stays one.",
                "Make a new house in another OPENHOTLINE_DATA_DIR.",
            )
        demo = User.objects.filter(demo=True).count()
        if demo:
            return unsafe(
                "house",
                f"It holds {demo} demo accounts.",
                "Make a new house; demo accounts cannot be cleaned away.",
            )
        if not User.objects.filter(role=words.OWNER, is_active=True).exists():
            return unsafe("house", "It has no owner.", "openhotline owner create")
    elif house.kind == "production":
        return unsafe("house", "This is a real house, opened as a demo.", "Set OPENHOTLINE_KIND=production.")
    return fine("house", f"{house.name}, a {house.kind} house.")


def ledger_guarded(settings: Settings) -> Finding:
    """The database itself refuses to change the ledger: tried, inside a savepoint that is rolled back."""
    remedy = "Do not open the house. Restore the triggers with the maintainers' help, then: openhotline ledger verify"
    triggers = _triggers()
    for model in APPEND_ONLY:
        table = model._meta.db_table
        if table not in triggers:
            return unsafe("ledger triggers", f"{table} has none: it could be changed unseen.", remedy)
        for statement in _changes(model):
            if not _refused(statement):
                verb = statement.partition(" ")[0]
                return unsafe("ledger triggers", f"{verb} on {table} was not refused.", remedy)
    tables = ", ".join(model._meta.db_table for model in APPEND_ONLY)
    return fine("ledger triggers", f"UPDATE and DELETE are refused on {tables}.")


def _triggers() -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND c.relnamespace = current_schema()::regnamespace"
            )
        else:
            cursor.execute("SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        return {row[0] for row in cursor.fetchall()}


def _changes(model: type[Staged] | type[Sequenced]) -> tuple[str, ...]:
    """What must be refused: to write a row anew as it is, to delete it, and on SQLite to replace it."""
    table, column = model._meta.db_table, model._meta.pk.column
    changes = (f'UPDATE "{table}" SET "{column}" = "{column}"', f'DELETE FROM "{table}"')  # noqa: S608  our own tables
    if connection.vendor == "sqlite":
        return (*changes, f'REPLACE INTO "{table}" SELECT * FROM "{table}" LIMIT 1')  # noqa: S608
    return changes


class _Undo(Exception):
    """Rolls the savepoint back, whatever the statement did."""


def _refused(statement: str) -> bool:
    """Whether the database refuses. On an empty table a row trigger has nothing to refuse: that counts."""
    touched = -1
    try:
        with transaction.atomic(), transaction.atomic():
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                cursor.execute(statement)
                touched = cursor.rowcount
            raise _Undo
    except _Undo:
        return touched == 0
    except DatabaseError:
        return True


def letters(settings: Settings) -> Finding:
    """Letters that wait for a person, or that nobody takes."""
    now = settings.clock().now()
    doubtful = Letter.objects.filter(state=IN_DOUBT).count()
    if doubtful:
        return warning(
            "letters",
            f"{doubtful} in doubt: they may have arrived, and are never sent again by themselves.",
            "Ask the relay or the host, then settle them at the desk; see the runbook, “Letters in doubt”.",
        )
    late = Letter.objects.filter(state__in=[PENDING, SENDING], due_at__lt=now - LATE, attempts=0).count()
    if late:
        return warning(
            "letters", f"{late} could have left long ago.", "See that the worker and the relay run."
        )
    contact = Letter.objects.filter(state=CONTACT_NEEDED).count()
    if contact:
        return warning(
            "letters",
            f"{contact} wait for a verified contact.",
            "Add one at the desk; a second person verifies it.",
        )
    return fine("letters", "None in doubt, none late.")


def agreements(settings: Settings) -> Finding:
    """Every unit is under an agreement of which a version is in force, and every version can be read."""
    policy = policies.load(settings.country)
    try:
        held = house_agreements(policy=policy)
    except policies.PolicyFault as fault:
        return unsafe("agreements", str(fault), "Restore the last backup; no unit can be asked as it is.")
    day = held.day(settings.clock().now())
    under = dict(Unit.objects.order_by("key").values_list("key", "agreement"))
    adrift = [unit for unit, key in under.items() if key not in held.keys or held.in_force(key, day) is None]
    if adrift or held.in_force(held.default, day) is None:
        return unsafe(
            "agreements",
            f"No version is in force today for: {', '.join(adrift) or held.default}. Nobody of it is asked.",
            "Propose one at the desk, under Agreements; or put the unit under another, under Units and routing.",
        )
    in_force = [one.version for key in held.keys if (one := held.in_force(key, day))]
    known = {one.version for one in held.versions}
    only = [one.version for one in policy.agreements.versions if one.version not in known]
    more = f" The policy's file also holds {', '.join(only)}, for new houses." if only else ""
    return fine("agreements", f"In force: {', '.join(in_force)}.{more}")


def receipts(settings: Settings) -> Finding:
    """Whoever was given seven words finds a phase behind them."""
    hashes = Report.objects.exclude(receipt_hash="").values("receipt_hash")
    lost = hashes.exclude(receipt_hash__in=ReceiptPhase.objects.values("receipt_hash")).count()
    if lost:
        return warning(
            "receipts",
            f"{lost} receipts lead nowhere.",
            "Tell the maintainers; the reports themselves are there.",
        )
    return fine("receipts", "Every receipt leads to a phase.")


def ledger_in_order(settings: Settings) -> Finding:
    """Entries are put in order all the time; one that waits long says that no worker does it."""
    waiting = Staged.objects.filter(place=None)
    first = waiting.order_by("pk").first()
    if first is None:
        return fine("ledger order", "Every entry is in its place.")
    written = datetime.fromisoformat(str(json.loads(bytes(first.entry))["at"]))
    age = settings.clock().now() - written
    # A public report's entry is rounded to its hour, so only more than that says anything.
    if age > LONG_STAGED:
        return warning(
            "ledger order",
            f"{waiting.count()} entries wait for their place, the oldest for {age.total_seconds() / 60:.0f} min.",
            "See that the worker runs; by hand: openhotline ledger sequence",
        )
    return fine("ledger order", f"{waiting.count()} entries are just being put in order.")


LOOKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("durability", durable),
    ("migrations", migrated),
    ("house", house_kind),
    ("ledger triggers", ledger_guarded),
    ("ledger order", ledger_in_order),
    ("letters", letters),
    ("agreements", agreements),
    ("receipts", receipts),
)
