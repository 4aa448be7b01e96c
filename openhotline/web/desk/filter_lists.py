"""The filter list at the desk: recipients and their agreements, licences, what was made up, whose copy this is; and who was
alerted about which domain.

True here: nobody of the house downloads the list, and no page shows it. Every press is a person's. What is not here:
what a press leads to (`steps/list_agreement`, `steps/filter_list`).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline import policy as policies
from openhotline.rules.filter_list import HASHES, PLAIN
from openhotline.rules.permits import may_act
from openhotline.rules.refusals import Refused
from openhotline.steps import domain_alert, filter_list, list_agreement
from openhotline.web.desk import bench, mailbox, times
from openhotline.web.desk.outward import LETTER_FAMILIES
from openhotline.web.scoped import found

FORMS = {HASHES: "Salted hashes", PLAIN: "Addresses in clear"}
# name, label, what is typed
FIELDS = (
    ("key", "Key", "north-filter"),
    ("name", "Name", ""),
    ("paper", "Signed agreement, and where it lies", ""),
    ("mail", "Mail", ""),
    ("signed_on", "Signed on", "2026-05-03"),
    ("ends_on", "Ends on", "2027-05-02"),
    ("fingerprint", "SHA-256 of the client certificate", "64 hex digits, read out to you; empty: no list"),
    ("why", "Why", ""),
)


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Everything about the list but the list."""
    return page(request)


def page(request: HttpRequest, refusal: Refused | None = None, **more: Any) -> HttpResponse:
    """The page; `more` holds what a press just brought: a salt to hand over, or whose copy it is."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    open_to = bench.sees_holds(request)
    agreements = scoped.list_agreements().filter(ended_at=None).order_by("key", "pk")
    licences = scoped.list_licences().select_related("agreement").order_by("-pk")[:50]
    told = scoped.domain_alerts().prefetch_related("pages").order_by("-pk")[:50]
    letters = scoped.letters().filter(kind="domain-alert", number__in=[row.number for row in told])
    states = dict(letters.values_list("number", "state"))
    issues = list(scoped.list_issues().order_by("-pk")[:10])
    return render(
        request,
        "desk/filter_list.html",
        {
            "with_list": [row for row in agreements if row.confirmed_at and row.fingerprint],
            "in_force": [row for row in agreements if row.confirmed_at],
            "alerts": [
                (row, LETTER_FAMILIES[states[row.number]], times.when(row.drafted_at, at)) for row in told
            ],
            "replies": mailbox.replies(scoped, states, at),
            "returned": domain_alert.returned(agreements),
            "waits": [
                (row, times.when(row.since, at), domain_alert.kept_back_by(row.domain) if open_to else [])
                for row in scoped.domain_waits().order_by("since", "pk")[:20]
            ],
            "waiting": scoped.domain_waits().count(),
            "proposed": [
                (
                    row,
                    times.when(row.proposed_at, at),
                    row.proposed_by == who.who,
                    FORMS[row.form],
                    policies.languages().get(row.language, row.language),
                )
                for row in agreements
                if not row.confirmed_at
            ],
            "licences": [
                (row, times.when(row.used_at or row.granted_at or row.asked_at, at), _state(row, at))
                for row in licences
            ],
            "issues": [(row, times.when(row.at, at)) for row in issues],
            "size": scoped.list_entries().filter(off_at=None).count(),
            "fields": [(name, label, example, request.POST.get(name, "")) for name, label, example in FIELDS],
            "forms": FORMS.items(),
            "languages": policies.languages().items(),
            "typed": request.POST,
            "who": who.who,
            "may_agree": may_act("list.agree", who),
            "may_grant": may_act("list.grant", who),
            "refusal": refusal.sentence if refusal else "",
            "salt": more.get("salt", ""),
            "whose": more.get("whose"),
        },
    )


def _state(row: Any, at: Any) -> str:
    if row.used_at:
        return "used"
    if row.closed_at:
        return "closed"
    if row.ends_at and row.ends_at <= at:
        return "ran out"
    return "granted" if row.granted_at else "asked"


@require_POST
@bench.kept(page)
def propose(request: HttpRequest) -> HttpResponse:
    """The first person writes down a signed agreement."""
    values = {name: request.POST.get(name, "") for name, _, _ in FIELDS} | {
        "form": request.POST.get("form", "")
    }
    values["language"] = request.POST.get("language", "")
    values["sphere"] = request.POST.get("sphere", "")[:1_000_000]
    list_agreement.propose(values, why=values["why"], by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("filter-list"), status=303)


@require_POST
@bench.kept(page)
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm an agreement, which shows the salt this once; say that its mailbox takes letters again; or end it."""
    row = found(bench.scoped(request).list_agreements(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("press") == "confirm":
        salt = list_agreement.confirm(row, by=by, at=at)
        return page(request, salt=salt.hex() if row.fingerprint else "")
    if request.POST.get("press") == "again":
        domain_alert.write_again(row, by=by, at=at)
        return HttpResponseRedirect(reverse("filter-list"), status=303)
    list_agreement.end(row, by=by, at=at)
    return HttpResponseRedirect(reverse("filter-list"), status=303)


@require_POST
@bench.kept(page)
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a licence for each recipient that is ticked."""
    ticked = [key for one in request.POST.getlist("recipient") if (key := bench.row_key(one)) is not None]
    rows = list(bench.scoped(request).list_agreements().filter(pk__in=ticked))
    list_agreement.ask(
        rows, why=request.POST.get("licence_why", ""), by=bench.actor(request), at=bench.now(request)
    )
    return HttpResponseRedirect(reverse("filter-list"), status=303)


@require_POST
@bench.kept(page)
def licence(request: HttpRequest, pk: int) -> HttpResponse:
    """Grant a licence somebody else asked for; or close it."""
    row = found(bench.scoped(request).list_licences(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("press") == "grant":
        list_agreement.grant([row], policy=bench.policy(), by=by, at=at)
    else:
        list_agreement.close(row, by=by, at=at)
    return HttpResponseRedirect(reverse("filter-list"), status=303)


@require_POST
@bench.kept(page)
def whose(request: HttpRequest) -> HttpResponse:
    """Rows that turned up somewhere: which copy were they in?"""
    text = request.POST.get("text", "")[:1_000_000]
    markers = filter_list.whose(text, by=bench.actor(request), at=bench.now(request))
    copies = {row.licence_id: row.licence for row in markers}
    return page(request, whose=list(copies.values()))
