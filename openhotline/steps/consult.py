"""Asks the police, or tells them: one question per unit and host, however many removals.

The agreement says which (authorise first: asked; notify together: told, and the notice goes at once; tell after: told
when it has gone, and until then the unit's desk shows nothing of it). What silence leads to is written in the agreement
too (`escalate`). What is not here: the answer (`answer`).
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from django.db import transaction
from django.db.models import Q

from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, PENDING, Letter, LetterLine
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Consultation, ConsultationLine, Removal, Unit
from openhotline.rules import clocks, references, removal_path, words
from openhotline.rules.agreement import TELL_AFTER, UNDO_WITHIN, Agreement
from openhotline.rules.calendars import next_open, staffed
from openhotline.rules.refusals import Refused
from openhotline.rules.routing import Geography, unit_for
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import agreed, freshness, notify, tell, units
from openhotline.steps.advance import advance, refuse_unless
from openhotline.steps.departing import TO_THE_POLICE


def ask_police(
    removals: Sequence[Removal],
    *,
    unit: Unit,
    agreement: Agreement,
    by: Actor,
    at: datetime,
    zone: tzinfo,
    passed_from: Consultation | None = None,
    outcome: str = "asked",
) -> Consultation:
    """Put one question (or, where the agreement says so, one information) to one unit about one host.

    `zone`: of the clock on the wall, by which the unit's hours are told.
    Raises Refused where the removals have no common host or one of them is not traced.
    """
    refuse_unless(bool(removals), "There is nothing to ask about.")
    hosts = {removal.host_id for removal in removals}
    refuse_unless(len(hosts) == 1, "One question covers one host. Ask about each host apart.", code="hosts")
    with transaction.atomic():
        # A clock that still runs goes on. Where the first unit had decided, it is over, and a new one begins.
        waits = any(removal.status in (removal_path.ASKED, removal_path.SILENT) for removal in removals)
        number = references.consultation(at.year, bulk.take_numbers(f"consultation-{at.year}", 1))
        consultation = Consultation.objects.create(
            number=number,
            unit=unit,
            host_id=hosts.pop(),
            agreement=agreement.key,
            agreement_version=agreement.version,
            asks=agreement.asks,
            told_at=None if agreement.order == TELL_AFTER else at,
            asked_at=at,
            asked_by=by.who,
            due_at=passed_from.due_at if passed_from and waits else agreement.answer_due(at),
            again=any(removal.again for removal in removals),
            passed_from=passed_from,
        )
        bulk.insert(
            ConsultationLine,
            ("consultation_id", "removal_id", "answered"),
            [(consultation.pk, removal.pk, False) for removal in removals],
        )
        facts: dict[str, object] = {"consultation": number, "unit": unit.key, "agreement": agreement.version}
        if passed_from is None:
            if agreement.asks:
                clock = clocks.Deadline(clocks.POLICE_ANSWER, consultation.due_at)
                advance(
                    removals, "consult", outcome, by=by, at=at, clock=clock, stamps=["t3_asked"], facts=facts
                )
            else:
                clock = clocks.Deadline(clocks.DEPARTURE, at)
                advance(
                    removals, "consult", "told", by=by, at=at, clock=clock, stamps=["t3_asked"], facts=facts
                )
        # A question passed on waits out the minute in which that can be taken back.
        due = at + UNDO_WITHIN if passed_from else at
        if agreement.order != TELL_AFTER:
            _letter(consultation, removals, zone=zone, at=at, due=due)
        if not agreement.asks:
            notify.draft(removals, by=MACHINE_WORKER, at=at)
    return consultation


def withdraw(consultation: Consultation, *, why: str, by: Actor, at: datetime) -> None:
    """A question passed on is taken back by the unit that passed it: its letter stays here, its page says so."""
    Consultation.objects.filter(pk=consultation.pk).update(withdrawn_at=at)
    ConsultationLine.objects.filter(consultation=consultation).update(answered=True)
    for letter in Letter.objects.filter(
        number=consultation.number,
        kind__in=TO_THE_POLICE,
        state__in=[PENDING, CONTACT_NEEDED],
    ):
        queue.withdraw(letter, why=why, by=by, at=at)


def tell_after(removals: Sequence[Removal], *, zone: tzinfo, at: datetime) -> None:
    """A notice about these has left: their units are told now, each once of a removal however often it is noticed."""
    lines = ConsultationLine.objects.filter(removal__in=removals, consultation__withdrawn_at=None)
    newest = {
        line.removal_id: line.consultation
        for line in lines.select_related("consultation__unit").order_by("pk")
    }
    groups: dict[Consultation, list[Removal]] = {}
    told = set(
        LetterLine.objects.filter(
            removal__in=[removal.pk for removal in removals], kind="police-told"
        ).values_list("removal", "number")
    )
    for removal in removals:
        consultation = newest.get(removal.pk)
        if consultation is not None and (removal.pk, consultation.number) not in told:
            groups.setdefault(consultation, []).append(removal)
    tell.heard(groups, at=at)
    for consultation, group in groups.items():
        _letter(consultation, group, zone=zone, at=at, due=at, after=True)


def _letter(
    consultation: Consultation,
    removals: Sequence[Removal],
    *,
    zone: tzinfo,
    at: datetime,
    due: datetime,
    after: bool = False,
) -> None:
    """To the unit; while its desk is not staffed also to its duty desk, since the clock runs all the same."""
    unit = consultation.unit
    again = " (again: this had been removed before)" if consultation.again else ""
    if consultation.asks:
        what = "May we ask the host to remove this now? Please answer at the police desk."
        kind = "police-question"
    else:
        asked = (
            "was asked to preserve and remove this" if after else "is asked to preserve and remove this now"
        )
        what = f"For your information: the host {asked}, as agreed."
        kind = "police-told"
    text = (
        f"{consultation.number}{again}\n\n{what}\n\n"
        f"Addresses: {len(removals)}, on one host.\n"
        + (f"Please answer by {consultation.due_at:%d %B %Y %H:%M} UTC. " if consultation.asks else "")
        + ("After that we ring your duty desk.\n" if consultation.asks else "\n")
        + "The facts are behind your sign-in; no address and no content is in this mail.\n"
    )
    opens = _opens(unit, zone=zone, at=due)
    to_duty = consultation.asks and opens > due and unit.duty_mail not in ("", unit.mail)
    for recipient, more in (
        (unit.mail, ""),
        (
            unit.duty_mail,
            f"{unit.name} is not staffed before {opens:%d %B %Y %H:%M} UTC, so this is with you.\n",
        ),
    )[: 2 if to_duty else 1]:
        queue.put(
            kind,
            number=consultation.number,
            recipient=recipient,
            transport="mail",
            removals=[removal.pk for removal in removals],
            at=at,
            due=due,
            by=MACHINE_WORKER,
            state=PENDING if recipient else CONTACT_NEEDED,
            why="" if recipient else f"{unit.name} has no mail address. Set it, and it leaves.",
            subject=f"{consultation.number}: {len(removals)} on one host",
            text=text + more,
        )


def _opens(unit: Unit, *, zone: tzinfo, at: datetime) -> datetime:
    """When somebody is at the unit's desk: at once, or when it opens next."""
    try:
        return next_open(at, staffed(unit.hours, zone))
    except Refused:
        return at  # written down before hours were read: nobody can say


