"""Hands graded items abroad: one by one to the partner hotline where there is one, else bundled to police there.

"Removed" abroad is believed only after our own checks. A partner that is silent is asked after three days, and
after ten the managers are told; a referral refused for good waits for a person, who may let it leave again. What
is not here: the partner's wire format (connectors) and what it says it did (`report_back`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from openhotline.outbox import queue, settling
from openhotline.outbox.models import FAILED, Letter
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Assessment, Hold, Partner, Referral, ReferralLine, Removal, Unit
from openhotline.records.models.referral import EXCHANGE
from openhotline.rules import clocks, departure, pace, references, removal_path, words
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import departing, freshness, tell
from openhotline.steps.advance import advance, next_clock, note, refuse_unless, stop_clock


@dataclass(frozen=True, slots=True)
class ReferredAddress:
    """One graded address in a referral."""

    uid: str
    canonical: str
    country: str
    addresses: str
    operator: str
    asn: int
    cls: str
    category: str
    age_band: str
    files: int
    graded_at: datetime
    traced_at: datetime
    referrer: str
    edge: bool  # `country` is that of the network in front; where it is held is not known
    kind: str
    received_at: datetime
    analyst: str  # pseudonym of who graded it; only an exchange that asks for it is told
    server: str = ""  # of a newsgroup post: the news server that holds it


@dataclass(frozen=True, slots=True)
class ReferralContent:
    """What a referral says. Nothing about the reporter or the police."""

    number: str
    partner: str
    country: str
    url: str
    scheme: str
    sent: datetime
    addresses: tuple[ReferredAddress, ...]


def refer_due(*, at: datetime) -> list[Referral]:
    """Sweep: every traced removal abroad that is in no referral yet.

    A partner hotline takes graded items one by one, each with its own number; for police abroad one letter
    covers all of a country.
    """
    waiting = (
        Removal.objects.filter(
            status=removal_path.TRACED,
            route__in=[words.ABROAD_HOTLINE, words.ABROAD_POLICE],
            referral_lines=None,
        )
        .select_related("item", "host")
        .order_by("pk")
    )
    groups: dict[tuple[str, str, int], list[Removal]] = defaultdict(list)
    for removal in waiting:
        alone = removal.pk if removal.route == words.ABROAD_HOTLINE else 0
        groups[(removal.route, removal.country, alone)].append(removal)
    return [
        _refer(group, route=route, country=country, at=at) for (route, country, _), group in groups.items()
    ]


def _refer(removals: Sequence[Removal], *, route: str, country: str, at: datetime) -> Referral:
    via = "hotline" if route == words.ABROAD_HOTLINE else "police"
    partner = Partner.objects.filter(kind="hotline", country=country).first() if via == "hotline" else None
    unit = None if partner else Unit.objects.filter(level="national").order_by("pk").first()
    with transaction.atomic():
        number = references.referral(at.year, bulk.take_numbers(f"referral-{at.year}", 1))
        referral = Referral.objects.create(
            number=number,
            partner=partner,
            country=country,
            via=via if partner else "police",
            unit=unit,
            drafted_at=at,
        )
        ReferralLine.objects.bulk_create(
            [ReferralLine(referral=referral, removal=removal) for removal in removals]
        )
        if partner is not None:
            recipient = partner.key
            transport = "exchange" if partner.protocol == EXCHANGE else "partner"
        else:
            recipient, transport = (unit.mail if unit else ""), "mail"
        queue.put(
            "referral",
            number=number,
            recipient=recipient,
            transport=transport,
            removals=[removal.pk for removal in removals],
            at=at,
            by=MACHINE_WORKER,
            subject=f"{number}: {len(removals)} hosted in {country}, for the police there",
            text=(
                f"{number}\n\n{len(removals)} graded address(es) are hosted in {country}, where no partner hotline works.\n"
                "Please pass this to the police there, and acknowledge it at the police desk under “For abroad”: the\n"
                "facts are there, behind your sign-in, as text, JSON and STIX.\n"
            ),
        )
        note(
            removals,
            "referral.drafted",
            by=MACHINE_WORKER,
            at=at,
            facts={"referral": number, "country": country},
        )
    return referral


def depart(letter: Letter, *, policy: Policy, at: datetime) -> ReferralContent | None:
    """The guard of a referral, inside the claim: no hold, still there, trace valid."""
    referral = (
        Referral.objects.select_for_update(of=("self",)).select_related("partner").get(number=letter.number)
    )
    removals = list(
        Removal.objects.select_for_update(of=("self",))
        .filter(referral_lines__referral=referral)
        .select_related("item", "host")
        .order_by("pk")
    )
    traces = freshness.newest([removal.item_id for removal in removals])
    held = set(Hold.objects.filter(removal__in=removals, released_at=None).values_list("removal", flat=True))
    found = departure.referral(
        [
            freshness.line(
                removal,
                traces.get(removal.held_at),
                held=removal.pk in held,
                covered=True,  # nobody at home is asked about what is held abroad
            )
            for removal in removals
        ],
        at=at,
    )
    if found.verdict == departure.WAIT and found.dropped:
        raise Refused(departing.HELD, code="held")
    if found.verdict == departure.WAIT:
        raise Refused(freshness.STALE, code="stale-trace")
    if found.verdict == departure.NOTHING_LEFT:
        queue.withdraw(letter, why="Nothing of this referral is left to send.", by=MACHINE_WORKER, at=at)
        return None
    stay = [removal for removal in removals if removal.pk in found.stay]
    graded = dict(
        Assessment.objects.filter(
            item__in=[removal.item_id for removal in stay], opinion=words.ILLEGAL, undone_at=None
        )
        .order_by("pk")
        .values_list("item", "by__pseudonym")
    )
    return ReferralContent(
        number=referral.number,
        partner=referral.partner.key if referral.partner else "",
        country=referral.country,
        url=referral.partner.url if referral.partner else "",
        scheme=policy.scheme_on(at.date()).key,
        sent=at,
        addresses=tuple(
            ReferredAddress(
                uid=str(removal.uid),
                canonical=removal.item.canonical,
                country=removal.country,
                addresses=",".join(traces[removal.held_at].passed_on),
                operator=traces[removal.held_at].operator,
                asn=traces[removal.held_at].asn,
                cls=removal.item.cls,
                category=removal.item.category,
                age_band=removal.item.age_band,
                files=0,
                graded_at=removal.item.graded_at or at,
                traced_at=traces[removal.held_at].at,
                referrer=removal.item.referrer,
                edge=removal.edge,
                kind=removal.item.kind,
                received_at=removal.item.received_at,
                analyst=graded.get(removal.item_id, ""),
                server=removal.server,
            )
            for removal in stay
        ),
    )


def note_lost(number: str, lost: Sequence[str]) -> None:
    """What of our record the partner's codes cannot say: shown with the referral, so that no loss is silent."""
    Referral.objects.filter(number=number).update(lost="\n".join(lost))


