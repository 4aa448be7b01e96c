"""The safeguarding alarm: `!` from any page of a case, one confirm, then whom to ring and how long is left.

True here: it is blocked by nothing. What is not here: the letter to the duty officer (`steps/alarm`).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Alarm
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import defang
from openhotline.steps import alarm as step
from openhotline.web.desk import bench, times
from openhotline.web.scoped import found


@require_safe
def confirm(request: HttpRequest, ref: str) -> HttpResponse:
    """The one confirm. An alarm that runs already is shown instead."""
    return confirm_page(request, ref)


def confirm_page(request: HttpRequest, ref: str, refusal: Refused | None = None) -> HttpResponse:
    """The confirm, or what was refused."""
    scoped = bench.scoped(request)
    item = found(scoped.items(), ref=ref)
    running = scoped.alarms().filter(item=item, acknowledged_at=None).first()
    if running is not None and refusal is None:
        return HttpResponseRedirect(reverse("alarm", args=[running.pk]))
    unit = scoped.units().filter(level="national").order_by("pk").first()
    return render(
        request,
        "desk/alarm_confirm.html",
        {
            "item": item,
            "address": defang(item.canonical),
            "unit": unit,
            "units": scoped.units().order_by("pk"),
            "minutes": int(bench.policy().clocks.safeguarding.total_seconds() // 60),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(confirm_page)
def raise_(request: HttpRequest, ref: str) -> HttpResponse:
    """Raise it: the duty officer is lettered at once."""
    scoped = bench.scoped(request)
    item = found(scoped.items(), ref=ref)
    unit = scoped.units().filter(pk=bench.row_key(request.POST.get("unit", "")) or 0).first()
    raised = step.raise_alarm(
        item, unit=unit, policy=bench.policy(), by=bench.actor(request), at=bench.now(request)
    )
    return HttpResponseRedirect(reverse("alarm", args=[raised.pk]), status=303)


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom to ring, how long is left, and the form for what the duty officer said."""
    return page(request, pk)


def page(request: HttpRequest, pk: int, refusal: Refused | None = None) -> HttpResponse:
    """The alarm's page."""
    row = found(bench.scoped(request).alarms().select_related("item", "unit", "by"), pk=pk)
    at = bench.now(request)
    return render(
        request,
        "desk/alarm.html",
        {
            "alarm": row,
            "item": row.item,
            "address": defang(row.item.canonical),
            "phone_link": row.phone.replace(" ", ""),
            "clock": times.left(row.due_at, at, whole=row.due_at - row.at),
            "raised": times.ago(row.at, at),
            "reference": request.POST.get("reference", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(page)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """The duty officer was reached."""
    row = found(bench.scoped(request).alarms().select_related("item"), pk=pk)
    reference = request.POST.get("reference", "").strip()
    if not reference:
        raise Refused(
            "Write down the reference the duty officer gave you, or their call sign.", code="reference"
        )
    step.acknowledge(row, reference=reference[:200], by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("alarm", args=[pk]), status=303)


def running(scoped: Any, at: Any) -> list[tuple[Alarm, times.Left]]:
    """Alarms nobody has acknowledged, least time left first."""
    rows = (
        scoped.alarms()
        .filter(acknowledged_at=None)
        .select_related("item", "unit")
        .order_by("due_at", "pk")[:5]
    )
    return [(row, times.left(row.due_at, at, whole=row.due_at - row.at)) for row in rows]


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All alarms, the running ones first."""
    at = bench.now(request)
    rows = (
        bench.scoped(request).alarms().select_related("item", "unit", "by").order_by("acknowledged_at", "-at")
    )
    found_rows = sorted(rows[:500], key=lambda row: (row.acknowledged_at is not None, row.due_at))
    return render(
        request,
        "desk/alarms.html",
        {"alarms": [(row, times.left(row.due_at, at), times.when(row.at, at)) for row in found_rows]},
    )
