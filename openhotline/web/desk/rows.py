"""Rows of the queue as people see them: address without a link, source, signals, time left.

True here: no reporter's words, no file name and no page title appear in a list (ux.md W1), and a hold is
"paused". What is not here: which rows (`views`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from openhotline.records.models import Item, Removal
from openhotline.rules import item_path, removal_path, words
from openhotline.rules.urls import defang
from openhotline.web.desk import times
from openhotline.web.desk.times import Left
from openhotline.web.scoped import Scoped

SOURCE_NAMES = {
    words.FROM_PUBLIC: "Public",
    words.FROM_POLICE: "Police",
    words.FROM_INDUSTRY: "Industry",
    words.FROM_HOTLINE: "Partner",
    words.FROM_STAFF: "Staff",
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One chip: icon and words."""

    words: str
    family: str = "idle"
    icon: str = "flag"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of cases."""

    ref: str
    address: str
    about: str
    signal: Signal | None
    clock: Left
    mine: bool = False
    assessable: bool = False


def shown(canonical: str) -> str:
    """An address as a list shows it: defanged, without its scheme."""
    text = defang(canonical)
    return text.partition("://")[2] if text.startswith("hxxp") else text


def of_items(items: Sequence[Item], scoped: Scoped, *, user_id: int, at: datetime) -> list[Row]:
    """Rows for items, with three more queries for the whole page, however often they were reported."""
    ids = [item.pk for item in items]
    lines = scoped.report_lines().filter(item__in=ids).order_by()
    told = {
        pk: (first, times_)
        for pk, first, times_ in lines.values("item")
        .annotate(first=Min("pk"), times=Count("report", distinct=True))
        .values_list("item", "first", "times")
    }
    sources = {
        pk: SOURCE_NAMES.get(source, source)
        for pk, source in scoped.report_lines()
        .filter(pk__in=[first for first, _ in told.values()])
        .values_list("item", "report__source")
    }
    wholes = {
        pk: due - opened
        for pk, opened, due in scoped.clocks()
        .filter(subject="item", subject_id__in=ids, closed_at=None)
        .values_list("subject_id", "opened_at", "due_at")
    }
    rows = []
    for item in items:
        about = " · ".join(
            part for part in (sources.get(item.pk, ""), times.ago(item.received_at, at)) if part
        )
        clock = times.left(item.due_at, at, whole=wholes.get(item.pk), name=item.clock)
        mine = item.locked_by_id == user_id and item.locked_until is not None and item.locked_until > at
        rows.append(
            Row(
                item.ref,
                shown(item.canonical),
                about,
                _signal(item, at, user_id, told.get(item.pk, (0, 0))[1]),
                clock,
                mine,
                item.status in item_path.OPEN,
            )
        )
    return rows


def _signal(item: Item, at: datetime, user_id: int, reports: int) -> Signal | None:
    """The one thing that matters most about an item."""
    locked = item.locked_until is not None and item.locked_until > at
    if item.at_risk:
        return Signal("Child at risk?", "bad", "alert")
    if locked and item.locked_by_id == user_id:
        return Signal("Yours", "info", "lock")
    if locked:
        return Signal("With a colleague", "idle", "lock")
    if item.status == item_path.DISPUTED:
        return Signal("Disputed", "warn", "scale")
    if item.status == item_path.GRADED_ONCE:
        return Signal("Second reader", "idle", "users")
    if item.status == item_path.UNREACHABLE:
        return Signal("Tries again", "idle", "refresh")
    if reports > 1:
        return Signal(f"Reported {reports} times", "info", "merge")
    if item.priority:
        return Signal("Priority", "warn", "flag")
    return None


_REMOVAL_SIGNALS = {
    removal_path.TRACED: ("Traced", "idle", "pin"),
    removal_path.UNCLEAR: ("Trace unclear", "warn", "alert"),
    removal_path.ASKED: ("Police asked", "info", "shield"),
    removal_path.SILENT: ("Police silent", "warn", "bell"),
    removal_path.HELD: ("Paused", "hold", "pause"),
    removal_path.CLEARED: ("Cleared", "ok", "check"),
    removal_path.NOTICED: ("Noticed", "info", "send"),
    removal_path.ACKNOWLEDGED: ("Acknowledged", "info", "mail"),
    removal_path.OVERDUE: ("Overdue", "bad", "clock"),
    removal_path.REFERRED: ("Referred", "info", "globe"),
    removal_path.REFERRED_POLICE: ("Referred to police", "info", "globe"),
    removal_path.UNAVAILABLE: ("Unavailable there", "info", "globe"),
    removal_path.NOT_ILLEGAL_THERE: ("Not illegal there", "idle", "globe"),
    removal_path.GONE_MAYBE: ("Gone?", "info", "eyeoff"),
    removal_path.REMOVED: ("Removed", "ok", "ok"),
    removal_path.GONE_BEFORE_NOTICE: ("Gone before notice", "ok", "ok"),
    removal_path.MOVED: ("Moved", "idle", "arrow"),
    removal_path.REAPPEARED: ("Came back", "warn", "refresh"),
    removal_path.OUT_OF_REMIT: ("Out of remit", "idle", "tag"),
    removal_path.CLOSED: ("Closed", "ok", "check"),
}


def removal_signal(status: str) -> Signal:
    """A removal's status as a chip."""
    return Signal(*_REMOVAL_SIGNALS.get(status, (status.capitalize(), "idle", "flag")))


def _country(removal: Removal) -> str:
    """Where it is held; of the edge, that it is the edge."""
    return f"network in front in {removal.country}" if removal.edge else removal.country


def of_removals(removals: Sequence[Removal], scoped: Scoped, *, open_to: bool, at: datetime) -> list[Row]:
    """Rows for removals. `open_to`: this person may know until when a hold lasts."""
    ids = [removal.pk for removal in removals]
    held = set(scoped.holds().filter(removal__in=ids, released_at=None).values_list("removal_id", flat=True))
    wholes = {
        pk: due - opened
        for pk, opened, due in scoped.clocks()
        .filter(subject="removal", subject_id__in=ids, closed_at=None)
        .values_list("subject_id", "opened_at", "due_at")
    }
    rows = []
    for removal in removals:
        where = removal.host.name if removal.host else "host not known"
        lasted = times.span((removal.t8_gone or at) - removal.opened_at)
        about = " · ".join(part for part in (where, _country(removal), f"for {lasted}") if part)
        paused = removal.pk in held or removal.status == removal_path.HELD
        if paused:
            signal, clock = (
                Signal("Paused", "hold", "pause"),
                times.paused(removal.due_at, at, open_to=open_to),
            )
        else:
            signal = removal_signal(removal.status)
            clock = times.left(removal.due_at, at, whole=wholes.get(removal.pk), name=removal.clock)
            if removal.t8_gone and removal.due_at is None:
                clock = times.Left(f"gone {times.when(removal.t8_gone, at)}", "ok", "check")
        if removal.item.at_risk:
            signal = Signal("Child at risk?", "bad", "alert")
        rows.append(Row(removal.item.ref, shown(removal.item.canonical), about, signal, clock))
    return rows
