"""What outside people read: states, times and answers in their words.

True here: times are local with the zone, and UTC beside it where a stranger reads; a state says what our own
checks see, never what a host or partner claims. What is not here: who may see it (`web/scoped`).
"""

from datetime import UTC, datetime, timedelta

from openhotline import policy as policies
from openhotline.rules import item_path, removal_path, words
from openhotline.rules.countries import name_of
from openhotline.rules.refusals import Refused
from openhotline.settings import load

KINDS = {
    words.GO_AHEAD: "Go ahead",
    words.GO_AHEAD_AFTER: "Go ahead later",
    words.HOLD: "Hold",
    words.REFUSE: "Do not remove now",
    words.EVIDENCE_WANTED: "Evidence wanted, then go ahead",
    words.STATEMENT_WANTED: "Statement wanted, then go ahead",
    words.NO_INTEREST: "No police interest, go ahead",
    words.PASS_ON: "Passed to another unit",
}
SHORT = {
    words.GO_AHEAD: "Go ahead",
    words.GO_AHEAD_AFTER: "Later",
    words.HOLD: "Hold",
    words.REFUSE: "Not now",
    words.EVIDENCE_WANTED: "Evidence",
    words.STATEMENT_WANTED: "Statement",
    words.NO_INTEREST: "Go ahead",
    words.PASS_ON: "Passed on",
}
CONDITIONS = {words.EVIDENCE_WANTED: "evidence", words.STATEMENT_WANTED: "a statement on the trace"}

CLASSES = {
    words.CHILD_SEXUAL_ABUSE: "Child sexual abuse images",
    words.NON_PHOTOGRAPHIC: "Non-photographic images of child sexual abuse",
    words.OBSCENE_ADULT: "Obscene adult content",
    words.EXTREME: "Extreme images",
    words.RACIAL_HATRED: "Racial hatred",
}

_POLICE = {
    removal_path.TRACED: ("traced", "info"),
    removal_path.UNCLEAR: ("traced again", "info"),
    removal_path.ASKED: ("waits for an answer", "warn"),
    removal_path.SILENT: ("waits, past its time", "bad"),
    removal_path.HELD: ("on hold", "hold"),
    removal_path.CLEARED: ("notice is leaving", "info"),
    removal_path.NOTICED: ("with the host", "info"),
    removal_path.ACKNOWLEDGED: ("the host answered", "info"),
    removal_path.OVERDUE: ("the host is late", "warn"),
    removal_path.REFERRED: ("handed abroad", "info"),
    removal_path.REFERRED_POLICE: ("handed to police abroad", "info"),
    removal_path.UNAVAILABLE: ("handed abroad, not reached there", "info"),
    removal_path.NOT_ILLEGAL_THERE: ("not illegal where it is held", "idle"),
    removal_path.GONE_MAYBE: ("gone, being confirmed", "info"),
    removal_path.REMOVED: ("gone", "ok"),
    removal_path.GONE_BEFORE_NOTICE: ("gone before a notice", "ok"),
    removal_path.MOVED: ("moved elsewhere", "idle"),
    removal_path.REAPPEARED: ("came back, asked anew", "warn"),
    removal_path.OUT_OF_REMIT: ("not ours to remove", "idle"),
    removal_path.CLOSED: ("closed", "ok"),
}

_HOST = {
    removal_path.NOTICED: ("Not answered yet", "warn"),
    removal_path.ACKNOWLEDGED: ("Answered, still up from outside", "info"),
    removal_path.OVERDUE: ("Past its time, still up from outside", "bad"),
    removal_path.GONE_MAYBE: ("We are checking from outside", "info"),
    removal_path.REMOVED: ("Gone. Nothing more to do", "ok"),
    removal_path.CLOSED: ("Gone. Nothing more to do", "ok"),
    removal_path.MOVED: ("No longer on your network", "ok"),
    removal_path.REAPPEARED: ("Came back; a new notice follows where due", "warn"),
}

_ABROAD = {
    removal_path.REFERRED: "with you",
    removal_path.REFERRED_POLICE: "with you",
    removal_path.UNAVAILABLE: "not reached by you; we look again",
    removal_path.NOT_ILLEGAL_THERE: "not illegal with you",
    removal_path.GONE_MAYBE: "gone at our last look, being confirmed",
    removal_path.REMOVED: "gone, as our own checks see it",
    removal_path.CLOSED: "gone, as our own checks see it",
    removal_path.MOVED: "moved to another host or country",
    removal_path.REAPPEARED: "came back",
}

SAID = {
    "removed": "Removed and preserved",
    "cut-off": "Access cut off, removal to follow",
    "not-ours": "Not on our network",
    "need-more": "We need help or more detail",
    "appeal": "We appeal: please review",
}

