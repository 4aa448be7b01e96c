"""The six facts of a question to the police: the answer first, the evidence under it.

What is not here: the rest of the page (`question`). No fact names a reporter, an analyst's words or another unit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Sum

from openhotline.records.models import Consultation, ConsultationLine, Trace
from openhotline.rules import words
from openhotline.web.portal import told
from openhotline.web.portal.told import counted, short
from openhotline.web.scoped import Scoped

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True)
class Fact:
    """One cell of the fact sheet: what, the answer, the evidence under it."""

    name: str
    value: str
    under: str = ""
    mono: bool = False
    family: str = ""


def facts_of(
    consultation: Consultation, rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime
) -> tuple[Fact, ...]:
    """What, where, host, addresses, known already, sign of a child at risk."""
    items = [row.removal.item_id for row in rows]
    return (
        _what(rows, items, mine),
        *_where(consultation, rows, mine, at=at),
        Fact("Addresses, one host", f"{len(rows):,}", "\n".join(_places(rows)), mono=True),
        Fact(
            "Known already",
            "Removed before, back again" if consultation.again else "Not looked up",
            "No list of known files is connected to this house.",
        ),
        _risk(rows, mine, at=at),
    )


def _what(rows: Sequence[ConsultationLine], items: Sequence[int], mine: Scoped) -> Fact:
    categories = Counter(row.removal.item.category for row in rows)
    grades = ", ".join(sorted(filter(None, categories)))
    value = f"Category {grades}" if grades else told.CLASSES.get(rows[0].removal.item.cls, "") if rows else ""
    readings = mine.assessments().filter(item__in=items, opinion=words.ILLEGAL)
    files = readings.filter(reading="first").aggregate(files=Sum("files"))["files"] or 0
    readers = readings.values("item").annotate(n=Count("by", distinct=True)).values_list("n", flat=True)
    least = min(readers, default=0)
    agree = f"{NUMBERS[least].capitalize()} readers agree." if 2 <= least <= 10 else "One reader."
    return Fact("What", value or "Graded", f"{counted(files, 'file')}. {agree}" if files else agree)


def _where(
    consultation: Consultation, rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime
) -> tuple[Fact, Fact]:
    removals = [row.removal_id for row in rows]
    newest: dict[int, Trace] = {}
    for trace in mine.traces().filter(removal__in=removals).defer("answers").order_by("at", "pk"):
        newest[trace.item_id] = trace
    traces = list(newest.values())
    countries = Counter(row.removal.country for row in rows)
    country = countries.most_common(1)[0][0] if countries else ""
    seen = mine.checks().filter(removal__in=removals, meaning="up").aggregate(at=Max("at"))["at"]
    under = [_agreement(traces), f"Still up at {short(seen, at)}." if seen else "Not looked at yet."]
    addresses = list(
        dict.fromkeys(literal for trace in traces for literal in trace.address.split(",") if literal)
    )
    host = consultation.host
    more = f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""
    network = " · ".join(
        filter(None, [", ".join(addresses[:2]) + more, f"AS{host.asn}" if host and host.asn else ""])
    )
    if any(row.removal.edge for row in rows):
        # The edge's country decides who is asked; it is never called the place where it is held.
        under.insert(
            0, f"The network in front is in {told.country(country)}; nobody named what stands behind it."
        )
        country = ""
    return (
        Fact("Where", told.country(country), " ".join(filter(None, under))),
        Fact("Host", host.name if host else "Not known", network, mono=True),
    )


def _agreement(traces: Sequence[Trace]) -> str:
    """ "3 of 3 trace methods agree", of the weakest trace in the bundle."""
    weakest = (0, 0)
    for trace in traces:
        marks = [reason[1] for reason in trace.reasons if len(reason) > 1]
        pair = (marks.count("yes"), marks.count("yes") + marks.count("no"))
        if pair[1] and (weakest == (0, 0) or pair[0] * weakest[1] < weakest[0] * pair[1]):
            weakest = pair
    return f"{weakest[0]} of {weakest[1]} trace methods agree." if weakest[1] else ""


def _places(rows: Sequence[ConsultationLine]) -> list[str]:
    """The host names with how many addresses each; three at most."""
    names = Counter(row.removal.item.host or row.removal.item.kind for row in rows)
    shown = [f"{_name(name)}" + (f" ×{n}" if n > 1 else "") for name, n in names.most_common(3)]
    return [*shown, f"and {len(names) - 3} more names"] if len(names) > 3 else shown


def _name(host: str) -> str:
    front, dot, last = host.rpartition(".")
    return f"{front}[.]{last}" if dot else host


def _risk(rows: Sequence[ConsultationLine], mine: Scoped, *, at: datetime) -> Fact:
    name = "Sign of a child at risk now"
    alarms = list(mine.alarms().filter(item__in=[row.removal.item_id for row in rows]).order_by("-at"))
    if alarms:
        open_ = sum(alarm.acknowledged_at is None for alarm in alarms)
        state = f"{open_} not acknowledged yet." if open_ else "Acknowledged."
        return Fact(name, "Yes", f"Alarm raised {short(alarms[0].at, at)}. {state}", family="bad")
    if any(row.removal.item.at_risk for row in rows):
        return Fact(name, "Yes", "An alarm was raised. Ring the duty analyst.", family="bad")
    return Fact(name, "None seen")
