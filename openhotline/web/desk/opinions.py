"""Opinions as the desk may show them, and the one rule that keeps the second reader blind.

True here: while an item waits for its second reader, nobody but its writer reads the opinion of the running
round, on any page. Every page of the desk takes opinions from `readable` and nowhere else
(tests/web/test_desk_blind.py). What is not here: recording an opinion (`steps/assess`).
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q, QuerySet

from openhotline.policy import Policy
from openhotline.records.models import Assessment, Item
from openhotline.rules import item_path, words
from openhotline.web.desk.times import span
from openhotline.web.scoped import Scoped

CLASS_NAMES = {
    words.CHILD_SEXUAL_ABUSE: "Child sexual abuse",
    words.NON_PHOTOGRAPHIC: "Not a photograph",
    words.OBSCENE_ADULT: "Obscene, adult",
    words.EXTREME: "Extreme image",
    words.RACIAL_HATRED: "Racial hatred",
}
AGE_NAMES = {
    "infant": "Infant",
    "pre-pubescent": "Pre-pubescent",
    "pubescent": "Pubescent",
    "unclear": "Not clear",
    "none": "None",
}
READING_NAMES = {"first": "First reader", "second": "Second reader, blind", "lead": "Lead"}


def readable(scoped: Scoped, user_id: int) -> QuerySet[Assessment]:
    """Every standing opinion this person may read: all but those of a round that still waits for its second reader.

    One's own opinions are always readable, to oneself.
    """
    waiting = Q(item__status=item_path.GRADED_ONCE, round=F("item__readings"))
    return scoped.assessments().filter(undone_at=None).filter(~waiting | Q(by=user_id))


def in_words(opinion: str, cls: str, category: str) -> str:
    """An opinion in the words of a heading: "Category B", "Not in remit". Never a description of an act."""
    if opinion == words.ILLEGAL:
        return _category(category) if category else CLASS_NAMES.get(cls, cls)
    return {
        words.NOT_ILLEGAL: "Not illegal",
        words.OUT_OF_REMIT: "Not in remit",
        words.UNREACHABLE: "Could not be reached",
    }.get(opinion, opinion)


def grade_of(item: Item) -> str:
    """The grade an item ended with, in words; "" while it has none."""
    return in_words(words.ILLEGAL, item.cls, item.category) if item.cls else ""


@dataclass(frozen=True, slots=True)
class Pick:
    """One decision of the grid: its key, what it is called and the policy point, and what it stands for."""

    key: str
    value: str  # "category:B", "class:non-photographic", "out-of-remit" ...
    name: str
    note: str
    wide: bool = False
    needs: str = ""  # "age" or "reason": what else has to be chosen


def picks(policy: Policy, day: date) -> list[Pick]:
    """The decision grid under the scheme and remit in force on `day`."""
    scheme = policy.scheme_on(day)
    found = [
        (f"category:{category}", _category(category), _policy_point(policy, category=category), "age")
        for category in scheme.categories
    ]
    for row in policy.remit.rows:
        if row.covers(day) and row.cls != words.CHILD_SEXUAL_ABUSE:
            found.append(
                (
                    f"class:{row.cls}",
                    CLASS_NAMES.get(row.cls, row.cls),
                    _policy_point(policy, cls=row.cls),
                    "",
                )
            )
    found += [
        (words.OUT_OF_REMIT, "Not in remit", "Closes the item", ""),
        (words.UNREACHABLE, "Cannot reach it", f"Tries again in {_first_retry(policy)}", "reason"),
        (words.NOT_ILLEGAL, "Not illegal", "Closes the item", ""),
    ]
    return [
        Pick(str(n), value, name, note, wide=n == len(found) and n % 2 == 1, needs=needs)
        for n, (value, name, note, needs) in enumerate(found, 1)
    ]


def _category(key: str) -> str:
    """ "Category B"; "Level 3" under the scheme that counted."""
    return f"Level {key}" if key.isdigit() else f"Category {key}"


def _first_retry(policy: Policy) -> str:
    return span(policy.clocks.retry[0]) if policy.clocks.retry else "a while"


def _policy_point(policy: Policy, *, category: str = "", cls: str = "") -> str:
    """The chapter of the guidance a decision rests on: "Policy 4.2"."""
    for point in policy.points:
        if (category and point.category == category) or (cls and cls in point.classes and not category):
            return f"Policy {point.key.partition('-')[0] if category else point.key.partition('.')[0]}"
    return ""
