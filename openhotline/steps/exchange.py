"""What the exchange told us: kept sealed, filed as reports by intake, or handed on as what a partner says it did.

True here: the same thing twice is one; what arrives late, doubled, out of order or dated back changes nothing by that.
A message with something we have no word for is kept, shown to a person, and what we do understand of it still counts.
An answer about a referral we do not know is kept and moves nothing. What is not here: the line (`jobs/exchange`), the
codes (`rules/exchange`) and what an action means (`report_back`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import F

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import vault
from openhotline.records.models import Partner, PartnerMessage, Referral, ReferralAction, ReferralLine, Report
from openhotline.rules import abroad, words
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.exchange import FromPartner
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import intake
from openhotline.steps.advance import refuse_unless
from openhotline.steps.report_back import report_back

UNKNOWN_REFERRAL = "It is about a referral we do not know; it is kept and moves nothing."


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a batch: messages new to us, reports filed, actions filed, messages a person must read."""

    messages: int = 0
    reports: int = 0
    actions: int = 0
    unmapped: int = 0


def report_id(partner: Partner, their_id: str) -> UUID:
    """The identity of the report that their content becomes: the same content is the same report."""
    return uuid5(NAMESPACE_URL, f"exchange:{partner.key}:{their_id}")


def receive(partner: Partner, said: Sequence[FromPartner], *, policy: Policy, at: datetime) -> Heard:
    """Keep and follow what a partner told us. When it returns, every message is durable."""
    fresh: dict[str, FromPartner] = {_digest(one): one for one in said}
    with transaction.atomic():
        known = list(
            PartnerMessage.objects.select_for_update()
            .filter(partner=partner, digest__in=list(fresh))
            .values_list("digest", flat=True)
        )
        PartnerMessage.objects.filter(partner=partner, digest__in=known).update(seen=F("seen") + 1)
        for digest in known:
            del fresh[digest]
        if not fresh:
            return Heard()
        referrals = {
            row.number: row
            for row in Referral.objects.filter(
                partner=partner, number__in={one.number for one in fresh.values() if one.number}
            )
        }
        reports = _file(partner, [one for one in fresh.values() if not one.number], policy=policy, at=at)
        lines = {
            line.referral_id: line
            for line in ReferralLine.objects.filter(referral__in=list(referrals.values())).select_related(
                "removal"
            )
        }
        unmapped: dict[str, list[str]] = {}
        actions = 0
        for digest, one in fresh.items():
            unmapped[digest] = list(one.unmapped)
            if not one.number:
                continue
            row = referrals.get(one.number)
            line = lines.get(row.pk) if row else None
            if line is None:
                unmapped[digest].append(UNKNOWN_REFERRAL)
                continue
            actions += _answer(partner, line, one, unmapped[digest], policy=policy, at=at)
        PartnerMessage.objects.bulk_create(
            [
                PartnerMessage(
                    partner=partner,
                    digest=digest,
                    their_id=one.their_id,
                    at=at,
                    sealed=vault.seal("exchange", one.raw),
                    referral=referrals.get(one.number),
                    report_id=reports.get(one.their_id) if not one.number else None,
                    notes="\n".join(one.notes),
                    unmapped="\n".join(unmapped[digest]),
                )
                for digest, one in fresh.items()
            ],
            batch_size=200,
        )
        waiting = sum(bool(one) for one in unmapped.values())
        payload = {"partner": partner.key, "messages": sorted(fresh), "unmapped": waiting}
        record(
            [Act(act="exchange.heard", obj=("partner", str(partner.pk), 1), payload=payload)],
            by=MACHINE_WORKER,
            at=at,
        )
    return Heard(len(fresh), len(reports), actions, waiting)


def _digest(one: FromPartner) -> str:
    return hashlib.sha256(one.number.encode() + b"\n" + one.raw).hexdigest()


