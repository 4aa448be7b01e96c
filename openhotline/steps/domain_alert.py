"""Who answers for a domain is told that confirmed, still live content is under it, and told again when nothing is left.

True here: a registry, registrar or company is told under a signed agreement of two people, about domains of its own sphere,
once while it lasts. It is told a number by mail and a domain on the page behind it, never an address. Nobody is told while anything under the domain is
held or waits for the police: who acts on a domain acts on all of it; what waits so is listed, and brought before managers
when it waits long. What counts is what its host or the hotline of its country has been told of, and our own checks have seen
lately. A mailbox that returned an alert gets none until a person says so. What is not here: the agreement (`list_agreement`), the
sphere (`rules/sphere`), wording (`rules/alert`).
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue, settling
from openhotline.outbox.models import CONTACT_NEEDED, FAILED, PENDING, Letter
from openhotline.policy import Policy, notice_texts
from openhotline.records import bulk
from openhotline.records.models import (
    Check,
    ConsultationLine,
    DomainAlert,
    DomainWait,
    Hold,
    ListAgreement,
    Removal,
)
from openhotline.rules import departure, references, removal_path, signs, told, words
from openhotline.rules import sphere as rule
from openhotline.rules.alert import DomainContent, domain_letter
from openhotline.rules.paged import DOMAIN_ALERT, PagedLetter
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import registrable_of
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import departing, freshness, list_agreement, secure_page, tell
from openhotline.steps.advance import refuse_unless
from openhotline.steps.departing import HouseWords

KIND = DOMAIN_ALERT
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
    reached = _reached(policy=policy, at=at)
    domains = _domains(_live(_open(), policy=policy, at=at)) if reached else set()
    standing = set(DomainAlert.objects.filter(over_at=None).values_list("recipient", "domain"))
    drafted = Letter.objects.filter(kind=KIND, state=PENDING).values("number")
    unsent = DomainAlert.objects.filter(over_at=None, number__in=drafted)
    wanted = [
        (row, domain)
        for row in reached
        for domain in _covered(row, domains)
        if (row.key, domain) not in standing
    ]
    due = {(row.key, domain) for row, domain in wanted} | set(unsent.values_list("recipient", "domain"))
    barred = _domains(_barred(_open())) if due else set()
    _wait({pair for pair in due if pair[1] in barred}, policy=policy, at=at)
    free = [(row, domain) for row, domain in wanted if domain not in barred][:MOST]
    for row, domain in free:
        _draft(row, domain, at=at)
    return len(free)


def _reached(*, policy: Policy, at: datetime) -> list[ListAgreement]:
    """Who is alerted. A mailbox that returned an alert is left alone, and managers hear of it once."""
    rows = list(list_agreement.in_force(at).exclude(sphere="").order_by("pk"))
    back = returned(rows)
    for row in rows:
        if row.pk in back:
            tell.desk(
                "domain-alert-returned",
                number=back[row.pk].number,
                recipient=policy.managers_mail,
                subject=f"{back[row.pk].number} came back",
                text=(
                    f"Alert {back[row.pk].number} to {row.name} came back. Nobody there was told, and no alert goes to "
                    "that mailbox any more. Ring them. See the desk, under Filter list.\n"
                ),
                at=at,
            )
    return [row for row in rows if row.pk not in back]


def returned(rows: Iterable[ListAgreement]) -> dict[int, DomainAlert]:
    """Of these agreements those whose present mailbox returned an alert, with the last one it returned."""
    last = {
        (alert.recipient, alert.came_back): alert
        for alert in DomainAlert.objects.exclude(came_back="").order_by("pk")
    }
    return {row.pk: last[row.key, row.mail] for row in rows if (row.key, row.mail) in last}


def write_again(agreement: ListAgreement, *, by: Actor, at: datetime) -> None:
    """A person says that its mailbox takes letters again: what stands is told anew."""
    require_act("list.agree", by)
    with transaction.atomic():
        rows = DomainAlert.objects.filter(recipient=agreement.key, came_back=agreement.mail)
        refuse_unless(rows.update(came_back="") > 0, "This mailbox returned no alert.", code="settled")
        payload = {"recipient": agreement.key}
        record(
            [
                Act(
                    act="domain-alert.write-again",
                    obj=("list-agreement", str(agreement.pk), 1),
                    payload=payload,
                )
            ],
            by=by,
            at=at,
        )


def _wait(pairs: set[tuple[str, str]], *, policy: Policy, at: datetime) -> None:
    """Keep which alerts wait and since when, and tell managers of those that wait long, one letter a day."""
    known = {(row.recipient, row.domain): row.pk for row in DomainWait.objects.all()}
    if not pairs and not known:
        return
    DomainWait.objects.filter(pk__in=[pk for pair, pk in known.items() if pair not in pairs]).delete()
    fresh = sorted(pairs - set(known))
    DomainWait.objects.bulk_create(
        [DomainWait(recipient=key, domain=domain, since=at) for key, domain in fresh], ignore_conflicts=True
    )
    long = DomainWait.objects.filter(told_at=None, since__lte=at - policy.clocks.domain_wait)
    count, day = long.count(), f"{at:%Y-%m-%d}"
    if not count or queue.keys_of("domain-alerts-waiting", day):
        return
    with transaction.atomic():
        long.update(told_at=at)
        tell.desk(
            "domain-alerts-waiting",
            number=day,
            recipient=policy.managers_mail,
            subject=f"{count} domain alert{'' if count == 1 else 's'} kept back",
            text=(
                "Something under each domain is held or waits for the police, so who answers for it is not told. Which "
                "domains, and whom to ask, is at the desk under Filter list.\n"
            ),
            at=at,
        )


def kept_back_by(domain: str) -> list[str]:
    """Who keeps an alert about a domain back: who placed the holds, and the numbers of open questions."""
    barred = _barred(_under(domain))
    holds = Hold.objects.filter(removal__in=barred, released_at=None).values_list("placed_by", flat=True)
    lines = ConsultationLine.objects.filter(
        removal__in=barred.filter(status__in=UNSETTLED), consultation__asks=True, answered=False
    )
    return sorted({*holds, *lines.values_list("consultation__number", flat=True)})


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
    there_now = {row.key: row for row in list_agreement.in_force(at)}
    for row in over:
        with transaction.atomic():
            _close(row, at=at)
            letter = Letter.objects.select_for_update().get(kind=KIND, number=row.number)
            if letter.state in (PENDING, CONTACT_NEEDED, FAILED):
                queue.withdraw(letter, why="Nothing is left under the domain.", by=MACHINE_WORKER, at=at)
            elif row.recipient in there_now:
                to = there_now[row.recipient]
                subject, text = told.domain_over(notice_texts(to.language), number=row.number, at=at)
                tell.desk(
                    "domain-alert-over",
                    number=row.number,
                    recipient=to.mail,
                    subject=subject,
                    text=text,
                    at=at,
                )
    return len(over)


def depart(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> PagedLetter | None:
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
    return domain_letter(
        DomainContent(
            number=made.number,
            name=agreement.name,
            domain=made.domain,
            count=len(lines) - len(stale),
            hotline=house.name,
            ground=policy.ground(words.CHILD_SEXUAL_ABUSE),
            ways=secure_page.behind(letter, made, name=agreement.name, house=house, at=at),
            sent=at,
            texts=notice_texts(agreement.language),
            secrets=departing.secrets_of(rows),
        )
    )


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """Refused for good: nobody was told."""
    with transaction.atomic():
        settling.refused(letter, why=why, by=MACHINE_WORKER, at=at)
        queue.withdraw(letter, why=why, by=MACHINE_WORKER, at=at)
        came_back(letter, why=why, at=at)


def came_back(letter: Letter, *, why: str, at: datetime) -> None:
    """Nobody was told, whether the relay had taken it or not. Its mailbox is left alone until a person says otherwise."""
    with transaction.atomic():
        made = DomainAlert.objects.get(number=letter.number)
        DomainAlert.objects.filter(pk=made.pk).update(came_back=letter.recipient)
        _close(made, at=at)


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
