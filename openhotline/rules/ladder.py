"""The ladder: host, the network above it, the registrar or registry, the regulator; when each rung is due, and what it is told.

The rungs, their times and first words are policy. What is not here: finding who stands on a rung (`steps/ladder`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openhotline.rules.notice import NoticeAddress, Texts
from openhotline.rules.paged import PagedLetter, Ways, kept_back

UPSTREAM, REGISTRAR, REGULATOR = "upstream", "registrar", "regulator"
STEPS = (UPSTREAM, REGISTRAR, REGULATOR)
NAMES = {
    UPSTREAM: "the network above the host",
    REGISTRAR: "the registrar or registry",
    REGULATOR: "the regulator",
}


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung as policy has it."""

    key: str  # one of STEPS
    after: timedelta  # from the moment the notice is overdue
    words: str
    mail: str = ""


def due(rungs: Sequence[RungRow], *, taken: Sequence[str], since: datetime, at: datetime) -> RungRow | None:
    """The next rung to take, None where none is due. One at a time, in the order of their times."""
    for rung in sorted(rungs, key=lambda one: (one.after, STEPS.index(one.key))):
        if rung.key not in taken:
            return rung if since + rung.after <= at else None
    return None


def next_at(rungs: Sequence[RungRow], *, taken: Sequence[str], since: datetime) -> datetime | None:
    """When the next rung is due, None after the last."""
    left = [one.after for one in rungs if one.key not in taken]
    return since + min(left) if left else None


def on_hold(spans: Iterable[tuple[datetime, datetime]], *, since: datetime) -> timedelta:
    """How long it was held after `since`, by one unit or by several at once: time that is nobody's fault."""
    spent, counted = timedelta(0), since
    for begin, end in sorted(spans):
        spent += max(end - max(begin, counted), timedelta(0))
        counted = max(counted, end)
    return spent


@dataclass(frozen=True, slots=True)
class RungContent:
    """Everything a letter up the ladder carries. Frozen at departure."""

    number: str  # of the notice
    name: str  # who stands on the rung
    words: str
    host: str
    cls: str
    noticed: datetime  # UTC
    ground: str
    preserve_days: int
    hotline: str
    ways: Ways
    sent: datetime  # UTC
    addresses: tuple[NoticeAddress, ...]  # what is still there; where it is held is the host's to know
    texts: Texts
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def letter(content: RungContent) -> PagedLetter:
    """The letter in both forms."""
    return PagedLetter(
        serial=content.number,
        subject=f"Notice {content.number}: not acted on by its host",
        whole=_text(content, whole=True),
        open=_text(content, whole=False),
        ways=content.ways,
        ground=content.ground,
        sent=content.sent,
        texts=content.texts,
        kept_back=kept_back(content.addresses),
        named=(content.name, content.host, content.hotline),
        secrets=content.secrets,
    )


def _text(content: RungContent, *, whole: bool) -> str:
    texts, ways, number = content.texts, content.ways, content.number
    count = len(content.addresses)
    listed = "\n".join(
        f"{place}. {one.canonical}" + (f"\n   opens from {one.referrer}" if one.referrer else "")
        for place, one in enumerate(content.addresses, 1)
    )
    there = (
        f"Still there, exactly as seen:\n{listed}\n\nPlease act where you can, and tell us with one press: {ways.link}"
        if whole
        else f"Still there: {texts.counted(count)}, on a secure page: {ways.page}\nType serial {number} and code {ways.code} "
        "there. Please act where you can, and tell us there with one press."
    )
    return (
        f"To {content.name}\n{texts.say('from', hotline=content.hotline, sent=texts.time(content.sent))}\n\n"
        f"{content.words}\n\n"
        f"Notice {number} went to {content.host} on {content.noticed:%d %B %Y %H:%M} UTC. It is about "
        f"{texts.kind(content.cls)}. Its ground: {content.ground} What it asked for: to preserve account record, logs and "
        f"stored files for {content.preserve_days} days, and to remove the content or cut off access. Do not open it.\n\n"
        f"{there}\n\n"
        f"Is it genuine? Ring {content.hotline} at {ways.phone} (find the number yourself, not in this mail), or check "
        f"{number} with code {ways.code} at {ways.verify}.\n"
        f"Think we are wrong? Appeal with {number} at {ways.appeal}.\n"
    )
