"""The scorecard of hosts: how many, how fast, how often letters came back and content came back.

True here: one row per host that was noticed in the period; medians are nearest-rank, so each is a time that really
occurred; time on hold is left out by leaving held removals out. What is not here: a rank; hosts differ in what is put
on them.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Sum, Window
from django.db.models.functions import RowNumber

from openhotline.records.models import Breach, Contact, Hold, Removal


@dataclass(frozen=True, slots=True)
class Score:
    """One host."""

    host: int
    name: str
    country: str
    noticed: int
    gone: int
    median: timedelta | None
    late: int
    bounces: int
    back: int
    breaches: int


def scorecard(since: datetime, until: datetime) -> list[Score]:
    """Hosts noticed from `since` up to `until`, the most noticed first."""
    held = Hold.objects.filter(removal=OuterRef("pk"))
    noticed = Removal.objects.filter(t5_sent__gte=since, t5_sent__lt=until, host__isnull=False)
    took = ExpressionWrapper(F("t8_gone") - F("t5_sent"), output_field=DurationField())
    ranked = (
        noticed.filter(t8_gone__isnull=False)
        .filter(~Exists(held))
        .annotate(
            took=took,
            place=Window(RowNumber(), partition_by=[F("host")], order_by=[took.asc(), F("pk").asc()]),
            of=Window(Count("pk"), partition_by=[F("host")]),
        )
        .filter(place=(F("of") + 1) / 2)
    )
    medians = dict(ranked.values_list("host", "took"))
    bounces = dict(Contact.objects.values_list("host").annotate(n=Sum("bounces")))
    breaches: dict[int, int] = defaultdict(int)
    for host in Breach.objects.filter(at__gte=since, at__lt=until).values_list("host", flat=True):
        breaches[host] += 1
    rows = (
        noticed.values("host", "host__name", "host__country")
        .annotate(
            n=Count("pk"),
            gone=Count("pk", filter=Q(t8_gone__isnull=False)),
            late=Count("pk", filter=Q(status="overdue")),
            back=Count("pk", filter=Q(again=True)),
        )
        .order_by("-n", "host__name", "host")
    )
    return [
        Score(
            host=row["host"],
            name=row["host__name"],
            country=row["host__country"],
            noticed=row["n"],
            gone=row["gone"],
            median=medians.get(row["host"]),
            late=row["late"],
            bounces=bounces.get(row["host"], 0) or 0,
            back=row["back"],
            breaches=breaches[row["host"]],
        )
        for row in rows
    ]
