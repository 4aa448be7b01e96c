"""Units of the police and the table that routes to them: read by all, changed by two people.

The table is edited as lines of text, `unit | classes | networks | words in a host's name | areas | why`, so that the whole of
it is in view. What is not here: what a change does (`steps/units.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.agreements import house_agreements
from openhotline.records.models import Unit
from openhotline.rules import permits
from openhotline.rules.calendars import next_open, staffed
from openhotline.rules.refusals import Refused
from openhotline.rules.routing import UnitRule, areas_of
from openhotline.rules.words import CLASSES
from openhotline.steps import units as step
from openhotline.web.desk import bench, times
from openhotline.web.scoped import found

LABELS = {
    "name": "Name",
    "level": "Level",
    "agreement": "Agreement",
    "mail": "Mail",
    "phone": "Phone of the duty desk",
    "areas": "Areas, one a line",
    "hours": "Desk is staffed (empty: always), for example Mon-Fri 08:00-18:00, Sat 09:00-13:00",
    "duty_mail": "Mail of the duty desk",
    "deputy": "Deputy, told at escalation",
}


def _frame(request: HttpRequest, refusal: Refused | None) -> dict[str, Any]:
    at, scoped = bench.now(request), bench.scoped(request)
    who = bench.actor(request)
    waiting = (
        scoped.unit_changes()
        .filter(settled_at=None)
        .select_related("proposed_by", "unit", "host")
        .order_by("pk")
    )
    return {
        "changes": [
            {
                "pk": row.pk,
                "what": row.host.name if row.host else row.key or "The table of units",
                "why": row.why,
                "by": row.proposed_by.pseudonym,
                "when": times.when(row.proposed_at, at),
                "mine": row.proposed_by_id == who.user_id,
                "differs": _differs(row.before, row.after),
            }
            for row in waiting
        ],
        "may": who.role in permits.ACTS["unit.confirm"],
        "refusal": refusal.sentence if refusal else "",
        "typed": request.POST,
    }


def _differs(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """(what, before, after) of everything that would change."""
    if isinstance(after, str):
        return [("Stands in", before, after or "not known")]
    if isinstance(after, dict):
        return [
            (LABELS[name], before.get(name, ""), after[name])
            for name in LABELS
            if before.get(name, "") != after[name]
        ]
    old, new = [_line(row) for row in before], [_line(row) for row in after]
    taken = [("Line taken out", line, "") for line in old if line not in new]
    added = [("Line put in", "", line) for line in new if line not in old]
    return [*taken, *added] or [("Order", " / ".join(old), " / ".join(new))]


def _line(row: dict[str, Any]) -> str:
    networks = ", ".join(str(asn) for asn in row["asns"])
    return " | ".join(
        (
            row["unit"],
            ", ".join(row["classes"]),
            networks,
            ", ".join(row["operators"]),
            ", ".join(row.get("areas", [])),
            row["why"],
        )
    )


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All units, the table, and what waits for a second person."""
    return page(request)


def page(request: HttpRequest, pk: int = 0, refusal: Refused | None = None) -> HttpResponse:
    """All units, the table, and what waits for a second person."""
    scoped = bench.scoped(request)
    rules = scoped.route_rules().select_related("unit").order_by("position")
    text = "\n".join(
        _line(
            {
                "unit": row.unit.key,
                "classes": row.classes,
                "asns": row.asns,
                "operators": row.operators,
                "areas": row.areas,
                "why": row.why,
            }
        )
        for row in rules
    )
    context = _frame(request, refusal)
    units = list(scoped.units().select_related("deputy").order_by("level", "name"))
    context |= {
        "units": [(row, ", ".join(areas_of(row.areas)), _there(row, bench.now(request))) for row in units],
        "rules": list(rules),
        "fields": _fields(request.POST if refusal else {}, [row.key for row in units]),
        "classes": ", ".join(CLASSES),
    }
    context |= {"text": request.POST.get("rules", text), "why": request.POST.get("why", "")}
    return render(request, "desk/units.html", context)


def _fields(values: Mapping[str, str], keys: list[str]) -> list[dict[str, Any]]:
    """The form of a unit: what each field is called, what stands in it, and what it can be where it is a choice."""
    choices = {
        "level": step.LEVELS,
        "agreement": sorted(house_agreements(policy=bench.policy()).keys),
        "deputy": ["", *keys],
    }
    return [
        {
            "name": name,
            "label": label,
            "value": values.get(name, ""),
            "long": name == "areas",
            "choices": choices.get(name, ()),
        }
        for name, label in LABELS.items()
    ]


def _there(row: Unit, at: datetime) -> str:
    """Whether the unit's desk is staffed now, in words; "" where it always is."""
    try:
        hours = staffed(row.hours, bench.policy().zone)
    except Refused:
        return row.hours  # written before hours were read
    opens = next_open(at, hours)
    if hours is None:
        return ""
    return f"{row.hours}: " + ("staffed now" if opens <= at else f"opens {times.when(opens, at)}")


@require_safe
def one(request: HttpRequest, key: str) -> HttpResponse:
    """One unit, and the form that proposes a change of it."""
    return unit_page(request, key)


def unit_page(request: HttpRequest, key: str, refusal: Refused | None = None) -> HttpResponse:
    """One unit, and the form that proposes a change of it."""
    row = found(bench.scoped(request).units().select_related("deputy"), key=key)
    now = step.shown(row)
    keys = bench.scoped(request).units().exclude(pk=row.pk).order_by("key").values_list("key", flat=True)
    fields = _fields(now, list(keys))
    return render(request, "desk/unit.html", _frame(request, refusal) | {"unit": row, "fields": fields})


@require_POST
@bench.kept(page)
def new(request: HttpRequest) -> HttpResponse:
    """Propose a change of a unit, or a new one."""
    key = request.POST.get("key", "").strip()
    step.propose_unit(
        key,
        {name: request.POST[name].replace("\x00", "") for name in LABELS if name in request.POST},
        why=request.POST.get("why", ""),
        policy=bench.policy(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("units"), status=303)


@require_POST
@bench.kept(page)
def rules(request: HttpRequest) -> HttpResponse:
    """Propose the table as it should be."""
    step.propose_rules(
        _read(request.POST.get("rules", "").replace("\x00", "")),
        why=request.POST.get("why", ""),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("units"), status=303)


def _read(text: str) -> list[UnitRule]:
    read = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 6:
            raise Refused(
                f"Line {number} has {len(parts)} parts; write unit | classes | networks | names | areas | why.",
                code="line",
            )
        unit, classes, networks, names, areas, why = parts
        asns = _split(networks)
        if not all(0 < (bench.row_key(asn) or 0) < 2**32 for asn in asns):
            raise Refused(f"Line {number}: networks are AS numbers such as 64500.", code="network")
        read.append(
            UnitRule(
                unit,
                tuple(_split(classes)),
                tuple(int(asn) for asn in asns),
                tuple(_split(names)),
                why,
                tuple(_split(areas)),
            )
        )
    return read


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@require_POST
@bench.kept(page)
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """The second person agrees; now it reads so."""
    row = found(bench.scoped(request).unit_changes().select_related("proposed_by"), pk=pk)
    step.confirm(row, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("units"), status=303)


@require_POST
@bench.kept(page)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Taken back, or declined."""
    row = found(bench.scoped(request).unit_changes().select_related("proposed_by"), pk=pk)
    step.withdraw(row, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("units"), status=303)
