"""The standing cast of the journeys: a house with two units, two hosts, four members of staff.

The world is played by plain facts, so that a journey reads like a day told by a colleague. The same steps
run against real servers in `tests/demo/`.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email import policy as mail_policy
from uuid import uuid4

from openhotline import policy as policies
from openhotline.jobs import written
from openhotline.outbox import claims, settling
from openhotline.outbox.models import Letter
from openhotline.records.models import Consultation, Item, Notice, Removal, SecurePage, Unit, User
from openhotline.rules import incoming, words
from openhotline.rules.agreement import UNDO_WITHIN, Agreement
from openhotline.rules.agreements import Agreements
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts
from openhotline.rules.opinion import Opinion
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER, Actor
from openhotline.steps import (
    alert,
    answer,
    assess,
    check,
    consult,
    contact,
    departed,
    departing,
    domain_alert,
    escalate,
    follow,
    freshness,
    intake,
    ladder,
    notify,
    refer,
    trace,
)
from openhotline.steps.departing import HouseWords

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
HOUSE = HouseWords(
    name="Example Hotline", domain="hotline.example", phone="01632 960 201", portal_url="http://portal.test"
)

NORTH_RACK = ("North Rack", 64500, "192.0.2.44", "GB")
QUAY_DATA = ("Quay Data", 64501, "192.0.2.180", "GB")
CANAL_HOST = ("Canal Hosting", 64505, "198.51.100.20", "NL")
FAR_HOST = ("Far Host", 64507, "203.0.113.200", "XA")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def _plain(mail: bytes) -> str:
    return message_from_bytes(mail, policy=mail_policy.default).get_content()


@dataclass
class Day:
    """One house, one day. `now` moves only when the journey says so."""

    now: datetime = NOON
    people: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policy = policies.load("gb")
        for unit in self.policy.units:
            Unit.objects.update_or_create(
                key=unit.key,
                defaults={
                    "name": unit.name,
                    "level": unit.level,
                    "mail": f"{unit.key}@police.example",
                    "phone": "01632 960 301",
                    "agreement": unit.agreement,
                    "areas": "\n".join(unit.areas),
                },
            )
        for name, role in (
            ("A07", words.ANALYST),
            ("A12", words.ANALYST),
            ("L01", words.LEAD),
            ("P01", words.LIAISON),
        ):
            self.people[name] = User.objects.create(username=name, pseudonym=name, role=role)
        for unit in Unit.objects.all():
            self.people[f"officer {unit.key}"] = User.objects.create(
                username=f"officer-{unit.key}", pseudonym=f"{unit.key}-2"[:24], role=words.OFFICER, unit=unit
            )

    def agreed(self, *versions: Agreement) -> None:
        """The house began with these agreements instead of the shipped ones."""
        held = self.policy.agreements
        fresh = Agreements.of(versions, default=held.default, zone=held.zone)
        self.policy = replace(self.policy, agreements=fresh)

    def who(self, name: str) -> Actor:
        return self.people[name].actor()

    def officer_of(self, consultation: Consultation) -> Actor:
        return self.people[f"officer {consultation.unit.key}"].actor()

    def later(self, by: timedelta) -> datetime:
        self.now += by
        return self.now

    # --- the corridor ---------------------------------------------------------------------------

    def public_report(self, *lines: str, **more: object) -> list[Item]:
        """Somebody fills in the form; the worker files it."""
        report = incoming.public(uuid4(), lines, self.now, **more)
        intake.file_reports([report], policy=self.policy, by=PUBLIC_REPORTER, at=self.now)
        return list(Item.objects.filter(lines__report__report_id=report.report_id).distinct().order_by("pk"))

    def graded(
        self, items: list[Item], *, by: tuple[str, ...] = ("A07", "A12"), opinion: Opinion | None = None
    ) -> list[Item]:
        """First reader, second reader, blind."""
        opinion = opinion or Opinion(
            words.ILLEGAL,
            words.CHILD_SEXUAL_ABUSE,
            self.policy.scheme_on(self.now.date()).categories[1],
            "pre-pubescent",
            files=4,
            points=self.policy.point_keys[:1],
            seconds=20,
        )
        for name in by:
            fresh = self.again(items)
            assess.take(fresh, by=self.who(name), at=self.now, policy=self.policy)
            assess.grade(fresh, opinion, by=self.who(name), at=self.now, policy=self.policy)
        return self.again(items)

    def again(self, items: list[Item]) -> list[Item]:
        return list(Item.objects.filter(pk__in=[item.pk for item in items]).order_by("pk"))

    def traced(self, items: list[Item], where: tuple[str, int, str, str] = NORTH_RACK) -> list[Removal]:
        """All methods agree on `where` (operator, AS number, address, country)."""
        operator, asn, address, country = where
        facts = [
            TraceFacts(
                canonical=item.canonical,
                host=item.host,
                at=self.now,
                answers=(
                    MethodAnswer("dns", True, answer=address, addresses=(address,)),
                    MethodAnswer(
                        "rdap",
                        True,
                        answer=operator,
                        country=country,
                        operator=operator,
                        asn=asn,
                        abuse_mail=(f"abuse@{operator.lower().replace(' ', '-')}.example",),
                    ),
                    MethodAnswer("origin-network", True, country=country, operator=operator, asn=asn),
                    MethodAnswer("location", True, country=country),
                ),
            )
            for item in items
        ]
        trace.record(
            list(zip(self.again(items), facts, strict=True)),
            policy=self.policy,
            by=MACHINE_WORKER,
            at=self.now,
        )
        return list(
            Removal.objects.filter(item__in=items)
            .select_related("item", "host")
            .order_by("item_id", "-episode")
        )

    def contact_verified(self, removals: list[Removal]) -> None:
        """One person has proposed what the registry named, a second one has verified it."""
        for host in {removal.host for removal in removals if removal.host}:
            named = host.contacts.order_by("pk").first()
            row = contact.propose(host, named.mail, source=named.source, by=self.who("A07"), at=self.now)
            notify.verify_contact(row, by=self.who("P01"), at=self.now)

    def asked(self) -> Consultation:
        """The bundle is ripe; the unit is asked (or told)."""
        self.later(self.policy.clocks.bundle)
        (consultation,) = consult.ask_due(policy=self.policy, at=self.now)
        return consultation

    def answered(self, consultation: Consultation, kind: str, **more: object) -> None:
        answer.record(
            consultation, kind=kind, by=self.officer_of(consultation), at=self.now, policy=self.policy, **more
        )

    def letters_leave(self) -> list[Letter]:
        """What may leave now, leaves: guarded, frozen, accepted by the relay."""
        self.minute_over()
        removals = freshness.to_trace(at=self.now)
        for removal in removals:
            host = removal.host
            newest = removal.item.traces.order_by("-at").first()
            self.traced([removal.item], (host.name, host.asn, newest.address, removal.country))
        gone = []

        def guard(letter: Letter) -> bytes | None:
            if letter.kind == "notice":
                content = departing.depart(letter, policy=self.policy, house=HOUSE, at=self.now)
                return b"notice " + letter.number.encode() if content else None
            if letter.kind == "referral":
                content = refer.depart(letter, policy=self.policy, at=self.now)
                return b"referral " + letter.number.encode() if content else None
            if letter.kind in (alert.KIND, domain_alert.KIND):
                paged = alert if letter.kind == alert.KIND else domain_alert
                said = paged.depart(letter, policy=self.policy, house=HOUSE, at=self.now)
                return written.paged(letter, said, HOUSE, at=self.now) if said else None
            if letter.kind in follow.KINDS and not follow.stands(letter, at=self.now):
                return None
            if letter.kind == "reminder" or letter.kind.startswith("ladder"):
                if not escalate.reminder_stands(letter, at=self.now):
                    return None
                if letter.kind.startswith("ladder-"):
                    said = ladder.written(letter, policy=self.policy, house=HOUSE, at=self.now)
                    return written.paged(letter, said, HOUSE, at=self.now)
                return letter.text.encode()
            return letter.text.encode()

        for transport in ("mail", "partner"):
            for letter in claims.claim(transport, at=self.now, by=MACHINE_WORKER, guard=guard):
                if letter.kind == "notice":
                    departed.sent(letter, receipt="250 queued", policy=self.policy, at=self.now)
                elif letter.kind == "referral":
                    refer.sent(letter, receipt="their-1", policy=self.policy, at=self.now)
                else:
                    settling.sent([letter], receipt="250 queued", by=MACHINE_WORKER, at=self.now)
                gone.append(letter)
        return gone

    def minute_over(self) -> None:
        """An answer can be taken back for a minute; what leaves on it waits as long. Now that is over."""
        waiting = Letter.objects.filter(
            state="pending", due_at__gt=self.now, due_at__lte=self.now + UNDO_WITHIN
        )
        if waiting.exists():
            self.later(UNDO_WITHIN)

    def looked(
        self,
        removals: list[Removal],
        outcome: str = "answered",
        *,
        status: int = 200,
        peer: str = "",
        canary: bool = True,
    ) -> list[Removal]:
        """Both vantage points look at each removal, now."""
        looks = []
        for removal in removals:
            for vantage in ("north", "south"):
                facts = CheckFacts(
                    canonical=removal.item.canonical,
                    vantage=vantage,
                    at=self.now,
                    outcome=outcome,
                    status=status if outcome == "answered" else 0,
                    content_type="text/html",
                    peer=peer,
                    canary_up=canary,
                )
                looks.append((removal.pk, facts))
        check.record(looks, policy=self.policy, at=self.now)
        return self.fresh(removals)

    def missed_until_gone(self, removals: list[Removal]) -> list[Removal]:
        """Three misses, two places, three minutes apart and more."""
        for _ in range(3):
            removals = self.looked(removals, status=404)
            self.later(minutes(3))
        return removals

    def fresh(self, removals: list[Removal]) -> list[Removal]:
        return list(
            Removal.objects.filter(pk__in=[removal.pk for removal in removals])
            .select_related("item", "host")
            .order_by("pk")
        )

    def letters(self, kind: str, state: str | None = None) -> list[Letter]:
        rows = Letter.objects.filter(kind=kind).order_by("pk")
        return list(rows.filter(state=state) if state else rows)

    def mails(self, kind: str) -> list[str]:
        """What every mail of a kind that left says, as its reader reads it."""
        return [_plain(bytes(row.body or b"")) for row in self.letters(kind, "sent")]

    def behind(self, kind: str) -> list[str]:
        """The whole letters that stand on the pages of those."""
        keys = [row.key for row in self.letters(kind, "sent")]
        pages = SecurePage.objects.filter(key__in=keys).order_by("pk")
        return [_plain(bytes(page.inner)) for page in pages]

    def notices_sent(self) -> int:
        return Notice.objects.filter(sent_at__isnull=False).count()
