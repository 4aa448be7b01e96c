"""The mornings of the simulated days, each made once by real steps on a line that does not fail.

When the day begins there are: notices cleared and drafted, a question that waits, one of a special unit, a referral
drafted, and one that left to a partner while its host abroad, registered, and the body that answers for its domain are
still to be told. At the next midnight, and at the one after, the agreements with police are others; some days begin
minutes before midnight, with more that is about to be asked, and one a day after its notices left, with nothing done about
them. Not here: the day (`play`), who is outside (`outside`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from pysequoia import Tsk

from openhotline.jobs import dispatch
from openhotline.jobs.engine import Engine
from openhotline.outbox.models import Letter
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
from openhotline.rules.agreement import AUTHORISE_FIRST, NOTIFY_TOGETHER, TELL_AFTER
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
    Place,
    Web,
    post_of,
    trace_facts,
)
from openhotline.simulation.promises import Answered
from openhotline.steps import (
    agreements,
    alert,
    answer,
    assess,
    consult,
    domain_alert,
    escalate,
    intake,
    ladder,
    list_agreement,
    notify,
    public_key,
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


@dataclass(frozen=True, slots=True)
class Morning:
    """When a day begins, and in which order police and host are told: today, from the next midnight on, and from the
    one after. Where everybody must be asked first, only the clocks change."""

    ends: datetime
    orders: tuple[str, str, str]
    more: bool = False  # half of it has just been traced and is not asked about yet
    late: bool = False  # what was cleared left a day ago; today's order is the second of them
    soon_over: bool = False  # the go-ahead that was given is valid for a few minutes more


NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
EVENING = datetime(2026, 5, 12, 22, 54, tzinfo=UTC)  # six minutes before midnight on the house's wall
MORNINGS = (
    Morning(NOON, (NOTIFY_TOGETHER, AUTHORISE_FIRST, TELL_AFTER)),
    Morning(EVENING, (NOTIFY_TOGETHER, AUTHORISE_FIRST, TELL_AFTER), more=True),
    Morning(EVENING, (AUTHORISE_FIRST, TELL_AFTER, NOTIFY_TOGETHER), more=True, soon_over=True),
    Morning(EVENING, (TELL_AFTER, NOTIFY_TOGETHER, AUTHORISE_FIRST), more=True),
    Morning(NOON, (NOTIFY_TOGETHER, AUTHORISE_FIRST, TELL_AFTER), late=True),
)
A_DAY = timedelta(
    hours=26
)  # a host's day, the time to clear what leaves, and an hour before the network above is told


@dataclass
class Begun:
    """What the day must know of its morning."""

    answers: dict[int, Answered] = field(default_factory=dict)  # by removal
    reports: list[UUID] = field(default_factory=list)  # acknowledged
    taken: list[str] = field(default_factory=list)  # keys of the letters that left
    mails: dict[str, Letter] = field(default_factory=dict)  # those of them that left by mail
    held_at: dict[str, Place] = field(default_factory=lambda: dict(HELD_AT))  # as the day begins


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


def make(morning: Morning, *, policy: Policy) -> Begun:
    """Fill an empty house up to the moment when the day begins."""
    at, begun = morning.ends - timedelta(minutes=50) - (A_DAY if morning.late else timedelta(0)), Begun()
    people = _people(policy)
    _agreements_change(morning.orders, policy, people, at - timedelta(days=1))
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
    kinds = ("referral", "agreement-proposed", "agreement-agreed")
    dispatch.letters(engine.post, policy=policy, at=at, kinds=kinds)
    dispatch.partners(engine.post, policy=policy, at=at)
    first_look = Removal.objects.values_list("next_check_at", flat=True).get()
    assert first_look is not None
    for name, run in engine.parts(first_look):
        if name == "checks":
            run()

    now, soon = (SECOND[::2], SECOND[1::2]) if morning.more else (SECOND, ())
    _graded(now, begun, policy, people, at)
    _contacts_known(people, at)
    at += policy.clocks.bundle
    consult.ask_due(policy=policy, at=at)
    refer.refer_due(at=at)
    first = Consultation.objects.filter(asks=True).exclude(unit__level="special").order_by("pk").first()
    assert first is not None
    officer = next(user.actor() for user in User.objects.filter(unit=first.unit))
    until = morning.ends + timedelta(minutes=5) if morning.soon_over else None
    answer.record(first, kind=words.GO_AHEAD, by=officer, at=at, policy=policy, valid_until=until)
    for pk in first.lines.values_list("removal", flat=True):
        begun.answers[pk] = Answered(True, until, at)
    if morning.late:
        at = _nothing_done(engine, policy, people, at)
        begun.held_at[SECOND[0]] = PLACES[1]  # nobody has looked since
    alert.hosts_due(at=at)
    domain_alert.sweep(policy=policy, at=at)
    if soon:
        at = morning.ends - policy.clocks.bundle + timedelta(minutes=4)  # to be asked from then on
        _graded(soon, begun, policy, people, at)
        _contacts_known(people, at)
    begun.taken, begun.mails = network.taken, network.mails
    return begun


def _nothing_done(engine: Engine, policy: Policy, people: dict[str, Actor], at: datetime) -> datetime:
    """What is cleared leaves, its host is reminded, and a day is over. Returns the moment at which a letter to the network
    above waits to leave."""
    above, host = Host.objects.get(name=PLACES[1].name), Host.objects.get(name=PLACES[0].name)
    ladder.stands(host, upstream=above, member=True, by=people["liaison"], at=at)
    for later in (timedelta(minutes=2), timedelta(hours=5), timedelta(hours=19)):
        at += later
        escalate.host_clocks(policy=policy, at=at)
        for name, run in engine.parts(at):
            if name in ("traces before departure", "letters"):
                run()
    at += timedelta(hours=1)
    assert ladder.climb(policy=policy, at=at) > 0
    return at


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


def next_version(
    key: str, order: str, *, policy: Policy, by: Actor, at: datetime, days: int
) -> AgreementVersion:
    """One person proposes: from a midnight on in this order, with other clocks than before."""
    held = house_agreements(policy=policy)
    now = held.history(key)[-1]
    answer = timedelta(hours=1 if now.answer > timedelta(hours=1) else 2)
    target = timedelta(hours=3 if now.host_target > timedelta(hours=3) else 4)
    begins = held.day(at) + timedelta(days=days)
    wanted = replace(now, valid_from=begins, valid_until=None, order=order, answer=answer, host_target=target)
    return agreements.propose(wanted, why="The unit asked for it.", policy=policy, by=by, at=at)


def _agreements_change(orders: Sequence[str], policy: Policy, people: dict[str, Actor], at: datetime) -> None:
    """Two people agree the day before to a version for each of the three days."""
    for key in policy.agreements.keys:
        asks = policy.agreements.history(key)[-1].asks  # the default, which has to ask
        for days, order in enumerate(orders, 1):
            wanted = AUTHORISE_FIRST if asks else order
            row = next_version(key, wanted, policy=policy, by=people["lead"], at=at, days=days)
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
        if contact.mail == PLACES[1].mail:
            cert = Tsk.generate(contact.mail).extract_certificate()
            key = public_key.propose(contact, str(cert), by=people["lead"], at=at)
            public_key.verify(key, key.fingerprint, by=people["liaison"], at=at)
