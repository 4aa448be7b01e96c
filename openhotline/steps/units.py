"""Units, the table that routes to them, and where a host stands, changed by two people: one proposes, another confirms.

The policy files load the first version; from then on the records are the truth. A unit may propose that it be routed
to another one itself; somebody of the hotline confirms. Every change is an entry with before and after. What is not
here: how a line of the table fits (`rules/routing.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Host, RouteRule, Unit, UnitChange
from openhotline.rules import words
from openhotline.rules.calendars import staffed
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.remit import RemitTable
from openhotline.rules.routing import PartnerHotline, UnitRule, areas_of
from openhotline.rules.words import Actor
from openhotline.steps import tell
from openhotline.steps.advance import refuse_unless

LEVELS = ("national", "regional", "local", "special")
TEXTS = ("name", "level", "agreement", "mail", "phone", "areas", "hours", "duty_mail", "deputy")
_LONGEST = {"areas": 2_000, "hours": 500}
_PHONE = 40


@dataclass(frozen=True, slots=True)
class Table:
    """The policy's geography with the house's own table of units."""

    home: str
    remit: RemitTable
    partners: tuple[PartnerHotline, ...]
    unit_rules: tuple[UnitRule, ...]


def table(*, policy: Policy) -> Table:
    """The table in force: the records, or the policy's where none were loaded yet."""
    return Table(policy.home, policy.remit, policy.partners, tuple(rules()) or policy.unit_rules)


def rules() -> list[UnitRule]:
    """The house's own table, from the top."""
    rows = RouteRule.objects.select_related("unit").order_by("position")
    return [
        UnitRule(
            row.unit.key, tuple(row.classes), tuple(row.asns), tuple(row.operators), row.why, tuple(row.areas)
        )
        for row in rows
    ]


def areas() -> dict[str, list[str]]:
    """Every area that some unit covers, with the keys of the units that do."""
    covered: dict[str, list[str]] = {}
    for key, text in Unit.objects.order_by("key").values_list("key", "areas"):
        for area in areas_of(text):
            covered.setdefault(area, []).append(key)
    return covered


def load_first(*, policy: Policy) -> None:
    """Load the policy's table where the house has none yet."""
    if RouteRule.objects.exists():
        return
    by_key = {unit.key: unit for unit in Unit.objects.all()}
    RouteRule.objects.bulk_create(
        RouteRule(
            position=number,
            unit=by_key[rule.unit],
            classes=list(rule.classes),
            asns=list(rule.asns),
            operators=list(rule.operators),
            areas=list(rule.areas),
            why=rule.why,
        )
        for number, rule in enumerate(policy.unit_rules, 1)
    )


def shown(unit: Unit) -> dict[str, str]:
    """A unit as it stands: what a change starts from."""
    return {
        name: (unit.deputy.key if unit.deputy else "") if name == "deputy" else str(getattr(unit, name))
        for name in TEXTS
    }


def propose_unit(
    key: str, values: Mapping[str, str], *, why: str, policy: Policy, by: Actor, at: datetime
) -> UnitChange:
    """The first person: how a unit should read from now on, or a new one. Nothing changes yet."""
    require_act("unit.confirm", by)  # only the hotline edits units; officers propose routing
    return _propose_unit(key, values, why=why, policy=policy, by=by, at=at)


def propose_reach(
    key: str, *, mail: str, phone: str, why: str, policy: Policy, by: Actor, at: datetime
) -> UnitChange:
    """Who set the house up says how a unit is reached, as the first person. Raises Refused for a unit there is not."""
    require_act("unit.reach", by)
    known = ", ".join(Unit.objects.order_by("key").values_list("key", flat=True))
    refuse_unless(
        Unit.objects.filter(key=key).exists(),
        f"There is no unit “{key}”. Known: {known}. A new one is proposed at the desk, under Units and routing.",
        code="unit",
    )
    return _propose_unit(key, {"mail": mail, "phone": phone}, why=why, policy=policy, by=by, at=at)


