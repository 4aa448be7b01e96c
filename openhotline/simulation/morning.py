"""The morning of every simulated day, made once by real steps on a line that does not fail.

At noon there are: notices cleared and drafted, a question that waits, one of a special unit, a referral drafted, and
one that left to a partner while its host abroad, registered, and the body that answers for its domain are still to be
told. At the next midnight the agreements with police are others. Not here: the day (`play`), and who is outside (`outside`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from openhotline.jobs import dispatch
from openhotline.jobs.engine import Engine
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import (
    AgreementVersion,
    Consultation,
    Contact,
    Host,
    Item,
    ListAgreement,
    Partner,
    Removal,
    Unit,
    User,
)
from openhotline.rules import incoming, words
from openhotline.rules.agreement import AUTHORISE_FIRST
from openhotline.rules.opinion import Opinion
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER, Actor
from openhotline.simulation.outside import (
    ADULT,
    BODY,
    FIRST,
    HELD_AT,
    PLACES,
    SECOND,
    VANTAGES,
    Network,
    Web,
    post_of,
    trace_facts,
)
from openhotline.steps import (
    agreements,
    alert,
    answer,
    assess,
    consult,
    domain_alert,
    intake,
    list_agreement,
    notify,
    refer,
    trace,
)
from openhotline.steps import contact as contacts

ROLES = (
    ("analyst-1", words.ANALYST),
    ("analyst-2", words.ANALYST),
    ("lead", words.LEAD),
    ("liaison", words.LIAISON),
)


@dataclass
class Begun:
    """What the day must know of its morning."""

    answers: dict[int, tuple[bool, datetime | None]] = field(default_factory=dict)  # removal -> clears, until
    reports: list[UUID] = field(default_factory=list)  # acknowledged
    taken: list[str] = field(default_factory=list)  # keys of the letters that left


def opinion_on(item: Item, policy: Policy, at: datetime) -> Opinion:
    """What everybody thinks of an item: what a special unit answers for, or the common class."""
    if item.canonical.startswith(ADULT):
        return Opinion(words.ILLEGAL, words.EXTREME, files=1, points=policy.point_keys[:1], seconds=9)
    return Opinion(
        words.ILLEGAL,
        words.CHILD_SEXUAL_ABUSE,
        policy.scheme_on(at.date()).categories[1],
        "pre-pubescent",
        files=1,
        points=policy.point_keys[:1],
        seconds=9,
    )


def make(policy: Policy, noon: datetime) -> Begun:
    """Fill an empty house up to noon."""
    at, begun = noon - timedelta(minutes=50), Begun()
    people = _people(policy)
    _agreements_change(policy, people, at)
    network = Network(Random(0), lambda: None, lambda letter: None, fails=False)
    engine = Engine(
        policy=policy,
        prober=Web(Random(0), held_at=dict(HELD_AT)),  # type: ignore[arg-type]
        post=post_of(network, with_log=True),
        vantages=VANTAGES,
        strict=True,
    )
    _graded(FIRST, begun, policy, people, at)
    _contacts_known(people, at)
    abroad = Host.objects.get(name=PLACES[-1].name)
    alert.confirm(
        alert.register(abroad, why="Their letter.", by=people["lead"], at=at), by=people["liaison"], at=at
    )
    list_agreement.confirm(agreed(by=people["lead"], at=at), by=people["liaison"], at=at)
    at += policy.clocks.bundle
    refer.refer_due(at=at)
    dispatch.letters(engine.post, policy=policy, at=at, kinds=["referral"])
    dispatch.partners(engine.post, policy=policy, at=at)
    first_look = Removal.objects.values_list("next_check_at", flat=True).get()
    assert first_look is not None
    for name, run in engine.parts(first_look):
        if name == "checks":
            run()

    _graded(SECOND, begun, policy, people, at)
    _contacts_known(people, at)
    at += policy.clocks.bundle
    consult.ask_due(policy=policy, at=at)
    refer.refer_due(at=at)
    first = Consultation.objects.filter(asks=True).exclude(unit__level="special").order_by("pk").first()
    assert first is not None
    officer = next(user.actor() for user in User.objects.filter(unit=first.unit))
    answer.record(first, kind=words.GO_AHEAD, by=officer, at=at, policy=policy)
    for pk in first.lines.values_list("removal", flat=True):
        begun.answers[pk] = (True, None)
    alert.hosts_due(at=at)
    domain_alert.sweep(policy=policy, at=at)
    begun.taken = network.taken
    return begun


def agreed(*, by: Actor, at: datetime) -> ListAgreement:
    """One person proposes the agreement with the body that answers for a domain."""
    said = {
        "key": BODY,
        "name": "Example registry",
        "paper": "Signed, in the safe.",
        "mail": f"{BODY}@registry.example",
        "signed_on": "2026-05-01",
        "ends_on": "2027-05-01",
        "sphere": "example.net",
    }
    return list_agreement.propose(said, why="They answer for it.", by=by, at=at)


def next_version(key: str, *, policy: Policy, by: Actor, at: datetime, days: int = 1) -> AgreementVersion:
    """One person proposes: from a midnight on everybody is asked first, and has an hour less or more."""
    held = house_agreements(policy=policy)
    now = held.history(key)[-1]
    span = timedelta(hours=1 if now.answer > timedelta(hours=1) else 2)
    begins = held.day(at) + timedelta(days=days)
    wanted = replace(now, valid_from=begins, valid_until=None, order=AUTHORISE_FIRST, answer=span)
    return agreements.propose(wanted, why="The unit asked for it.", policy=policy, by=by, at=at)


def _agreements_change(policy: Policy, people: dict[str, Actor], at: datetime) -> None:
    """At the next midnight every unit's agreement is another: who was told is asked."""
    for key in policy.agreements.keys:
        row = next_version(key, policy=policy, by=people["lead"], at=at)
        agreements.agree(row, policy=policy, by=people["liaison"], at=at)


