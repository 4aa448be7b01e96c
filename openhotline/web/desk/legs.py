"""How long removals take, leg by leg, as drawings, tables and CSV. What is not here: the sums (`statistics/legs.py`)."""

import csv
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openhotline.statistics import legs as figures
from openhotline.web.desk import bench, legs_drawn, times

PERIODS = (("1", "Today"), ("7", "7 days"), ("28", "28 days"), ("366", "Year"))


def _days(request: HttpRequest) -> int:
    wanted = request.GET.get("days", "28")
    return int(wanted) if wanted in dict(PERIODS) else 28


@require_safe
def table(request: HttpRequest) -> HttpResponse:
    """Median and nine-in-ten per leg; gone, moved and held apart."""
    at, days = bench.now(request), _days(request)
    found = (
        figures.legs(since=at - timedelta(days=days), until=at) if bench.scoped(request).everything else []
    )
    counts = (
        figures.outcomes(since=at - timedelta(days=days), until=at)
        if bench.scoped(request).everything
        else {}
    )
    scale = legs_drawn.furthest_of(found)
    grouped = [
        (
            name,
            title,
            counts.get(name, 0),
            [(row, times.span(row.median), times.span(row.p90)) for row in found if row.outcome == name],
            *(
                legs_drawn.draw([row for row in found if row.outcome == name], scale, frame)
                for frame in (legs_drawn.WIDE, legs_drawn.NARROW)
            ),
        )
        for name, title in figures.OUTCOMES
    ]
    longest = max(
        (row for row in found if row.outcome == "gone" and row.leg != "whole"),
        key=lambda row: row.median,
        default=None,
    )
    return render(
        request,
        "desk/legs.html",
        {
            "groups": grouped,
            "periods": PERIODS,
            "days": str(days),
            "longest": (figures.NAMES[longest.leg], times.span(longest.median)) if longest else None,
            "whole": next(
                (times.span(row.median) for row in found if row.outcome == "gone" and row.leg == "whole"), ""
            ),
        },
    )


@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """The table as CSV: seconds, no address and no reference."""
    at, days = bench.now(request), _days(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="legs-{at:%Y-%m-%d}-{days}d.csv"'
    writer = csv.writer(response)
    writer.writerow(["outcome", "leg", "name", "count", "median_s", "p90_s"])
    if bench.scoped(request).everything:
        for row in figures.legs(since=at - timedelta(days=days), until=at):
            writer.writerow(
                [
                    row.outcome,
                    row.leg,
                    figures.NAMES[row.leg],
                    row.count,
                    int(row.median.total_seconds()),
                    int(row.p90.total_seconds()),
                ]
            )
    return response