def _propose_unit(
    key: str, values: Mapping[str, str], *, why: str, policy: Policy, by: Actor, at: datetime
) -> UnitChange:
    unit = Unit.objects.select_related("deputy").filter(key=key).first()
    before = shown(unit) if unit else {}
    after = {
        name: values.get(name, before.get(name, "")).replace("\r\n", "\n").strip()[: _LONGEST.get(name, 254)]
        for name in TEXTS
    }
    refuse_unless(
        key.isascii() and key.isalnum() and len(key) <= 24, "A unit's key is letters and digits.", code="key"
    )
    refuse_unless(bool(after["name"]), "Write the unit's name.", code="name")
    refuse_unless(after["level"] in LEVELS, f"A unit is one of: {', '.join(LEVELS)}.", code="level")
    house_agreements(policy=policy).on(after["agreement"], at)
    for name in ("mail", "duty_mail"):
        refuse_unless(
            not after[name] or _is_mail(after[name]),
            f"“{after[name][:80]}” is no mail address. Write one such as desk@unit.example.",
            code=name,
        )
    refuse_unless(
        len(after["phone"]) <= _PHONE,
        f"A phone number has at most {_PHONE} characters. Leave words out of it.",
        code="phone",
    )
    deputy = after["deputy"]
    refuse_unless(
        not deputy or (deputy != key and Unit.objects.filter(key=deputy).exists()),
        "A deputy is another unit of the list.",
        code="deputy",
    )
    staffed(after["hours"], policy.zone)
    lost = {one for row in rules() if row.unit == key for one in row.areas} - set(areas_of(after["areas"]))
    refuse_unless(
        not lost,
        f"The table routes “{min(lost, default='')}” to this unit. Change the table first.",
        code="areas",
    )
    refuse_unless(before != after, "Nothing is different. Change something first.", code="same")
    return _propose("unit", unit, key, before, after, why=why, by=by, at=at)


def _is_mail(text: str) -> bool:
    name, sign, host = text.partition("@")
    return bool(name and sign and "." in host) and text.isprintable() and " " not in text and "," not in text


def propose_rules(wanted: Sequence[UnitRule], *, why: str, by: Actor, at: datetime) -> UnitChange:
    """The whole table as it should be. Raises Refused where a class would belong to nobody."""
    require_act("unit.confirm", by)
    keys = set(Unit.objects.values_list("key", flat=True))
    covered = areas()
    for rule in wanted:
        refuse_unless(rule.unit in keys, f"There is no unit “{rule.unit}”.", code="unit")
        refuse_unless(bool(rule.why.strip()), "Every line says why.", code="why-line")
        wrong = set(rule.classes) - set(words.CLASSES)
        refuse_unless(not wrong, f"“{''.join(sorted(wrong)[:1])}” is no class.", code="class")
        for area in rule.areas:
            refuse_unless(
                rule.unit in covered.get(area, ()),
                f"“{area[:80]}” is not among the areas of {rule.unit}. Put it there first.",
                code="area",
            )
    refuse_unless(
        bool(wanted) and wanted[-1].anywhere and not wanted[-1].classes,
        "The last line takes everything that is left: no class, no network, no name, no area in it.",
        code="rest",
    )
    return _propose("rules", None, "", _rows(), [_row(rule) for rule in wanted], why=why, by=by, at=at)


def propose_place(host: Host, area: str, *, why: str, by: Actor, at: datetime) -> UnitChange:
    """In which of the units' areas a host stands, or "" for not known. A second person confirms it."""
    require_act("unit.confirm", by)
    refuse_unless(
        not area or area in areas(),
        "No unit covers that area. Put it among a unit's areas first.",
        code="area",
    )
    refuse_unless(area != host.area, "That is its place already.", code="same")
    return _propose("place", None, "", host.area, area, why=why, by=by, at=at, host=host)


def propose_reroute(
    to: Unit, *, classes: Sequence[str], host: Host, why: str, by: Actor, at: datetime
) -> UnitChange:
    """A unit says itself: from now on these classes at this host are for that unit. The hotline confirms.

    By the host's network, or by its name where the network is not known.
    """
    require_act("unit.propose", by)
    if by.role != words.OFFICER or by.unit_id is None:
        raise NotPermitted("A unit re-routes what is its own.")
    own = Unit.objects.get(pk=by.unit_id)
    refuse_unless(to.pk != own.pk, "Choose another unit.", code="unit")
    where: tuple[tuple[int, ...], tuple[str, ...]] = ((host.asn,), ()) if host.asn else ((), (host.name,))
    line = UnitRule(to.key, tuple(classes), *where, f"Re-routed by {own.name}: {why.strip()}"[:500])
    before = _rows()
    return _propose("rules", own, "", before, [_row(line), *before], why=why, by=by, at=at)


