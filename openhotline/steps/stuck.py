"""Letters that cannot leave without a person: after a while managers hear of each, once for each state it waits in.

True here: no letter waits in silence, whatever it is about; what is on hold is meant to wait and is not counted, nor is a
refused notice, in whose place another one was drafted. What is not here: what a person does about it (the outbox's pages).
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from openhotline.outbox.entries import TO_FORGET
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, IN_DOUBT, PENDING, Letter
from openhotline.policy import Policy
from openhotline.steps import departing, tell

MOST = 1000  # letters told of at once
NAMED = 50  # of which the mail names so many


def untold(*, policy: Policy, at: datetime) -> int:
    """Sweep: letters that have waited for a person for the agreed time. Returns how many managers were told of."""
    since = at - policy.clocks.letter_wait
    refused = Q(state=FAILED, claimed_at__lte=since) & ~Q(kind="notice")
    doubted = Q(state=IN_DOUBT, claimed_at__lte=since)
    waiting = Q(state=CONTACT_NEEDED, put_at__lte=since)
    kept = Q(state=PENDING, put_at__lte=since) & ~Q(why__in=["", departing.HELD])
    rows = list(
        Letter.objects.filter(refused | doubted | waiting | kept)
        .exclude(transport="prober")
        .exclude(kind__in=TO_FORGET)
        .exclude(recipient=policy.managers_mail)
        .exclude(told_of=F("state"))
        .order_by("pk")[:MOST]
    )
    if not rows:
        return 0
    named = [f"- {row.kind} {row.number}: {row.state}" for row in rows[:NAMED]]
    more = [f"and {len(rows) - NAMED} more"] if len(rows) > NAMED else []
    one = len(rows) == 1
    with transaction.atomic():
        Letter.objects.filter(pk__in=[row.pk for row in rows]).update(told_of=F("state"))
        tell.desk(
            "letters-stuck",
            number=f"{at:%Y-%m-%dT%H%M}/{rows[0].pk}",
            recipient=policy.managers_mail,
            subject=f"{len(rows)} letter{' waits' if one else 's wait'} for a person",
            text="\n".join(
                [*named, *more, "", "They are at the desk under Outbox, each with what it needs.", ""]
            ),
            at=at,
        )
    return len(rows)
