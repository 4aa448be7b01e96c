"""What became of a letter: sent, not now, refused, in doubt; and what a person or the other side says of a doubt.

True here: an outcome is about one attempt, and counts once. What is in doubt leads on only by an answer of the
other side, by a repeat that cannot double (`claims.repeat`), or by a person. Not here: the asking (`jobs/doubt`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from openhotline.outbox.entries import TO_FORGET, enter
from openhotline.outbox.models import FAILED, IN_DOUBT, PENDING, SENDING, SENT, Letter
from openhotline.rules import letter_path
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor

# Nothing of these leaves the house: after a crash they wait again.
INSIDE = ("prober",)
# After a definite "not now": the first time, the second ...
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))


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
        forget = [letter.pk for letter in letters if letter.kind in TO_FORGET]
        if forget:
            Letter.objects.filter(pk__in=forget).update(recipient="", text="", body=None)
        for letter in letters:
            letter.state, letter.sent_at, letter.receipt = SENT, at, receipt
        if any(letter.transport != "prober" for letter in letters):
            enter(letters, "letter.sent", by=by, at=at, facts={"receipt": receipt})


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
        enter([letter], f"letter.{state.replace(' ', '-')}", by=by, at=at, facts={"why": said})


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


def decide(letter: Letter, *, arrived: bool, by: Actor, at: datetime) -> None:
    """A person settles a letter in doubt: it arrived (sent), or it did not (the same bytes wait to leave again)."""
    require_act("letter.decide", by)
    if arrived:
        with transaction.atomic():
            sent([letter], receipt=f"settled by {by.who}", by=by, at=at)
            enter([letter], "letter.decided", by=by, at=at, facts={"arrived": True})
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
        count = rows.update(
            state=letter_path.target("again", IN_DOUBT), due_at=at, why="", lease_until=None, told_of=""
        )
        if count != 1:
            raise Refused("This letter is not in doubt any more. Open the outbox again.", code="settled")
        letter.state = PENDING
        enter([letter], "letter.decided", by=by, at=at, facts={"arrived": False, "why": why})


def again(letter: Letter, *, by: Actor, at: datetime) -> Letter:
    """failed -> pending: a person lets the same letter leave once more. It keeps its identity and its bytes."""
    require_act("letter.decide", by)
    if letter.kind in TO_FORGET:
        raise Refused("The address of this letter was forgotten; it cannot leave again.", code="forgotten")
    if letter.kind == "notice":
        raise Refused("A new notice was drafted in its place, to the next contact.", code="anew")
    with transaction.atomic():
        count = Letter.objects.filter(pk=letter.pk, state=FAILED).update(
            state=PENDING, due_at=at, why="", told_of=""
        )
        if count != 1:
            raise Refused("This letter was not refused. Open the outbox again.", code="settled")
        letter.state, letter.due_at, letter.why = PENDING, at, ""
        enter([letter], "letter.again", by=by, at=at)
    return letter
