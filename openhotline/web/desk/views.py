"""The saved views of the queue: what each holds, in the order least time left first, page by page.

True here: a page is found by its place in the order (deadline, id), never by counting rows before it, so
the last page of 100,000 is as quick as the first. What is not here: how a row looks (`rows`).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Count, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from openhotline.records.models import Item, Removal
from openhotline.records.models.removal import NEVER
from openhotline.rules import item_path, removal_path, signs, words
from openhotline.steps.assess import READ
from openhotline.web.beside import beside
from openhotline.web.scoped import Scoped

PAGE = 25
SOON = timedelta(minutes=20)
WITH_POLICE = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD)
WITH_HOST = (removal_path.CLEARED, *removal_path.WITH_HOST, removal_path.GONE_MAYBE)


@dataclass(frozen=True, slots=True)
class View:
    """One saved view. `items`: it lists items; else removals. `loud`: its count is shown as a warning."""

    key: str
    name: str
    items: bool
    pick: Callable[[Scoped, datetime], Q]
    loud: bool = False
    empty: str = "Nothing is waiting here."


# Written out and not as parameters: only so does SQLite see that the partial index of the queue fits.
_IN_QUEUE = Func(
    F("status"),
    template="%(expressions)s IN ({})".format(", ".join(f"'{status}'" for status in item_path.OPEN)),
    output_field=BooleanField(),
)


def _open(scoped: Scoped, at: datetime) -> Q:
    """What waits for a person; what could not be reached comes back by itself and has its own view."""
    return Q(_IN_QUEUE) & ~Q(status=item_path.UNREACHABLE)


def _partners(scoped: Scoped, at: datetime) -> Q:
    partners = [words.FROM_HOTLINE, words.FROM_INDUSTRY, words.FROM_POLICE]
    sent = scoped.report_lines().filter(report__source__in=partners, item=OuterRef("pk"))
    # One row asked for and not EXISTS: PostgreSQL would join all lines of all items before it takes the first page.
    return Q(_IN_QUEUE) & Q(IsNull(Subquery(sent.values("pk")[:1]), False))


def _at_risk(scoped: Scoped, at: datetime) -> Q:
    going_on = scoped.removals().filter(item=OuterRef("pk"), status__in=removal_path.STILL_OPEN)
    alarmed = Q(pk__in=scoped.alarms().values("item"))
    return alarmed & (Q(status__in=item_path.OPEN) | Q(Exists(going_on)) | Q(status=item_path.GRADED))


def _changed(scoped: Scoped, at: datetime) -> Q:
    """Whose newest look found something else than at first, and no place the thing itself."""
    newest = scoped.checks().filter(step=F("removal__look_step") - 1)
    seen = newest.filter(removal=OuterRef("pk"), meaning=signs.UP)
    watched = [*removal_path.STILL_OPEN, *removal_path.WATCHED]
    return (
        Q(pk__in=newest.filter(meaning=signs.CHANGED).values("removal"))
        & Q(status__in=watched)
        & ~Q(Exists(seen))
    )


def _status(*statuses: str) -> Callable[[Scoped, datetime], Q]:
    return lambda scoped, at: Q(status__in=statuses)


def _in_queue(status: str) -> Callable[[Scoped, datetime], Q]:
    return lambda scoped, at: Q(_IN_QUEUE, status=status)


VIEWS = (
    View(
        "open",
        "All open",
        True,
        _open,
        empty="Nothing is open. Everything that came in has been decided.",
    ),
    View(
        "soon",
        "Under 20 min left",
        True,
        lambda s, at: _open(s, at) & Q(due_at__lt=at + SOON),
        loud=True,
    ),
    View("risk", "Child may be at risk", True, _at_risk, loud=True),
    View("home", "Hosted here", False, lambda s, at: Q(status__in=removal_path.STILL_OPEN, route=words.HOME)),
    View("second", "Second reader", True, _in_queue(item_path.GRADED_ONCE)),
    View("disputed", "Disputed", True, _in_queue(item_path.DISPUTED)),
    View("partners", "From partners", True, _partners),
    View("unreachable", "Could not be reached", True, _in_queue(item_path.UNREACHABLE)),
    View("police", "Waiting on police", False, _status(*WITH_POLICE)),
    View("host", "Waiting on hosts", False, _status(*WITH_HOST)),
    View("abroad", "Waiting abroad", False, _status(*removal_path.ABROAD)),
    View("unclear", "Trace unclear", False, _status(removal_path.UNCLEAR)),
    View("changed", "Something else there", False, _changed),
)
BY_KEY = {view.key: view for view in VIEWS}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a view: its rows and where the next page begins ("" on the last)."""

    rows: list[Any]
    after: str


def listed(view: View, scoped: Scoped, at: datetime) -> QuerySet[Any]:
    """All rows of a view, least time left first."""
    if view.items:
        return scoped.items().filter(view.pick(scoped, at)).order_by("due_at", "id")
    rows: QuerySet[Removal] = scoped.removals().filter(view.pick(scoped, at)).select_related("item", "host")
    never = Value(NEVER)
    return rows.annotate(place=Coalesce("due_at", never)).order_by("place", "id")


