"""Agreements with police at the desk: what holds, what is to come, and the form for a next version.

True here: everybody at the desk reads an agreement; the lead, the liaison and managers propose and agree. A next version
is written, read as both sides will read it with what changes marked, and then proposed: nothing typed is lost on the way.
What is not here: what each step does (`steps/agreements.py`), the fields (`rules/agreement_form.py`).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from openhotline.policy.reading.agreements import stored
from openhotline.records.agreements import house_agreements
from openhotline.records.models import AgreementVersion
from openhotline.rules import agreement_form as form
from openhotline.rules import permits
from openhotline.rules.agreement import Agreement
from openhotline.rules.agreement_words import changes, day_words, lines
from openhotline.rules.agreements import Agreements, next_faults
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.statistics import agreements as kept_rows
from openhotline.steps import agreements as step
from openhotline.web.desk import bench, times
from openhotline.web.scoped import found

_ISO = re.compile(r"\d{4}-\d\d-\d\d")
NEW = "new"  # in the address: an agreement that the house does not have yet


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Every agreement in words, what waits for a second person, and how a year was kept."""
    return page(request)


def page(request: HttpRequest, pk: int = 0, refusal: Refused | None = None) -> HttpResponse:
    """Every agreement in words, what waits for a second person, and how a year was kept."""
    at, policy, who = bench.now(request), bench.policy(), bench.actor(request)
    agreements = house_agreements(policy=policy)
    typed = request.GET.get("year", "")
    wanted = bench.row_key(typed) or 0
    year = wanted if 1990 <= wanted <= 9998 else agreements.day(at).year
    kept = kept_rows.report(year, policy=policy, at=at)
    context = {
        "waiting": _waiting(request, agreements),
        "agreements": [_shown(request, agreements, key) for key in agreements.keys],
        "kept": [(one, kept_rows.sides(one)) for one in kept],
        "in_force": [
            (row, day_words(row.since), day_words(row.until) if row.until else "")
            for row in kept_rows.in_force(year, policy=policy)
        ],
        "year": year,
        "may": permits.may_act("agreement.change", who),
        "refusal": refusal.sentence if refusal else "",
        "refused": pk,
        "code": refusal.code if refusal else "",
        "typed": request.POST,
    }
    return render(request, "desk/agreements.html", context)


@dataclass(frozen=True, slots=True)
class Shown:
    """One agreement as the page shows it."""

    key: str
    name: str
    now: Agreement | None
    terms: tuple[tuple[str, str], ...]
    units: str  # that are under it
    earlier: tuple[tuple[Agreement, tuple[tuple[str, str], ...]], ...]


def _shown(request: HttpRequest, agreements: Agreements, key: str) -> Shown:
    history = agreements.history(key)
    today = agreements.day(bench.now(request))
    now = agreements.in_force(key, today)
    names = (
        bench.scoped(request).units().filter(agreement=key).order_by("name").values_list("name", flat=True)
    )
    return Shown(
        key=key,
        name=(now or history[-1]).name,
        now=now,
        terms=lines(now) if now else (),
        units=", ".join(names),
        earlier=tuple(
            (one, lines(one)) for one in reversed(history) if one != now and one.valid_from <= today
        ),
    )


