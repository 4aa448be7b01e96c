"""A hold stops the ladder and gives it back: what was held is taken on from where it stood, its own time counted."""

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from openhotline.outbox.models import Letter
from openhotline.records.models import Contact, Hold, Host, Notice, Removal, Rung
from openhotline.rules import removal_path, words
from openhotline.rules.ladder import STEPS, on_hold
from openhotline.steps import answer, contact, escalate, ladder, notify
from tests.journeys.cast import hours, minutes

if TYPE_CHECKING:
    from openhotline.records.models import Consultation
    from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db
UPSTREAM, REGISTRAR, REGULATOR = (f"ladder-{step}" for step in STEPS)


def reach(house: "Day", host: Host, mail: str) -> None:
    row = contact.propose(host, mail, source="host-page", by=house.who("A07"), at=house.now)
    notify.verify_contact(row, by=house.who("P01"), at=house.now)


class Case:
    """One notice about some addresses, nobody acting on it, and a network above its host."""

    def __init__(self, house: "Day", count: int = 2, *, reached: bool = True) -> None:
        self.house = house
        items = house.public_report(*(f"http://img.example.net/{number}" for number in range(count)))
        self.removals = house.traced(house.graded(items))
        house.contact_verified(self.removals)
        self.asked: Consultation = house.asked()
        house.answered(self.asked, words.GO_AHEAD)
        house.letters_leave()
        self.notice = Notice.objects.get(sent_at__isnull=False)
        self.above = Host.objects.create(key="AS64499:above", name="Above Net", first_seen=house.now)
        ladder.stands(self.notice.host, upstream=self.above, member=False, by=house.who("P01"), at=house.now)
        if reached:
            reach(house, self.above, "abuse@above.example")

    def said(self, kind: str, of: "list[Removal]", **more: object) -> None:
        """The unit answers once more, about some of it."""
        answer.record(
            self.asked,
            kind=kind,
            removals=of,
            by=self.house.officer_of(self.asked),
            at=self.house.now,
            policy=self.house.policy,
            **more,  # type: ignore[arg-type]
        )

    def hold(self, of: "list[Removal]", until: "datetime | None" = None) -> None:
        review = None if until else self.house.now + hours(72)
        self.said(words.HOLD, of, reason="covert work", until=until, review_at=review)

    def sweeps(self) -> None:
        """One round of the worker, without letters leaving."""
        house = self.house
        answer.release_due(at=house.now)
        escalate.host_clocks(policy=house.policy, at=house.now)
        ladder.climb(policy=house.policy, at=house.now)

    def after(self, wait: timedelta) -> "list[tuple[str, list[int]]]":
        """Later, the worker goes round and letters leave: (kind, places in `removals`) of those up the ladder."""
        self.house.later(wait)
        self.sweeps()
        places = {row.pk: number for number, row in enumerate(self.removals)}
        gone = [one for one in self.house.letters_leave() if one.kind.startswith("ladder-")]
        return [
            (one.kind, sorted(places[pk] for pk in one.lines.values_list("removal", flat=True)))
            for one in gone
        ]

    def overdue(self) -> None:
        house = self.house
        for wait in (house.policy.agreements.history(self.asked.agreement)[0].host_target, hours(24)):
            house.later(wait)
            escalate.host_clocks(policy=house.policy, at=house.now)
        assert {row.status for row in house.fresh(self.removals)} == {removal_path.OVERDUE}


