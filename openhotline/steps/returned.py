"""A letter that came back after the relay had taken it: what a report of that may do, and what follows once it is borne out.

True here: whoever sees a letter's envelope can write such a report by hand, its recipient among them. So by itself it
moves nothing: no clock, no ladder, no contact (docs/decisions/0022). It counts where our own relay's log says the same,
or where a person has rung them. What is not here: reading the report (`mailbox`), a relay that refuses at once (`departed`).
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox.models import SENT, Letter
from openhotline.records.models import Mail
from openhotline.rules import inbound
from openhotline.rules.permits import require_act
from openhotline.rules.words import Actor
from openhotline.steps import alert, departed, domain_alert
from openhotline.steps.advance import refuse_unless

# What follows, by the letter's kind; nothing follows for any other.
CAME_BACK: dict[str, Callable[..., None]] = {
    "notice": departed.came_back,
    alert.KIND: alert.came_back,
    domain_alert.KIND: domain_alert.came_back,
}


def letter_of(mail: Mail) -> Letter | None:
    """The letter that this message says came back, where something may follow from it; else None."""
    key = mail.deliveries.filter(state=inbound.BOUNCED).values_list("letter", flat=True).first()
    return Letter.objects.filter(key=key, kind__in=CAME_BACK).first() if key else None


def borne_out(mail: Mail, *, note: str, by: Actor, at: datetime) -> None:
    """Nobody has the letter: the mailbox is no longer used, and what waits for its host goes to the next contact.

    `note`: how that is known. Raises Refused where nothing follows, or where the letter is not known to have left.
    """
    require_act("mail.came-back", by)
    refuse_unless(bool(note.strip()), "Say how you know that nobody has it: whom you rang.", code="note")
    letter = letter_of(mail)
    refuse_unless(
        letter is not None, "Nothing follows from this report. Say what you did about it.", code="kind"
    )
    assert letter is not None
    refuse_unless(
        letter.state == SENT,
        "Say in the outbox first what became of this letter; it is not known yet that it left.",
        code="letter",
    )
    said = mail.deliveries.filter(state=inbound.BOUNCED).values_list("words", flat=True).first()
    with transaction.atomic():
        count = Mail.objects.filter(pk=mail.pk, settled_at=None).update(
            settled_at=at, settled_by=by.who, note=note.strip()[:1000]
        )
        refuse_unless(count == 1, "Somebody has settled this already.", code="settled")
        payload = {"digest": mail.digest, "letter": letter.key, "note": note.strip()[:1000]}
        record([Act(act="mail.came-back", obj=("mail", str(mail.pk), 2), payload=payload)], by=by, at=at)
        CAME_BACK[letter.kind](letter, why=said or "It came back.", at=at)