def _waiting(request: HttpRequest, agreements: Agreements) -> list[dict[str, Any]]:
    """Versions to come: proposed or agreed to, the next first; with what changes and what the units say."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    rows = list(
        scoped.agreement_versions()
        .filter(withdrawn_at=None, proposed_by__isnull=False)
        .exclude(agreed_at__isnull=False, valid_from__lte=agreements.day(at))
        .select_related("proposed_by", "agreed_by")
        .order_by("valid_from", "pk")
    )
    said = step.replies(rows)
    units = list(scoped.units().order_by("key"))
    return [
        _coming(row, agreements, at=at)
        | {
            "mine": row.proposed_by_id == who.user_id,
            "units": [
                (unit, next((one for one in said.get(row.pk, ()) if one.unit_id == unit.pk), None))
                for unit in units
                if unit.agreement == row.key
            ],
            "objected": any(one.kind == "objects" for one in said.get(row.pk, ())),
        }
        for row in rows
    ]


def _coming(row: AgreementVersion, agreements: Agreements, *, at: datetime) -> dict[str, Any]:
    one = stored(row.terms)
    before = next((old for old in agreements.versions if old.version == row.follows), None)
    terms = changes(before, one)
    return {
        "row": row,
        "name": one.name,
        "begins": day_words(row.valid_from),
        "when": times.when(row.proposed_at, at),
        "agreed": times.when(row.agreed_at, at) if row.agreed_at else "",
        "late": row.agreed_at is None and row.valid_from <= agreements.day(at),
        "terms": terms,
        "changed": [line for line in terms if line[2]],
    }


# --- the form -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def following(request: HttpRequest, key: str) -> HttpResponse:
    """Write a next version, read it, propose it."""
    if not permits.may_act("agreement.change", bench.actor(request)):
        raise PermissionDenied
    at = bench.now(request)
    agreements = house_agreements(policy=bench.policy())
    base = _base(agreements, key, at=at)
    if request.method != "POST":
        typed = form.filled(base, begins=agreements.day(at) + timedelta(days=1))
        if key == NEW:
            typed["name"] = [""]
        return _form(request, key, base, typed, {})
    typed = {name: [value.replace("\x00", "") for value in values] for name, values in request.POST.lists()}
    if request.POST.get("press") == "change":
        return _form(request, key, base, typed, {})
    named = typed.get("key", [""])[0].strip() if key == NEW else key
    zone = base.calendar.zone if base.calendar else bench.policy().zone
    wanted, wrong = form.read(typed, key=named, zone=zone)
    if key == NEW and named in agreements.keys:
        wrong["key"] = "There is an agreement of this key. Choose another."
    if wanted is None or wrong:
        return _form(request, key, base, typed, wrong)
    wrong = next_faults(wanted, held=agreements, at=at)
    if wrong:
        return _form(request, key, base, typed, wrong)
    if request.POST.get("press") != "propose":
        return _preview(request, key, agreements, wanted, typed)
    try:
        step.propose(
            wanted,
            why=typed.get("why", [""])[0],
            policy=bench.policy(),
            by=bench.actor(request),
            at=at,
        )
    except NotPermitted:
        raise
    except Refused as refusal:
        if refusal.code in ("why", "twice", "terms"):
            return _preview(request, key, agreements, wanted, typed, refusal=refusal)
        return _form(request, key, base, typed, {refusal.code: refusal.sentence})
    return HttpResponseRedirect(reverse("agreements"), status=303)


def _base(agreements: Agreements, key: str, *, at: datetime) -> Agreement:
    """The version the form starts from. 404 for an agreement there is not."""
    if key == NEW:
        return agreements.standing(at)
    if key not in agreements.keys:
        raise Http404
    return agreements.in_force(key, agreements.day(at)) or agreements.history(key)[-1]


def _form(
    request: HttpRequest, key: str, base: Agreement, typed: dict[str, list[str]], wrong: dict[str, str]
) -> HttpResponse:
    groups = [
        (title, [_field(field, typed, wrong.get(field.name, "")) for field in fields])
        for title, fields in form.GROUPS
    ]
    count = len(wrong)
    context = {
        "key": key,
        "base": base,
        "new": key == NEW,
        "groups": groups,
        "typed_key": typed.get("key", [""])[0],
        "key_fault": wrong.get("key", ""),
        "why": typed.get("why", [""])[0],
        "units": list(form.UNITS),
        "refusal": f"{count} field{'s' if count > 1 else ''} cannot be taken as {'they are' if count > 1 else 'it is'}."
        " Nothing was proposed, and everything you typed is still here."
        if wrong
        else "",
    }
    return render(request, "desk/agreement_form.html", context, status=422 if wrong else 200)


def _field(field: form.Field, typed: dict[str, list[str]], fault: str) -> dict[str, Any]:
    values = typed.get(field.name, [])
    return {
        "name": field.name,
        # What no date field of a browser would show is shown as text: nothing typed is lost.
        "kind": form.TEXT if field.kind == form.DAY and not _ISO.fullmatch("".join(values)) else field.kind,
        "label": field.label,
        "sentence": field.sentence,
        "value": values[0] if values else "",
        "choices": [(value, label, value in values) for value, label in field.choices],
        "unit": next(iter(typed.get(f"{field.name}_unit", ())), ""),
        "fault": fault,
    }


def _preview(
    request: HttpRequest,
    key: str,
    agreements: Agreements,
    wanted: Agreement,
    typed: dict[str, list[str]],
    *,
    refusal: Refused | None = None,
) -> HttpResponse:
    """The readable page as it will be, with what changes marked."""
    before = agreements.before(wanted.key, wanted.valid_from)
    terms = [row for row in changes(before, wanted) if row[0] != "Version"]
    units = bench.scoped(request).units().filter(agreement=wanted.key).order_by("name")
    context = {
        "key": key,
        "wanted": wanted,
        "before": before,
        "begins": day_words(wanted.valid_from),
        "terms": terms,
        "count": sum(bool(was) for _, _, was in terms),
        "units": ", ".join(units.values_list("name", flat=True)),
        "hidden": [
            (name, value)
            for name, values in typed.items()
            for value in values
            if name not in ("csrfmiddlewaretoken", "press", "why")
        ],
        "why": typed.get("why", [""])[0],
        "refusal": refusal.sentence if refusal else "",
    }
    return render(request, "desk/agreement_preview.html", context, status=422 if refusal else 200)


# --- the second person -------------------------------------------------------------------------------


@require_POST
@bench.kept(page)
def agree(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person agrees; from its day on it counts."""
    row = found(bench.scoped(request).agreement_versions(), pk=pk)
    step.agree(
        row,
        despite=request.POST.get("despite", "").replace("\x00", ""),
        policy=bench.policy(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("agreements"), status=303)


@require_POST
@bench.kept(page)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Taken back or declined before it is in force."""
    row = found(bench.scoped(request).agreement_versions(), pk=pk)
    step.withdraw(
        row,
        why=request.POST.get("withdrawn_why", "").replace("\x00", ""),
        policy=bench.policy(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("agreements"), status=303)