def test_a_rung_that_a_hold_withdrew_is_taken_again_once_and_the_next_ones_wait_for_the_time_held(
    house: "Day",
) -> None:
    case = Case(house, 1)
    case.overdue()
    start = case.notice.ladder_at
    house.later(start + hours(1) - house.now)
    case.sweeps()  # the rung is taken; its letter has not left when the police say "not yet"
    case.hold(case.removals)
    assert case.after(minutes(1)) == []
    assert [one.state for one in house.letters(UPSTREAM)] == ["withdrawn"]
    assert case.after(hours(40)) == []
    held = house.now
    case.hold(case.removals, until=house.now + hours(10))  # again, and this time with an end
    assert case.after(hours(9)) == []
    assert case.after(held + hours(10) - house.now) == [(UPSTREAM, [0])]
    assert case.after(minutes(5)) == []
    (span,) = [
        on_hold(Hold.objects.values_list("placed_at", "released_at"), since=case.notice.sent_at)  # type: ignore[arg-type]
    ]
    assert span >= hours(50)
    assert case.after(start + span + hours(24) - minutes(2) - house.now) == []
    assert [kind for kind, _ in case.after(minutes(3))] == []  # nobody is known there
    assert [one.state for one in house.letters(REGISTRAR)] == ["contact needed"]
    assert case.after(start + span + hours(72) - minutes(2) - house.now) == []
    assert case.after(minutes(3)) == [(REGULATOR, [0])]
    assert case.after(hours(500)) == []
    assert [(one.step, one.round, bool(one.stopped_at)) for one in Rung.objects.order_by("pk")] == [
        ("upstream", 1, True),
        ("upstream", 2, False),
        ("registrar", 1, False),
        ("regulator", 1, False),
    ]


def test_what_seems_gone_and_is_there_after_all_is_overdue_again_and_managers_hear_of_it_once(
    house: "Day",
) -> None:
    """Of two that are overdue one is missed at a look: the worker's next round is like any other."""
    case = Case(house, 2)
    case.overdue()
    house.looked(case.removals[:1], status=404)
    assert house.fresh(case.removals)[0].status == removal_path.GONE_MAYBE
    case.sweeps()
    assert {row.status for row in house.fresh(case.removals)} == {removal_path.OVERDUE}
    (told,) = house.letters("ladder")
    assert sorted(told.lines.values_list("removal", flat=True)) == [row.pk for row in case.removals]
    assert len(house.letters("reminder")) == 1


def test_a_hold_on_one_address_keeps_it_out_and_the_others_go_on(house: "Day") -> None:
    case = Case(house, 2)
    case.overdue()
    house.later(case.notice.ladder_at + hours(1) - house.now)
    case.sweeps()
    case.hold(case.removals[:1])
    assert case.after(minutes(1)) == [(UPSTREAM, [1])]
    assert case.after(hours(71)) == [], "the registrar is not known"
    assert case.after(minutes(1)) == [(REGULATOR, [1])]
    case.said(words.GO_AHEAD, case.removals[:1])
    assert case.after(minutes(1)) == [(UPSTREAM, [0])]
    case.after(hours(23))
    assert case.after(hours(48)) == [(REGULATOR, [0])]


def test_a_hold_before_the_host_was_late_moves_the_whole_ladder(house: "Day") -> None:
    case = Case(house, 1)
    house.later(hours(1))
    case.hold(case.removals, until=house.now + hours(30))
    for _ in range(30):
        assert case.after(hours(1)) == []
    assert case.after(hours(3)) == []
    assert len(house.letters("reminder", "sent")) == 1
    late = case.notice.ladder_at + hours(30)
    assert case.after(late - minutes(1) - house.now) == []
    assert house.fresh(case.removals)[0].status == removal_path.NOTICED
    assert case.after(minutes(2)) == []
    assert house.fresh(case.removals)[0].status == removal_path.OVERDUE
    assert case.after(late + hours(1) - minutes(2) - house.now) == []
    assert case.after(minutes(3)) == [(UPSTREAM, [0])]


def test_what_went_while_it_was_held_is_not_taken_up(house: "Day") -> None:
    case = Case(house, 2)
    case.overdue()
    house.later(case.notice.ladder_at + hours(1) - house.now)
    case.sweeps()
    case.hold(case.removals)
    assert case.after(minutes(1)) == []
    house.missed_until_gone(house.fresh(case.removals[:1]))
    assert house.fresh(case.removals[:1])[0].status == removal_path.REMOVED
    case.said(words.GO_AHEAD, case.removals)
    assert case.after(minutes(1)) == [(UPSTREAM, [1])]


