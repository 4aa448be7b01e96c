"""Packages for police abroad: the own unit opens them, hands them on by its own channel, and says which.

A GET shows and changes nothing; opening a form is entered, so it is a POST. What is not here: when a package leaves
(`steps/refer`), what it says (`rules/package`).
"""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from openhotline.records.models import Package
from openhotline.rules.package import CHANNELS, FORMS
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import package as step
from openhotline.web.portal.inbox import inbox
from openhotline.web.portal.police import SeeOther, _now, _page, officers, pressing
from openhotline.web.portal.told import counted, country, full
from openhotline.web.scoped import Scoped, found

_FORM_NAMES = {
    "package.txt": "To read and print (text)",
    "package.json": "For your own program (JSON)",
    "package.stix.json": "For an intelligence system (STIX)",
}


@officers
def packages(request: HttpRequest) -> HttpResponse:
    """All packages for the own unit, those not acknowledged first."""
    rows = Scoped(request.user).packages().select_related("referral").annotate(size=Count("referral__lines"))
    shown = [
        (row, country(row.referral.country), counted(row.size, "address", "addresses"), full(row.made_at))
        for row in rows.order_by("acknowledged_at", "-made_at", "-pk")[:200]
    ]
    shown.sort(key=lambda one: one[0].acknowledged_at is not None)
    return _framed(request, "packages", {"packages": shown})


@officers
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One package: what there is of it, and what was said about it."""
    return _one(request, number)


def _one(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    row = _found(request, number)
    context: dict[str, object] = {
        "row": row,
        "number": number,
        "where": country(row.referral.country),
        "made": full(row.made_at),
        "acknowledged": full(row.acknowledged_at) if row.acknowledged_at else "",
        "channel": CHANNELS.get(row.channel, ""),
        "channels": CHANNELS.items(),
        "forms": [(name, _FORM_NAMES.get(name, name), row.digests.get(name, "")) for name in FORMS],
        "paused": step.paused(row),
        "withdrawn": step.withdrawn(row),
        "typed": request.POST.get("reference", ""),
        "refusal": refusal.sentence if refusal else "",
    }
    return _framed(request, "package", context, status=422 if refusal else 200)


def _framed(
    request: HttpRequest, template: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    boxes = inbox(Scoped(request.user), at=_now())
    return _page(request, template, context, here="packages", boxes=boxes, status=status)


def _found(request: HttpRequest, number: str) -> Package:
    return found(Scoped(request.user).packages().select_related("referral"), referral__number=number)


@pressing
def take_away(request: HttpRequest, number: str, form: str) -> HttpResponse:
    """One form of the package as a file."""
    row = _found(request, number)
    try:
        body = step.open_(row, form, by=request.actor, at=_now())  # type: ignore[attr-defined]
    except NotPermitted:
        raise
    except Refused as refusal:
        return _one(request, number, refusal)
    return HttpResponse(
        body,
        content_type=FORMS[form],
        headers={"Content-Disposition": f'attachment; filename="{number}.{form.partition(".")[2]}"'},
    )


@pressing
def acknowledge(request: HttpRequest, number: str) -> HttpResponse:
    """The unit has it, and it goes on by this way."""
    row = _found(request, number)
    try:
        step.acknowledge(
            row,
            channel=request.POST.get("channel", ""),
            reference=request.POST.get("reference", "").replace("\x00", ""),
            by=request.actor,  # type: ignore[attr-defined]
            at=_now(),
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        return _one(request, number, refusal)
    return SeeOther(reverse("package", args=[number]))
