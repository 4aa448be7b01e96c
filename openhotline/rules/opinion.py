"""An analyst's opinion, as given: checked against the dated scheme before it is kept.

What is not here: the content itself. The opinion is formed on the hotline's own viewing station, outside
this product; only words and numbers come in.
"""

from dataclasses import dataclass
from datetime import timedelta

from openhotline.rules import words
from openhotline.rules.refusals import Refused

BACK_WITHIN = timedelta(seconds=30)  # an opinion can be taken back; what follows from it waits as long

# Youngest first: a page's age band is its youngest child's (domain.md 1b).
_YOUNGEST = {"infant": 0, "pre-pubescent": 1, "pubescent": 2, "unclear": 3, "none": 4, "": 5}

REASONS = (
    "not found",
    "needs a password",
    "referrer unknown",
    "account closed",
    "site down",
    "other",
)  # why something could not be reached


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person thinks of one item."""

    opinion: str  # one of words.OPINIONS
    cls: str = ""
    category: str = ""
    age_band: str = ""
    files: int = 0
    points: tuple[str, ...] = ()
    seconds: int = 0
    reason: str = ""

    def same_grade(self, other: "Opinion") -> bool:
        """Two blind readers agree when opinion, class and category are the same."""
        return (self.opinion, self.cls, self.category) == (other.opinion, other.cls, other.category)


def youngest(*bands: str) -> str:
    """The youngest of the age bands given."""
    return min(bands, key=lambda band: _YOUNGEST.get(band, 5))


def check(opinion: Opinion, *, categories: tuple[str, ...], points: tuple[str, ...]) -> None:
    """Raise Refused unless the opinion is complete under the scheme in force (`categories`, `points`)."""
    if opinion.opinion not in words.OPINIONS:
        raise Refused(
            "Choose what you found: illegal, not illegal, not in remit, or cannot be reached.", code="opinion"
        )
    if opinion.files < 0 or opinion.seconds < 0:
        raise Refused("Files and seconds are counted from nothing upwards.", code="opinion")
    unknown = [point for point in opinion.points if point not in points]
    if unknown:
        raise Refused(f"The guidance has no point {', '.join(unknown)}. Choose from the list.", code="points")
    if opinion.opinion == words.UNREACHABLE and opinion.reason not in REASONS:
        raise Refused(
            "Say why it could not be reached, so that it is tried again the right way.", code="reason"
        )
    if opinion.opinion != words.ILLEGAL:
        return
    if opinion.cls not in words.CLASSES:
        raise Refused("Choose the class of content.", code="class")
    if opinion.cls == words.CHILD_SEXUAL_ABUSE:
        if opinion.category not in categories:
            raise Refused(f"Choose a category: {', '.join(categories)}.", code="category")
        if opinion.age_band not in ("infant", "pre-pubescent", "pubescent", "unclear"):
            raise Refused("Choose the age band of the youngest child.", code="age")
    elif opinion.category:
        raise Refused(
            "Categories belong to photographs of child sexual abuse only. Leave it empty.", code="category"
        )
