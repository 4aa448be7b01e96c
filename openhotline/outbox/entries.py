"""What the ledger is told of letters, and what it must never be told.

True here: one entry for each letter and act, in the transaction of the act. Not here: the acts (`queue`, `claims`,
`settling`).
"""

from collections.abc import Sequence
from datetime import datetime

from openhotline.ledger.record import Act, record
from openhotline.outbox.models import Letter
from openhotline.rules.words import Actor

# Letters to people whose address the house must forget: not in the ledger, not in the row once it has left.
TO_FORGET = ("reporter-answer", "appeal-answer")


def enter(
    letters: Sequence[Letter],
    act: str,
    *,
    by: Actor,
    at: datetime,
    why: str = "",
    facts: dict[str, object] | None = None,
) -> None:
    """One entry for each of these letters."""
    record(
        [
            Act(
                act=act,
                obj=("letter", letter.key[:32], letter.attempts + 1),
                why="",
                payload={
                    "kind": letter.kind,
                    "number": letter.number,
                    "recipient": "" if letter.kind in TO_FORGET else letter.recipient,
                    "digest": letter.digest,
                    "why": why,
                    **(facts or {}),
                },
            )
            for letter in letters
        ],
        by=by,
        at=at,
    )
