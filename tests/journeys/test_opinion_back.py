"""An opinion can be taken back for half a minute by whoever gave it; nothing has left the house by then."""

from datetime import timedelta

import pytest

from openhotline.outbox import claims
from openhotline.outbox.models import Letter
from openhotline.records.models import Assessment, Item, ReceiptPhase
from openhotline.rules import words
from openhotline.rules.opinion import BACK_WITHIN, Opinion
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import close, retract
from tests.journeys.cast import Day, hours
from tests.journeys.test_entries import acts

NOT_ILLEGAL = Opinion(words.NOT_ILLEGAL)


def taken_back(house: Day, item: Item, name: str) -> Item:
    opinion = Assessment.objects.filter(item=item, by=house.people[name]).latest("pk")
    return retract.retract(opinion, by=house.who(name), at=house.now, policy=house.policy)


def wishes(house: Day) -> list[Letter]:
    """What the prober may be asked now."""
    return claims.claim("prober", at=house.now, by=MACHINE_WORKER, kinds=("trace",))


def test_the_second_reader_takes_it_back_another_one_reads_blind_and_one_wish_leaves(house: Day) -> None:
    (item,) = house.public_report("https://img.example.net/a/1")
    house.graded([item])
    due = Item.objects.get().graded_at + house.policy.clocks.second_reader
    house.later(BACK_WITHIN - timedelta(seconds=1))
    assert wishes(house) == [], "nothing is traced while it can be taken back"
    item = taken_back(house, item, "A12")
    assert (item.status, item.graded_at, item.category, item.due_at) == ("graded once", None, "", due)
    assert acts().count("item.undo") == 1
    assert acts().count("item.second") == 1, "both entries stay"
    house.later(BACK_WITHIN)
    assert wishes(house) == []
    other = Opinion(words.ILLEGAL, words.CHILD_SEXUAL_ABUSE, "A", "infant", files=1)
    with pytest.raises(Refused, match="Somebody else has to be the second reader"):
        house.graded([item], by=("A12",), opinion=other)  # they have seen whether the two agree
    assert house.graded([item], by=("L01",))[0].status == "graded"
    house.later(BACK_WITHIN)
    assert len(wishes(house)) == 1


@pytest.mark.parametrize(
    ("opinion", "where"),
    [
        (None, "graded once"),
        (NOT_ILLEGAL, "not illegal"),
        (Opinion(words.OUT_OF_REMIT), "out of remit"),
        (Opinion(words.UNREACHABLE, reason="site down"), "unreachable"),
    ],
)
def test_a_first_opinion_of_any_kind_is_taken_back_and_the_clock_that_ran_goes_on(
    house: Day, opinion: Opinion | None, where: str
) -> None:
    (item,) = house.public_report("https://img.example.net/a/1")
    due = item.due_at
    house.later(hours(1))
    (item,) = house.graded([item], by=("A07",), opinion=opinion)
    assert item.status == where
    house.later(BACK_WITHIN)
    item = taken_back(house, item, "A07")
    assert (item.status, item.due_at, item.retries) == ("assessing", due, 0)
    (item,) = house.graded([item], by=("A07",), opinion=NOT_ILLEGAL)
    assert item.status == "not illegal", "the same person gives it anew"
    assert Assessment.objects.filter(undone_at=None).count() == 1


def test_not_by_others_not_later_and_not_under_a_later_opinion(house: Day) -> None:
    (item,) = house.public_report("https://img.example.net/a/1")
    (item,) = house.graded([item])
    first, second = Assessment.objects.order_by("pk")
    what = {"at": house.now, "policy": house.policy}
    with pytest.raises(NotPermitted):
        retract.retract(second, by=house.who("A07"), **what)
    with pytest.raises(Refused, match="a colleague's opinion stands on it"):
        retract.retract(first, by=house.who("A07"), **what)
    taken_back(house, item, "A12")
    with pytest.raises(Refused, match="taken back already"):
        retract.retract(second, by=house.who("A12"), **what)
    retract.retract(first, by=house.who("A07"), **what)
    (item,) = house.graded([item], by=("A07",))
    house.later(BACK_WITHIN + timedelta(seconds=1))
    with pytest.raises(Refused, match="Tell the lead"):
        taken_back(house, item, "A07")
    assert not retract.open_to(house.people["A07"].pk, at=house.now).exists()


def test_a_reporter_is_told_nothing_that_can_still_be_taken_back(house: Day) -> None:
    items = house.public_report("http://plain.example.net/1", receipt_hash="cd" * 32, follow="code")
    house.later(timedelta(days=8))
    house.graded(items, by=("A07",), opinion=NOT_ILLEGAL)
    house.later(BACK_WITHIN - timedelta(seconds=1))
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get().phase == words.IN_PROGRESS
    house.later(timedelta(seconds=1))
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get().phase == words.CLOSED_PHASE
