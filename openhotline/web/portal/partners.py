"""A partner hotline's pages: what we handed to it, what our own checks see of it, and what it says it did.

What is not here: the same for programs (`api/v1/referrals`).
"""

from typing import Any
from uuid import uuid4

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from openhotline import policy
from openhotline.records.models import Referral
from openhotline.rules import abroad, words
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.urls import defang
from openhotline.settings import load
from openhotline.steps.report_back import report_back
from openhotline.web.portal.gate import SQLITE_FOOT, embedded, for_role
from openhotline.web.portal.told import CLASSES, counted, country, full, short, state_abroad
from openhotline.web.scoped import Scoped, found

partners = for_role(words.PARTNER)
ACTIONS = {
    abroad.ACCEPTED: "We have it",
    abroad.TOLD_POLICE: "Passed to our police",
    abroad.TOLD_HOST: "The host here was told",
    abroad.REMOVED: "Removed",
    abroad.UNAVAILABLE: "Unavailable to us",
    abroad.MOVED: "Moved to another country",
    abroad.NOT_ILLEGAL: "Not illegal here",
}


@partners
def mine(request: HttpRequest) -> HttpResponse:
    """All referrals to this partner, newest first."""
    scope, at = Scoped(request.user), load().clock().now()
    rows = scope.referrals().annotate(size=Count("lines")).order_by("-sent_at", "-pk")[:500]
    shown = []
    for row in rows:
        lines = scope.referral_lines().filter(referral=row)
        states = lines.values_list("removal__status", "removal__item__status")
        words_ = list(dict.fromkeys(state_abroad(*pair) for pair in states))
        shown.append(
            {
                "number": row.number,
                "theirs": row.their_reference,
                "size": counted(row.size, "address", "addresses"),
                "sent": full(row.sent_at) if row.sent_at else "",
                "due": short(row.due_at, at) if row.due_at else "",
                "state": "; ".join(words_),
                "gone": bool(words_) and all(word.startswith("gone, as") for word in words_),
            }
        )
    return page(request, "referrals", {"referrals": shown}, scope)


@partners
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One referral with its addresses."""
    return _one(request, number)


def _one(request: HttpRequest, number: str, refusal: Refused | None = None) -> HttpResponse:
    scope = Scoped(request.user)
    row = found(scope.referrals(), number=number)
    context = {
        "referral": _facts(row, scope),
        "actions": ACTIONS.items(),
        "reasons": abroad.REASONS.items(),
        "typed": request.POST,
        "refusal": refusal.sentence if refusal else "",
        # One form, one message: a button pressed twice says it once.
        "message": request.POST.get("message") or f"portal-{uuid4()}",
    }
    return page(request, "referral", context, scope)


@for_role(words.PARTNER, "POST")
def act(request: HttpRequest, number: str) -> HttpResponse:
    """What the partner says it did, for the addresses that were ticked."""
    scope, at = Scoped(request.user), load().clock().now()
    row = found(scope.referrals(), number=number)
    try:
        wanted = request.POST.getlist("line")
        lines = [
            line
            for line in scope.referral_lines().filter(referral=row).select_related("removal").order_by("pk")
            if str(line.removal.uid) in wanted
        ]
        if not lines:
            raise Refused("Tick the addresses you mean.", code="line")
        said = PartnerAction(
            request.POST.get("action", ""),
            request.POST.get("message", "")[:120] or f"portal-{uuid4()}",
            at,
            request.POST.get("reason", ""),
            request.POST.get("text", "")[:2000].strip(),
            request.POST.get("country", "").strip().upper(),
        )
        report_back(
            [(line, said) for line in lines],
            via="portal",
            policy=policy.load(load().country),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except Refused as refusal:
        response = _one(request, number, refusal)
        response.status_code = 403 if isinstance(refusal, NotPermitted) else 422
        return response
    return HttpResponseRedirect(reverse("referral", args=[number]), status=303)


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
    said: dict[int, list[dict[str, Any]]] = {}
    for action in scope.referral_actions().filter(line__referral=row).order_by("pk"):
        said.setdefault(action.line_id, []).append(
            {
                "when": full(action.done_at),
                "what": ACTIONS.get(action.action, action.action),
                "why": " ".join(filter(None, (abroad.REASONS.get(action.reason, ""), action.text))),
                "country": country(action.country) if action.country else "",
            }
        )
    return {
        "number": row.number,
        "theirs": row.their_reference,
        "sent": full(row.sent_at) if row.sent_at else "",
        "due": full(row.due_at) if row.due_at else "",
        "lines": [
            {
                "uid": str(line.removal.uid),
                "said": said.get(line.pk, []),
                "address": defang(line.removal.item.canonical),
                "cls": CLASSES.get(line.removal.item.cls, line.removal.item.cls),
                "category": line.removal.item.category or "none",
                "age_band": line.removal.item.age_band or "not given",
                "country": f"not known; network in front in {country(line.removal.country)}"
                if line.removal.edge
                else country(line.removal.country),
                "host": (line.removal.host.name if line.removal.host else "not known")
                + (f", news server {line.removal.server}" if line.removal.server else ""),
                "state": state_abroad(line.removal.status, line.removal.item.status),
                "seen": full(line.seen) if line.seen else "Not seen by us since",
                "looked": full(line.looked) if line.looked else "We have not looked again yet",
            }
            for line in lines
        ],
    }


def page(
    request: HttpRequest, template: str, context: dict[str, Any], scope: Scoped, *, status: int = 200
) -> HttpResponse:
    """A page on the partner's frame."""
    frame = {
        "partner": scope.partners().first(),
        "foot": SQLITE_FOOT if embedded() else "",
        "reports": scope.reports().count(),
    }
    return render(request, f"portal/{template}.html", frame | context, status=status)
