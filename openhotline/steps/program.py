"""A host's own program: made for a host, closed again; and what it answers, each request once.

True here: what a program says is a press and no more; a body that cannot be read is kept, sealed, and changes
nothing. What is not here: the signature (`rules/signed`) and the wire (`web/portal/programs`).
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import vault
from openhotline.records.models import Host, HostAnswer, HostProgram, HostRequest, Mail, Notice, Removal
from openhotline.records.models.mail import UNVERIFIED
from openhotline.rules import removal_path, words
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import HOST, Actor
from openhotline.steps import confirm
from openhotline.steps.advance import refuse_unless

MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever signs with a host's secret, as `Scoped` asks for it."""

    host_id: int | None
    role: str = words.HOST
    unit_id: int | None = None
    partner_id: int | None = None


def make(host: Host, *, by: Actor, at: datetime) -> tuple[HostProgram, str]:
    """A key and a secret for a host's program; the secret is shown once. An older one is replaced."""
    require_act("contact.verify", by)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        made, _ = HostProgram.objects.update_or_create(
            host=host,
            defaults={
                "key": uuid4(),
                "sealed": vault.seal("program", secret.encode()),
                "added_at": at,
                "added_by": by.who,
                "closed_at": None,
            },
        )
        _enter(made, "made", by=by, at=at)
    return made, secret


def close(program: HostProgram, *, by: Actor, at: datetime) -> None:
    """Nothing signed with it is believed any more."""
    require_act("contact.retire", by)
    with transaction.atomic():
        HostProgram.objects.filter(pk=program.pk, closed_at=None).update(closed_at=at)
        _enter(program, "closed", by=by, at=at)


def secret_of(program: HostProgram) -> bytes:
    """The secret both sides sign with."""
    return vault.open_("program", bytes(program.sealed))


def answer(program: HostProgram, body: bytes, *, key: str, policy: Policy, at: datetime) -> Mapping[str, Any]:
    """One signed request. The same key with the same body is answered as the first time."""
    refuse_unless(
        0 < len(key) <= 200 and key.isascii() and key.isprintable(),
        "Send an Idempotency-Key of at most 200 plain characters, for example a UUID.",
        code="key",
    )
    digest = sha256(body).hexdigest()
    known = HostRequest.objects.filter(program=program, key=key).first()
    if known is not None:
        refuse_unless(
            known.digest == digest, "This Idempotency-Key was used for another request.", code="key-used"
        )
        return dict(known.reply)
    try:
        notice, said, more = _read(program, body)
    except Refused as refusal:
        _keep(program, body, refusal.sentence, at=at)
        raise
    try:
        with transaction.atomic():
            reply = {"notice": notice.number, "recorded": len(said), "at": at.isoformat()}
            HostRequest.objects.create(program=program, key=key, digest=digest, at=at, reply=reply)
            by = Actor(HOST, f"host:{program.host_id}", host_id=program.host_id, auth="signed-request")
            confirm.press(notice, said, **more, via="program", policy=policy, by=by, at=at)
    except IntegrityError:
        raise Refused("The same request is being recorded just now. Send it again.", code="busy") from None
    return reply


def _read(program: HostProgram, body: bytes) -> tuple[Notice, dict[int, str], dict[str, str]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("The body is not JSON.", code="json") from None
    if not isinstance(value, dict):
        raise Refused("The body must be one JSON object.", code="json")
    number = value.get("notice")
    notice = None
    if isinstance(number, str) and len(number) <= 40 and number.isascii() and "\x00" not in number:
        notice = Notice.objects.filter(number=number, host=program.host, sent_at__isnull=False).first()
    if notice is None:
        raise Refused("There is no notice of yours with this number.", code="notice")
    open_ = {
        str(uid): pk
        for pk, uid in Removal.objects.filter(
            notice_lines__notice=notice, notice_lines__dropped="", status__in=removal_path.STILL_OPEN
        ).values_list("pk", "uid")
    }
    if not open_:
        raise Refused("This notice is closed: nothing in it is left to answer. Thank you.", code="closed")
    more = {
        name: _text(value, name, most) for name, most in (("ticket", 200), ("contact", 254), ("text", 10_000))
    }
    if value.get("all") == "removed":
        return notice, dict.fromkeys(open_.values(), "removed"), more
    rows = value.get("answers")
    if not isinstance(rows, list) or not rows or len(rows) > MOST_ANSWERS:
        raise Refused("Send a list of answers, or all: removed.", code="answers")
    said: dict[int, str] = {}
    for row in rows:
        uid, word = (row.get("uid"), row.get("said")) if isinstance(row, dict) else (None, None)
        if not isinstance(uid, str) or uid not in open_ or word not in HostAnswer.SAID:
            raise Refused(
                f"Each answer needs the uid of an open address and one of {', '.join(HostAnswer.SAID)}.",
                code="answers",
            )
        said[open_[uid]] = str(word)
    return notice, said, more


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    found = value.get(name, "")
    if not isinstance(found, str) or len(found) > most:
        raise Refused(f"“{name}” must be a text of at most {most:,} characters.", code="field")
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def _keep(program: HostProgram, body: bytes, why: str, *, at: datetime) -> None:
    """What was signed and cannot be read is kept as it came, for a person."""
    Mail.objects.get_or_create(
        digest=sha256(body).hexdigest(),
        defaults={
            "at": at,
            "sealed": vault.seal("mail", body),
            "size": len(body),
            "kind": UNVERIFIED,
            "sender": f"The program of {program.host.name}",
            "subject": "A request that cannot be read",
            "why": why,
        },
    )


def _enter(program: HostProgram, act: str, *, by: Actor, at: datetime) -> None:
    payload = {"host": program.host.key, "key": str(program.key)}
    record([Act(act=f"program.{act}", obj=("program", str(program.pk), 1), payload=payload)], by=by, at=at)
