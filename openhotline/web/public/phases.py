"""All the public door may ask the database: a receipt's hash -> one of five words.

"Closed" is shown no sooner than the day the record names, so that a receipt is no oracle for what the
house thinks of an address (security.md 3f); until then it reads "in progress" like everything open.
"""

from datetime import datetime

from openhotline.records.models import ReceiptPhase
from openhotline.rules import words


def phase_of(receipt_hash: str, *, at: datetime) -> str | None:
    """One of `words.PHASES`, or None for words the house does not know. One look-up by key either way."""
    row = ReceiptPhase.objects.filter(pk=receipt_hash).values_list("phase", "not_closed_before").first()
    if row is None:
        return None
    phase, not_closed_before = row
    if phase == words.CLOSED_PHASE and at < not_closed_before:
        return words.IN_PROGRESS
    return str(phase)