def agreement_of(removals: Sequence[Removal], unit: Unit, *, policy: Policy, at: datetime) -> Agreement:
    """The agreement under which this unit is asked about these removals together."""
    return house_agreements(policy=policy).about(unit.agreement, {row.item.cls for row in removals}, at)


def asking(removals: Sequence[Removal], unit: Unit, *, policy: Policy, at: datetime) -> Agreement:
    """The agreement under which a unit is asked where it has to be asked, though its own may only tell: what another
    unit passed to it waits for its answer, and so does what it was asked about before."""
    agreements = house_agreements(policy=policy)
    own = agreements.about(unit.agreement, {row.item.cls for row in removals}, at)
    return own if own.asks else agreements.on(agreements.default, at)


def clock_from(consultation: Consultation) -> datetime:
    """From when the clocks of a question run: one passed on while they ran keeps those of the first."""
    first = consultation
    while first.passed_from is not None and first.passed_from.due_at == first.due_at:
        first = first.passed_from
    return first.asked_at


def unit_of(removal: Removal, *, policy: Geography) -> str:
    """The key of the unit that covers this removal."""
    host = removal.host
    return unit_for(
        removal.item.cls,
        removal.country,
        asn=host.asn if host else 0,
        operator=host.name if host else "",
        area=host.area if host else "",
        policy=policy,
    )


