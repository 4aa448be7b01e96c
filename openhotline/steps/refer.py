"""Hands graded items abroad: one by one to the partner hotline where there is one, else bundled to police there.

"Removed" abroad is believed only after our own checks. What is not here: the partner's wire format
(connectors) and action codes coming back (a later issue).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from openhotline.outbox import queue
from openhotline.outbox.models import Letter
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Hold, Partner, Referral, ReferralLine, Removal, Trace, Unit
from openhotline.rules import clocks, references, removal_path, words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps.advance import advance, note


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


@dataclass(frozen=True, slots=True)
class ReferralContent:
    """What a referral says. Nothing about the reporter, the analyst or the police."""

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
            recipient, transport = partner.key, "partner"
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
                "Please pass this to the police there. The facts are behind your sign-in at the police desk.\n"
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
    stay = [removal for removal in removals if removal.status == removal_path.TRACED]
    if Hold.objects.filter(removal__in=stay, released_at=None).exists():
        raise Refused("Held by the police: nothing about it leaves the house.", code="held")
    traces: dict[int, Trace] = {}
    for trace in Trace.objects.filter(item__in=[removal.item_id for removal in stay]).order_by("at"):
        traces[trace.item_id] = trace
    if any(traces[removal.item_id].expires_at < at for removal in stay):
        raise Refused("The trace is too old to send on. It is being traced again.", code="stale-trace")
    if not stay:
        queue.withdraw(letter, why="Nothing of this referral is left to send.", by=MACHINE_WORKER, at=at)
        return None
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
                addresses=traces[removal.item_id].address,
                operator=traces[removal.item_id].operator,
                asn=traces[removal.item_id].asn,
                cls=removal.item.cls,
                category=removal.item.category,
                age_band=removal.item.age_band,
                files=0,
                graded_at=removal.item.graded_at or at,
                traced_at=traces[removal.item_id].at,
                referrer=removal.item.referrer,
            )
            for removal in stay
        ),
    )


def sent(letter: Letter, *, receipt: str, policy: Policy, at: datetime) -> None:
    """The partner took it (or the mail left): T5 abroad, and the query clock starts."""
    with transaction.atomic():
        queue.sent([letter], receipt=receipt, by=MACHINE_WORKER, at=at)
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
            next_check_at=at + policy.clocks.check_abroad
        )


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """Refused for good: it waits for a person, named in the outbox."""
    queue.refused(letter, why=why, by=MACHINE_WORKER, at=at)
