"""Every hour: does the outbox agree with the relay's log and with what partners say they have?

True here: a difference is a row with an owner, and stays until a later comparison does not find it any more.
Nothing is sent, settled or moved: this only finds. Not here: delivery reports that come back as mail.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from openhotline.connectors.relaylog.meaning import Seen
from openhotline.jobs.post import HTTP, SMTP, Post
from openhotline.outbox import queue
from openhotline.outbox.models import IN_DOUBT, SENDING, SENT, Difference, Letter
from openhotline.rules.words import LEAD, LIAISON

__all__ = ["EVERY", "Seen", "compare", "listed"]

EVERY = timedelta(hours=1)
BACK = timedelta(days=2)  # letters sent in this time are compared
MOST = 500  # letters a partner is asked about in one comparison

NOT_OURS = "taken, unknown to the outbox"
NOT_SENT = "taken, not sent in the outbox"
NOT_THERE = "sent, not found there"
BOUNCED = "bounced afterwards"
OTHER_NUMBER = "another reference"


def compare(post: Post, *, at: datetime) -> int:
    """One comparison. Returns how many differences are open after it."""
    found: set[tuple[str, str, str]] = set()
    sides: set[str] = set()
    log = post.read_log()
    if log is not None:
        sides.add("relay log")
        found |= {("relay log", what, key) for what, key in _with_log(log.taken, at)}
    for side, what, key in _with_partners(post, at):
        sides.add(side)
        if what:
            found.add((side, what, key))
    with transaction.atomic():
        for row in Difference.objects.filter(settled_at=None, side__in=sides):
            if (row.side, row.what, row.key) not in found:
                Difference.objects.filter(pk=row.pk).update(settled_at=at)
        made = [
            Difference(at=at, side=side, what=what, key=key, owner=LEAD if side == "relay log" else LIAISON)
            for side, what, key in sorted(found)
        ]
        Difference.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
    return Difference.objects.filter(settled_at=None).count()


def _with_log(taken: dict[str, Seen], at: datetime) -> Iterator[tuple[str, str]]:
    """(what, key) for each difference with the relay's log."""
    states: dict[str, str] = {}
    keys = list(taken)
    for start in range(0, len(keys), 900):
        states |= dict(Letter.objects.filter(key__in=keys[start : start + 900]).values_list("key", "state"))
    for key, seen in taken.items():
        if key not in states:
            yield NOT_OURS, key
        elif states[key] not in (SENT, SENDING, IN_DOUBT):
            yield NOT_SENT, key
        elif seen.status == "bounced" and states[key] == SENT:
            yield BOUNCED, key
    sent = Letter.objects.filter(way=SMTP, state=SENT, sent_at__gt=at - BACK).order_by("sent_at")
    inside = [(key, key in taken) for key in sent.values_list("key", flat=True)]
    known = [place for place, (_, there) in enumerate(inside) if there]
    # Only between two letters that it names is it known that the log was kept.
    for key, there in inside[known[0] : known[-1]] if known else []:
        if not there:
            yield NOT_THERE, key


def _with_partners(post: Post, at: datetime) -> Iterator[tuple[str, str, str]]:
    """(side, what, key) per letter a partner was asked about; what is "" where both agree."""
    letters = list(
        Letter.objects.filter(way=HTTP, state=SENT, sent_at__gt=at - BACK).order_by("-sent_at")[:MOST]
    )
    for letter in letters:
        known = post.ask(letter)
        side = f"partner:{letter.recipient}"[:64]
        if known.said == "not taken":
            yield side, NOT_THERE, letter.key
        elif known.said == "taken":
            other = bool(known.reference and letter.receipt and known.reference != letter.receipt)
            yield side, OTHER_NUMBER if other else "", letter.key


def listed(*, state: str = "", limit: int = 200) -> dict[str, object]:
    """The outbox as `openhotline outbox list --json` prints it."""
    from django.db.models import Count

    rows = Letter.objects.exclude(transport="prober")
    counts = dict(rows.values_list("state").annotate(n=Count("pk")))
    chosen = rows.filter(state=state) if state else rows.exclude(state__in=[SENT, "withdrawn"])
    return {
        "counts": counts,
        "letters": [
            {
                "key": row.key,
                "kind": row.kind,
                "number": row.number,
                "recipient": "" if row.kind in queue.TO_FORGET else row.recipient,
                "transport": row.transport,
                "way": row.way,
                "state": row.state,
                "attempts": row.attempts,
                "put_at": row.put_at.isoformat(),
                "due_at": row.due_at.isoformat(),
                "sent_at": row.sent_at.isoformat() if row.sent_at else None,
                "asked_at": row.asked_at.isoformat() if row.asked_at else None,
                "digest": row.digest,
                "receipt": row.receipt,
                "why": row.why,
            }
            for row in chosen.defer("body", "text").order_by("due_at", "pk")[:limit]
        ],
        "differences": [
            {
                "side": row.side,
                "what": row.what,
                "key": row.key,
                "owner": row.owner,
                "at": row.at.isoformat(),
            }
            for row in Difference.objects.filter(settled_at=None).order_by("at", "pk")[:limit]
        ],
    }
