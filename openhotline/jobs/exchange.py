"""Asks each partner on the exchange what is new: reports to us, and what became of our referrals;
and puts what we owe it about its reports.

True here: its list is read again from an hour before where it was last read whole, because what it dates back would
else be missed; once a day it is read again from a month before. What we have is confirmed only after it is durable.
Not here: what follows from a message (`steps/exchange`), and the wire (connectors).
"""

import logging
from datetime import datetime, timedelta

from openhotline import policy as policies
from openhotline.connectors.iccam import client
from openhotline.jobs.post import Post
from openhotline.policy import Policy
from openhotline.records.models import Partner, Referral
from openhotline.records.models.referral import EXCHANGE
from openhotline.rules import removal_path
from openhotline.rules.exchange import LATER, NO, WHOLE
from openhotline.steps import exchange, exchange_back

log = logging.getLogger("openhotline.worker")
EVERY = timedelta(minutes=15)
OVERLAP = timedelta(hours=1)
FAR_BACK = timedelta(days=30)
ANSWERS_EVERY = timedelta(hours=1)
ANSWERS = 50  # referrals asked about in one turn


def turn(post: Post, *, policy: Policy, at: datetime) -> int:
    """Ask every partner that is due. Returns how much was new."""
    new = 0
    for partner in Partner.objects.filter(protocol=EXCHANGE, kind="hotline").exclude(url="").order_by("pk"):
        if partner.read_at is None or not partner.read_at <= at < partner.read_at + EVERY:
            new += read(partner, post, policy=policy, at=at)
    return new


def read(partner: Partner, post: Post, *, policy: Policy, at: datetime, back: timedelta = OVERLAP) -> int:
    """One reading of one partner. Returns how much was new."""
    endpoint, codes = post.exchange(partner.key), policies.exchange_codes()
    since = (partner.read_to or at - FAR_BACK) - back
    listed = client.queue(endpoint, codes, since=since)
    heard = exchange.receive(partner, listed.messages, policy=policy, at=at)
    waiting = exchange.to_confirm(partner) if listed.ended != LATER else []
    if waiting:
        exchange.confirmed(partner, client.taken(endpoint, codes, waiting), at=at)
    changes: dict[str, object] = {"read_at": at, "read_why": listed.why}
    if listed.ended == WHOLE:
        changes["read_to"] = at
    elif listed.ended not in (LATER, NO):
        changes["read_at"] = None  # there is more: at once again, what was confirmed is not listed twice
    exchange_back.put_owed(partner, at=at)
    told = answers(partner, post, policy=policy, at=at) if listed.ended != LATER else 0
    Partner.objects.filter(pk=partner.pk).update(**changes)
    if listed.why:
        log.warning("%s: %s", partner.key, listed.why)
    return heard.messages + told


def answers(
    partner: Partner, post: Post, *, policy: Policy, at: datetime, every: timedelta = ANSWERS_EVERY
) -> int:
    """What became of referrals that are still open, those longest not asked about first. Returns how much was new."""
    rows = list(
        Referral.objects.filter(
            partner=partner,
            sent_at__isnull=False,
            lines__removal__status__in=[*removal_path.ABROAD, removal_path.GONE_MAYBE],
        )
        .exclude(their_reference="")
        .exclude(read_at__gt=at - every)
        .order_by("read_at", "pk")
        .distinct()[:ANSWERS]
    )
    if not rows:
        return 0
    listed = client.read_back(
        post.exchange(partner.key),
        policies.exchange_codes(),
        [(row.their_reference, row.number) for row in rows],
    )
    heard = exchange.receive(partner, listed.messages, policy=policy, at=at)
    Referral.objects.filter(pk__in=[row.pk for row in rows]).update(read_at=at)
    return heard.messages