def test_nobody_has_to_be_found_for_what_is_gone(house: "Day") -> None:
    """The network above is not reached; while its letter waits for a contact, one address goes, then the other."""
    case = Case(house, reached=False)
    case.overdue()
    case.after(hours(1))
    assert [one.state for one in house.letters(UPSTREAM)] == ["contact needed"]
    house.missed_until_gone(case.removals[:1])
    ladder.climb(policy=house.policy, at=house.now)
    assert [one.state for one in house.letters(UPSTREAM)] == ["contact needed"], "one is still there"
    house.missed_until_gone(case.removals[1:])
    ladder.climb(policy=house.policy, at=house.now)
    (letter,) = house.letters(UPSTREAM)
    assert (letter.state, letter.why) == ("withdrawn", "Nothing of it is left to be acted on.")


def test_a_letter_whose_contact_fell_away_goes_to_the_next_one(house: "Day") -> None:
    case = Case(house, 1, reached=False)
    case.overdue()
    house.later(case.notice.ladder_at + hours(1) - house.now)
    case.sweeps()
    assert [one.state for one in house.letters(UPSTREAM)] == ["contact needed"]
    reach(house, case.above, "abuse@above.example")
    case.hold(case.removals)
    assert case.after(minutes(1)) == []
    contact.demote(Contact.objects.get(host=case.above), why="550", at=house.now)
    case.said(words.GO_AHEAD, case.removals)
    assert case.after(minutes(1)) == []
    reach(house, case.above, "noc@above.example")
    assert case.after(minutes(1)) == [(UPSTREAM, [0])]
    assert [one.recipient for one in house.letters(UPSTREAM, "sent")] == ["noc@above.example"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_any_order_each_address_climbs_once_and_by_its_own_time(house: "Day", seed: int) -> None:
    chance = random.Random(seed)
    case = Case(house, 3)
    case.overdue()
    after = {f"ladder-{one.key}": one.after for one in house.policy.ladder}
    ladder_at = case.notice.ladder_at
    spent = [house.now - ladder_at] * 3  # each address's own time on the ladder
    told: list[list[str]] = [[], [], []]
    held, gone, mail = set[int](), set[int](), 0
    for _ in range(24):
        one = chance.randrange(3)
        match chance.randrange(6):
            case 0 | 1:
                case.hold([case.removals[one]])  # a second time, too
                held.add(one)
            case 2 | 3 if one in held:
                case.said(words.GO_AHEAD, [case.removals[one]])
                held.discard(one)
            case 4 if len(gone) < 2 and one not in gone:
                Removal.objects.filter(pk=case.removals[one].pk).update(status=removal_path.REMOVED)
                gone.add(one)
            case 5:
                contact.retire(contact.best(case.above), why="x", by=house.who("P01"), at=house.now)
                mail += 1
                reach(house, case.above, f"noc{mail}@above.example")
            case _:
                pass
        wait = hours(chance.choice([1, 3, 6]))
        if chance.random() < 0.5:
            case.sweeps()  # a rung may be taken now and its letter meet what happens below
        before = house.now
        left = case.after(wait)
        for number in range(3):
            spent[number] += timedelta(0) if number in held else house.now - before
        now = [[kind for kind, of in left if number in of] for number in range(3)]
        for number, kinds in enumerate(now):
            assert len(kinds) <= 1
            assert not (kinds and number in held | gone)
            told[number] += kinds
            due = [kind for kind, time in after.items() if time <= spent[number]]
            if number not in held | gone:
                missing = [kind for kind in due if kind not in told[number] and kind != REGISTRAR]
                assert len(missing) <= 1, (number, spent[number], told[number])
            assert set(told[number]) <= set(due)
            assert len(set(told[number])) == len(told[number])
    assert sum(len(kinds) for kinds in told) >= 3
    assert not Letter.objects.filter(kind__startswith="ladder-", state="pending", lines=None).exists()