def sent(letter: Letter, *, receipt: str, policy: Policy, at: datetime) -> None:
    """The partner took it (or the mail left): T5 abroad, and the query clock starts."""
    with transaction.atomic():
        settling.sent([letter], receipt=receipt, by=MACHINE_WORKER, at=at)
        referral = Referral.objects.get(number=letter.number)
        due = at + policy.clocks.partner_query
        Referral.objects.filter(pk=referral.pk).update(sent_at=at, due_at=due, their_reference=receipt)
        removals = list(
            Removal.objects.filter(referral_lines__referral=referral, status=removal_path.TRACED)
            .select_related("item")
            .order_by("pk")
        )
        advance(
            removals,
            "refer",
            referral.via,
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.PARTNER_QUERY, due),
            stamps=["t5_sent"],
            facts={"referral": referral.number, "their": receipt},
        )
        Removal.objects.filter(pk__in=[removal.pk for removal in removals]).update(
            next_check_at=at + policy.pace.first(pace.ABROAD)
        )


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """Refused for good: it waits for a person, named in the outbox."""
    settling.refused(letter, why=why, by=MACHINE_WORKER, at=at)


def again(referral: Referral, *, by: Actor, at: datetime) -> Letter:
    """A person lets a refused referral leave once more: the same letter, or a new one to where the unit is now reached.

    Raises Refused where it was not refused. The guards of departure run again.
    """
    require_act("letter.decide", by)
    with transaction.atomic():
        letter = Letter.objects.filter(kind="referral", number=referral.number, state=FAILED).last()
        refuse_unless(
            letter is not None,
            "This referral was not refused, or it waits to leave again.",
            code="not-failed",
        )
        assert letter is not None
        to = referral.unit.mail if letter.transport == "mail" and referral.unit else letter.recipient
        removals = list(letter.lines.values_list("removal", flat=True))
        if to != letter.recipient:
            made = queue.elsewhere(letter, to, why=f"Sent again to {to}.", by=by, at=at)
        else:
            made = settling.again(letter, by=by, at=at)
        note(
            list(Removal.objects.filter(pk__in=removals).select_related("item").order_by("pk")),
            "referral.again",
            by=by,
            at=at,
            facts={"referral": referral.number},
        )
    return made


