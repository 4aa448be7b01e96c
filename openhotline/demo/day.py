"""The scripted day: everybody does their part, the clock jumps from deadline to deadline, nothing sleeps.

Reports come in before eight, two analysts grade blind, police are asked before nine and answer after, and so
on until every address is where the world says it must end. `outcomes` compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from openhotline.clock import WorldClock
from openhotline.demo.cast import staff
from openhotline.jobs.engine import Engine, next_deadline
from openhotline.ledger.record import sequence
from openhotline.records import sealing, spool
from openhotline.records.models import (
    Alarm,
    Consultation,
    Host,
    Item,
    Notice,
    Removal,
)
from openhotline.rules import incoming, item_path, removal_path, urls, words
from openhotline.rules import notice as wording
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.opinion import Opinion
from openhotline.rules.words import Actor
from openhotline.settings import Settings
from openhotline.steps import alarm, answer, assess, confirm, intake, notify
from openhotline.steps import contact as contacts
from openhotline.world import places
from openhotline.world.scenario import Scenario, Site

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLOWLY = timedelta(minutes=10)  # between two turns of the machine, once the day's haste is over
_NAMESPACE = UUID("6f1c1c1e-0000-4000-8000-000000000000")


@dataclass
class ScriptedDay:
    """One play of a scenario in one house."""

    settings: Settings
    engine: Engine
    clock: WorldClock
    scenario: Scenario
    tell: Callable[[str], None] = lambda text: None
    people: dict[str, Actor] = field(default_factory=dict)
    by_digest: dict[bytes, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = {name: user.actor(auth="script") for name, user in staff().items()}
        self.by_digest = {urls.read(site.address).key_digest: site for site in self.scenario.sites}

    # --- time -----------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def until(self, moment: datetime, *, step: timedelta = MINUTE) -> None:
        """Let the machine work until `moment`, jumping from deadline to deadline, by `step` at least."""
        while True:
            self.engine.settle(self.now)
            following = next_deadline(self.now)
            if following is None or following > moment:
                break
            self.clock.jump(min(max(following, self.now + step), moment))
        self.clock.jump(moment)
        self.engine.settle(self.now)

    # --- the day --------------------------------------------------------------------------------

    SCENES = (
        "reports come in",
        "a child may be at risk",
        "two readers, blind",
        "traced and asked",
        "the police answer",
        "hosts act",
        "contacts, reminders, the ladder",
        "abroad, and what comes back",
    )

    def play(self) -> None:
        """The whole day, and the days after until the watches are set."""
        start = self.scenario.start
        scenes: tuple[Callable[[], None], ...] = (
            self.reports_come_in,
            self.alarm_is_raised,
            self.readers_grade,
            lambda: self.until(start + 1 * HOUR + 50 * MINUTE),
            self.police_answer,
            self.hosts_act,
            self.people_follow_up,
            self.days_after,
        )
        for name, scene in zip(self.SCENES, scenes, strict=True):
            self.tell(name)
            scene()
        while sequence():
            pass

    def reports_come_in(self) -> None:
        """The public by form, a partner by file. One address comes three times, spelled three ways."""
        public = spool.Spool(self.settings.spool)
        key = sealing.public_key(self.settings.keys)
        bundle = self.scenario.part("bundle")
        for number, site in enumerate(site for site in self.scenario.sites if site not in bundle):
            spelled = [site.address]
            if number == 0:
                spelled.append(site.address.replace("http://", "hxxp://").replace(".", "[.]"))
            for repeat, line in enumerate(spelled):
                report = incoming.public(
                    uuid5(_NAMESPACE, f"{self.scenario.seed}/{site.address}/{repeat}"),
                    (line,),
                    self.now,
                    referrer=site.referrer,
                    seen="image",
                )
                public.append(spool.SENT, [(report.report_id, sealing.seal(report.to_json(), key))])
        public.close()
        intake.file_reports(
            [
                IncomingReport(
                    report_id=uuid5(_NAMESPACE, f"{self.scenario.seed}/{site.address}"),
                    source=words.FROM_HOTLINE,
                    lines=(site.address,),
                    received_at=self.now,
                    partner="hotline-nl",
                )
                for site in bundle
            ],
            policy=self.engine.policy,
            by=Actor(words.PARTNER, "hotline-nl", auth="script"),
            at=self.now,
        )
        self.until(self.scenario.start + 5 * MINUTE)

    def alarm_is_raised(self) -> None:
        """One confirm; the duty officer is lettered at once and reached by phone two minutes later."""
        for item in self._items(lambda site: site.alarm):
            raised = alarm.raise_alarm(
                item, policy=self.engine.policy, by=self.people["analyst"], at=self.now
            )
            self.until(self.now + 2 * MINUTE)
            alarm.acknowledge(raised, reference="duty desk, by phone", by=self.people["liaison"], at=self.now)

    def readers_grade(self) -> None:
        """The first reader, then the second, who cannot see the first. What does not answer is tried again."""
        late = self._items(lambda site: site.part == "unreachable at first")
        assess.take(late, by=self.people["analyst"], at=self.now, policy=self.engine.policy)
        assess.grade(
            late,
            Opinion(words.UNREACHABLE, reason="site down"),
            by=self.people["analyst"],
            at=self.now,
            policy=self.engine.policy,
        )
        self._grade(lambda site: site.part != "unreachable at first")

    def _grade(self, wanted: Callable[[Site], bool]) -> None:
        for reader, statuses in (
            ("analyst", [item_path.RECEIVED]),
            ("second", [item_path.GRADED_ONCE]),
        ):
            groups: dict[Opinion, list[Item]] = {}
            for item in self._items(wanted):
                if item.status in statuses:
                    groups.setdefault(self._opinion(self._site(item)), []).append(item)
            for opinion, items in groups.items():
                assess.take(items, by=self.people[reader], at=self.now, policy=self.engine.policy)
                assess.grade(items, opinion, by=self.people[reader], at=self.now, policy=self.engine.policy)
            self.until(self.now + 8 * MINUTE)

    def police_answer(self) -> None:
        """One is held until after noon, one is held after clearance, one unit stays silent; the rest go ahead."""
        start = self.scenario.start
        self.until(start + 2 * HOUR + 30 * MINUTE)
        for consultation in self._waiting():
            host = consultation.host.name if consultation.host else ""
            if host == places.MUTE_HOSTING.operator:
                continue  # the silence: nobody answers until the duty desk has been rung and it was escalated
            if host == places.SLOW_HOSTING.operator:
                self._answer(
                    consultation,
                    words.GO_AHEAD_AFTER,
                    until=self.now + 2 * HOUR,
                    reason="arrest or search planned",
                )
            elif host == places.BULK_RACK.operator:
                self._answer(consultation, words.GO_AHEAD)
                self._answer(consultation, words.HOLD, review_at=self.now + 12 * HOUR, reason="covert work")
                self.until(self.now + 30 * MINUTE)
                self._answer(consultation, words.GO_AHEAD)
            else:
                self._answer(
                    consultation, words.GO_AHEAD, reference=f"{consultation.unit.key} {consultation.pk}"
                )

    def hosts_act(self) -> None:
        """Most remove; one presses the link. We look until it is gone."""
        start = self.scenario.start
        self.until(start + 4 * HOUR)
        for notice in Notice.objects.filter(host__name=places.QUAY_DATA.operator, sent_at__isnull=False):
            said = {line.removal_id: "removed" for line in notice.lines.filter(dropped="")}
            confirm.record(notice, said, ticket="QD-88231", by=confirm.by_link(notice), at=self.now)
        self._grade(lambda site: site.part == "unreachable at first")
        self.until(start + 6 * HOUR)

    def people_follow_up(self) -> None:
        """A second person verifies contacts; the silent unit answers after the escalation; the ladder runs."""
        start = self.scenario.start
        for _ in range(3):
            self._verify_contacts()
            for consultation in self._waiting():
                if (
                    consultation.escalated_at is not None
                    or consultation.host is None
                    or consultation.host.name != places.MUTE_HOSTING.operator
                ):
                    self._answer(consultation, words.GO_AHEAD)
            self.until(self.now + 3 * HOUR, step=SLOWLY)
        self.until(start + 1 * DAY, step=SLOWLY)

    def days_after(self) -> None:
        """Partners abroad, the one that comes back, the ladder's end."""
        start = self.scenario.start
        for day in range(2, 9):
            self._verify_contacts()
            for consultation in self._waiting():
                self._answer(consultation, words.GO_AHEAD)
            self.until(start + day * DAY, step=HOUR)

    # --- who does what --------------------------------------------------------------------------

    def _waiting(self) -> list[Consultation]:
        return list(
            Consultation.objects.filter(asks=True, answered_at=None)
            .select_related("unit", "host")
            .order_by("pk")
        )

    def _answer(self, consultation: Consultation, kind: str, **more: object) -> None:
        officer = {"NU": "officer", "EU": "officer-east"}[consultation.unit.key]
        answer.record(
            consultation,
            kind=kind,
            by=self.people[officer],
            at=self.now,
            policy=self.engine.policy,
            **more,  # type: ignore[arg-type]
        )

    def _verify_contacts(self) -> None:
        """Letters that wait for a contact: an analyst proposes one, the liaison verifies it."""
        waiting = Host.objects.filter(notices__sent_at=None, notices__withdrawn_at=None).distinct()
        for host in waiting:
            if contacts.best(host) is not None:
                continue
            network = next(one for one in self.scenario.networks if one.operator == host.name)
            mail = next((mail for mail in network.abuse if mail not in places.DEAD_MAILBOXES), "")
            contact = contacts.propose(host, mail, source="host-page", by=self.people["analyst"], at=self.now)
            # On the phone they ask for XARF in the mail: their programs read it.
            form = {"language": host.language, "form": wording.REPORT}
            contacts.letters_as(host, **form, by=self.people["liaison"], at=self.now)
            notify.verify_contact(contact, by=self.people["liaison"], at=self.now)

    def _site(self, item: Item) -> Site:
        return self.by_digest[bytes(item.key_digest)]

    def _items(self, wanted: Callable[[Site], bool]) -> list[Item]:
        """The day's own items that are `wanted`. The form is open meanwhile: what a visitor reports is not ours."""
        rows = Item.objects.order_by("pk")
        return [item for item in rows if self._ours(item) and wanted(self._site(item))]

    def _ours(self, item: Item) -> bool:
        return bytes(item.key_digest) in self.by_digest

    def _opinion(self, site: Site) -> Opinion:
        grade = site.grade
        photograph = grade.content_class == words.CHILD_SEXUAL_ABUSE
        return Opinion(
            opinion=grade.opinion,
            cls=grade.content_class,
            category=grade.category if photograph else "",
            age_band=grade.age_band if photograph else "",
            files=grade.files,
            seconds=20,
        )

    # --- what came of it ------------------------------------------------------------------------

    def outcomes(self) -> list["Outcome"]:
        """Every address of the day: what the world says must come of it, and what the house's records say."""
        found = []
        for item in Item.objects.order_by("pk").prefetch_related("removals__referral_lines__referral"):
            if not self._ours(item):
                continue
            site = self._site(item)
            found.append(Outcome(item.ref, site.part, site.truth, story(item)))
        reported = {outcome.ref for outcome in found}
        assert len(reported) == len(found)
        return found

    def alarms_met(self) -> bool:
        """Whether every alarm was acknowledged before its minutes were over."""
        return all(
            row.acknowledged_at is not None and row.acknowledged_at <= row.due_at
            for row in Alarm.objects.all()
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One address at the end."""

    ref: str
    part: str
    truth: str
    found: str

    @property
    def met(self) -> bool:
        return self.truth == self.found


def story(item: Item) -> str:
    """What the records say became of an item, in the world's words for outcomes."""
    removals = sorted(item.removals.all(), key=lambda removal: removal.episode)
    if not removals or item.status in (item_path.OUT_OF_REMIT, item_path.NOT_ILLEGAL):
        return item.status
    parts = []
    for removal in removals:
        gone = removal.t8_gone is not None
        referred = [line.referral.via for line in removal.referral_lines.all()]
        if referred and removal.t5_sent is not None and gone:
            parts.append(
                "referred and removed" if "hotline" in referred else "referred to police and removed"
            )
        elif gone and removal.t5_sent is None:
            parts.append(removal_path.GONE_BEFORE_NOTICE)
        elif gone:
            parts.append("removed")
        elif removal.status in (removal_path.MOVED, removal_path.CLOSED):
            parts.append("moved")
        else:
            parts.append(removal.status)
    if parts == ["removed", "removed"]:
        return "removed, reappeared and removed"
    return ", ".join(parts)


def legs(limit: int = 0) -> list[dict[str, object]]:
    """The legs T0..T8 of every removal, as ISO times; `limit` 0 means all."""
    rows = Removal.objects.select_related("item").order_by("pk")
    return [
        {
            "reference": removal.item.ref,
            "episode": removal.episode,
            "status": removal.status,
            **{
                leg.partition("_")[0]: moment.isoformat() if (moment := getattr(removal, leg)) else None
                for leg in Removal.LEGS
            },
        }
        for removal in (rows[:limit] if limit else rows)
    ]
