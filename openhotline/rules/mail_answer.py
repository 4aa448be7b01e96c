"""What a unit's signed mail proposes, read from its own first line and the lines below that name something.

True here: only a line that begins the signed text counts, a time needs its zone, and a reason is one of the list; what
is quoted below is nobody's word. What is not here: the signature (records), and taking it for an answer (a person does).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from openhotline.rules import words
from openhotline.rules.agreement import HOLD_REASONS
from openhotline.rules.refusals import Refused

SAYS = {
    "go ahead": words.GO_AHEAD,
    "no interest": words.NO_INTEREST,
    "evidence wanted": words.EVIDENCE_WANTED,
    "statement wanted": words.STATEMENT_WANTED,
    "hold": words.HOLD,
    "refuse": words.REFUSE,
}
_TIMED = {"hold until": words.HOLD, "go ahead after": words.GO_AHEAD_AFTER}
_LINE = re.compile(r"(hold until|go ahead after) (\d{4}-\d\d-\d\d)[t ](\d\d:\d\d) ?(utc|z|[+-]\d\d:\d\d)")
_NAMED = re.compile(r"(reason|reference|officer)\s*:\s*(\S.*)", re.IGNORECASE)
_WAITS = (words.HOLD, words.REFUSE, words.GO_AHEAD_AFTER)


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What one signed text proposes. `until` in UTC; `officer` as it names itself."""

    kind: str
    until: datetime | None = None
    reason: str = ""
    reference: str = ""
    officer: str = ""


def read(text: str) -> MailAnswer:
    """The proposal of a signed text. Raises Refused with what it should have said."""
    lines = [" ".join(line.split()) for line in text.splitlines() if not line.lstrip().startswith(">")]
    first = next((line.rstrip(".").lower() for line in lines if line), "")
    timed = _LINE.fullmatch(first)
    if timed is None and first not in SAYS:
        raise Refused(
            f"the signed text must begin with one of {', '.join((*SAYS, *_TIMED))}; the last two with a time such as "
            "2026-05-12 18:00 UTC",
            code="words",
        )
    kind, until = (_TIMED[timed[1]], _moment(timed)) if timed else (SAYS[first], None)
    said = {hit[1].lower(): hit[2].strip() for hit in map(_NAMED.fullmatch, lines) if hit}
    reason = said.get("reason", "other").lower().rstrip(".")
    if reason not in HOLD_REASONS:
        raise Refused(f"its reason is none of: {', '.join(HOLD_REASONS)}", code="reason")
    return MailAnswer(
        kind,
        until,
        reason if kind in _WAITS else "",
        said.get("reference", "")[:200],
        said.get("officer", "")[:80],
    )


def _moment(timed: re.Match[str]) -> datetime:
    zone = timed[4] if timed[4][0] in "+-" else "+00:00"
    try:
        return datetime.fromisoformat(f"{timed[2]}T{timed[3]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("its time is none that a calendar has", code="until") from None
