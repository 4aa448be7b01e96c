"""Taking what is due: fair between hosts, polite to each, no faster than the house may, once and only once."""

from collections import Counter
from datetime import timedelta

import pytest

from openhotline.connectors.probe.fake import FakeProber
from openhotline.jobs import poll
from openhotline.records.models import Check, HostTurn, Item, Removal
from openhotline.rules.facts import CheckFacts
from openhotline.rules.refusals import Refused
from openhotline.steps import check, due
from openhotline.world import onions
from tests.journeys.cast import Day, minutes

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(db: None) -> Day:
    return Day()


def watched(house: Day, *addresses: str) -> list[Removal]:
    removals = house.traced(house.graded(house.public_report(*addresses)))
    Removal.objects.update(next_check_at=house.now)
    return removals


def take(house: Day, **more: object) -> list[str]:
    taken = due.take(figures=house.policy.pace, at=house.now, **{"rate": 1000.0, **more})  # type: ignore[arg-type]
    # What was looked at is not due again in these tests.
    Removal.objects.filter(pk__in=[one.removal for one in taken]).update(next_check_at=None)
    return [one.canonical for one in taken]


def host(address: str) -> str:
    return address.split("/")[2]


def test_433_addresses_on_one_host_starve_nobody_and_take_their_turns(house: Day) -> None:
    bulk = [f"http://bulk.example.org/s/{n}" for n in range(433)]
    small = [f"http://small{n}.example.net/a" for n in range(7)]
    watched(house, *bulk)
    house.later(minutes(1))  # the others come later, and need not wait behind them
    watched(house, *small)
    first = take(house, limit=100)
    turn = house.policy.pace.turn
    assert Counter(map(host, first)) == {"bulk.example.org": turn, **{host(one): 1 for one in small}}
    began, seen = house.now, [one for one in first if one in bulk]
    while len(seen) < len(bulk):
        following = Removal.objects.filter(next_check_at__isnull=False).order_by("next_check_at").first()
        assert following is not None
        assert following.next_check_at is not None
        house.now = following.next_check_at
        taken = take(house)
        assert len(taken) <= turn
        seen += taken
    assert sorted(seen) == sorted(bulk), "each once"
    assert minutes(7) < house.now - began <= minutes(8), "one a second: 433 addresses in about eight minutes"


def test_the_relapse_watch_asks_a_host_once_a_minute(house: Day) -> None:
    removals = watched(house, *(f"http://bulk.example.org/s/{n}" for n in range(4)))
    house.missed_until_gone(removals)
    Removal.objects.update(next_check_at=house.now)
    HostTurn.objects.all().delete()
    times = []
    for _ in range(4):
        assert len(take(house)) == 1
        times.append(house.now)
        left = Removal.objects.filter(next_check_at__isnull=False).order_by("next_check_at").first()
        house.now = left.next_check_at if left and left.next_check_at else house.now
    assert [time - times[0] for time in times] == [minutes(n) for n in range(4)]


def test_the_house_as_a_whole_keeps_its_rate(house: Day) -> None:
    watched(house, *(f"http://one{n}.example.org/a" for n in range(150)))
    rates = {"rate": 10.0, "places": 2}
    assert len(take(house, **rates)) == 50, "ten seconds' worth may leave at once"
    assert take(house, **rates) == []
    assert due.next_turn(house.now) is not None
    house.later(4 * SECOND)
    assert len(take(house, **rates)) == 20
    house.later(minutes(1))
    assert len(take(house, **rates)) == 50, "what was not used is not saved up"


def test_a_lease_keeps_it_from_others_and_frees_it_when_its_worker_dies(house: Day) -> None:
    watched(house, "http://one.example.org/a")
    found = [len(due.take(figures=house.policy.pace, at=house.now))]
    for wait in (minutes(1), due.LEASE):
        house.later(wait)
        found.append(len(due.take(figures=house.policy.pace, at=house.now)))
    assert found == [1, 0, 1]


def test_a_round_that_two_workers_took_is_filed_once(house: Day) -> None:
    (removal,) = watched(house, "http://one.example.org/a")
    (slow,) = due.take(figures=house.policy.pace, at=house.now, rate=1000.0)
    house.later(due.LEASE + SECOND)
    (quick,) = due.take(figures=house.policy.pace, at=house.now, rate=1000.0)
    assert slow.step == quick.step == 0

    def looks() -> list[tuple[int, CheckFacts]]:
        return [
            (removal.pk, CheckFacts(removal.item.canonical, place, house.now, "answered", 200))
            for place in ("north", "south")
        ]

    assert check.record(looks(), policy=house.policy, at=house.now, steps={quick.removal: quick.step}) == 2
    house.later(SECOND)
    assert check.record(looks(), policy=house.policy, at=house.now, steps={slow.removal: slow.step}) == 0
    assert Check.objects.count() == 2
    assert Removal.objects.get().look_step == 1


def test_nothing_is_taken_before_somebody_has_opened_it(house: Day) -> None:
    watched(house, "http://one.example.org/a")
    Item.objects.update(look_allowed_at=None)
    assert take(house) == []


def test_hostile_words_in_an_answer_are_filed_and_break_nothing(house: Day) -> None:
    (removal,) = watched(house, "http://one.example.org/a")
    odd = "\x00 <b>'\"\\ \t\n" + "\N{SNOWMAN}" * 50
    facts = CheckFacts(
        removal.item.canonical,
        "north",
        house.now,
        "answered",
        200,
        odd,
        odd,
        3,
        odd,
        "",
        "not an address",
        why=odd,
    )
    assert check.record([(removal.pk, facts), (removal.pk, facts)], policy=house.policy, at=house.now) == 1
    assert "\x00" not in Check.objects.get().facts["title"]


def test_turns_long_past_are_forgotten_and_those_to_come_kept(house: Day) -> None:
    due.leave_alone({"rests.example.org": house.now + timedelta(days=1)})
    watched(house, "http://one.example.org/a")
    take(house)
    house.later(timedelta(days=4))
    assert due.forget(at=house.now) > 0
    assert set(HostTurn.objects.values_list("host", flat=True)) == {due.HOUSE}


def test_an_onion_is_looked_at_from_where_onions_are_carried_and_the_rest_is_not(house: Day) -> None:
    onion = f"http://{onions.NAME}/rooms/1"
    items = house.graded(house.public_report(onion, "http://plain.example.org/a"))
    house.traced([one for one in items if one.kind == "address"])
    house.traced([one for one in items if one.kind == "onion"], ("", 0, "", ""))
    Removal.objects.update(next_check_at=house.now)
    prober = FakeProber({}, vantages=("north", "tor-one", "tor-two"))
    look = {"policy": house.policy, "at": house.now, "vantages": ("north",), "onions": ("tor-one", "tor-two")}
    assert poll.checks(prober, **look) == 2
    seen = {(call.canonical.split("/")[2], call.vantage) for call in prober.calls}
    assert seen == {("plain.example.org", "north"), (onions.NAME, "tor-one"), (onions.NAME, "tor-two")}


def test_who_asks_while_the_prober_is_away_gets_a_sentence_and_what_was_due_stays_due(house: Day) -> None:
    (removal,) = watched(house, "http://small.example.net/a")
    prober = FakeProber({}, vantages=("north", "south"))
    prober.reachable = False
    with pytest.raises(Refused, match="prober cannot be reached"):
        poll.now(prober, vantages=("north", "south"), policy=house.policy, at=house.now)
    removal.refresh_from_db()
    assert removal.check_lease_until is None
    house.later(minutes(1))  # its host was asked for a turn
    assert take(house) == ["http://small.example.net/a"]
