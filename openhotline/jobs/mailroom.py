"""The worker's way to mail that came in: reads the Maildir, hands each message to `steps/mailbox`, moves it aside.

True here: a message leaves `new` only after it was kept; one that cannot be kept for a fault of ours goes to
`held`, whole, and does not stop those behind it. What is not here: the listener (`connectors/mail/listener`).
"""

import logging
from datetime import datetime
from pathlib import Path

from django.db import OperationalError

from openhotline.connectors.mail import inbound, maildir
from openhotline.policy import Policy
from openhotline.steps import mailbox

log = logging.getLogger("openhotline.worker")
BATCH = 100


class Mailroom:
    """One Maildir, and the domain whose mailboxes are ours."""

    def __init__(self, place: Path, domain: str) -> None:
        self.place, self.domain = maildir.make(place), domain

    def read(self, *, policy: Policy, at: datetime, strict: bool = False) -> int:
        """Take in what lies there. Returns how many messages."""
        count = 0
        for name, raw in maildir.waiting(self.place, BATCH):
            try:
                mailbox.receive(raw, inbound.read(raw), domain=self.domain, policy=policy, at=at)
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
        return count
