"""What waits for ever keeps nobody else waiting, and what can never be reached comes to an end."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openhotline.records.models import Item, ReceiptPhase, Report
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.steps import assess, close, escalate
from tests.journeys.cast import Day, hours

LAWFUL = Opinion(words.NOT_ILLEGAL, seconds=9)
DOWN = Opinion(words.UNREACHABLE, reason="site down")


def phase(number: int) -> str:
    return ReceiptPhase.objects.get(receipt_hash=f"{number:064x}").phase


def receipts(house: Day, count: int) -> list[list[Item]]:
    """So many reporters with seven words each, and an item each."""
    return [
        house.public_report(f"http://img.example.net/{n}", receipt_hash=f"{n:064x}", follow="code")
        for n in range(1, count + 1)
    ]


def test_old_reports_that_still_wait_do_not_keep_newer_ones_from_their_answer(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close, "TURN", 2)
    *waiting, last = receipts(house, 5)
    assert len(waiting) == 4
    house.graded(last, by=("A07",), opinion=LAWFUL)
    house.later(timedelta(days=8))
    for _ in range(2):
        close.answer_reports(at=house.now)
        assert phase(5) == words.RECEIVED, "not its turn yet"
    close.answer_reports(at=house.now)
    assert phase(5) == words.CLOSED_PHASE
    assert Report.objects.filter(status="answered").count() == 1
    house.graded(waiting[0], by=("A07",), opinion=LAWFUL)
    house.later(timedelta(minutes=1))  # half a minute to take the opinion back
    close.answer_reports(at=house.now)
    assert phase(1) == words.CLOSED_PHASE, "around and around"


def test_a_reporter_who_waits_for_a_mail_only_is_answered_too(house: Day) -> None:
    items = house.public_report("http://img.example.net/m", mail="name@example.org", follow="mail")
    house.graded(items, by=("A07",), opinion=LAWFUL)
    house.later(timedelta(days=8))
    assert close.answer_reports(at=house.now) == 1
    assert len(house.letters("reporter-answer")) == 1
    assert close.answer_reports(at=house.now) == 0


def unreachable(house: Day, items: list[Item]) -> Item:
    house.graded(items, by=("A07",), opinion=DOWN)
    (item,) = house.again(items)
    assert item.status == "unreachable"
    return item


def test_what_cannot_be_reached_at_any_try_rests_and_its_reporter_is_told(house: Day) -> None:
    (items,) = receipts(house, 1)
    for wait in house.policy.clocks.retry:
        item = unreachable(house, items)
        assert item.due_at == house.now + wait
        close.answer_reports(at=house.now)
        assert phase(1) == words.IN_PROGRESS
        house.later(wait)
        assert assess.retry_unreachable(at=house.now, policy=house.policy) == 1
    assert unreachable(house, items).due_at is None
    house.later(timedelta(days=30))
    assert assess.retry_unreachable(at=house.now, policy=house.policy) == 0
    assert close.answer_reports(at=house.now) == 2
    assert phase(1) == words.CLOSED_PHASE

    house.public_report("http://img.example.net/1")
    (item,) = house.again(items)
    assert (item.status, item.retries) == ("received", 0), "reported again, it comes back with all its tries"


def test_a_question_that_will_never_be_answered_is_not_looked_at_for_ever(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/q")))
    house.contact_verified(removals)
    house.asked()
    for _ in range(3):
        house.later(hours(24))
        assert escalate.police_silence(policy=house.policy, at=house.now) == 1
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert escalate.police_silence(policy=house.policy, at=house.now) == 0
    assert len(asked) == 1
