"""A letter that may have arrived: what a person says of it, and what was heard of it before it was settled.

True here: a report of non-delivery may come before we know that the relay took the letter (the line broke, a process
fell). It counts from the moment the letter counts as sent. What is not here: asking the other side (`jobs/doubt`).
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from openhotline.outbox import settling
from openhotline.outbox.models import Letter
from openhotline.policy import Policy
from openhotline.records.models import Delivery
from openhotline.rules import inbound
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps import alert, departed, domain_alert, refer

CAME_BACK: dict[str, Callable[..., None]] = {
    "notice": departed.came_back,
    alert.KIND: alert.came_back,
    domain_alert.KIND: domain_alert.came_back,
}


def heard_already(letter: Letter, *, at: datetime) -> None:
    """The letter was sent, it turns out: where a report that it came back is here already, that follows now."""
    heard = (
        Delivery.objects.filter(letter=letter.key, state=inbound.BOUNCED, mail__isnull=False)
        .order_by("pk")
        .first()
    )
    if heard is not None and letter.kind in CAME_BACK:
        CAME_BACK[letter.kind](letter, why=heard.words or "It came back.", at=at)


def settle(letter: Letter, *, arrived: bool, policy: Policy, by: Actor, at: datetime) -> None:
    """A person knows what became of a letter in doubt. What arrived counts from now on, as any sent letter."""
    with transaction.atomic():
        if arrived and letter.kind == "notice":
            require_act("letter.decide", by)
            departed.sent(letter, receipt=f"settled by {by.who}", policy=policy, at=at)
        elif arrived and letter.kind == "referral":
            require_act("letter.decide", by)
            refer.sent(letter, receipt=f"settled by {by.who}", policy=policy, at=at)
        else:
            settling.decide(letter, arrived=arrived, by=by, at=at)
        if arrived:
            heard_already(letter, at=at)
