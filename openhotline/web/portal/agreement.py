"""The unit's agreement at the police desk: what holds, what is to come, what the unit says of it, how it was kept.

True here: a unit reads the versions of its own agreement and its own questions only. What it says is shown to the
hotline and stops nothing: the hotline's second person answers an objection in words. What is not here: who decides
(`steps/agreements.py`).
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from openhotline.policy.reading.agreements import stored
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Unit
from openhotline.rules.agreement_words import changes, day_words, lines
from openhotline.rules.agreements import Agreements
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.statistics import agreements as statistics
from openhotline.steps import agreements as step
from openhotline.web.portal.inbox import inbox
from openhotline.web.portal.police import SeeOther, _now, _page, _policy, officers, pressing
from openhotline.web.portal.told import full
from openhotline.web.scoped import Scoped, found


@officers
def agreement(request: HttpRequest) -> HttpResponse:
    """What both sides agreed on, what is to come, and how this unit and the hotline kept it, this year or another."""
    return _agreement(request)


def _agreement(request: HttpRequest, *, fault: str = "", refused: int = 0, status: int = 200) -> HttpResponse:
    mine, at, policy = Scoped(request.user), _now(), _policy()
    unit = found(mine.units(), pk=request.user.unit_id)  # type: ignore[union-attr]
    agreements = house_agreements(policy=policy)
    today = agreements.day(at)
    now = agreements.in_force(unit.agreement, today)
    typed = request.GET.get("year", "")
    year = int(typed) if len(typed) == 4 and typed.isascii() and typed.isdecimal() else today.year
    year = year if 2000 <= year <= today.year else today.year
    kept = statistics.report(year, policy=policy, at=at, unit=unit.pk)
    context = {
        "agreement": now or agreements.history(unit.agreement)[-1],
        "terms": lines(now) if now else (),
        "coming": _coming(mine, unit, agreements, refused=refused),
        "fault": fault,
        "typed": request.POST.get("text", "") if fault else "",
        "kept": [(one, statistics.sides(one)) for one in kept],
        "in_force": [
            (row, day_words(row.since), day_words(row.until) if row.until else "")
            for row in statistics.in_force(year, policy=policy, unit=unit)
        ],
        "year": year,
        "before": year - 1,
        "after": year + 1 if year < today.year else None,
    }
    return _page(request, "agreement", context, here="agreement", boxes=inbox(mine, at=at), status=status)


def _coming(mine: Scoped, unit: Unit, agreements: Agreements, *, refused: int) -> list[dict[str, Any]]:
    """Versions of the unit's agreement that are not in force yet, the next first, with the unit's own last word."""
    rows = mine.agreement_versions().filter(
        withdrawn_at=None, proposed_by__isnull=False, valid_from__gt=agreements.day(_now())
    )
    said = {one.version_id: one for one in mine.agreement_replies().select_related("by").order_by("at", "pk")}
    shown = []
    for row in rows.order_by("valid_from", "pk"):
        one = stored(row.terms)
        before = next((old for old in agreements.versions if old.version == row.follows), None)
        reply, terms = said.get(row.pk), changes(before, one)
        shown.append(
            {
                "pk": row.pk,
                "version": row.version,
                "name": one.name,
                "begins": day_words(row.valid_from),
                "why": row.why,
                "agreed": bool(row.agreed_at),
                "despite": row.despite,
                "terms": terms,
                "changed": [line for line in terms if line[2]],
                "reply": reply and f"{reply.by.pseudonym} {step.REPLIES[reply.kind]}, {full(reply.at)}",
                "reply_text": reply.text if reply else "",
                "refused": row.pk == refused,
            }
        )
    return shown


@pressing
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """The unit agrees, objects with words, or says that it has seen it."""
    row = found(Scoped(request.user).agreement_versions(), pk=pk)
    try:
        step.reply(
            row,
            kind=request.POST.get("press", ""),
            text=request.POST.get("text", "").replace("\x00", ""),
            policy=_policy(),
            by=request.actor,  # type: ignore[attr-defined]
            at=_now(),
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        return _agreement(request, fault=refusal.sentence, refused=pk, status=422)
    return SeeOther(reverse("agreement"))
