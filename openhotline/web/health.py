"""`/livez` and `/readyz`: what a supervisor asks of each door. They ask nobody who they are and say no more
than one line.

Ready means: a report could be kept just now. Nothing is written to find out, so the question may be asked
every second; the spool of the public door answers for itself (`public/pages.py`).
"""

import os
import shutil

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from openhotline.settings import load
from openhotline.web.doors import open_door
from openhotline.web.scoped import the_house

LEAST_FREE = 64 * 1024 * 1024  # bytes on the disk that holds an embedded database


@open_door
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@open_door
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 "ready", or 503 and the reason in one line."""
    why = not_ready()
    return HttpResponse(f"{why or 'ready'}\n", content_type="text/plain", status=503 if why else 200)


def not_ready() -> str:
    """Why nothing could be kept just now; "" if it could."""
    try:
        if the_house() is None:
            return "The house is not settled yet. Start it with: openhotline up"
        return _sqlite() if connection.vendor == "sqlite" else _postgresql()
    except DatabaseError:
        return "The database does not answer."


def _sqlite() -> str:
    with connection.cursor() as cursor:
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        durable = cursor.execute("PRAGMA synchronous").fetchone()[0]
        frozen = cursor.execute("PRAGMA query_only").fetchone()[0]
    if mode != "wal" or durable < 2 or frozen:
        return "The database is not durable or not writable."
    folder = load().data
    if not os.access(folder, os.W_OK):
        return "The data folder is not writable."
    if shutil.disk_usage(folder).free < LEAST_FREE:
        return "The disk is full."
    return ""


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('synchronous_commit'), current_setting('fsync')"
        )
        read_only, commit, fsync = cursor.fetchone()
    if read_only == "on" or commit == "off" or fsync == "off":
        return "The database is not durable or not writable."
    return ""
