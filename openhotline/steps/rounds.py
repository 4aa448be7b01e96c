"""Rounds of looks as they are read from the house and filed in it: one removal, one moment, all vantage points.

True here: a batch costs a few statements however many looks it holds, and no row is loaded whole; a round that was
filed is never filed again. What is not here: what a round leads to (`check.py`, `after.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from openhotline.records import bulk
from openhotline.records.models import Check, Likeness, Removal
from openhotline.rules import gone, pace, removal_path, signs
from openhotline.rules.facts import CheckFacts
from openhotline.rules.signs import Reading
from openhotline.steps import due

_LIGHT = (
    *("pk", "version", "status", "item_id", "look_step", "unsure_looks", "silent_since", "watch_step"),
    *("opened_at", "t5_sent", "t8_gone", "item__ref", "item__status", "item__host", "item__way_at", "due_at"),
)


class Row(NamedTuple):
    """What filing a look needs to know of a removal."""

    pk: int
    version: int
    status: str
    item: int
    step: int
    unsure: int
    silent_since: datetime | None
    watch_step: int
    opened_at: datetime
    t5_sent: datetime | None
    t8_gone: datetime | None
    ref: str
    item_status: str
    host: str
    way_at: datetime | None
    due_at: datetime | None

    @property
    def watched(self) -> bool:
        """Whether the relapse watch is what looks at it."""
        return self.status in due.WATCHED

    @property
    def state(self) -> str:
        """The state whose interval holds for it."""
        if self.status in removal_path.ABROAD:
            return pace.ABROAD
        return pace.WITH_HOST if self.t5_sent else pace.WAITING


@dataclass
class Round:
    """One removal's round: its looks, how each reads, and the verdict."""

    row: Row
    looks: list[tuple[CheckFacts, Reading]] = field(default_factory=list)
    verdict: gone.Verdict = field(default_factory=lambda: gone.Verdict(gone.CANNOT_TELL, ""))
    next_at: datetime | None = None
    watch_step: int = 0
    unsure: int = 0

    def weighed(self) -> list[gone.Look]:
        """Its looks, as a verdict weighs them."""
        return [
            gone.Look(
                facts.at, facts.vantage, reading.meaning, facts.path_variant, facts.canary_up, self.row.step
            )
            for facts, reading in self.looks
        ]

    def on_its_way(self, looks: Sequence[gone.Look]) -> list[gone.Look]:
        """Those that count: looks on an older way in do not."""
        return [look for look in looks if self.row.way_at is None or look.at >= self.row.way_at]


def read(looks: Sequence[tuple[int, CheckFacts]], steps: Mapping[int, int] | None) -> list[Round]:
    """The looks by removal, its row locked. Rounds filed before, and removals no longer looked at, are left out."""
    ids = sorted({pk for pk, _ in looks})
    list(Removal.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    found = {row[0]: Round(Row(*row)) for row in Removal.objects.filter(pk__in=ids).values_list(*_LIGHT)}
    rounds = {
        pk: one
        for pk, one in found.items()
        if one.row.status in due.LOOKED_AT and (steps is None or steps.get(pk) == one.row.step)
    }
    likeness = _likenesses([one.row.item for one in rounds.values()])
    seen: set[tuple[int, str]] = set()
    for pk, facts in looks:
        if pk in rounds and (pk, facts.vantage) not in seen:
            seen.add((pk, facts.vantage))
            one = rounds[pk]
            one.looks.append((facts, signs.read(facts, likeness.get(one.row.item))))
    return list(rounds.values())


def _likenesses(items: Sequence[int]) -> dict[int, signs.Likeness]:
    rows = Likeness.objects.filter(item__in=items, at__isnull=False)
    return {
        row["item_id"]: signs.Likeness(
            **{name: row[name] for name in Likeness.COLUMNS[:-1]}, signs=tuple(row["signs"])
        )
        for row in rows.values("item_id", *Likeness.COLUMNS)
    }


_COLUMNS = (
    *("removal_id", "step", "at", "vantage", "path_variant", "meaning", "sign", "outcome", "status"),
    *("canary_up", "why", "facts"),
)


def file(rounds: Sequence[Round]) -> None:
    bulk.insert(
        Check,
        _COLUMNS,
        [
            (
                one.row.pk,
                one.row.step,
                facts.at,
                facts.vantage,
                facts.path_variant,
                reading.meaning,
                reading.sign[:16],
                facts.outcome,
                facts.status,
                facts.canary_up,
                _plain(" ".join(filter(None, (reading.why, facts.why)))),
                kept(facts),
            )
            for one in rounds
            for facts, reading in one.looks
        ],
    )


def kept(facts: CheckFacts) -> dict[str, object]:
    """The signs that are filed with a look: what the answer was like, and nothing of what it held."""
    found: dict[str, object] = {
        "location": _plain(facts.location),
        "content_type": _plain(facts.content_type),
        "length": facts.length,
        "size": facts.size,
        "title": _plain(facts.title),
        "fingerprint": facts.fingerprint,
        "simhash": facts.simhash,
        "words": facts.words,
        "signs": list(facts.signs),
        "signs_version": facts.signs_version,
        "peer": facts.peer,
    }
    return {name: value for name, value in found.items() if value not in ("", None, [], 0)}


def _plain(text: str) -> str:
    """A hostile string as both databases take it."""
    return text.replace("\x00", "") if "\x00" in text else text