# On the page of another letter: what an answer is called, and to whom.
BEHIND = {
    "acted": "We have acted",
    "removed": SAID["removed"],
    "acknowledged": "We know of it and look into it",
    "not-ours": "Not ours to act on",
    "need-more": SAID["need-more"],
    "appeal": SAID["appeal"],
}


def country(code: str) -> str:
    """A country by name, else its code."""
    return name_of(code) or "Not known"


def state_for_police(status: str) -> tuple[str, str]:
    """(words, status family) of a removal for an officer."""
    return _POLICE.get(status, (status, "idle"))


def state_for_host(status: str) -> tuple[str, str]:
    """(words, status family) of a removal for the host. What waits or is held with us reads like any other."""
    return _HOST.get(status, ("Open", "info"))


def state_behind(status: str) -> tuple[str, str]:
    """(words, status family) of a removal on the page of a letter that went beyond the host. A hold reads like any other."""
    over = status not in removal_path.STILL_OPEN or status == removal_path.GONE_MAYBE
    return _HOST.get(status, ("Open", "info")) if over else ("Up at our last look", "warn")


def state_abroad(status: str, item: str) -> str:
    """The state of a removal, of an item with status `item`, for a partner abroad. "Gone" is said by our own checks alone."""
    if item == item_path.NOT_ILLEGAL:
        return "withdrawn on appeal: not against the law here"
    return _ABROAD.get(status, "with you")


def local(moment: datetime) -> datetime:
    """`moment` on the clock on the wall."""
    return moment.astimezone(policies.load(load().country).zone)


def from_wall(typed: datetime) -> datetime:
    """A time as typed, in UTC: by its own zone, else by the clock on the wall.

    Raises Refused for one that this clock never shows or shows twice, in the night in which it is changed.
    """
    if typed.tzinfo is not None:
        return typed.astimezone(UTC)
    found = by_wall(typed)
    if len(found) == 1:
        return found[0]
    said = f"{typed:%H:%M} on {day(typed)}"
    first = typed.replace(minute=0)
    if not found:
        raise Refused(
            f"The clocks go forward, and there is no {said}. Choose a time from "
            f"{first + timedelta(hours=1):%H:%M} on, or up to {first - timedelta(minutes=1):%H:%M}.",
            code="no-such-time",
        )
    raise Refused(
        f"The clocks go back, and {said} comes twice. Choose which of the two under “Hold until”, or a time up to "
        f"{first - timedelta(minutes=1):%H:%M} or from {first + timedelta(hours=1):%H:%M} on.",
        code="twice",
    )


def by_wall(typed: datetime) -> list[datetime]:
    """When, in UTC, the clock on the wall shows this: once, twice where it is put back, never where it leaps over it."""
    wall = policies.load(load().country).zone
    shown = {typed.replace(tzinfo=wall, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(moment for moment in shown if local(moment).replace(tzinfo=None, fold=0) == typed)


def short(moment: datetime, at: datetime) -> str:
    """ "18:00", "18:00 tomorrow", else "18:00, 14 May": the wall clock, for people of this country."""
    wall, today = local(moment), local(at).date()
    days = (wall.date() - today).days
    twice = len(by_wall(wall.replace(tzinfo=None, fold=0))) > 1
    clock = f"{wall:%H:%M} {wall.tzname()}" if twice else f"{wall:%H:%M}"
    if days == 0:
        return clock
    if days == 1:
        return f"{clock} tomorrow"
    near = -300 < days < 300
    return f"{clock}, {wall.day} {wall:%b}" if near else f"{clock}, {day(wall)}"


def zoned(moment: datetime, at: datetime) -> str:
    """As `short`, with the zone: "18:00 BST", "18:00 BST tomorrow"."""
    clock, zone = short(moment, at), local(moment).tzname() or "UTC"
    return clock if zone in clock else f"{clock[:5]} {zone}{clock[5:]}"


def day(moment: datetime) -> str:
    """ "12 May 2026", of the date as given."""
    return f"{moment.day} {moment:%B %Y}"


def full(moment: datetime) -> str:
    """ "16:00 BST (15:00 UTC), Tuesday 12 May 2026": for strangers."""
    wall = local(moment)
    utc = "" if wall.tzname() == "UTC" else f" ({moment.astimezone(UTC):%H:%M} UTC)"
    return f"{wall:%H:%M} {wall.tzname()}{utc}, {wall:%A} {day(wall)}"


def exact(moment: datetime) -> str:
    """ "12 May 2026, 10:58:20 UTC": for logs on the other side."""
    utc = moment.astimezone(UTC)
    return f"{day(utc)}, {utc:%H:%M:%S} UTC"


def length(span: timedelta) -> str:
    """ "41 min", "3 h 46 min", "3 days"."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 72:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 address", "433 addresses"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
