"""Reports in which nothing, or not everything, could be read, or whose form was left early; and reading one after all.

True here: what was given as an address. The reporter's own words, and what was kept as it came, are opened by a person
and for that are in the ledger. What is not here: joining (`steps/clarify`).
"""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Report
from openhotline.rules import permits, report_path, words
from openhotline.rules.refusals import Refused
from openhotline.steps import clarify as step
from openhotline.steps import intake_again
from openhotline.web.desk import bench, rows, story, times
from openhotline.web.desk.lists import cut
from openhotline.web.scoped import found

LINES_SHOWN = 20


@require_safe
def incomplete(request: HttpRequest) -> HttpResponse:
    """The list, newest first."""
    return incomplete_page(request)


def incomplete_page(
    request: HttpRequest, pk: int = 0, refusal: Refused | None = None, opened: str = ""
) -> HttpResponse:
    """The list; with what was typed for report `pk` and why it was refused, or what was opened of it."""
    at, scoped = bench.now(request), bench.scoped(request)
    listed, more = cut(request, scoped.reports().filter(Q(status=report_path.INCOMPLETE) | Q(complete=False)))
    lines: dict[int, list[tuple[str, str, str]]] = {}
    for line in scoped.report_lines().filter(report__in=listed).select_related("item").order_by("pk"):
        ref = line.item.ref if line.item else ""
        lines.setdefault(line.report_id, []).append((story.defanged(line.reported)[:300], line.why, ref))
    may = permits.may(report_path.PATH, "clarify", bench.actor(request))
    opens = permits.may_act("note.open", bench.actor(request))
    shown = [
        {
            "row": row,
            "source": rows.SOURCE_NAMES.get(row.source, row.source),
            "when": story.hour(row.received_at, at)
            if row.source == words.FROM_PUBLIC
            else times.when(row.received_at, at),
            "lines": lines.get(row.pk, [])[:LINES_SHOWN],
            "chip": _chip(row),
            "opens": opens and row.sealed is not None,
            "opened": opened if row.pk == pk else "",
            "settles": opens and row.status != report_path.INCOMPLETE and row.why != intake_again.LEFT_EARLY,
            "may": may and row.status == report_path.INCOMPLETE,
            "typed": request.POST.get("addresses", "") if row.pk == pk else "",
            "refusal": refusal.sentence if refusal and row.pk == pk else "",
        }
        for row in listed
    ]
    said = refusal.sentence if refusal and all(row.pk != pk for row in listed) else ""
    return render(request, "desk/incomplete.html", {"reports": shown, "before": more, "refusal": said})


@require_POST
@bench.kept(incomplete_page)
def clarify(request: HttpRequest, pk: int) -> HttpResponse:
    """What an analyst reads in it: it joins the items named, and leaves the list."""
    report = found(bench.scoped(request).reports(), pk=pk)
    refs = step.clarify(
        report,
        request.POST.get("addresses", ""),
        policy=bench.policy(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    where = reverse("case", args=refs) if len(refs) == 1 else reverse("incomplete")
    return HttpResponseRedirect(where, status=303)


@require_POST
@bench.kept(incomplete_page)
def open_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """What was sent with it, as it came: asked for by a person, and written into the ledger first."""
    report = found(bench.scoped(request).reports(), pk=pk)
    sent = step.open_sent(report, by=bench.actor(request), at=bench.now(request))
    return incomplete_page(request, pk, opened=sent)


@require_POST
@bench.kept(incomplete_page)
def looked(request: HttpRequest, pk: int) -> HttpResponse:
    """A person has looked at what was odd of it: it leaves the list."""
    report = found(bench.scoped(request).reports(), pk=pk)
    step.looked(report, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("incomplete"), status=303)


def _chip(row: Report) -> str:
    if row.status == report_path.INCOMPLETE:
        return "Cannot be read"
    return "Left early" if row.why == intake_again.LEFT_EARLY else "Read in part"
