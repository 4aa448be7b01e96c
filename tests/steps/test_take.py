"""An item is one person's for half an hour: not two people's, and not for ever."""

from collections.abc import Sequence

import pytest

from openhotline.records.models import Item
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import assess
from tests.journeys.cast import Day, minutes


@pytest.fixture
def house(db: None) -> Day:
    return Day()


def take(house: Day, items: list[Item], who: str) -> list[Item]:
    return assess.take(items, by=house.who(who), at=house.now, policy=house.policy)


def test_of_two_second_readers_who_take_it_at_the_same_moment_one_has_it(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = house.graded(house.public_report("http://img.example.net/1"), by=("A07",))
    note, colleague = assess.note, house.people["L01"]

    def meanwhile(seen: Sequence[Item], act: str, **more: object) -> None:
        later = house.now + minutes(30)
        Item.objects.filter(pk=items[0].pk).update(locked_by=colleague, locked_until=later)
        note(seen, act, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(assess, "note", meanwhile)
    with pytest.raises(Refused, match="at the same moment"):
        take(house, items, "A12")


def test_what_was_taken_and_left_is_free_after_half_an_hour_and_not_before(house: Day) -> None:
    items = house.public_report("http://img.example.net/1")
    take(house, items, "A07")
    house.later(minutes(29))
    assert assess.free_locks(by=MACHINE_WORKER, at=house.now) == 0
    with pytest.raises(Refused, match="is with a colleague until"):
        take(house, list(Item.objects.all()), "A12")
    house.later(minutes(1))
    assert assess.free_locks(by=MACHINE_WORKER, at=house.now) == 1
    assert Item.objects.get().status == "received"
    take(house, list(Item.objects.all()), "A12")
