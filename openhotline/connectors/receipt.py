"""What is known after something was sent: the same four words for every transport.

`accepted`: the other side took responsibility. `temporary`: it certainly did not, and asking again is
right. `refused`: it said no for good. `unknown`: nobody on this side can know. Not here: who decides what
comes next (the outbox).
"""

from dataclasses import dataclass

ACCEPTED, TEMPORARY, REFUSED, UNKNOWN = "accepted", "temporary", "refused", "unknown"
OUTCOMES = (ACCEPTED, TEMPORARY, REFUSED, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known after an attempt. `outcome` is one of OUTCOMES."""

    outcome: str
    why: str  # a sentence, for people
    code: int = 0  # the reply that decided, 0 if none came
    text: str = ""  # the other side's words, verbatim, bounded
    reference: str = ""  # queue id of a relay, or the partner's own number
    stage: str = ""  # "connect", "greeting", "sender", "recipient", "data", "content", "answer"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What the other side said when it was asked for one letter: "taken", "not taken" or "unknown"; its reference."""

    said: str
    reference: str
