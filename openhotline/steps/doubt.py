"""A letter that may have arrived: what a person says of it.

True here: what arrived counts from now on as any letter that was sent. What is not here: asking the other side
(`jobs/doubt`), and what follows where it came back (`returned`).
"""

from datetime import datetime

from django.db import transaction

from openhotline.outbox import settling
from openhotline.outbox.models import Letter
from openhotline.policy import Policy
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps import departed, refer


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
