"""Hosts and how they are reached: a host's history, contacts to add, contacts a second person verifies.

True here: nobody is written to before a second person has verified the contact; the page shows who added
it and offers the press only to others. What is not here: choosing the contact (`steps/notify`).
"""

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.outbox.models import CONTACT_NEEDED
from openhotline.rules import removal_path
from openhotline.rules.refusals import Refused
from openhotline.steps import notify
from openhotline.web.desk import bench, rows, times
from openhotline.web.scoped import found

SOURCES = {
    "host-page": "The host's own page",
    "register": "A register of abuse contacts",
    "person": "A person there, by phone",
}


@require_safe
def hosts(request: HttpRequest) -> HttpResponse:
    """Hosts with something open first, then by name."""
    scoped = bench.scoped(request)
    text = request.GET.get("q", "").strip()[:100]
    verified = scoped.contacts().filter(host=OuterRef("pk"), usable=True, verified_at__isnull=False)
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


@require_safe
def contacts_needed(request: HttpRequest) -> HttpResponse:
    """Hosts a notice waits for because nobody there can be written to yet."""
    return needed_page(request)


def needed_page(request: HttpRequest) -> HttpResponse:
    """The list, with each host's contacts and forms."""
    scoped, at = bench.scoped(request), bench.now(request)
    numbers = scoped.letters().filter(kind="notice", state=CONTACT_NEEDED).values("number")
    waiting = scoped.notices().filter(number__in=numbers, withdrawn_at=None).values("host")
    listed = scoped.hosts().filter(pk__in=waiting).prefetch_related("contacts").order_by("name", "pk")[:200]
    return render(
        request,
        "desk/contacts.html",
        {"hosts": listed, "who": bench.actor(request).who, "sources": SOURCES, "when": times.when, "now": at},
    )


@require_safe
def host(request: HttpRequest, pk: int) -> HttpResponse:
    """One host: contacts, what is there now, what was there before."""
    return page(request, pk)


def page(request: HttpRequest, pk: int, refusal: Refused | None = None, **_: object) -> HttpResponse:
    """The host's page."""
    scoped, at = bench.scoped(request), bench.now(request)
    row = found(scoped.hosts(), pk=pk)
    mine = scoped.removals().filter(host=row).select_related("item", "host")
    there = list(mine.filter(status__in=removal_path.STILL_OPEN).order_by("due_at", "pk")[:200])
    before = list(mine.exclude(status__in=removal_path.STILL_OPEN).order_by("-t8_gone", "-pk")[:200])
    open_to = bench.sees_holds(request)
    stamps = mine.filter(t8_gone__isnull=False, t5_sent__isnull=False).values_list("t8_gone", "t5_sent")[
        :5000
    ]
    took = sorted(gone - sent for gone, sent in stamps if gone is not None and sent is not None)
    return render(
        request,
        "desk/host.html",
        {
            "host": row,
            "contacts": scoped.contacts().filter(host=row).order_by("-usable", "bounces", "pk"),
            "who": bench.actor(request).who,
            "sources": SOURCES,
            "there": rows.of_removals(there, scoped, open_to=open_to, at=at),
            "before": rows.of_removals(before, scoped, open_to=open_to, at=at),
            "notices": scoped.notices().filter(host=row).order_by("-pk")[:50],
            "median": times.span(took[len(took) // 2]) if took else "",
            "again": mine.filter(again=True).count(),
            "gone": mine.filter(t8_gone__isnull=False).count(),
            "mail": request.POST.get("mail", ""),
            "source": request.POST.get("source", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(page)
def add_contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a way to reach a host."""
    row = found(bench.scoped(request).hosts(), pk=pk)
    source = request.POST.get("source", "")
    if source not in SOURCES:
        raise Refused(
            "Say where the contact is from: the host's page, a register, or a person there.", code="source"
        )
    mail = request.POST.get("mail", "").strip()
    notify.add_contact(row, mail, source=source, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("host", args=[pk]), status=303)


@require_POST
@bench.kept(page)
def verify_contact(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """The second person: from now on the house writes to it."""
    scoped = bench.scoped(request)
    row = found(scoped.contacts().select_related("host"), pk=contact, host=pk)
    notify.verify_contact(row, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("host", args=[pk]), status=303)
