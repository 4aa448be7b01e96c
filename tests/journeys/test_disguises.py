"""Disguises: what stands in the place of something gone, and what only looks like it. One journey each.

The prober is played by its fake; what its fake shows goes through the real reading of pages, the real schedule and
the real steps. The house's clock moves only from one due look to the next.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from openhotline import policy as policies
from openhotline.connectors.probe.client import ProberUnreachable
from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.connectors.probe.meaning import ProbeFacts, ProbeJob
from openhotline.jobs import poll, probing
from openhotline.jobs.engine import next_deadline
from openhotline.outbox.models import Letter
from openhotline.records.models import Check, HostTurn, Item, Likeness, Removal
from openhotline.rules import words
from openhotline.settings import Settings
from openhotline.steps import likeness, looked, way
from openhotline.steps.due import waiting
from tests.journeys.cast import Day, hours, minutes

ADDRESS = "http://img.example.net/set/one"
PLACES = ("north", "south")
GALLERY = Truth(
    addresses=("192.0.2.44",),
    content_type="text/html",
    title="Gallery",
    text="A made-up gallery. " + "Words and words. " * 30,
)
FILE = Truth(addresses=("192.0.2.44",), content_type="image/jpeg", size=81_234)
IN_ITS_PLACE = {
    "takedown": replace(
        GALLERY, title="Hosting", text="This content has been removed because it violates our terms."
    ),
    "soft 404": replace(GALLERY, title="Hosting", text="The page you asked for cannot be found."),
    "parking": replace(GALLERY, title="example.net", text="This domain is for sale."),
    "sent to the front page": replace(
        GALLERY, title="Hosting", text="Fast and cheap.", location="http://img.example.net/"
    ),
    "status 404": replace(GALLERY, status=404),
    "no name": replace(GALLERY, outcome="no-name"),
}
NOT_GONE = {
    "login wall": (replace(GALLERY, title="Members", text="Please log in to continue."), "blocked for us"),
    "robot check": (
        replace(GALLERY, title="Just a moment...", text="Verify you are human."),
        "blocked for us",
    ),
    "geo block": (replace(GALLERY, status=451), "blocked for us"),
    "refused": (replace(GALLERY, status=403), "blocked for us"),
    "other words": (replace(GALLERY, text="Something quite different stands here. " * 12), "changed"),
    "fault of the server": (replace(GALLERY, status=503), "cannot tell"),
    "host down": (replace(GALLERY, outcome="timeout"), "cannot tell"),
    "leads elsewhere": (
        replace(GALLERY, text="Hello.", location="http://other.example.com/set/one"),
        "moved",
    ),
}


class Watch:
    """One item noticed to its host, and the machine that looks at it."""

    def __init__(self, house: Day, first: Truth, **way_in: object) -> None:
        self.house = house
        self.prober = FakeProber({ADDRESS: first}, vantages=PLACES, words=policies.sign_words())
        items = house.public_report(ADDRESS)
        if way_in:
            house.again(items)
            way.record(items[0], by=house.who("A07"), at=house.now, **way_in)  # type: ignore[arg-type]
            items = house.again(items)
        items = house.graded(items)
        poll.first_sights(self.prober, vantages=PLACES, at=house.now)
        removals = house.traced(items)
        house.contact_verified(removals)
        house.answered(house.asked(), words.GO_AHEAD)
        house.letters_leave()
        self.pk = removals[0].pk
        assert self.removal.status == "noticed"

    @property
    def removal(self) -> Removal:
        return Removal.objects.select_related("item__likeness").get(pk=self.pk)

    def shows(self, truth: Truth) -> None:
        self.prober.truth[ADDRESS] = truth

    def look(self) -> int:
        return poll.checks(self.prober, vantages=PLACES, policy=self.house.policy, at=self.house.now)

    def for_(self, span: timedelta) -> None:
        """Let the machine look whenever a look is due, for so long."""
        end = self.house.now + span
        while True:
            self.look()
            following = self.removal.next_check_at
            if following is None or max(following, self.house.now) > end:
                break
            if following > self.house.now:
                self.house.now = following
            elif not waiting(self.house.now).exists():
                break
        self.house.now = end

    @property
    def verdict(self) -> str:
        rows = Check.objects.all()
        return looked.explain(self.removal, rows, at=self.house.now, policy=self.house.policy).verdict.kind


@pytest.mark.parametrize("what", IN_ITS_PLACE)
def test_what_stands_in_its_place_is_told_and_it_is_removed_within_minutes(house: Day, what: str) -> None:
    watch = Watch(house, GALLERY)
    watch.for_(minutes(20))
    assert (watch.verdict, watch.removal.status) == ("up", "noticed")
    watch.shows(IN_ITS_PLACE[what])
    watch.for_(minutes(16))
    removal = watch.removal
    assert removal.status == "removed", watch.verdict
    rounds = sorted(set(Check.objects.filter(removal=removal, meaning="miss").values_list("at", flat=True)))
    assert len(rounds) == 3
    assert removal.t7_first_miss == rounds[0]
    assert all(later - earlier >= minutes(3) for earlier, later in pairwise(rounds))
    assert set(Check.objects.filter(meaning="miss").values_list("vantage", flat=True)) == set(PLACES)


@pytest.mark.parametrize("what", NOT_GONE)
def test_what_merely_refuses_us_differs_or_fails_is_never_gone(house: Day, what: str) -> None:
    watch = Watch(house, GALLERY)
    watch.for_(minutes(10))
    shown, verdict = NOT_GONE[what]
    watch.shows(shown)
    watch.for_(hours(5))
    assert watch.verdict == verdict
    assert watch.removal.status == "noticed"
    assert watch.removal.t7_first_miss is None
    watch.shows(GALLERY)
    watch.for_(2 * house.policy.pace.unsure_most)  # the longest wait after failed looks, its jitter included
    assert watch.verdict == "up"


def test_a_re_encoded_copy_is_still_a_copy(house: Day) -> None:
    watch = Watch(house, FILE)
    watch.for_(minutes(10))
    assert watch.verdict == "up"
    watch.shows(replace(FILE, size=70_001))
    watch.for_(hours(3))
    assert (watch.verdict, watch.removal.status) == ("changed", "noticed")
    watch.shows(replace(FILE, content_type="text/html", text="File not found"))
    watch.for_(minutes(20))
    assert watch.removal.status == "removed"


def test_cloaked_to_one_place_it_is_up_as_long_as_another_sees_it(house: Day) -> None:
    watch = Watch(house, GALLERY)
    watch.shows(replace(GALLERY, seen_from={"south": ("answered", 404)}))
    watch.for_(hours(6))
    assert (watch.verdict, watch.removal.status) == ("up", "noticed")
    watch.shows(replace(GALLERY, status=404))
    watch.for_(minutes(30))
    assert watch.removal.status == "removed"


def test_a_disguised_site_is_looked_at_by_its_way_in_and_a_direct_visit_closes_nothing(house: Day) -> None:
    hidden = replace(GALLERY, needs_referrer=True)
    watch = Watch(house, hidden, referrer="http://door.example.com/list")
    watch.for_(minutes(20))
    assert watch.verdict == "up"
    assert set(Check.objects.values_list("path_variant", flat=True)) == {"referrer"}
    # The way in is lost by mistake: what a direct visit shows is a harmless page, and nothing follows from it.
    way.record(watch.removal.item, by=house.who("A07"), at=house.later(minutes(1)), referrer="")
    watch.for_(hours(2))
    assert watch.removal.status == "noticed"
    way.record(
        watch.removal.item,
        by=house.who("A07"),
        at=house.later(minutes(1)),
        referrer="http://door.example.com/list",
    )
    watch.for_(hours(1))
    watch.shows(replace(hidden, status=404))
    watch.for_(hours(1))
    assert watch.removal.status == "removed"


def test_our_own_outage_closes_nothing_and_sets_no_first_miss(house: Day) -> None:
    watch = Watch(house, GALLERY)
    watch.for_(minutes(10))
    watch.prober.canary_up = dict.fromkeys(PLACES, False)
    watch.shows(replace(GALLERY, outcome="no-name"))
    watch.for_(hours(30))
    assert (watch.verdict, watch.removal.status) == ("cannot tell", "noticed")
    assert watch.removal.t7_first_miss is None
    watch.prober.canary_up = dict.fromkeys(PLACES, True)
    watch.shows(GALLERY)
    watch.for_(2 * house.policy.pace.unsure_most)  # the longest wait after failed looks, its jitter included
    assert watch.verdict == "up"


def test_a_host_that_is_down_for_a_day_is_gone_then_and_not_before(house: Day) -> None:
    watch = Watch(house, GALLERY)
    watch.for_(minutes(10))
    began = house.now
    watch.shows(replace(GALLERY, outcome="timeout"))
    watch.for_(hours(23))
    assert watch.removal.status == "noticed"
    watch.for_(
        hours(1) + 2 * house.policy.pace.unsure_most
    )  # to the first look after a day, its jitter included
    removal = watch.removal
    assert removal.status == "removed"
    assert removal.t7_first_miss is not None
    assert removal.t7_first_miss - began < minutes(10), "the first miss is when the silence began"


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_says_not_now_is_left_alone_as_long_as_it_asks_even_after_a_restart(
    house: Day, status: int
) -> None:
    watch = Watch(house, GALLERY)
    watch.shows(replace(GALLERY, status=status, headers=(("retry-after", "5400"),)))
    watch.for_(minutes(6))
    told = Check.objects.filter(status=status).latest("at").at
    for row in HostTurn.objects.filter(host="img.example.net"):
        assert row.ready_at == told + minutes(90)
    Removal.objects.update(
        next_check_at=house.now, check_lease_until=None
    )  # as if somebody wanted a look at once
    watch.shows(GALLERY)
    assert watch.look() == 0
    watch.for_(minutes(80))
    assert Check.objects.filter(at__gt=told).count() == 0
    watch.for_(minutes(30))
    assert watch.verdict == "up"


def test_what_leads_elsewhere_is_traced_again_and_not_closed(house: Day) -> None:
    watch = Watch(house, GALLERY)
    watch.for_(hours(1))
    before = Letter.objects.filter(kind="trace").count()
    watch.shows(NOT_GONE["leads elsewhere"][0])
    watch.for_(minutes(10))
    assert watch.verdict == "moved"
    assert Letter.objects.filter(kind="trace").count() == before + 1
    assert watch.removal.status == "noticed"


def test_no_look_leaves_before_an_analyst_has_opened_the_item(house: Day) -> None:
    prober = FakeProber({ADDRESS: GALLERY}, vantages=PLACES)
    house.public_report(ADDRESS)
    assert poll.first_sights(prober, vantages=PLACES, at=house.now) == 0
    assert poll.checks(prober, vantages=PLACES, policy=house.policy, at=house.now) == 0
    assert prober.calls == []
    house.graded(house.again(list(Item.objects.all())), by=("A07",))
    assert poll.first_sights(prober, vantages=PLACES, at=house.now) == 1
    assert Likeness.objects.get().title == "Gallery"


def test_nor_does_a_request_at_a_persons_word(
    house: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ProbeJob] = []

    def ask(settings: object, config: object, jobs: list[ProbeJob]) -> list[ProbeFacts]:
        asked.extend(jobs)
        return [ProbeFacts(job.address, job.vantage, job.at, "reached", "It answered 200.") for job in jobs]

    monkeypatch.setattr(probing, "_ask", ask)
    settings = Settings(kind="test", data_dir=tmp_path, resolvers="192.0.2.53")

    def outcome(address: str, *, request: bool = True) -> str:
        return str(probing.look(settings, address, request=request, at=house.now)["outcome"])

    items = house.public_report(ADDRESS)
    assert outcome(ADDRESS) == outcome("http://unknown.example.net/?q=1") == "refused" and not asked
    assert outcome(ADDRESS, request=False) == outcome("http://unknown.example.net/") == "reached"
    house.graded(items, by=("A07",))
    assert outcome(ADDRESS) == "reached"


def test_the_relapse_watch_sees_it_come_back_and_opens_the_case_again_with_its_history(house: Day) -> None:
    watch = Watch(house, GALLERY)
    watch.shows(replace(GALLERY, status=404))
    watch.for_(minutes(30))
    assert watch.removal.status == "removed"
    gone_at = watch.removal.t8_gone
    assert gone_at is not None
    days = []
    for _ in range(2):
        following = watch.removal.next_check_at
        assert following is not None
        days.append((following - gone_at) / timedelta(days=1))
        house.now = following
        assert watch.look() == 1
    assert days == [1.0, 3.0]
    watch.shows(GALLERY)
    following = watch.removal.next_check_at
    assert following is not None
    house.now = following
    watch.look()
    assert watch.removal.status == "reappeared"
    again = Removal.objects.get(episode=2)
    assert again.again
    assert Check.objects.filter(removal_id=watch.pk).count() > 6, "the looks of before stay"


def test_what_comes_back_in_another_form_is_the_content_once_a_person_has_said_so(house: Day) -> None:
    """A machine cannot tell a re-encoded copy from a picture that says "removed". Who has looked can, and the case
    opens again by our own look."""
    watch = Watch(house, FILE)
    watch.shows(replace(FILE, status=404))
    watch.for_(minutes(30))
    assert watch.removal.status == "removed" and watch.removal.next_check_at is not None
    house.now = watch.removal.next_check_at
    watch.shows(replace(FILE, size=70_001))
    watch.look()
    assert (watch.verdict, watch.removal.status) == ("changed", "removed")
    likeness.same(watch.removal.item, by=house.who("A07"), at=house.now)
    house.later(minutes(1))
    assert poll.first_sights(watch.prober, vantages=PLACES, at=house.now) == 1
    watch.look()
    assert watch.removal.status == "reappeared"
    assert Removal.objects.get(episode=2).again


def test_a_prober_that_dies_in_the_middle_loses_nothing_and_doubles_nothing(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"http://bulk{n}.example.org/s" for n in range(6)]
    prober = FakeProber(dict.fromkeys(lines, GALLERY), vantages=PLACES)
    house.traced(house.graded(house.public_report(*lines)))
    monkeypatch.setattr(poll, "PIECE", 2)
    whole: Callable[..., list[object]] = prober.check

    def dies_at_the_second_piece(jobs: list[object]) -> list[object]:
        if len(prober.calls) >= 4:
            raise ProberUnreachable("it went away")
        return whole(jobs)

    monkeypatch.setattr(prober, "check", dies_at_the_second_piece)
    with pytest.raises(ProberUnreachable):
        poll.checks(prober, vantages=PLACES, policy=house.policy, at=house.now)
    assert Check.objects.count() == 4, "what was seen is filed"
    monkeypatch.setattr(prober, "check", whole)
    at = house.later(timedelta(seconds=2))
    assert poll.checks(prober, vantages=PLACES, policy=house.policy, at=at) == 4, "no lease to wait for"
    assert Check.objects.count() == 12
    assert set(Check.objects.values_list("step", flat=True)) == {0}
    assert next_deadline(house.now) is not None
