"""What the looks at a removal amount to, told so that somebody else can follow it: per place, per look, and the verdict.

Read-only. Everything is worked out anew from the filed looks by the rules that moved the removal, so that what is
explained is what was decided. What is not here: filing and moving (`check.py`), and how it is drawn (`web/desk`).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from openhotline.policy import Policy
from openhotline.records.models import Check, Removal
from openhotline.rules import gone, signs

WORDS = {
    signs.UP: "still there",
    signs.CHANGED: "something else there",
    signs.MISS: "not there",
    signs.SILENT: "no answer",
    signs.MOVED: "leads elsewhere",
    signs.BLOCKED: "kept out",
    signs.UNCLEAR: "unclear",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One look and whether it counts towards the verdict of now."""

    look: Check
    words: str
    counts: bool  # one of the misses that "gone" rests on, or would rest on


@dataclass(frozen=True, slots=True)
class Place:
    """What one vantage point saw, newest first."""

    name: str
    looks: tuple[Seen, ...]

    @property
    def newest(self) -> Seen:
        """The newest look from here."""
        return self.looks[0]


@dataclass(frozen=True, slots=True)
class Explained:
    """The verdict on one removal, by place, with what is missing for "gone" and when it is looked at next."""

    removal: Removal
    verdict: gone.Verdict
    places: tuple[Place, ...]
    next_at: datetime | None
    rounds: int  # filed so far
    likeness: bool  # whether there is a first sight to read looks against

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there yet for "gone"; empty for what is gone or over."""
        return self.verdict.missing


def explain(
    removal: Removal, rows: "QuerySet[Check]", *, at: datetime, policy: Policy, most: int = 60
) -> Explained:
    """Explain a removal from its looks. `rows`: the looks at it that the reader may see; `most`: how many a place lists."""
    newest = list(rows.filter(removal=removal).order_by("-step", "-pk")[: most * 4])
    judged = [look for look in newest if look.step > removal.look_step - 1 - gone.ROUNDS_JUDGED]
    since = removal.item.way_at
    known = [
        gone.Look(look.at, look.vantage, look.meaning, look.path_variant, look.canary_up, look.step)
        for look in judged
        if since is None or look.at >= since
    ]
    verdict = gone.judge(known, now=at, silent_since=removal.silent_since)
    counted = gone.counting(known, now=at)
    by_place: dict[str, list[Seen]] = {}
    for look in newest:
        counts = look.meaning == signs.MISS and (look.step, look.vantage) in counted
        seen = Seen(look, WORDS.get(look.meaning, look.meaning), counts)
        by_place.setdefault(look.vantage, []).append(seen)
    places = tuple(Place(name, tuple(looks[:most])) for name, looks in sorted(by_place.items()))
    first = getattr(removal.item, "likeness", None)
    return Explained(
        removal,
        verdict,
        places,
        removal.next_check_at,
        removal.look_step,
        first is not None and first.at is not None,
    )
