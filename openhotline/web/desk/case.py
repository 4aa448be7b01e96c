"""The case page: one item with everything that hangs on it, on one screen.

True here: the reporter's words are shown only when asked for, each time written into the ledger; a hold is
"paused" to everybody but liaison, lead and manager; addresses are defanged and never links. What is not
here: the parts that need more than a look-up (`trail`, `looks`, `traced`, `outward`, `story`), and acts (`assess`, `alarms`).
"""

from datetime import UTC, datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Check, Item, Removal
from openhotline.rules import gone, item_path, references, removal_path, words
from openhotline.rules.permits import ACTS, require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import defang, read
from openhotline.steps import assess as assess_step
from openhotline.steps import clarify, likeness, looked, origin, way
from openhotline.web.desk import (
    bench,
    entries,
    looks,
    looks_drawn,
    opinions,
    outward,
    raw_answers,
    rows,
    story,
    traced,
    trail,
)
from openhotline.web.scoped import found


def context(request: HttpRequest, item: Item, *, refusal: Refused | None = None) -> dict[str, Any]:
    """Everything the page shows."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    open_to = bench.sees_holds(request)
    episodes = list(
        scoped.removals().filter(item=item).select_related("host", "item__likeness").order_by("-episode")
    )
    # Of a newsgroup post several are open at once, one for each news server: what still waits goes first.
    going_on = [one for one in episodes if one.status in removal_path.STILL_OPEN]
    removal = next(iter([*going_on, *episodes]), None)
    holds = list(scoped.holds().filter(removal__item=item).select_related("answer").order_by("-placed_at"))
    active = next((hold for hold in holds if hold.released_at is None), None)
    paused = active is not None or (removal is not None and removal.status == removal_path.HELD)
    given = list(
        opinions.readable(scoped, who.user_id or 0)
        .filter(item=item)
        .select_related("by")
        .order_by("round", "pk")
    )
    current = [row for row in given if row.round == item.readings]
    if item.status in item_path.OPEN or removal is None:
        chip = _item_chip(item)
    elif paused:
        chip = rows.Signal("Paused", "hold", "pause")
    else:
        chip = rows.removal_signal(removal.status)
    readings = {row.reading: row for row in current}
    told = (
        looked.explain(removal, scoped.checks(), at=at, policy=bench.policy())
        if removal is not None
        else None
    )
    first, second = readings.get("first"), readings.get("second")
    return {
        "item": item,
        "address": defang(item.canonical),
        "odd": read(item.canonical).note,
        "referrer": defang(item.referrer) if item.referrer else "",
        "way_steps": "\n".join(defang(step) for step in item.way_steps.split()),
        "typed": request.POST,
        "sets_way": who.role in ACTS["item.way"],
        "says_same": told is not None
        and told.verdict.kind == gone.CHANGED
        and who.role in ACTS["item.same"]
        and removal is not None
        and removal.status in (*removal_path.STILL_OPEN, *removal_path.WATCHED),
        "grade": opinions.grade_of(item),
        "chip": chip,
        "removal": removal,
        "episodes": episodes,
        "trail": trail.of(
            item,
            removal,
            policy=bench.policy(),
            at=at,
            decided=current[-1].at if current else None,
            paused=paused,
        ),
        "next_step": trail.next_step(item, removal, paused=paused),
        "paused": paused,
        "hold": active if open_to else None,
        "holds": holds,
        "open_to": open_to,
        "current": current,
        "agree": bool(first and second)
        and (first.opinion, first.cls, first.category) == (second.opinion, second.cls, second.category),  # type: ignore[union-attr]
        "earlier": [row for row in given if row.round != item.readings],
        "blind": item.status == item_path.GRADED_ONCE,
        "assessable": item.status
        in (item_path.RECEIVED, item_path.ASSESSING, item_path.GRADED_ONCE, item_path.DISPUTED),
        "traces": (traces := traced.traces(scoped, item, at)),
        "traced_before": traced.before_notice(traces, removal),
        "tracing": traced.waits(scoped, item),
        "tells_origin": who.role in ACTS["item.origin"]
        and item.status == item_path.GRADED
        and item.kind not in (words.ONION, words.NEWSGROUP),
        "police": outward.police(scoped, item, open_to=open_to, at=at),
        "notices": outward.notices(scoped, item, open_to=open_to, at=at),
        "referrals": outward.referrals(scoped, item),
        "alerts": outward.alerts(
            scoped, scoped.host_alerts().filter(lines__removal__item=item, lines__dropped=""), at=at
        ),
        **_charts(story.checks(scoped, removal) if removal else [], removal, at),
        "told": told,
        "verdict": looks.chip(told) if told and told.places else None,
        "reports": story.reports(scoped, item, at),
        "spellings": story.spellings(scoped, item),
        "clocks": story.clocks(scoped, item, episodes, open_to=open_to, at=at),
        "alarms": list(scoped.alarms().filter(item=item).select_related("unit", "by").order_by("-at")),
        "entries": entries.of(item.ref, open_to=open_to),
        "host_facts": story.host_facts(scoped, removal),
        "looked": sum(row.seconds for row in given),
        "lookers": len({row.by_id for row in given}),
        "sees_looking": who.role in ("lead", "manager") or any(row.by_id == who.user_id for row in given),
        "refusal": refusal.sentence if refusal else "",
        "now": at,
    }


def _item_chip(item: Item) -> rows.Signal:
    family = {item_path.DISPUTED: "warn", item_path.NOT_ILLEGAL: "ok", item_path.OUT_OF_REMIT: "ok"}
    return rows.Signal(item.status.capitalize(), family.get(item.status, "info"), "inbox")


def _charts(
    checks: list[Check], removal: Removal | None, at: datetime
) -> dict[str, looks_drawn.Chart | None]:
    """The looks drawn twice: for a screen, and for a phone."""
    if removal is None:
        return {"chart": None, "narrow": None}
    left = "handed on" if removal.route in (words.ABROAD_HOTLINE, words.ABROAD_POLICE) else "notice sent"
    events = [
        (moment, told)
        for moment, told in ((removal.t5_sent, left), (removal.t6_acknowledged, "host answered"))
        if moment is not None
    ]
    return {
        name: looks_drawn.chart(
            checks,
            events=events,
            first=removal.t7_first_miss,
            gone=removal.t8_gone,
            at=at,
            frame=frame,
        )
        for name, frame in (("chart", looks_drawn.WIDE), ("narrow", looks_drawn.NARROW))
    }


@require_safe
def show(request: HttpRequest, ref: str) -> HttpResponse:
    """The page of one case. Another spelling of its reference leads there."""
    read_ = references.parse(ref)
    if read_ is not None and read_.text != ref:
        return HttpResponseRedirect(reverse("case", args=[read_.text]))
    return page(request, ref)


def page(request: HttpRequest, ref: str, refusal: Refused | None = None, **more: Any) -> HttpResponse:
    """The same with something on top: a refusal, or a reporter's words just opened."""
    item = found(bench.scoped(request).items(), ref=ref)
    return render(request, "desk/case.html", {**context(request, item, refusal=refusal), **more})


