"""Appeals: the list with its clocks, and one appeal with its review by two uninvolved people.

True here: who had a part in the decision is shown no press; the step refuses them all the same. What is not
here: what a reversal takes back (`steps/appeal`).
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Appeal
from openhotline.rules.permits import ACTS
from openhotline.rules.refusals import Refused
from openhotline.steps import appeal as step
from openhotline.web.desk import bench, rows, times
from openhotline.web.scoped import found


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Open appeals first, the one due next on top."""
    at, scoped = bench.now(request), bench.scoped(request)
    listed = scoped.appeals().select_related("notice__host", "alert__host", "domain")
    shown = [
        (row, Appeal.STANDING.get(row.standing, row.standing), _clock(row, at), times.when(row.at, at))
        for row in [
            *listed.filter(decided_at=None).order_by("result_by", "pk")[:200],
            *listed.filter(decided_at__isnull=False).order_by("-decided_at", "-pk")[:100],
        ]
    ]
    return render(request, "desk/appeals.html", {"appeals": shown})


def _clock(row: Appeal, at: object) -> times.Left | None:
    if row.decided_at is not None:
        return None
    if row.acknowledged_at is None:
        return times.left(row.acknowledge_by, at, whole=row.acknowledge_by - row.at, name="to acknowledge")  # type: ignore[arg-type]
    return times.left(row.result_by, at, whole=row.result_by - row.at, name="to decide")  # type: ignore[arg-type]


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One appeal."""
    return page(request, pk)


def page(request: HttpRequest, pk: int, refusal: Refused | None = None, **_: object) -> HttpResponse:
    """The appeal's page."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    row = found(scoped.appeals().select_related("notice__host", "alert__host", "domain"), pk=pk)
    removals = (
        scoped.removals().filter(appeal_lines__appeal=row).select_related("item", "host").order_by("pk")
    )
    return render(
        request,
        "desk/appeal.html",
        {
            "row": row,
            "standing": Appeal.STANDING.get(row.standing, row.standing),
            "words": step.read(row),
            "clock": _clock(row, at),
            "when": times.when(row.at, at),
            "involved": who.who in step.involved(row),
            "may": who.role in ACTS["appeal.review"],
            "mine": row.reviewer == who.who,
            "rows": rows.of_removals(list(removals[:500]), scoped, open_to=bench.sees_holds(request), at=at),
            "typed": request.POST.get("reasons", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(page)
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledge, decide, or agree to a reversal."""
    row = found(
        bench.scoped(request).appeals().select_related("notice__host", "alert__host", "domain"), pk=pk
    )
    by, at, press = bench.actor(request), bench.now(request), request.POST.get("press", "")
    if press == "acknowledge":
        step.acknowledge(row, by=by, at=at)
    elif press == "reverse":
        step.reverse(row, by=by, at=at)
    else:
        step.propose(row, press, reasons=request.POST.get("reasons", ""), by=by, at=at)
    return HttpResponseRedirect(reverse("appeal-page", args=[pk]), status=303)