def page(view: View, scoped: Scoped, at: datetime, *, after: str = "", size: int = PAGE) -> Page:
    """The page behind the place `after` (as an earlier page gave it); an unreadable place is the start."""
    rows = listed(view, scoped, at)
    place = _place(after)
    if place is not None:
        moment, pk = place
        name = "due_at" if view.items else "place"
        rows = rows.filter(
            Q(**{f"{name}__gt": moment}) | Q(**{name: moment, "id__gt": pk}), **{f"{name}__gte": moment}
        )
    found = list(rows[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Page(found[:size], _mark(last, view) if last is not None else "")


def _mark(row: Any, view: View) -> str:
    moment = row.due_at if view.items else row.place
    return f"{moment.isoformat()}~{row.pk}" if moment else ""


def _place(after: str) -> tuple[datetime, int] | None:
    moment, _, pk = after.partition("~")
    try:
        found = datetime.fromisoformat(moment), int(pk)
    except ValueError:
        return None
    return found if found[0].tzinfo else None


def next_to_take(view: View, scoped: Scoped, user_id: int, at: datetime, *, not_this: int = 0) -> Item | None:
    """The first item of the view that this person may take now: free, and not read by them in this round."""
    if not view.items:
        return None
    mine = scoped.assessments().filter(READ, item=OuterRef("pk"), by=user_id, round=OuterRef("readings"))
    free = Q(locked_until=None) | Q(locked_until__lte=at) | Q(locked_by=user_id)
    takeable = [item_path.RECEIVED, item_path.ASSESSING, item_path.GRADED_ONCE, item_path.DISPUTED]
    return (
        listed(view, scoped, at).filter(free, ~Exists(mine), status__in=takeable).exclude(pk=not_this).first()
    )


_EXACT = 5_000  # up to here every count is taken anew
# Seconds: in a larger house the counts are this old before they are taken again; asked for by themselves, fresher.
_FRESH, _KEPT = 10.0, 60.0
_SHARE = 20  # of its time in so many: what takes long to count is counted less often
_kept: dict[str, Any] = {"at": -1e9, "took": 0.0, "counts": dict.fromkeys(BY_KEY)}
_counting = threading.Lock()


def counts(scoped: Scoped, at: datetime, *, fresh: bool = False) -> dict[str, int | None]:
    """How many rows each view holds, by key. In a large house they are taken beside the pages, and no page waits for
    them: it shows the last ones, and None while the first are being taken."""
    if not scoped.everything:
        return dict.fromkeys(BY_KEY, 0)
    if time.monotonic() - _kept["at"] < max(_FRESH if fresh else _KEPT, _SHARE * _kept["took"]):
        return dict(_kept["counts"])
    if not _large(scoped):
        return {**_count(scoped, at)}
    if _counting.acquire(blocking=False):
        beside(lambda: _count_and_keep(scoped, at))
    return dict(_kept["counts"])


def forget_counts() -> None:
    """The next page has them taken anew."""
    _kept.update(at=-1e9, took=0.0)


def _large(scoped: Scoped) -> bool:
    queue = scoped.items().filter(_IN_QUEUE).order_by("due_at", "id")
    going_on = scoped.removals().filter(status__in=removal_path.STILL_OPEN).order_by("retrace_at")
    return any(rows.values("pk")[_EXACT : _EXACT + 1].exists() for rows in (queue, going_on))


def _count_and_keep(scoped: Scoped, at: datetime) -> None:
    began = time.monotonic()
    try:
        counted = _count(scoped, at)
        _kept.update(counts=counted, at=time.monotonic(), took=time.monotonic() - began)
    finally:
        _counting.release()


def _count(scoped: Scoped, at: datetime) -> dict[str, int]:
    items = (
        scoped.items()
        .filter(_IN_QUEUE)
        .aggregate(
            open=Count("pk", filter=~Q(status=item_path.UNREACHABLE)),
            soon=Count("pk", filter=Q(due_at__lt=at + SOON) & ~Q(status=item_path.UNREACHABLE)),
            second=Count("pk", filter=Q(status=item_path.GRADED_ONCE)),
            disputed=Count("pk", filter=Q(status=item_path.DISPUTED)),
            unreachable=Count("pk", filter=Q(status=item_path.UNREACHABLE)),
        )
    )
    removals = (
        scoped.removals()
        .filter(status__in=removal_path.STILL_OPEN)
        .aggregate(
            home=Count("pk", filter=Q(route=words.HOME)),
            police=Count("pk", filter=Q(status__in=WITH_POLICE)),
            host=Count("pk", filter=Q(status__in=WITH_HOST)),
            abroad=Count("pk", filter=Q(status__in=removal_path.ABROAD)),
            unclear=Count("pk", filter=Q(status=removal_path.UNCLEAR)),
        )
    )
    rest = {key: scoped.items().filter(BY_KEY[key].pick(scoped, at)).count() for key in ("risk", "partners")}
    changed = scoped.removals().filter(_changed(scoped, at)).count()
    return {**items, **removals, **rest, "changed": changed}
