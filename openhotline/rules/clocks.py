"""Names of clocks. A clock is a stored deadline, computed when it opens; nothing here counts.

The durations are policy (`policy/<country>/clocks.toml`, `agreements.toml`). What is not here: the
sweep that finds deadlines that passed (`jobs/sweep.py`).
"""

from dataclasses import dataclass
from datetime import datetime

ASSESS = "assess"
SECOND_READ = "second reader"
LEAD_DECIDES = "lead decides"
RETRY = "try again"
BUNDLE = "bundle"
POLICE_ANSWER = "police answer"
ESCALATION = "escalation"
HOLD_REVIEW = "hold review"
HOST_TARGET = "host target"
LADDER = "ladder"
UNAVAILABLE = "unavailable there"
ORIGIN = "origin"
PARTNER_QUERY = "partner query"
PARTNER_ESCALATION = "partner escalation"
PARTNER_REVIEW = "partner review"
DEPARTURE = "departure"

MET, MISSED, HELD, STOPPED = "met", "missed", "held", "stopped"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock to open: its name and when it ends."""

    name: str
    due: datetime
