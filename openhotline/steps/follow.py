"""What follows a letter that has left: that its content is elsewhere now, how far it is, an answer to a question about it.

True here: it waits while any of its content is held, wherever that is now, and goes to no mailbox that is given up. What
is said of a place that content has left goes to whom that host is reached by today, and waits where nobody is; an answer
stands on the page it was asked on, so it is not sent after. What is not here: putting such a letter (`tell`, `refer`, `confirm`).
"""

from datetime import datetime

from openhotline.outbox import queue
from openhotline.outbox.models import Letter, LetterLine
from openhotline.records.models import Host, HostAlert, Notice, NoticeMessage, Removal
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import confirm, departing, secure_page
from openhotline.steps import contact as contacts
from openhotline.steps.tell import ALERT_MOVED, HOST_MOVED, NO_CONTACT

MOVED = (HOST_MOVED, ALERT_MOVED)
ANSWER, QUERY = "host-answer", "referral-query"
KINDS = (*MOVED, "referral-moved", QUERY, ANSWER)
GIVEN_UP = "Its mailbox is not used any more."


def stands(letter: Letter, *, at: datetime) -> bool:
    """The guard of what follows a letter. False where it was withdrawn, since its mailbox is given up.

    Raises Refused while any of its content is held.
    """
    if letter.kind == QUERY:
        number = letter.number.partition("/")[0]
        items = Removal.objects.filter(referral_lines__referral__number=number).values("item")
    else:
        told = LetterLine.objects.filter(letter=letter).values("removal")
        items = Removal.objects.filter(pk__in=told).values("item")
    if departing.held_items(items):
        raise Refused(departing.HELD, code="held")
    if letter.kind == ANSWER and _asked(letter, at=at).mail != letter.recipient:
        queue.withdraw(letter, why=GIVEN_UP, by=MACHINE_WORKER, at=at)
        return False
    if letter.kind in MOVED and not contacts.used(host := _host(letter), letter.recipient):
        to = contacts.best(host)
        queue.elsewhere(
            letter, to.mail if to else "", why=GIVEN_UP, nobody=NO_CONTACT, by=MACHINE_WORKER, at=at
        )
        return False
    return True


def _host(letter: Letter) -> Host:
    """Whose content has moved."""
    model = Notice if letter.kind == HOST_MOVED else HostAlert
    return model.objects.select_related("host").get(number=letter.number).host


def _asked(letter: Letter, *, at: datetime) -> confirm.Reach:
    """How whoever asked is reached now."""
    message = NoticeMessage.objects.select_related("notice__host", "page__alert__host", "page__domain").get(
        pk=int(letter.number.partition("/q")[2])
    )
    if message.page is not None:
        return secure_page.reached(message.page, at=at)
    assert message.notice is not None  # a message is about one or the other
    return confirm.reached(message.notice)
