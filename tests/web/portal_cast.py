"""The portal's cast: two units, two hosts and two partners, each with its own case, and a browser for each.

The house of `tests/journeys` is used as it stands; here its people get accounts at the portal's door.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from openhotline.clock import WorldClock
from openhotline.jobs import written
from openhotline.ledger import record as ledger
from openhotline.outbox import claims, settling
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import Consultation, Host, House, Notice, Partner, Referral, Removal, User
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps import alarm, departed, departing, freshness, refer, requests
from tests.journeys.cast import CANAL_HOST, HOUSE, NORTH_RACK, QUAY_DATA, Day

KEY = b"the site key of a test house....".ljust(32)
NEAR_HOST = ("Near Host", 64506, "198.51.100.77", "DE")


def open_portal(patch: pytest.MonkeyPatch, clock: Path, day: Day) -> None:
    """This process becomes the portal of a house whose clock stands at `day.now`."""
    patch.setenv("OPENHOTLINE_DOOR", "portal")
    patch.setenv("OPENHOTLINE_DATA_DIR", str(clock))
    load.cache_clear()
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)  # whitenoise warns where it is missing
    set_clock(day)


def set_clock(day: Day) -> None:
    """The portal's clock shows what the day says."""
    WorldClock(load().clock_file).set(day.now)


def unlock() -> None:
    """This process holds a site key, as the portal's does."""
    vault.configure(KEY)
    ledger.configure(sw="test", pol="test", clock_source="test", site_key=KEY)


def browser_of(user: User) -> Client:
    """A browser in which `user` is signed in with a second factor."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["second_factor"] = True
    session.save()
    return client


@dataclass
class Side:
    """One of the two sides: what belongs to it and nobody else."""

    officer: Client
    host_desk: Client
    partner_desk: Client
    consultation: Consultation
    removals: list[Removal]
    host: Host
    notice: Notice
    link: str
    referral: Referral
    partner: Partner
    alarm: int
    request: str  # number of what its unit asked of the hotline
    secrets: tuple[str, ...]  # words that may be seen by this side alone


@dataclass
class Portal:
    """A house with two of everything."""

    day: Day
    north: Side
    east: Side

    @property
    def sides(self) -> tuple[tuple[Side, Side], tuple[Side, Side]]:
        """Each side with its other."""
        return ((self.north, self.east), (self.east, self.north))


def two_of_everything(day: Day) -> Portal:
    """Cases of both sides: asked, noticed, handed abroad, and an alarm each."""
    House.objects.get_or_create(
        id=1, defaults={"kind": "test", "country": "gb", "name": "Example Hotline", "created_at": day.now}
    )
    for row in day.policy.partners:
        Partner.objects.get_or_create(
            key=row.key, defaults={"name": row.name, "kind": "hotline", "country": row.country}
        )
    north = _side(day, "alder", NORTH_RACK, CANAL_HOST, "NU")
    east = _side(day, "birch", QUAY_DATA, NEAR_HOST, "EU")
    return Portal(day, north, east)


def asked(
    day: Day, name: str, where: tuple[str, int, str, str], count: int = 2
) -> tuple[Consultation, list[Removal]]:
    """`count` addresses on one host, graded, traced, asked about."""
    lines = [f"https://{name}.example.org/s/{n:03}" for n in range(count)]
    items = day.graded(day.public_report(*lines))
    removals = day.traced(items, where)
    consultation = day.asked()
    day.looked(removals)
    return consultation, day.fresh(removals)


def noticed(
    day: Day, name: str, where: tuple[str, int, str, str], count: int = 2
) -> tuple[Notice, list[Removal]]:
    """`count` addresses on one host, cleared, with the notice sent as a real letter."""
    consultation, removals = asked(day, name, where, count)
    if not removals[0].host.contacts.filter(verified_at__isnull=False).exists():
        day.contact_verified(removals)
    day.answered(consultation, words.GO_AHEAD)
    letters_leave(day)
    notice = Notice.objects.filter(lines__removal=removals[0]).latest("pk")
    return notice, day.fresh(removals)


def letters_leave(day: Day) -> None:
    """Notices and referrals leave: re-traced, frozen as mail with XARF parts, accepted by the relay."""
    day.minute_over()
    for removal in freshness.to_trace(at=day.now):
        newest = removal.item.traces.order_by("-at").first()
        day.traced([removal.item], (removal.host.name, removal.host.asn, newest.address, removal.country))

    def freeze(letter: Letter) -> bytes | None:
        if letter.kind == "notice":
            content = departing.depart(letter, policy=day.policy, house=HOUSE, at=day.now)
            return written.notice(letter, content, HOUSE, at=day.now) if content else None
        if letter.kind == "referral":
            return b"referral" if refer.depart(letter, policy=day.policy, at=day.now) else None
        return letter.text.encode()

    for transport in ("mail", "partner"):
        for letter in claims.claim(transport, at=day.now, by=MACHINE_WORKER, guard=freeze):
            if letter.kind == "notice":
                departed.sent(letter, receipt="250 queued", policy=day.policy, at=day.now)
            elif letter.kind == "referral":
                refer.sent(letter, receipt=f"THEIRS-{letter.number}", policy=day.policy, at=day.now)
            else:
                settling.sent([letter], receipt="250 queued", by=MACHINE_WORKER, at=day.now)


def _side(
    day: Day, name: str, home: tuple[str, int, str, str], abroad: tuple[str, int, str, str], unit: str
) -> Side:
    notice, told = noticed(day, f"noticed-{name}", home)
    far = day.traced(day.graded(day.public_report(f"https://abroad-{name}.example.org/a")), abroad)
    refer.refer_due(at=day.now)
    letters_leave(day)
    referral = Referral.objects.get(lines__removal=far[0])
    consultation, removals = asked(day, f"asked-{name}", home)
    officer = User.objects.get(role=words.OFFICER, unit__key=unit)
    raised = alarm.raise_alarm(
        removals[0].item, unit=officer.unit, policy=day.policy, by=day.who("A07"), at=day.now
    )
    wanted = requests.ask(
        officer.unit,
        kind="note",
        text=f"A note about {name}.",
        mark="liaison",
        by=officer.actor(),
        at=day.now,
        policy=day.policy,
    )
    host_user = User.objects.create(
        username=f"host-{name}", pseudonym=f"H-{name}", role=words.HOST, host=notice.host
    )
    partner_user = User.objects.create(
        username=f"partner-{name}", pseudonym=f"X-{name}", role=words.PARTNER, partner=referral.partner
    )
    return Side(
        officer=browser_of(officer),
        host_desk=browser_of(host_user),
        partner_desk=browser_of(partner_user),
        consultation=consultation,
        removals=removals,
        host=notice.host,
        notice=notice,
        link=vault.token("notice-link", notice.number),
        referral=referral,
        partner=referral.partner,
        alarm=raised.pk,
        request=wanted.number,
        secrets=(
            name,
            consultation.number,
            notice.number,
            referral.number,
            wanted.number,
            *(removal.item.ref for removal in [*removals, *told, *far]),
        ),
    )
