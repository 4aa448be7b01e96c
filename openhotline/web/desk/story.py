"""What came in and what runs on a case: reports, spellings, looks, clocks, the host's past.

True here: a hold's clock is "paused" unless `open_to` is set; a public report shows its hour and never the
minute. What is not here: opinions (`opinions`), traces (`traced`), police and notices (`outward`), the ledger
(`entries`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from openhotline.records.models import Check, Item, Removal
from openhotline.rules import clocks as clock_names
from openhotline.rules import urls, words
from openhotline.steps import intake_again
from openhotline.web.desk import rows, times
from openhotline.web.scoped import Scoped


def checks(scoped: Scoped, removal: Removal) -> list[Check]:
    """The looks at one episode, newest first, at most two thousand."""
    return list(scoped.checks().filter(removal=removal).order_by("-at", "vantage")[:2000])


@dataclass(frozen=True, slots=True)
class Told:
    """One report that joined: its source and, for the public, its hour only."""

    pk: int
    when: str
    source: str
    partner: str
    incomplete: str  # what of it is missing, "" where nothing is
    words: bool  # the reporter wrote something; shown only after "Show"


def reports(scoped: Scoped, item: Item, at: datetime) -> list[Told]:
    """Reports that lead here, first first, at most a hundred."""
    found = scoped.reports().filter(lines__item=item).distinct().order_by("received_at", "pk")[:100]
    return [
        Told(
            row.pk,
            hour(row.received_at, at) if row.source == words.FROM_PUBLIC else times.when(row.received_at, at),
            rows.SOURCE_NAMES.get(row.source, row.source),
            row.partner,
            "" if row.complete else "Left early" if row.why == intake_again.LEFT_EARLY else row.why,
            row.sealed is not None,
        )
        for row in found
    ]


def hour(moment: datetime, at: datetime) -> str:
    hours = f"{moment:%H} to {(moment.hour + 1) % 24:02} h"
    return hours if moment.date() == at.date() else f"{moment.day} {moment:%b}, {hours}"


def spellings(scoped: Scoped, item: Item) -> list[tuple[str, str]]:
    """Every spelling received, defanged, each once, at most fifty, with what is odd about it."""
    seen = dict.fromkeys(
        scoped.report_lines().filter(item=item).order_by("pk").values_list("reported", flat=True)[:500]
    )
    return [(defanged(text), urls.read(text).note) for text in list(seen)[:50]]


def defanged(text: str) -> str:
    """Any spelling, shown so that no program makes a link of it."""
    return re.sub(r"(?<!\[)\.", "[.]", re.sub(r"(?i)^(\s*)http", r"\1hxxp", text[:2000]))


@dataclass(frozen=True, slots=True)
class ClockShown:
    """One clock and how it ended, or what is left."""

    name: str
    words: str
    family: str
    icon: str


# Clocks whose own name says little to who does not know the code.
_CLOCK_NAMES = {clock_names.BUNDLE: "Put with others", clock_names.DEPARTURE: "Notice leaves"}
_CLOCK_ICONS = {"ok": "ok", "bad": "alert", "hold": "pause", "warn": "clock", "": "clock", "idle": "more"}


def clocks(
    scoped: Scoped, item: Item, episodes: Sequence[Removal], *, open_to: bool, at: datetime
) -> list[ClockShown]:
    """Every clock of the case, first opened first."""
    which = Q(subject="item", subject_id=item.pk) | Q(
        subject="removal", subject_id__in=[row.pk for row in episodes]
    )
    which |= Q(
        subject="alarm", subject_id__in=list(scoped.alarms().filter(item=item).values_list("pk", flat=True))
    )
    shown = []
    for row in scoped.clocks().filter(which).order_by("opened_at", "pk"):
        name = _CLOCK_NAMES.get(row.name, row.name.capitalize())
        if row.name == clock_names.HOLD_REVIEW:
            left = times.paused(row.due_at, at, open_to=open_to)
            if row.closed_at is None or not open_to:
                shown.append(
                    ClockShown(
                        "Paused" if not open_to else name,
                        "until released" if not open_to else left.words,
                        "hold",
                        "pause",
                    )
                )
                continue
        if row.closed_at is None:
            left = times.left(row.due_at, at)
            shown.append(ClockShown(name, left.words, left.family, "clock"))
        else:
            said, family = times.ended(row.ended, row.left)
            shown.append(ClockShown(name, said, family, _CLOCK_ICONS.get(family, "clock")))
    return shown


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What we know of a host from before."""

    name: str
    pk: int
    notices: int
    gone: int
    again: int


def host_facts(scoped: Scoped, removal: Removal | None) -> HostFacts | None:
    """How a host has done; None while no host is known."""
    if removal is None or removal.host is None:
        return None
    mine = scoped.removals().filter(host=removal.host)
    return HostFacts(
        removal.host.name,
        removal.host.pk,
        scoped.notices().filter(host=removal.host, sent_at__isnull=False).count(),
        mine.filter(t8_gone__isnull=False).count(),
        mine.filter(again=True).count(),
    )