@require_POST
@bench.kept(page)
def open_note(request: HttpRequest, ref: str, report: int) -> HttpResponse:
    """Show a reporter's own words: asked for by a person, and written into the ledger first."""
    scoped = bench.scoped(request)
    item = found(scoped.items(), ref=ref)
    told = found(scoped.reports().filter(lines__item=item).distinct(), pk=report)
    assess_step.open_note(
        item,
        by=bench.actor(request),
        at=bench.now(request),
        why=request.POST.get("why", "")[:200] or "read on the case page",
    )
    return page(request, ref, opened=told.pk, opened_words=clarify.words_of(told))


@require_POST
@bench.kept(page)
def trace_again(request: HttpRequest, ref: str) -> HttpResponse:
    """Ask the prober to trace it again; the answer comes by itself."""
    item = found(bench.scoped(request).items(), ref=ref)
    require_act("trace.again", bench.actor(request))
    if item.status != item_path.GRADED:
        raise Refused("Only a graded item is traced. Give an opinion first.", code="not-graded")
    assess_step.ask_trace([item], at=bench.now(request))
    return HttpResponseRedirect(reverse("case", args=[ref]) + "#trace", status=303)


@require_POST
@bench.kept(page)
def origin_told(request: HttpRequest, ref: str) -> HttpResponse:
    """Record a server behind a proxy that somebody named to us; the trace runs again with it."""
    item = found(bench.scoped(request).items(), ref=ref)
    try:
        told = parse_datetime(request.POST.get("told_at", ""))
    except ValueError:  # a thirteenth month
        told = None
    origin.record(
        item,
        request.POST.get("address", "")[:100],
        told_by=request.POST.get("told_by", "")[:1000],
        told_at=told.replace(tzinfo=UTC) if told is not None and told.tzinfo is None else told,
        forward=request.POST.get("keep") != "on",
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("case", args=[ref]) + "#trace", status=303)


@require_POST
@bench.kept(page)
def way_in(request: HttpRequest, ref: str) -> HttpResponse:
    """Record the way in to a disguised site: every look takes it from now on."""
    item = found(bench.scoped(request).items(), ref=ref)
    way.record(
        item,
        by=bench.actor(request),
        at=bench.now(request),
        referrer=request.POST.get("referrer", "")[:8192],
        cookie=request.POST.get("cookie", "")[:8192],
        steps=request.POST.get("steps", "")[:65536].splitlines(),
    )
    return HttpResponseRedirect(reverse("case", args=[ref]) + "#monitor", status=303)


@require_POST
@bench.kept(page)
def same(request: HttpRequest, ref: str) -> HttpResponse:
    """What is there now is the content, though it looks different: looks are read against it from now on."""
    item = found(bench.scoped(request).items(), ref=ref)
    likeness.same(item, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("case", args=[ref]) + "#monitor", status=303)


@require_POST
@bench.kept(page)
def open_answers(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """Show the raw answers of a trace: asked for by a person, and written into the ledger first."""
    scoped = bench.scoped(request)
    item = found(scoped.items(), ref=ref)
    return page(request, ref, raw_answers=raw_answers.verbatim(scoped, item, pk, request), raw_of=pk)


@require_safe
def looks_table(request: HttpRequest, ref: str) -> HttpResponse:
    """Every look at every episode of this item, as a table, the newest hundred first."""
    scoped = bench.scoped(request)
    item = found(scoped.items(), ref=ref)
    listed = scoped.checks().filter(removal__item=item).select_related("removal").order_by("-at", "-pk")
    shown = Paginator(listed, 100).get_page(request.GET.get("page"))
    return render(request, "desk/looks.html", {"item": item, "checks": shown})
