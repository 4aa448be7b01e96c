"""The worker's way to mail that came in: reads the Maildir, hands each message to `steps/mailbox`, moves it aside.

True here: a message leaves `new` only after it was kept; one that cannot be kept for a fault of ours goes to
`held`, whole, and does not stop those behind it. A report that a letter came back counts at once where our relay's log
says so too. What is not here: the listener (`connectors/mail/listener`).
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.db import OperationalError

from openhotline.connectors.mail import inbound, maildir
from openhotline.jobs.post import Post
from openhotline.policy import Policy
from openhotline.records.models import Mail
from openhotline.records.models.mail import DELIVERY
from openhotline.rules import inbound as inbound_rule
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import mailbox, returned

log = logging.getLogger("openhotline.worker")
BATCH = 100


class Mailroom:
    """One Maildir, and the domain whose mailboxes are ours."""

    def __init__(self, place: Path, domain: str) -> None:
        self.place, self.domain = maildir.make(place), domain

    def read(self, post: Post, *, policy: Policy, at: datetime, strict: bool = False) -> int:
        """Take in what lies there. Returns how many messages."""
        count, back = 0, []
        for name, raw in maildir.waiting(self.place, BATCH):
            try:
                mail = mailbox.receive(raw, inbound.read(raw), domain=self.domain, policy=policy, at=at)
            except OperationalError:
                raise  # the database is away: it stays in `new`
            except Exception:
                if strict:
                    raise
                log.exception("A message could not be kept; it lies in %s/held.", self.place)
                (self.place / "held").mkdir(mode=0o700, exist_ok=True)
                (self.place / "new" / name).replace(self.place / "held" / name)
                continue
            maildir.done(self.place, name)
            count += 1
            if mail.kind == DELIVERY and mail.settled_at is None:
                back.append(mail)
        _bear_out(back, post, at=at)
        return count


def _bear_out(mails: Sequence[Mail], post: Post, *, at: datetime) -> None:
    """What our own relay's log calls bounced came back, whoever wrote the report of it. A letter that the log says was
    handed on, or that it does not name, waits for a person."""
    letters = [(mail, letter) for mail in mails if (letter := returned.letter_of(mail)) is not None]
    log = post.read_log() if letters else None
    if log is None:
        return
    for mail, letter in letters:
        seen = log.taken.get(letter.key)
        if seen is None or seen.status != inbound_rule.BOUNCED:
            continue
        try:
            returned.borne_out(mail, note="Our own relay's log says so too.", by=MACHINE_WORKER, at=at)
        except Refused:
            continue  # not settled yet whether it left: a person says so, and then this