def partner_clocks(*, policy: Policy, at: datetime) -> int:
    """Sweep (rows 35, 40): referrals not done after the agreed days are asked about, later brought before managers.

    Police who acknowledged a package are asked later, once, and managers look at it later still.
    Returns how many were acted on. What is gone meanwhile, or on hold, is left alone.
    """
    held = Hold.objects.filter(released_at=None).values("removal")
    late = (
        Removal.objects.filter(
            status__in=removal_path.ABROAD,
            clock__in=[clocks.PARTNER_QUERY, clocks.PARTNER_ESCALATION, clocks.PARTNER_REVIEW],
            due_at__lte=at,
        )
        .exclude(pk__in=held)
        .select_related("item")
        .order_by("pk")[:2000]
    )
    groups: dict[tuple[Referral, str], list[Removal]] = defaultdict(list)
    rows = {removal.pk: removal for removal in late}
    for line in ReferralLine.objects.filter(removal__in=list(rows)).select_related(
        "referral__partner", "referral__unit", "referral__package"
    ):
        removal = rows[line.removal_id]
        groups[line.referral, removal.clock].append(removal)
    for (referral, clock), group in groups.items():
        acknowledged = hasattr(referral, "package") and referral.package.acknowledged_at is not None
        with transaction.atomic():
            if acknowledged and clock != clocks.PARTNER_REVIEW:
                _acknowledged(referral, group, clock, policy=policy, at=at)
            else:
                (_query if clock == clocks.PARTNER_QUERY else _escalate)(
                    referral, group, policy=policy, at=at
                )
    return len(groups)


def _acknowledged(
    referral: Referral, removals: Sequence[Removal], clock: str, *, policy: Policy, at: datetime
) -> None:
    """The police have it and passed it on: asked at the second term instead of the first, reviewed at the third."""
    sent = referral.sent_at or at
    following = clocks.Deadline(clocks.PARTNER_ESCALATION, max(sent + policy.clocks.partner_escalate, at))
    if clock == clocks.PARTNER_ESCALATION:
        _ask_how_far(referral, removals, number=f"{referral.number}/2", at=at)
        following = clocks.Deadline(clocks.PARTNER_REVIEW, max(sent + policy.clocks.partner_review, at))
    next_clock(removals, following, by=MACHINE_WORKER, at=at)


def _query(referral: Referral, removals: Sequence[Removal], *, policy: Policy, at: datetime) -> None:
    _ask_how_far(referral, removals, number=referral.number, at=at)
    due = (referral.sent_at or at) + policy.clocks.partner_escalate
    next_clock(removals, clocks.Deadline(clocks.PARTNER_ESCALATION, max(due, at)), by=MACHINE_WORKER, at=at)


def _ask_how_far(referral: Referral, removals: Sequence[Removal], *, number: str, at: datetime) -> None:
    mail = referral.partner.mail if referral.partner else referral.unit.mail if referral.unit else ""
    tell.desk(
        "referral-query",
        number=number,
        recipient=mail,
        subject=f"{referral.number}: how far is this?",
        text=(
            f"{referral.number} of {referral.drafted_at:%d %B %Y}"
            f"{f' (yours: {referral.their_reference})' if referral.their_reference else ''}: "
            f"{len(removals)} still up from outside.\n\nPlease tell us how far it is.\n"
        ),
        at=at,
    )
    Referral.objects.filter(pk=referral.pk, queried_at=None).update(queried_at=at)


def _escalate(referral: Referral, removals: Sequence[Removal], *, policy: Policy, at: datetime) -> None:
    tell.desk(
        "referral-escalation",
        number=referral.number,
        recipient=policy.managers_mail,
        subject=f"{referral.number}: still up after {(at - (referral.sent_at or at)).days} days",
        text=f"{referral.number} to {referral.country}: {len(removals)} still up. Ring the partner, or ask the police.\n",
        at=at,
    )
    Referral.objects.filter(pk=referral.pk, escalated_at=None).update(escalated_at=at)
    stop_clock(removals, by=MACHINE_WORKER, at=at)