def _rows() -> list[dict[str, object]]:
    return [_row(rule) for rule in rules()]


def _row(rule: UnitRule) -> dict[str, object]:
    return {
        "unit": rule.unit,
        "classes": list(rule.classes),
        "asns": list(rule.asns),
        "operators": list(rule.operators),
        "areas": list(rule.areas),
        "why": rule.why,
    }


def _propose(
    kind: str,
    unit: Unit | None,
    key: str,
    before: object,
    after: object,
    *,
    why: str,
    by: Actor,
    at: datetime,
    host: Host | None = None,
) -> UnitChange:
    refuse_unless(bool(why.strip()), "Write down why; the second person will read it.", code="why")
    with transaction.atomic():
        made = UnitChange.objects.create(
            kind=kind,
            unit=unit,
            host=host,
            key=key,
            before=before,
            after=after,
            why=why.strip()[:2_000],
            proposed_by_id=by.person,
            proposed_at=at,
        )
        _enter("unit.proposed", made, by=by, at=at)
    return made


def confirm(change: UnitChange, *, by: Actor, at: datetime) -> None:
    """The second person, who is not the first: from now on it reads so. Raises Refused where it has changed since."""
    require_act("unit.confirm", by)
    refuse_unless(
        change.proposed_by_id != by.person,
        "A second person has to agree; you proposed this yourself.",
        code="second",
    )
    with transaction.atomic():
        count = UnitChange.objects.filter(pk=change.pk, settled_at=None).update(
            settled_at=at, confirmed_by_id=by.person
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        if change.kind == "rules":
            if _rows() != change.before:
                raise Refused("The table has changed since this was proposed. Propose it anew.", code="stale")
            _apply_rules(change.after)
        elif change.kind == "place":
            moved = Host.objects.filter(pk=change.host_id or 0, area=change.before).update(area=change.after)
            refuse_unless(moved == 1, "Its place has changed since. Propose it anew.", code="stale")
        else:
            _apply_unit(change, at=at)
        covered = areas()
        refuse_unless(
            all(rule.unit in covered.get(area, ()) for rule in rules() for area in rule.areas),
            "The table would route an area to a unit that does not cover it. Propose it anew.",
            code="stale",
        )
        _enter("unit.changed", change, by=by, at=at)


def _apply_rules(rows: Sequence[Mapping[str, object]]) -> None:
    by_key = {unit.key: unit for unit in Unit.objects.all()}
    RouteRule.objects.all().delete()
    RouteRule.objects.bulk_create(
        RouteRule(
            position=number, unit=by_key[str(row["unit"])], **{k: v for k, v in row.items() if k != "unit"}
        )
        for number, row in enumerate(rows, 1)
    )


def _apply_unit(change: UnitChange, *, at: datetime) -> None:
    """The unit reads as proposed, and letters that waited for an address of it, or did not arrive at the old one, leave."""
    unit = (
        Unit.objects.select_for_update(of=("self",)).select_related("deputy").filter(key=change.key).first()
    )
    if (shown(unit) if unit else {}) != change.before:
        raise Refused("The unit has changed since this was proposed. Propose it anew.", code="stale")
    before = (unit.mail, unit.duty_mail) if unit else ()
    values = dict(change.after)
    values["deputy"] = Unit.objects.filter(key=values["deputy"]).first() if values["deputy"] else None
    now, _ = Unit.objects.update_or_create(key=change.key, defaults=values)
    if now.mail:
        tell.reached(now, before=before, at=at)


def withdraw(change: UnitChange, *, by: Actor, at: datetime) -> None:
    """Take it back, or decline a colleague's or a unit's: nothing changes."""
    require_act("unit.confirm", by)
    with transaction.atomic():
        count = UnitChange.objects.filter(pk=change.pk, settled_at=None).update(
            settled_at=at, withdrawn_by_id=by.person
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        _enter("unit.declined", change, by=by, at=at)


def _enter(act: str, change: UnitChange, *, by: Actor, at: datetime) -> None:
    about = change.host.key if change.host else change.key
    payload = {"kind": change.kind, "key": about, "before": change.before, "after": change.after}
    record(
        [Act(act=act, obj=("unit-change", str(change.pk), 1), why=change.why[:400], payload=payload)],
        by=by,
        at=at,
    )
