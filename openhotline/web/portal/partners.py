"""A partner hotline's pages: what we handed to it, and what our own checks see of it.

What is not here: the same for programs (`api/v1/referrals`), and the partner's own actions (a later issue).
"""

from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openhotline.records.models import Referral
from openhotline.rules import words
from openhotline.rules.urls import defang
from openhotline.settings import load
from openhotline.web.portal.gate import SQLITE_FOOT, embedded, for_role
from openhotline.web.portal.told import CLASSES, counted, country, full, short, state_abroad
from openhotline.web.scoped import Scoped, found

partners = for_role(words.PARTNER)


@partners
def mine(request: HttpRequest) -> HttpResponse:
    """All referrals to this partner, newest first."""
    scope, at = Scoped(request.user), load().clock().now()
    rows = scope.referrals().annotate(size=Count("lines")).order_by("-sent_at", "-pk")[:500]
    shown = []
    for row in rows:
        states = scope.referral_lines().filter(referral=row).values_list("removal__status", flat=True)
        words_ = list(dict.fromkeys(state_abroad(status) for status in states))
        shown.append(
            {
                "number": row.number,
                "theirs": row.their_reference,
                "size": counted(row.size, "address", "addresses"),  # type: ignore[attr-defined]
                "sent": full(row.sent_at) if row.sent_at else "",
                "due": short(row.due_at, at) if row.due_at else "",
                "state": "; ".join(words_),
                "gone": bool(words_) and all(word.startswith("gone, as") for word in words_),
            }
        )
    return _page(request, "referrals", {"referrals": shown}, scope)


@partners
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One referral with its addresses."""
    scope = Scoped(request.user)
    row = found(scope.referrals(), number=number)
    return _page(request, "referral", {"referral": _facts(row, scope)}, scope)


def _facts(row: Referral, scope: Scoped) -> dict[str, Any]:
    lines = (
        scope.referral_lines()
        .filter(referral=row)
        .select_related("removal__item", "removal__host")
        .annotate(
            seen=Max("removal__checks__at", filter=Q(removal__checks__meaning="up")),
            looked=Max("removal__checks__at"),
        )
        .order_by("pk")
    )
    return {
        "number": row.number,
        "theirs": row.their_reference,
        "sent": full(row.sent_at) if row.sent_at else "",
        "due": full(row.due_at) if row.due_at else "",
        "lines": [
            {
                "address": defang(line.removal.item.canonical),
                "cls": CLASSES.get(line.removal.item.cls, line.removal.item.cls),
                "category": line.removal.item.category or "none",
                "age_band": line.removal.item.age_band or "not given",
                "country": f"not known; network in front in {country(line.removal.country)}"
                if line.removal.edge
                else country(line.removal.country),
                "host": line.removal.host.name if line.removal.host else "Not known",
                "state": state_abroad(line.removal.status),
                "seen": full(line.seen) if line.seen else "Not seen by us since",
                "looked": full(line.looked) if line.looked else "We have not looked again yet",
            }
            for line in lines
        ],
    }


def _page(request: HttpRequest, template: str, context: dict[str, Any], scope: Scoped) -> HttpResponse:
    frame = {
        "partner": scope.partners().first(),
        "foot": SQLITE_FOOT if embedded() else "",
        "reports": scope.reports().count(),
    }
    return render(request, f"portal/{template}.html", frame | context)
