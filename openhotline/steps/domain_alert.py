"""Who answers for a domain is told that confirmed, still live content is under it, and told again when nothing is left.

True here: a registry, registrar or company is told under a signed agreement of two people, about domains of its own sphere,
once while it lasts. It is told a domain and a number, never an address. Nobody is told while anything under the domain is
held or waits for the police: who acts on a domain acts on all of it. What counts is what its host or the hotline of its
country has been told of, and our own checks have seen lately. What is not here: the agreement (`list_agreement`), the
sphere (`rules/sphere`), wording (`rules/alert`).
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, PENDING, Letter
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.models import Check, DomainAlert, Hold, ListAgreement, Removal
from openhotline.rules import departure, references, removal_path, signs, words
from openhotline.rules import sphere as rule
from openhotline.rules.alert import DomainContent
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import registrable_of
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import freshness, list_agreement, tell
from openhotline.steps.notify import HouseWords

KIND = "domain-alert"
TOLD = (*removal_path.WITH_HOST, removal_path.REFERRED)  # somebody who can remove it knows of it
UNSETTLED = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD)  # the police have the word
MOST = 500  # new alerts in one sweep

_domain = lru_cache(maxsize=100_000)(registrable_of)


def _open() -> QuerySet[Removal]:
    return Removal.objects.filter(status__in=removal_path.STILL_OPEN, item__kind=words.ADDRESS)


def _live(rows: QuerySet[Removal], *, policy: Policy, at: datetime) -> QuerySet[Removal]:
    seen = Check.objects.filter(
        removal=OuterRef("pk"), meaning__in=signs.SIGHTS, at__gte=at - policy.filter_list.seen
    )
    return rows.filter(Exists(seen), status__in=TOLD, item__cls=words.CHILD_SEXUAL_ABUSE)


def _barred(rows: QuerySet[Removal]) -> QuerySet[Removal]:
    held = Hold.objects.filter(removal=OuterRef("pk"), released_at=None)
    return rows.filter(Exists(held) | Q(status__in=UNSETTLED))


def _domains(rows: QuerySet[Removal]) -> set[str]:
    return {_domain(host) for host in rows.values_list("item__host", flat=True).distinct()}


def _under(domain: str) -> QuerySet[Removal]:
    return _open().filter(Q(item__host=domain) | Q(item__host__endswith=f".{domain}"))


def sweep(*, policy: Policy, at: datetime) -> int:
    """What is over is withdrawn, then what is new is drafted. Returns how many of both."""
    return _end(at=at) + _begin(policy=policy, at=at)


def _begin(*, policy: Policy, at: datetime) -> int:
    agreements = list(list_agreement.in_force(at).exclude(sphere="").order_by("pk"))
    if not agreements:
        return 0
    domains = _domains(_live(_open(), policy=policy, at=at))
    standing = set(DomainAlert.objects.filter(over_at=None).values_list("recipient", "domain"))
    wanted = [
        (row, domain)
        for row in agreements
        for domain in _covered(row, domains)
        if (row.key, domain) not in standing
    ]
    if not wanted:
        return 0
    barred = _domains(_barred(_open()))
    free = [(row, domain) for row, domain in wanted if domain not in barred][:MOST]
    for row, domain in free:
        _draft(row, domain, at=at)
    return len(free)


def _covered(agreement: ListAgreement, domains: Iterable[str]) -> list[str]:
    named = frozenset(agreement.sphere.split("\n"))
    return sorted(domain for domain in domains if rule.covers(named, domain))


def _draft(agreement: ListAgreement, domain: str, *, at: datetime) -> None:
    with transaction.atomic():
        number = references.alert(at.year, bulk.take_numbers(f"alert-{at.year}", 1))
        made = DomainAlert.objects.create(
            number=number, recipient=agreement.key, domain=domain, drafted_at=at
        )
        queue.put(
            KIND,
            number=number,
            recipient=agreement.mail,
            transport="mail",
            # All that is open under it: a hold on any of them and the claim take turns.
            removals=list(_under(domain).order_by("pk").values_list("pk", flat=True)),
            at=at,
            by=MACHINE_WORKER,
        )
        _enter("drafted", made, at=at)


def _end(*, at: datetime) -> int:
    standing = list(DomainAlert.objects.filter(over_at=None).order_by("pk"))
    if not standing:
        return 0
    there = _domains(_open())
    over = [row for row in standing if row.domain not in there]
    mails = dict(list_agreement.in_force(at).values_list("key", "mail"))
    for row in over:
        with transaction.atomic():
            _close(row, at=at)
            letter = Letter.objects.select_for_update().get(kind=KIND, number=row.number)
            if letter.state in (PENDING, CONTACT_NEEDED, FAILED):
                queue.withdraw(letter, why="Nothing is left under the domain.", by=MACHINE_WORKER, at=at)
            elif row.recipient in mails:
                tell.desk(
                    "domain-alert-over",
                    number=row.number,
                    recipient=mails[row.recipient],
                    subject=f"Alert {row.number}: withdrawn",
                    text=(
                        f"We withdraw alert {row.number}. We know of nothing that is left under the domain it names.\n"
                        f"Time: {at:%d %B %Y %H:%M} UTC\n"
                    ),
                    at=at,
                )
    return len(over)


def depart(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> DomainContent | None:
    """The guard of a domain alert, inside the claim. None where it was withdrawn; the sweep drafts what is due anew.

    Raises Refused where it has to wait: something under the domain is held or waits for the police, or nothing of it
    stands on a fresh trace and a late sight.
    """
    made = DomainAlert.objects.get(number=letter.number)
    agreement = list_agreement.in_force(at).select_for_update().filter(key=made.recipient).first()
    if agreement is None or agreement.mail != letter.recipient or not _covered(agreement, [made.domain]):
        _withdraw(made, letter, "No agreement of this recipient covers the domain any more.", at=at)
        return None
    rows = list(
        _under(made.domain).select_for_update(of=("self",)).select_related("item", "host").order_by("pk")
    )
    here = [row.pk for row in rows]
    if not set(here) <= set(letter.lines.values_list("removal", flat=True)):
        # What is not in the letter was not locked before it; a hold on it could cross this claim.
        _withdraw(made, letter, "More has come under the domain; it is drafted anew.", at=at)
        return None
    if _barred(_open().filter(pk__in=here)).exists():
        raise Refused(
            "Held, or the police are being asked: nothing about the domain leaves the house.", code="held"
        )
    seen = set(_live(_open().filter(pk__in=here), policy=policy, at=at).values_list("pk", flat=True))
    if not seen:
        raise Refused("Our own checks have not seen it lately. It waits for the next look.", code="unseen")
    traces = freshness.newest([row.item_id for row in rows if row.pk in seen])
    lines = [
        freshness.line(row, traces.get(row.held_at), held=False, covered=True)
        for row in rows
        if row.pk in seen
    ]
    stale = departure.stale(lines, at)
    if len(stale) == len(lines):
        raise Refused(freshness.STALE, code="stale-trace")
    return DomainContent(
        number=made.number,
        name=agreement.name,
        domain=made.domain,
        count=len(lines) - len(stale),
        hotline=house.name,
        phone=house.phone,
        sent=at,
    )


def _withdraw(made: DomainAlert, letter: Letter, why: str, *, at: datetime) -> None:
    queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)
    _close(made, at=at)


def _close(made: DomainAlert, *, at: datetime) -> None:
    DomainAlert.objects.filter(pk=made.pk, over_at=None).update(over_at=at)
    _enter("over", made, at=at)


def _enter(act: str, made: DomainAlert, *, at: datetime) -> None:
    payload = {"recipient": made.recipient, "domain": made.domain}
    record(
        [Act(act=f"domain-alert.{act}", obj=("domain-alert", made.number, 1), payload=payload)],
        by=MACHINE_WORKER,
        at=at,
    )
