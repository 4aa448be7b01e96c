"""The first sight: what an item shows just after an analyst has seen it, as signs for later looks to be read against.

It is wanted the moment a first reader has found an item illegal: the item has been opened, so a request with a path
may leave, and a person has just seen what is there. Three tries, from another place each; without a first sight later looks are read
by their status and by sign words alone. Where a person says that what is there now is the same content, it is taken anew.
What is not here: the look (connectors, jobs) and its meaning (`rules/signs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from openhotline.records.models import Item, Likeness, Removal
from openhotline.rules import removal_path, signs, words
from openhotline.rules.facts import CheckFacts
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import dialled
from openhotline.rules.words import Actor
from openhotline.steps.advance import note

TRIES = 3
AGAIN = timedelta(minutes=10)
LEASE = timedelta(minutes=5)
_WORTH_KEEPING = 100  # words of a page that says 404 and is a page of content all the same


@dataclass(frozen=True, slots=True)
class First:
    """One first sight to be taken. `tries`: how many were taken before."""

    item: int
    canonical: str
    referrer: str
    cookie: str
    steps: tuple[str, ...]
    tries: int
    onion: bool


def want(items: Sequence[Item], *, at: datetime) -> None:
    """A first reader has found these illegal: a first sight of each is wanted, unless there is one."""
    Likeness.objects.bulk_create(
        [
            Likeness(item=item, wanted_at=at)
            for item in items
            if item.host and item.kind in (words.ADDRESS, words.ONION)
        ],
        ignore_conflicts=True,
    )


def same(item: Item, *, by: Actor, at: datetime) -> None:
    """A person has looked: what is there now is the content, only it looks different (a re-encoded copy, another page
    around it). Looks are read against it from now on, the next one at once; where it had been gone, it has come back.
    """
    require_act("item.same", by)
    removals = Removal.objects.filter(item=item, status__in=[*removal_path.STILL_OPEN, *removal_path.WATCHED])
    if item.look_allowed_at is None or not removals.exists():
        raise Refused(
            "Nothing of this case is looked at any more. Report the address anew.", code="not-watched"
        )
    with transaction.atomic():
        note([item], "item.same", by=by, at=at, why="What is there now is the same content.")
        forget([item], at=at)
        removals.update(next_check_at=at)


def take_wanted(*, at: datetime, limit: int = 100) -> list[First]:
    """Claim first sights that are wanted. A lease frees them if the worker dies."""
    waiting = (
        Likeness.objects.filter(at=None, tries__lt=TRIES, wanted_at__lte=at)
        .exclude(
            item__kind=words.NEWSGROUP
        )  # a post shows nothing: a news server says only whether it has it
        .filter(Q(lease_until=None) | Q(lease_until__lte=at))
        .order_by("wanted_at", "pk")
    )
    with transaction.atomic():
        if connection.vendor == "postgresql":
            waiting = waiting.select_for_update(of=("self",), skip_locked=True)
        taken = list(waiting.select_related("item")[:limit])
        Likeness.objects.filter(pk__in=[row.pk for row in taken]).update(lease_until=at + LEASE)
    return [
        First(
            row.item_id,
            dialled(row.item.canonical),
            row.item.referrer,
            row.item.cookie,
            tuple(row.item.way_steps.split()),
            row.tries,
            row.item.kind == words.ONION,
        )
        for row in taken
    ]


def record(looks: Sequence[tuple[int, CheckFacts]], *, at: datetime) -> int:
    """File first sights (item id, facts). Returns how many showed something; the others are tried again."""
    kept = 0
    with transaction.atomic():
        waiting = set(
            Likeness.objects.select_for_update()
            .filter(item__in=[item for item, _ in looks], at=None)
            .values_list("item_id", flat=True)
        )
        known = [(item, facts) for item, facts in looks if item in waiting]
        Likeness.objects.filter(item__in=[item for item, _ in known]).update(
            tries=F("tries") + 1, lease_until=None, wanted_at=at + AGAIN
        )
        for item, facts in known:
            if shows_something(facts):
                kept += 1
                Likeness.objects.filter(item=item).update(**_first(facts))
    return kept


def _first(facts: CheckFacts) -> dict[str, object]:
    """The columns of a first sight."""
    return {
        "at": facts.at,
        "vantage": facts.vantage,
        "path_variant": facts.path_variant,
        "status": facts.status,
        "content_type": facts.content_type[:400].replace("\x00", ""),
        "size": facts.size,
        "final": facts.location.replace("\x00", ""),
        "title": facts.title.replace("\x00", ""),
        "fingerprint": facts.fingerprint,
        "simhash": facts.simhash,
        "words": facts.words,
        "signs": list(facts.signs),
    }


def shows_something(facts: CheckFacts) -> bool:
    """Whether a first look is worth keeping: something was served and it does not itself say that it is gone."""
    if facts.outcome != "answered":
        return False
    if facts.status in (404, 410):
        return facts.words >= _WORTH_KEEPING and not facts.signs
    return signs.read(facts).meaning in signs.SIGHTS


def forget(items: Sequence[Item], *, at: datetime) -> None:
    """What was seen is no measure any more: another way in, or a copy that a person knew. A new first sight is wanted."""
    Likeness.objects.filter(item__in=items).update(at=None, tries=0, wanted_at=at, lease_until=None)
    want(items, at=at)
