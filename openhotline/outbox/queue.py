"""Letters: put once, claimed under guard, settled once.

SMTP has a gap in which the receiver has the message and the sender cannot know (RFC 1047). We close it
with identity (one key per letter, for ever), frozen bytes (a re-transmission is the same letter) and a
state "in doubt" that only an answer of the other side, a repeat that cannot double, or a person ends. Every
move is a row of `rules/letter_path.py`. What is not here: wording, rendering, sockets and the asking.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from openhotline.ledger.record import Act, record
from openhotline.outbox.models import (
    CONTACT_NEEDED,
    FAILED,
    IN_DOUBT,
    PENDING,
    SENDING,
    SENT,
    WITHDRAWN,
    Letter,
    LetterLine,
)
from openhotline.rules import letter_path
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor

# Nothing of these leaves the house: after a crash they wait again.
INSIDE = ("prober",)
# Letters to people whose address the house must forget: not in the ledger, not in the row once it has left.
TO_FORGET = ("reporter-answer", "appeal-answer")
LOOK_PAST = 200  # letters whose guard says "not yet" do not keep those behind them
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))


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
            _enter(list(made.values()), "letter.put", by=by, at=at, why=why)
    return [made.get(key) or known[key] for key in keys]


def keys_of(kind: str, number: str) -> list[str]:
    """The keys of the letters of one kind and number."""
    return list(Letter.objects.filter(kind=kind, number=number).values_list("key", flat=True))


def claim(
    transport: str,
    *,
    at: datetime,
    by: Actor,
    limit: int = 100,
    kinds: Sequence[str] = (),
    way: str = "",
    guard: Callable[[Letter], bytes | None] | None = None,
) -> list[Letter]:
    """Claim letters that may leave now, all at once: see `claim_each`. Without a guard they are a plain batch."""
    if guard is None:
        return _claim_plain(_due(transport, kinds, at), at=at, limit=limit)
    check = guard
    return list(
        claim_each(
            transport,
            at=at,
            by=by,
            limit=limit,
            kinds=kinds,
            way=way,
            guard=lambda letter, _: check(letter),
        )
    )


def _due(transport: str, kinds: Sequence[str], at: datetime) -> QuerySet[Letter]:
    due = Letter.objects.filter(transport=transport, state=PENDING, due_at__lte=at).order_by("due_at", "id")
    return due.filter(kind__in=kinds) if kinds else due


def claim_each(
    transport: str,
    *,
    at: datetime,
    by: Actor,
    limit: int,
    guard: Callable[[Letter, datetime], bytes | None],
    kinds: Sequence[str] = (),
    way: str = "",
    moment: Callable[[], datetime] | None = None,
    lock: Callable[[int], None] | None = None,
) -> Iterator[Letter]:
    """Claim letters that may leave now, one after the other: pending -> sending, each in a transaction of its
    own that is committed before the letter is handed out, so before any socket opens.

    `guard` runs inside the claim, after the letter is locked: it re-checks everything that must hold at
    departure and returns the frozen bytes on first claim (None keeps what is frozen). It may raise Refused:
    the letter then stays where it is with the sentence in `why`, tried again a minute later, or withdraws
    itself by changing the letter's state. `way` is how it will be handed over. `moment` tells the time of each
    claim: handing the one before over takes its time, and guards must not rest on an old one. `lock` takes the
    locks of the letter's case, before the letter's own: a hold takes them in that order too.
    """
    taken = 0
    for pk in list(_due(transport, kinds, at).values_list("pk", flat=True)[: limit + LOOK_PAST]):
        if taken >= limit:
            return
        letter = _claim_one(
            pk, PENDING, at=moment() if moment else at, by=by, way=way, guard=guard, lock=lock
        )
        if letter is not None:
            taken += 1
            yield letter


def repeat(
    letter: Letter,
    *,
    at: datetime,
    by: Actor,
    guard: Callable[[Letter, datetime], bytes | None],
    lock: Callable[[int], None] | None = None,
) -> Letter | None:
    """in doubt -> sending: the other side honours our key, so the same bytes are handed over once more.

    All guards run again. What may have arrived leaves as it is or not at all: where anything of it may not
    leave any more, it stays in doubt and None is returned.
    """
    return _claim_one(letter.pk, IN_DOUBT, at=at, by=by, way=letter.way, guard=guard, lock=lock)


def _claim_one(
    pk: int,
    state: str,
    *,
    at: datetime,
    by: Actor,
    way: str,
    guard: Callable[[Letter, datetime], bytes | None],
    lock: Callable[[int], None] | None,
) -> Letter | None:
    with transaction.atomic():
        if lock is not None:
            lock(pk)
        rows = Letter.objects.select_for_update(skip_locked=connection.vendor == "postgresql")
        letter = rows.filter(pk=pk, state=state, due_at__lte=at).first()
        if letter is None:
            return None
        try:
            # A savepoint: what the guard changed is undone where it refuses.
            with transaction.atomic():
                body = guard(letter, at)
        except Refused as refusal:
            later = {"due_at": at + RETRY_AFTER[0]} if state == PENDING else {}
            Letter.objects.filter(pk=pk).update(why=refusal.sentence, **later)
            return None
        letter.refresh_from_db(fields=["state"])
        if letter.state != state:
            return None
        if letter.body is None and body is not None:
            letter.body, letter.digest = body, hashlib.sha256(body).hexdigest()
        letter.state = letter_path.target("claim" if state == PENDING else "repeat", state)
        letter.attempts += 1
        letter.way, letter.claimed_at, letter.lease_until = way, at, letter_path.leased_until(at)
        letter.save(update_fields=["body", "digest", "state", "attempts", "way", "claimed_at", "lease_until"])
        _enter([letter], "letter.claim", by=by, at=at)
    return letter


def _claim_plain(due: QuerySet[Letter], *, at: datetime, limit: int) -> list[Letter]:
    """Claim a batch of letters that need no guard (wishes to the prober: nothing leaves the house)."""
    with transaction.atomic():
        rows = due.select_for_update(skip_locked=connection.vendor == "postgresql")
        taken = list(rows[:limit])
        Letter.objects.filter(pk__in=[letter.pk for letter in taken]).update(
            state=SENDING,
            attempts=F("attempts") + 1,
            claimed_at=at,
            lease_until=letter_path.leased_until(at),
        )
        for letter in taken:
            letter.state, letter.attempts, letter.claimed_at = SENDING, letter.attempts + 1, at
            letter.lease_until = letter_path.leased_until(at)
    return taken


def sent(letters: Sequence[Letter], *, receipt: str = "", by: Actor, at: datetime) -> None:
    """sending | in doubt -> sent, with the receipt (queue id, their reference)."""
    with transaction.atomic():
        ids = [letter.pk for letter in letters]
        rows = Letter.objects.filter(pk__in=ids, state__in=letter_path.sources("sent"))
        if len(letters) == 1:
            rows = rows.filter(attempts=letters[0].attempts)  # about this attempt, not about a later one
        count = rows.update(state=SENT, sent_at=at, receipt=receipt, lease_until=None, why="")
        if count != len(ids):
            raise Refused("One of these letters was settled already. Open the outbox again.", code="settled")
        Letter.objects.filter(pk__in=ids, kind__in=TO_FORGET).update(recipient="", text="", body=None)
        for letter in letters:
            letter.state, letter.sent_at, letter.receipt = SENT, at, receipt
        if any(letter.transport != "prober" for letter in letters):
            _enter(letters, "letter.sent", by=by, at=at, facts={"receipt": receipt})


def not_now(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """sending -> pending after a definite "not now" before anything was handed over; tried again later."""
    wait = RETRY_AFTER[min(letter.attempts, len(RETRY_AFTER)) - 1] if letter.attempts else RETRY_AFTER[0]
    _settle(letter, PENDING, why=why, by=by, at=at, due_at=at + wait)


def refused(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """sending -> failed: the other side said no for good."""
    _settle(letter, FAILED, why=why, by=by, at=at)


def in_doubt(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """sending -> in doubt: it may have arrived. The other side is asked (`jobs/doubt`), or a person decides."""
    _settle(letter, IN_DOUBT, why=why, by=by, at=at)


def withdraw(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """pending | contact needed | failed -> withdrawn: it has nothing left to say."""
    with transaction.atomic():
        count = Letter.objects.filter(pk=letter.pk, state__in=letter_path.sources("withdraw")).update(
            state=WITHDRAWN, why=why, lease_until=None
        )
        if count != 1:
            raise Refused("This letter is on its way already. Open the outbox again.", code="settled")
        _enter([letter], "letter.withdrawn", by=by, at=at, why=why)


def _settle(
    letter: Letter, state: str, *, why: str, by: Actor, at: datetime, due_at: datetime | None = None
) -> None:
    with transaction.atomic():
        changes: dict[str, object] = {"state": state, "why": why, "lease_until": None}
        if due_at is not None:
            changes["due_at"] = due_at
        rows = Letter.objects.filter(pk=letter.pk, state=SENDING, attempts=letter.attempts)
        count = rows.update(**changes)
        if count != 1:
            raise Refused("This letter was settled already. Open the outbox again.", code="settled")
        if letter.kind in TO_FORGET and state != PENDING:
            # The other side's words may quote the address; nothing of it stays.
            Letter.objects.filter(pk=letter.pk).update(recipient="", text="", body=None, why="", receipt="")
        said = "" if letter.kind in TO_FORGET else why
        letter.state, letter.why = state, said
        _enter([letter], f"letter.{state.replace(' ', '-')}", by=by, at=at, facts={"why": said})


def decide(letter: Letter, *, arrived: bool, by: Actor, at: datetime) -> None:
    """A person settles a letter in doubt: it arrived (sent), or it did not (the same bytes wait to leave again)."""
    require_act("letter.decide", by)
    if arrived:
        with transaction.atomic():
            sent([letter], receipt=f"settled by {by.who}", by=by, at=at)
            _enter([letter], "letter.decided", by=by, at=at, facts={"arrived": True})
        return
    not_arrived(letter, why=f"settled by {by.who}", by=by, at=at)


def not_arrived(letter: Letter, *, why: str, by: Actor, at: datetime) -> None:
    """in doubt -> pending: it did not arrive, or a repeat cannot double. The same bytes wait to leave again.

    Raises Refused where it is in doubt no more, or where its address was forgotten.
    """
    if letter.kind in TO_FORGET:
        raise Refused(
            "The address of this letter was forgotten when it left; it cannot leave again.", code="forgotten"
        )
    with transaction.atomic():
        # What is known is about this attempt: an answer that comes late must not settle the next one.
        rows = Letter.objects.filter(
            pk=letter.pk, state__in=letter_path.sources("again"), attempts=letter.attempts
        )
        count = rows.update(state=letter_path.target("again", IN_DOUBT), due_at=at, why="", lease_until=None)
        if count != 1:
            raise Refused("This letter is not in doubt any more. Open the outbox again.", code="settled")
        letter.state = PENDING
        _enter([letter], "letter.decided", by=by, at=at, facts={"arrived": False, "why": why})


def doubtful(transports: Sequence[str], *, at: datetime, limit: int = 100) -> list[Letter]:
    """Letters in doubt about which the other side may be asked now, those asked longest ago first."""
    rows = Letter.objects.filter(
        state=IN_DOUBT,
        transport__in=transports,
        body__isnull=False,
        # Not before its lease has ended: the other side may still be at it.
        claimed_at__lte=at - letter_path.LEASE,
    ).exclude(asked_at__gt=at - letter_path.ASK_EVERY)
    return list(rows.order_by(F("asked_at").asc(nulls_first=True), "pk")[:limit])


def asked(letters: Sequence[Letter], *, at: datetime) -> None:
    """The other side was asked about these; whatever it said, it is left alone for a while."""
    Letter.objects.filter(pk__in=[letter.pk for letter in letters]).update(asked_at=at)


def again(letter: Letter, *, by: Actor, at: datetime) -> Letter:
    """failed -> pending: a person lets the same letter leave once more. It keeps its identity and its bytes."""
    require_act("letter.decide", by)
    if letter.kind in TO_FORGET:
        raise Refused("The address of this letter was forgotten; it cannot leave again.", code="forgotten")
    if letter.kind == "notice":
        raise Refused("A new notice was drafted in its place, to the next contact.", code="anew")
    with transaction.atomic():
        count = Letter.objects.filter(pk=letter.pk, state=FAILED).update(state=PENDING, due_at=at, why="")
        if count != 1:
            raise Refused("This letter was not refused. Open the outbox again.", code="settled")
        letter.state, letter.due_at, letter.why = PENDING, at, ""
        _enter([letter], "letter.again", by=by, at=at)
    return letter


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
        _enter(letters, "letter.readdressed", by=by, at=at)


def recover(*, at: datetime, by: Actor) -> int:
    """After a crash: letters whose lease ran out while sending.

    Where nothing left the house they wait again; every other one is in doubt until the other side was asked
    (`jobs/doubt`) or a person has decided. Returns how many were found.
    """
    stuck = Letter.objects.filter(state=SENDING, lease_until__lt=at)
    count = stuck.filter(transport__in=INSIDE).update(state=PENDING, lease_until=None)
    for letter in stuck.exclude(transport__in=INSIDE):
        try:
            in_doubt(
                letter,
                why="The connection or the process ended while it was being handed over; it may have arrived.",
                by=by,
                at=at,
            )
        except Refused:
            continue  # its claimer settled it in this moment
        count += 1
    return count


def _enter(
    letters: Sequence[Letter],
    act: str,
    *,
    by: Actor,
    at: datetime,
    why: str = "",
    facts: dict[str, object] | None = None,
) -> None:
    record(
        [
            Act(
                act=act,
                obj=("letter", letter.key[:32], letter.attempts + 1),
                why="",
                payload={
                    "kind": letter.kind,
                    "number": letter.number,
                    "recipient": "" if letter.kind in TO_FORGET else letter.recipient,
                    "digest": letter.digest,
                    "why": why,
                    **(facts or {}),
                },
            )
            for letter in letters
        ],
        by=by,
        at=at,
    )
