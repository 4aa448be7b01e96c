"""Partners abroad: how each is reached and read, where they and we differ, what of theirs has no word here, and packages.

True here: every press is a person's, and reading a whole message is entered. What is not here: comparing and asking
(`jobs/reconcile`, `jobs/exchange`), and what a press leads to (`steps/difference`, `steps/exchange`).
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.rules.package import FORMS
from openhotline.rules.permits import ACTS
from openhotline.rules.refusals import Refused
from openhotline.steps import difference as step
from openhotline.steps import exchange
from openhotline.steps import package as packages
from openhotline.web.desk import bench, lists, times
from openhotline.web.scoped import found


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Partners, differences, messages that wait for a person."""
    return page(request)


def page(request: HttpRequest, refusal: Refused | None = None, **_: object) -> HttpResponse:
    """The partners' page."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    open_ = scoped.differences().filter(settled_at=None).order_by("at", "pk")
    messages = scoped.partner_messages().filter(settled_at=None).exclude(unmapped="")
    return render(
        request,
        "desk/partners.html",
        {
            "partners": [
                (row, times.when(row.read_at, at) if row.read_at else "")
                for row in scoped.partners().filter(kind="hotline").order_by("country", "pk")[:100]
            ],
            "differences": [(row, times.when(row.at, at)) for row in open_[:200]],
            "messages": [
                (row, times.when(row.at, at), row.unmapped.splitlines())
                for row in messages.select_related("partner", "referral").order_by("at", "pk")[:200]
            ],
            "who": who.who,
            "may": who.role in ACTS["difference.settle"],
            "typed": request.POST.get("because", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(page)
def differ(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a difference, or say why it is settled."""
    row = found(bench.scoped(request).differences(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("press") == "take":
        step.take(row, by=by, at=at)
    else:
        step.settle(row, because=request.POST.get("because", ""), by=by, at=at)
    return HttpResponseRedirect(reverse("partners"), status=303)


@require_POST
@bench.kept(lists.referral_page)
def package(request: HttpRequest, number: str) -> HttpResponse:
    """One form of the package for police abroad, as a file. Who opened it is an entry first."""
    row = found(bench.scoped(request).packages().select_related("referral"), referral__number=number)
    form = request.POST.get("form", "")
    body = packages.open_(row, form, by=bench.actor(request), at=bench.now(request))
    response = HttpResponse(body, content_type=FORMS[form])
    response["Content-Disposition"] = f'attachment; filename="{number}.{form.partition(".")[2]}"'
    return response


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One message."""
    return message(request, pk)


def message(
    request: HttpRequest, pk: int, refusal: Refused | None = None, whole: str = "", **_: object
) -> HttpResponse:
    """The message's page; `whole` is every byte of it as text, once somebody asked."""
    row = found(bench.scoped(request).partner_messages().select_related("partner", "referral"), pk=pk)
    return render(
        request,
        "desk/partner_message.html",
        {
            "row": row,
            "when": times.when(row.at, bench.now(request)),
            "notes": row.notes.splitlines(),
            "unmapped": row.unmapped.splitlines(),
            "whole": whole,
            "typed": request.POST.get("note", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(message)
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody read it and says what they did; or asks for the whole message."""
    row = found(bench.scoped(request).partner_messages(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("whole"):
        return message(request, pk, whole=exchange.whole(row, by=by, at=at))
    exchange.settle(row, note=request.POST.get("note", ""), by=by, at=at)
    return HttpResponseRedirect(reverse("partners"), status=303)
