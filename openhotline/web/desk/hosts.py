"""Hosts: the list, whom a notice waits for, one host with its contacts, calls and history.

What is not here: changing a contact (`contacts`), and choosing one (`rules/contacts`).
"""

from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openhotline import policy as policies
from openhotline.outbox.models import CONTACT_NEEDED
from openhotline.records.models import Host, HostCall
from openhotline.rules import removal_path
from openhotline.rules.notice import FORMS
from openhotline.rules.permits import ACTS
from openhotline.rules.refusals import Refused
from openhotline.statistics import hosts as figures
from openhotline.steps import units
from openhotline.web.desk import bench, mailbox, outward, reached, rows, times
from openhotline.web.scoped import Scoped, found


@require_safe
def hosts(request: HttpRequest) -> HttpResponse:
    """Hosts with something open first, then by name."""
    scoped = bench.scoped(request)
    text = request.GET.get("q", "").strip()[:100]
    verified = scoped.contacts().filter(
        host=OuterRef("pk"), usable=True, verified_at__isnull=False, retired_at=None
    )
    listed = scoped.hosts().annotate(
        open_now=Count("removals", filter=Q(removals__status__in=removal_path.STILL_OPEN)),
        gone=Count("removals", filter=Q(removals__t8_gone__isnull=False)),
        reached=Exists(verified),
    )
    if text:
        listed = listed.filter(name__icontains=text)
    return render(
        request, "desk/hosts.html", {"hosts": listed.order_by("-open_now", "name", "pk")[:200], "q": text}
    )


def without_contact(scoped: Scoped) -> QuerySet[Host]:
    """Hosts whose notice waits because nobody there can be written to yet."""
    numbers = scoped.letters().filter(kind="notice", state=CONTACT_NEEDED).values("number")
    waiting = scoped.notices().filter(number__in=numbers, withdrawn_at=None).values("host")
    return scoped.hosts().filter(pk__in=waiting)


@require_safe
def contacts_needed(request: HttpRequest) -> HttpResponse:
    """Hosts a notice waits for because nobody there can be written to yet."""
    return needed_page(request)


def needed_page(request: HttpRequest) -> HttpResponse:
    """The list, with each host's contacts and forms."""
    scoped, at = bench.scoped(request), bench.now(request)
    listed = list(without_contact(scoped).order_by("name", "pk")[:200])
    lines = reached.lines(scoped.contacts().filter(host__in=listed), who=bench.actor(request).who, at=at)
    shown = [(host, lines.get(host.pk, [])) for host in listed]
    return render(request, "desk/contacts.html", {"hosts": shown, "sources": reached.TO_CHOOSE})


@require_safe
def host(request: HttpRequest, pk: int) -> HttpResponse:
    """One host: contacts, what is there now, what was there before."""
    return page(request, pk)


def page(
    request: HttpRequest, pk: int, refusal: Refused | None = None, secret: str = "", **_: object
) -> HttpResponse:
    """The host's page. `secret`: of its program, shown this once."""
    scoped, at = bench.scoped(request), bench.now(request)
    row = found(scoped.hosts(), pk=pk)
    mine = scoped.removals().filter(host=row).select_related("item", "host")
    there = list(mine.filter(status__in=removal_path.STILL_OPEN).order_by("due_at", "pk")[:200])
    before = list(mine.exclude(status__in=removal_path.STILL_OPEN).order_by("-t8_gone", "-pk")[:200])
    open_to = bench.sees_holds(request)
    program = scoped.host_programs().filter(host=row, closed_at=None).first()
    stamps = mine.filter(t8_gone__isnull=False, t5_sent__isnull=False).values_list("t8_gone", "t5_sent")[
        :5000
    ]
    took = sorted(gone - sent for gone, sent in stamps if gone is not None and sent is not None)
    return render(
        request,
        "desk/host.html",
        {
            "host": row,
            "contacts": reached.lines(
                scoped.contacts().filter(host=row), who=bench.actor(request).who, at=at
            ).get(row.pk, []),
            "sources": reached.TO_CHOOSE,
            "calls": reached.calls(scoped.host_calls().filter(host=row), at=at),
            "outcomes": HostCall.OUTCOMES,
            "languages": policies.languages(),
            "breaches": scoped.breaches()
            .filter(host=row)
            .select_related("notice")
            .order_by("-at", "-pk")[:50],
            "may_settle": bench.actor(request).role in ACTS["breach.settle"],
            "registration": scoped.registrations().filter(host=row, ended_at=None).first(),
            "alerts": (alerts := outward.alerts(scoped, scoped.host_alerts().filter(host=row), at=at)[:50]),
            "replies": mailbox.replies(scoped, [one.number for one, *_ in alerts], at),
            "who": bench.actor(request).who,
            "program": program,
            "secret": secret,
            "areas": list(units.areas()),
            "place": scoped.unit_changes()
            .filter(host=row, settled_at=None)
            .select_related("proposed_by")
            .first(),
            "may_place": bench.actor(request).role in ACTS["unit.confirm"],
            "above": request.POST.get("upstream") or (row.upstream.name if row.upstream else ""),
            "forms": FORMS,
            "to_call_about": scoped.notices()
            .filter(host=row, sent_at__isnull=False, withdrawn_at=None)
            .order_by("-pk")[:20],
            "there": rows.of_removals(there, scoped, open_to=open_to, at=at),
            "before": rows.of_removals(before, scoped, open_to=open_to, at=at),
            "notices": scoped.notices().filter(host=row).order_by("-pk")[:50],
            "median": times.span(took[len(took) // 2]) if took else "",
            "again": mine.filter(again=True).count(),
            "gone": mine.filter(t8_gone__isnull=False).count(),
            "typed": request.POST,
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_safe
def scorecard(request: HttpRequest) -> HttpResponse:
    """Every host noticed in the last year: how many, how fast, what came back."""
    at = bench.now(request)
    rows_ = figures.scorecard(at - timedelta(days=365), at)
    shown = [(row, times.span(row.median) if row.median is not None else "–") for row in rows_]
    totals = {name: sum(getattr(row, name) for row in rows_) for name in ("noticed", "gone", "back")}
    return render(request, "desk/scorecard.html", {"rows": shown, "totals": totals})
