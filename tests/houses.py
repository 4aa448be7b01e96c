"""Houses for tests that start real processes, and for tests that need a database of their own.

The ledger's triggers refuse TRUNCATE and DELETE, so a database that processes wrote to cannot be
emptied and used again: each such test gets a fresh one. SQLite houses live in their own folder;
PostgreSQL houses get a new database on the server of this pass, or on one started for the asking.
"""

import atexit
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from openhotline.crashtest.crowd import free_ports
from openhotline.crashtest.postgres import Launcher, Server

__all__ = ["free_ports", "fresh_house", "server", "this_pass"]

Kind = Literal["production", "demo", "test"]
Database = Literal["sqlite", "postgresql"]


def this_pass() -> Database:
    """The database that this run of the tests is about."""
    return "postgresql" if os.environ.get("OPENHOTLINE_TEST_POSTGRES") else "sqlite"


@lru_cache(maxsize=1)
def server() -> Server:
    """The PostgreSQL server of this pass; in the SQLite pass one of our own, ended with the process."""
    known = os.environ.get("OPENHOTLINE_TEST_POSTGRES", "")
    if known:
        return Server.at(known)
    launcher = Launcher()
    atexit.register(launcher.stop)
    return launcher.__enter__()


def fresh_house(folder: Path, *, kind: Kind = "test", database: Database | None = None) -> dict[str, str]:
    """The environment of a house that never was: its own folder, its own empty database, its own ports.

    `database` None means the one of this pass. Hand the result to `subprocess` as `env`. Nothing is
    created in the database; the processes do that, as they would on a new machine.
    """
    data = folder / "house"
    data.mkdir(mode=0o700, parents=True)
    public, desk, portal = free_ports(3)
    wanted = database or this_pass()
    rest = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENHOTLINE_", "DJANGO_"))
    }
    return {
        **rest,
        "OPENHOTLINE_KIND": kind,
        "OPENHOTLINE_DATA_DIR": str(data),
        "OPENHOTLINE_DATABASE_URL": server().new_database() if wanted == "postgresql" else "",
        "OPENHOTLINE_PUBLIC_PORT": str(public),
        "OPENHOTLINE_DESK_PORT": str(desk),
        "OPENHOTLINE_PORTAL_PORT": str(portal),
    }
