"""How a letter leaves the box: claimed by one worker alone, guarded and frozen before any socket opens.

True here: a claim waits for no other claim. A worker passes over what another one is at, so that two of them are
at two letters. It waits only for whoever holds the case at that moment, because a hold being placed must be seen.
Not here: guards and bytes (`steps`, `jobs/dispatch`), sockets, and what became of the letter (`settling`).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet

from openhotline.outbox.entries import enter
from openhotline.outbox.models import IN_DOUBT, PENDING, SENDING, Letter
from openhotline.outbox.settling import RETRY_AFTER
from openhotline.rules import letter_path
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor

LOOK_PAST = 200  # letters whose guard says "not yet" do not keep those behind them
CLAIMING = 0x6F757462  # "outb": the advisory locks of claims, one for each letter

Guard = Callable[[Letter, datetime], bytes | None]


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
    guard: Guard,
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
    due, passed, taken = _due(transport, kinds, at), list[int](), 0
    while taken < limit and len(passed) < LOOK_PAST:
        # Looked for anew each time: what others have claimed meanwhile is not looked at again.
        pk = due.exclude(pk__in=passed).values_list("pk", flat=True).first()
        if pk is None:
            return
        letter = _claim_one(
            pk, PENDING, at=moment() if moment else at, by=by, way=way, guard=guard, lock=lock
        )
        if letter is None:
            passed.append(pk)
            continue
        taken += 1
        yield letter


def repeat(
    letter: Letter,
    *,
    at: datetime,
    by: Actor,
    guard: Guard,
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
    guard: Guard,
    lock: Callable[[int], None] | None,
) -> Letter | None:
    try:
        with transaction.atomic():
            if not _ours_to_try(pk):
                return None
            if lock is not None:
                lock(pk)
            rows = Letter.objects.select_for_update(skip_locked=connection.vendor == "postgresql")
            letter = rows.filter(pk=pk, state=state, due_at__lte=at).first()
            if letter is None or not _freeze(letter, state, guard(letter, at), at=at, way=way):
                return None
            enter([letter], "letter.claim", by=by, at=at)
    except Refused as refusal:
        # What the guard had changed is undone; the letter says why it waits, unless somebody has moved it since.
        later = {"due_at": at + RETRY_AFTER[0]} if state == PENDING else {}
        Letter.objects.filter(pk=pk, state=state).update(why=refusal.sentence, **later)
        return None
    return letter


def _ours_to_try(pk: int) -> bool:
    """Whether no other claim is at this letter. The lock is there for claims alone, and ends with the transaction."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [CLAIMING, pk & 0x7FFFFFFF])
        return bool(cursor.fetchone()[0])


def _freeze(letter: Letter, state: str, body: bytes | None, *, at: datetime, way: str) -> bool:
    """The letter is being sent from now on. False where its guard has moved it (withdrawn): it does not leave."""
    if letter.body is None and body is not None:
        letter.body, letter.digest = body, hashlib.sha256(body).hexdigest()
    letter.attempts += 1
    letter.way, letter.claimed_at, letter.lease_until = way, at, letter_path.leased_until(at)
    written = {
        name: getattr(letter, name)
        for name in ("body", "digest", "attempts", "way", "claimed_at", "lease_until")
    }
    letter.state = letter_path.target("claim" if state == PENDING else "repeat", state)
    return Letter.objects.filter(pk=letter.pk, state=state).update(state=letter.state, **written) == 1


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