def _file(partner: Partner, said: Sequence[FromPartner], *, policy: Policy, at: datetime) -> dict[str, int]:
    """Their reports to us, through intake like any other. Returns {their content: our row}."""
    wanted = {one.their_id: one for one in said if one.their_id}
    intake.file_reports(
        [
            IncomingReport(
                report_id(partner, one.their_id),
                words.FROM_HOTLINE,
                (one.address,) if one.address else (),
                # T0 is when it reached us: their own clock may say anything, and it is kept in the message.
                received_at=at,
                referrer=one.referrer,
                reference=one.their_id,
                partner=partner.key,
                key=f"exchange:{one.their_id}",
            )
            for one in wanted.values()
        ],
        policy=policy,
        by=_speaker(partner),
        at=at,
    )
    rows = Report.objects.filter(report_id__in=[report_id(partner, theirs) for theirs in wanted])
    return {row.reference: row.pk for row in rows}


def _answer(
    partner: Partner,
    line: ReferralLine,
    one: FromPartner,
    unmapped: list[str],
    *,
    policy: Policy,
    at: datetime,
) -> int:
    """What they did about an address of ours. An action nobody could act on is a sentence, and the others count."""
    said: list[PartnerAction] = []
    # In the order in which it was done: they may tell it in any.
    for action in sorted(one.actions, key=lambda action: action.done_at):
        try:
            abroad.refuse_unless_sound(action, at=at)
        except Refused as why:
            unmapped.append(why.sentence)
        else:
            said.append(action)
    where = one.country
    before = ReferralAction.objects.filter(line=line, action=abroad.MOVED).order_by("pk").last()
    if where and where != (before.country if before else line.removal.country):
        said.append(PartnerAction(abroad.MOVED, f"{one.their_id}:at:{where}:{at:%Y%m%d}", at, country=where))
    made = report_back(
        [(line, action) for action in said], via="iccam", policy=policy, by=_speaker(partner), at=at
    )
    return len(made)


def _speaker(partner: Partner) -> Actor:
    return Actor(words.PARTNER, f"partner:{partner.key}"[:24], partner_id=partner.pk, auth="exchange")


def to_confirm(partner: Partner, *, limit: int = 200) -> list[tuple[str, str]]:
    """(their content, our reference) of reports they do not know yet that we have taken."""
    rows = (
        PartnerMessage.objects.filter(partner=partner, confirmed_at=None, report__isnull=False)
        .select_related("report")
        .order_by("pk")[:limit]
    )
    return [(row.their_id, str(row.report.report_id)) for row in rows if row.report]


def confirmed(partner: Partner, contents: Sequence[str], *, at: datetime) -> None:
    """They know that we have these."""
    PartnerMessage.objects.filter(partner=partner, their_id__in=contents, confirmed_at=None).update(
        confirmed_at=at
    )


def settle(row: PartnerMessage, *, note: str, by: Actor, at: datetime) -> None:
    """A person has read what had no word here, and says what they did about it. Raises Refused."""
    require_act("mail.settle", by)
    refuse_unless(bool(note.strip()), "Say in a word what you did about it.", code="note")
    with transaction.atomic():
        count = PartnerMessage.objects.filter(pk=row.pk, settled_at=None).update(
            settled_at=at, settled_by=by.who, note=note.strip()[:1000]
        )
        refuse_unless(count == 1, "Somebody has settled this already.", code="settled")
        payload = {"digest": row.digest, "note": note.strip()[:1000]}
        record(
            [Act(act="exchange.settled", obj=("partner-message", str(row.pk), 2), payload=payload)],
            by=by,
            at=at,
        )


def whole(row: PartnerMessage, *, by: Actor, at: datetime) -> str:
    """Every byte of a message, as text. That somebody read it is entered."""
    require_act("mail.settle", by)
    with transaction.atomic():
        record([Act(act="exchange.read", obj=("partner-message", str(row.pk), 1))], by=by, at=at)
        return vault.open_("exchange", bytes(row.sealed)).decode("utf-8", "replace")[:200_000]
