"""A host's program is told that a notice is there, where it asked to be told.

True here: it is told after the notice has left by mail, once for each notice, and it is told a number: no address, no grade.
It fetches the notice by its own signed request. What is not here: its answers (`program`), the wire (`connectors/hook`).
"""

from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.records import vault
from openhotline.records.models import HostProgram, Notice
from openhotline.rules.permits import require_act
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps.advance import refuse_unless

HOOK = "hook"


def tell_at(program: HostProgram, url: str, *, by: Actor, at: datetime) -> None:
    """Where the program wants to be told of notices; "" for nowhere. It is told a number, and never an address."""
    require_act("contact.verify", by)
    wanted = url.strip()
    parts = urlsplit(wanted)
    refuse_unless(
        not wanted or (parts.scheme == "https" and bool(parts.hostname) and not parts.username),
        "Write an address that starts with https:// and holds no password.",
        code="hook",
    )
    with transaction.atomic():
        HostProgram.objects.filter(pk=program.pk).update(hook=wanted[:2_000])
        payload = {"host": program.host.key, "told_at": wanted[:2_000]}
        record(
            [Act(act="program.told-at", obj=("program", str(program.pk), 1), payload=payload)], by=by, at=at
        )


def tell(notice: Notice, *, due: datetime, at: datetime) -> None:
    """A notice has left by mail: where its host's program wants to know, it is told, once."""
    program = HostProgram.objects.filter(host=notice.host_id, closed_at=None).exclude(hook="").first()
    if program is None:
        return
    queue.put(
        HOOK,
        number=notice.number,
        recipient=str(program.key),
        transport=HOOK,
        at=at,
        by=MACHINE_WORKER,
        subject=f"{notice.number}: told to the host's program",
        text=due.isoformat(),
    )


def reached_at(key: str) -> tuple[str, bytes]:
    """Where a program is told, and the secret to sign with; ("", b"") where it was closed meanwhile."""
    program = HostProgram.objects.filter(key=key, closed_at=None).first()
    return (program.hook, vault.open_("program", bytes(program.sealed))) if program else ("", b"")
