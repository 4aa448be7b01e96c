"""Letters into the box: put once, under a key that is theirs for ever; withdrawn or readdressed while they wait.

SMTP has a gap in which the receiver has the message and the sender cannot know (RFC 1047). We close it
with identity (one key per letter, for ever), frozen bytes (a re-transmission is the same letter) and a
state "in doubt" that only an answer of the other side, a repeat that cannot double, or a person ends. Every
move is a row of `rules/letter_path.py`. What is not here: leaving (`claims`), what became of it (`settling`),
wording, rendering, sockets and the asking.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from openhotline.outbox.entries import TO_FORGET, enter
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, PENDING, WITHDRAWN, Letter, LetterLine
from openhotline.rules import letter_path
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor


def key_of(kind: str, number: str, recipient: str, removals: Iterable[int], version: int = 1) -> str:
    """K = SHA-256(kind, number, recipient, sorted removal ids, content version), hex (security.md 3c)."""
    ids = ",".join(str(removal) for removal in sorted(removals))
    return hashlib.sha256("\x1f".join((kind, number, recipient, ids, str(version))).encode()).hexdigest()


def put(
    kind: str,
    *,
    number: str,
    recipient: str,
    transport: str,
    removals: Sequence[int] = (),
    at: datetime,
    by: Actor,
    due: datetime | None = None,
    subject: str = "",
    text: str = "",
    state: str = PENDING,
    why: str = "",
) -> Letter:
    """Put one letter into the outbox; the same letter put again is the one that is there.

    `text` is what the letter says where that is known now; the bytes are frozen at its first claim.
    `due` is the earliest departure. `state` may be "contact needed" where nobody can be written to yet.
    """
    return put_many(
        kind,
        [(number, recipient, removals)],
        transport=transport,
        at=at,
        by=by,
        due=due,
        subject=subject,
        text=text,
        state=state,
        why=why,
    )[0]


def put_many(
    kind: str,
    addressed: Sequence[tuple[str, str, Sequence[int]]],
    *,
    transport: str,
    at: datetime,
    by: Actor,
    due: datetime | None = None,
    subject: str = "",
    text: str = "",
    state: str = PENDING,
    why: str = "",
) -> list[Letter]:
    """`put` for many: `addressed` holds (number, recipient, removal ids) per letter."""
    # A key made of an address that must be forgotten would let guesses be checked for ever.
    forget = kind in TO_FORGET
    keys = [key_of(kind, number, "" if forget else to, removals) for number, to, removals in addressed]
    with transaction.atomic():
        known = {letter.key: letter for letter in Letter.objects.filter(key__in=keys)}
        fresh = {
            key: Letter(
                kind=kind,
                number=number,
                recipient=recipient,
                transport=transport,
                key=key,
                state=state,
                subject=subject,
                text=text,
                put_at=at,
                due_at=due or at,
                why=why,
            )
            for key, (number, recipient, _) in zip(keys, addressed, strict=True)
            if key not in known
        }
        made = {letter.key: letter for letter in Letter.objects.bulk_create(fresh.values(), batch_size=500)}
        LetterLine.objects.bulk_create(
            [
                LetterLine(letter=made[key], removal=removal, kind=kind, number=number, recipient=recipient)
                for key, (number, recipient, removals) in zip(keys, addressed, strict=True)
                if key in made
                for removal in removals
            ],
            batch_size=1000,
        )
        if transport != "prober":
            enter(list(made.values()), "letter.put", by=by, at=at, why=why)
    return [made.get(key) or known[key] for key in keys]


def keys_of(kind: str, number: str) -> list[str]:
    """The keys of the letters of one kind and number."""
    return list(Letter.objects.filter(kind=kind, number=number).values_list("key", flat=True))


def withdraw(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """pending | contact needed | failed -> withdrawn: it has nothing left to say."""
    with transaction.atomic():
        count = Letter.objects.filter(pk=letter.pk, state__in=letter_path.sources("withdraw")).update(
            state=WITHDRAWN, why=why, lease_until=None
        )
        if count != 1:
            raise Refused("This letter is on its way already. Open the outbox again.", code="settled")
        enter([letter], "letter.withdrawn", by=by, at=at, why=why)


def leave(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """failed -> withdrawn: a person says why it need not leave. What waited for it goes on."""
    require_act("letter.decide", by)
    if not why.strip():
        raise Refused("Say why it need not leave; whoever reads the record asks.", code="why")
    if letter.kind == "referral":
        raise Refused("What is referred has to leave. See the referral’s own page.", code="referral")
    with transaction.atomic():
        row = Letter.objects.select_for_update().get(pk=letter.pk)
        if row.state != FAILED:
            raise Refused("This letter was not refused. Open the outbox again.", code="settled")
        withdraw(row, why=f"{why.strip()[:500]} ({by.who})", by=by, at=at)


def readdress(letters: Sequence[Letter], recipient: str, *, by: Actor, at: datetime) -> None:
    """contact needed -> pending: now it is known where they go. They keep their identity."""
    with transaction.atomic():
        Letter.objects.filter(pk__in=[letter.pk for letter in letters], state=CONTACT_NEEDED).update(
            recipient=recipient, state=PENDING, due_at=at, why=""
        )
        enter(letters, "letter.readdressed", by=by, at=at)


def elsewhere(
    letter: Letter, recipient: str, *, why: str, nobody: str = "", by: Actor, at: datetime
) -> Letter:
    """What has not arrived at a mailbox leaves for another one ("": for none yet, `nobody` says why): withdrawn, and the
    same words under the same number in a letter of its own, or in the one that was withdrawn from there before.

    Raises Refused where it is on its way. Its guards run at the departure, as of any letter.
    """
    state = PENDING if recipient else CONTACT_NEEDED
    with transaction.atomic():
        withdraw(letter, why=why, by=by, at=at)
        made = put(
            letter.kind,
            number=letter.number,
            recipient=recipient,
            transport=letter.transport,
            removals=list(letter.lines.values_list("removal", flat=True)),
            at=at,
            by=by,
            subject=letter.subject,
            text=letter.text,
            state=state,
            why=nobody,
        )
        back = Letter.objects.filter(pk=made.pk, state__in=letter_path.sources("return"))
        # One that was readdressed meanwhile was frozen for the mailbox that is given up.
        afresh = {"recipient": recipient, "body": None, "digest": ""} if made.recipient != recipient else {}
        if back.update(state=state, due_at=at, why=nobody, told_of="", **afresh):
            made.refresh_from_db()
            enter([made], "letter.returned", by=by, at=at, why=why)
    return made