def _people(policy: Policy) -> dict[str, Actor]:
    for unit in policy.units:
        Unit.objects.update_or_create(
            key=unit.key,
            defaults={
                "name": unit.name,
                "level": unit.level,
                "mail": f"{unit.key.lower()}@police.example",
                "phone": "01632 960 301",
                "agreement": unit.agreement,
                "areas": "\n".join(unit.areas),
            },
        )
    Partner.objects.create(
        key="hotline-nl", name="Partner hotline", kind="hotline", country="NL", url="http://partner.test"
    )
    for name, role in ROLES:
        User.objects.create(username=name, pseudonym=name, role=role)
    for row in Unit.objects.all():
        User.objects.create(
            username=f"officer-{row.key}", pseudonym=f"{row.key}-2", role=words.OFFICER, unit=row
        )
    return {user.username: user.actor() for user in User.objects.select_related("unit")}


def _graded(
    lines: Sequence[str], begun: Begun, policy: Policy, people: dict[str, Actor], at: datetime
) -> None:
    """Reported, read by two people, and traced to where it is held."""
    report_id = UUID(int=len(begun.reports) + 1, version=4)
    report = incoming.public(report_id, tuple(lines), at)
    intake.file_reports([report], policy=policy, by=PUBLIC_REPORTER, at=at)
    begun.reports.append(report_id)
    pks = list(Item.objects.filter(canonical__in=lines).order_by("pk").values_list("pk", flat=True))
    for name in ("analyst-1", "analyst-2"):
        for pk in pks:
            (item,) = items = [Item.objects.get(pk=pk)]
            assess.take(items, by=people[name], at=at, policy=policy)
            assess.grade(items, opinion_on(item, policy, at), by=people[name], at=at, policy=policy)
    items = list(Item.objects.filter(pk__in=pks).order_by("pk"))
    facts = [trace_facts(item.canonical, item.host, at, HELD_AT[item.canonical]) for item in items]
    trace.record(list(zip(items, facts, strict=True)), policy=policy, by=MACHINE_WORKER, at=at)
    assert Removal.objects.filter(item__in=pks).count() == len(pks)


def _contacts_known(people: dict[str, Actor], at: datetime) -> None:
    """Every mailbox that a host publishes is written down by one person and verified by another."""
    new = Contact.objects.filter(mail__in=[place.mail for place in PLACES], verified_at=None)
    for contact in new.select_related("host").order_by("pk"):
        contacts.propose(contact.host, contact.mail, source="person", by=people["lead"], at=at)
        notify.verify_contact(contact, by=people["liaison"], at=at)
