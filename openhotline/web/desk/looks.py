"""Looks in words: what came of one, by which path, what is found now, and the verdict as a chip.

What is not here: the drawing (`looks_drawn`), what counts as gone (`rules/gone.py`), and working it out from the looks
(`steps/looked.py`).
"""

from collections.abc import Sequence
from datetime import datetime

from openhotline.records.models import Check
from openhotline.rules import gone as verdicts
from openhotline.rules import signs
from openhotline.steps.looked import WORDS, Explained
from openhotline.web.desk import rows, times

# What came of a request (`CheckFacts.outcome`), and by which path it was made (`CheckJob.variant`), as the tables say it.
CAME = {
    "answered": "Answered",
    "no-name": "The name leads nowhere",
    "refused": "Connection refused",
    "timeout": "Nothing in time",
    "cut-off": "Cut off",
    "blocked": "Not asked",
    "error": "Not understood",
}
PATHS = {
    "direct": "directly",
    "referrer": "by the page it is reached from",
    "cookie": "with its cookie",
    "steps": "step by step",
    "path": "by its whole path",
}


def meant_by(check: Check) -> str:
    """What a look found; a miss on a line of ours that was not proved told nothing."""
    return signs.UNCLEAR if check.meaning == signs.MISS and not check.canary_up else check.meaning


# How a verdict is shown: family of colour, icon. Words always stand beside it.
_CHIPS = {
    verdicts.UP: ("bad", "alert"),
    verdicts.CHANGED: ("warn", "alert"),
    verdicts.FIRST_MISS: ("info", "clock"),
    verdicts.GONE: ("ok", "ok"),
    verdicts.MOVED: ("warn", "alert"),
    verdicts.BLOCKED_FOR_US: ("warn", "alert"),
    verdicts.CANNOT_TELL: ("warn", "alert"),
}
_NAMES = {
    verdicts.UP: "Still there",
    verdicts.CHANGED: "Changed: a person should look",
    verdicts.FIRST_MISS: "Missed, not yet gone",
    verdicts.GONE: "Gone",
    verdicts.MOVED: "Leads elsewhere: traced again",
    verdicts.BLOCKED_FOR_US: "Blocked for us: not gone",
    verdicts.CANNOT_TELL: "Cannot tell",
}


def chip(told: Explained) -> rows.Signal:
    """The verdict of now as a chip."""
    family, icon = _CHIPS[told.verdict.kind]
    return rows.Signal(_NAMES[told.verdict.kind], family, icon)


def finding(last: dict[str, str], gone: datetime | None, at: datetime) -> str:
    """What the looks come to in one line. `last`: what each place saw at its newest look."""
    places = f"{len(last)} place{'' if len(last) == 1 else 's'}"
    if gone is not None:
        return f"Gone: missed from {places}, {times.when(gone, at)}"
    if all(meaning == signs.UP for meaning in last.values()):
        return f"Still up from {places}"
    if all(meaning == signs.MISS for meaning in last.values()):
        return f"Missed at the last look from {places}"
    if len(set(last.values())) == 1:
        return f"{WORDS.get(next(iter(last.values())), 'Unclear').capitalize()}, from {places}"
    return "The places differ: " + ", ".join(f"{name} {WORDS.get(m, m)}" for name, m in last.items())


def runs(checks: Sequence[Check], at: datetime) -> str:
    """ "up from 12:00, missed from 12:40": what one vantage point saw, in order."""
    parts: list[str] = []
    before = ""
    for check in checks:
        if (meant := meant_by(check)) != before:
            parts.append(f"{WORDS.get(meant, meant)} from {times.when(check.at, at)}")
            before = meant
    return ", ".join(parts[-8:])