def ask_due(*, policy: Policy, by: Actor = MACHINE_WORKER, at: datetime) -> list[Consultation]:
    """Sweep: every traced removal at home whose bundle is full or ripe is asked about, per unit and host.

    A bundle is ripe when the oldest of its removals has waited its time, or a child may be at risk. Of what was traced
    too long ago nobody is asked: it goes with the next question, when it has been traced again.
    """
    traced = Removal.objects.filter(status=removal_path.TRACED, route=words.HOME)
    ripe_now = traced.filter(Q(due_at__lte=at) | Q(item__at_risk=True))
    hosts = set(ripe_now.values_list("host", flat=True).distinct())
    if not hosts:
        return []  # of most turns all bundles still wait: what is in them need not be read
    at_these = Q(host__in=hosts - {None}) | (Q(host=None) if None in hosts else Q())
    waiting = list(traced.filter(at_these).select_related("item").prefetch_related("host").order_by("pk"))
    table, agreements = units.table(policy=policy), house_agreements(policy=policy)
    by_key = {unit.key: unit for unit in Unit.objects.all()}
    bundles: dict[tuple[str, int | None, str], list[Removal]] = {}
    under: dict[tuple[str, str], Agreement] = {}
    for removal in waiting:
        try:
            unit = by_key[unit_of(removal, policy=table)]
        except (Refused, KeyError):
            continue  # no unit is named for it: the desk lists it as waiting, and the others are asked
        about = (unit.key, removal.item.cls)
        if about not in under:
            under[about] = agreements.about(unit.agreement, [removal.item.cls], at)
        bundles.setdefault((unit.key, removal.host_id, under[about].version), []).append(removal)
    asked = []
    for (key, _, _), removals in bundles.items():
        ripe = any(
            (removal.due_at is not None and removal.due_at <= at) or removal.item.at_risk
            for removal in removals
        )
        standing = freshness.standing(removals, at=at) if ripe else []
        if standing:
            agreement = under[key, removals[0].item.cls]
            asked.append(
                ask_police(standing, unit=by_key[key], agreement=agreement, by=by, at=at, zone=policy.zone)
            )
    return asked


def ask_expired(*, policy: Policy, at: datetime) -> list[Consultation]:
    """Sweep: cleared removals whose go-ahead ran out before the notice left; their unit is asked again."""
    lapsed = agreed.lapsed("go-aheads", at=at)
    if not lapsed:
        return []
    late = list(Removal.objects.filter(pk__in=lapsed).select_related("item", "host").order_by("pk"))
    expired = agreed.run_out(late, at=at)
    bundles: dict[tuple[int, int | None], list[Removal]] = {}
    last = {
        pk: (unit, asks)
        for pk, unit, asks in ConsultationLine.objects.filter(
            removal__in=list(expired), consultation__withdrawn_at=None
        )
        .order_by("pk")
        .values_list("removal_id", "consultation__unit_id", "consultation__asks")
    }
    for removal in freshness.standing([one for one in late if one.pk in expired], at=at):
        unit_pk, asks = last[removal.pk]
        if asks:  # told, not asked: nothing of it can run out
            bundles.setdefault((unit_pk, removal.host_id), []).append(removal)
    asked = []
    for (unit_pk, _), removals in bundles.items():
        unit = Unit.objects.get(pk=unit_pk)
        agreement = asking(removals, unit, policy=policy, at=at)
        with transaction.atomic():
            notify.recall(removals, why="The go-ahead has run out; the unit is asked again.", at=at)
            asked.append(
                ask_police(
                    removals,
                    unit=unit,
                    agreement=agreement,
                    by=MACHINE_WORKER,
                    at=at,
                    zone=policy.zone,
                    outcome="expired",
                )
            )
    return asked
