"""Passed to another unit, and back: the new unit is asked, on its clock, and no silence goes unheard."""

from datetime import timedelta

import pytest

from openhotline.jobs.sweep import sweep
from openhotline.records.models import Answer, Consultation, Hold, Removal, Unit
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.steps import answer, undo
from tests.journeys.cast import NORTH_RACK, QUAY_DATA, Day, hours, minutes

REASON = "covert work"
SOON = timedelta(seconds=20)


def give(house: Day, asked: Consultation, kind: str, **more: object) -> Answer:
    return answer.record(
        Consultation.objects.get(pk=asked.pk),
        kind=kind,
        by=house.officer_of(asked),
        at=house.now,
        policy=house.policy,
        **more,
    )


def pass_on(house: Day, asked: Consultation, to: str) -> Consultation:
    give(house, asked, words.PASS_ON, pass_to=Unit.objects.get(key=to))
    return Consultation.objects.get(passed_from=asked)


def said_before(house: Day, said: str) -> Consultation:
    """One address, asked about or told of, and what the first unit had said of it."""
    removals = house.traced(
        house.graded(house.public_report("http://img.example.net/1")),
        QUAY_DATA if said == "told" else NORTH_RACK,
    )
    house.contact_verified(removals)
    first = house.asked()
    if said == "held":
        give(house, first, words.HOLD, review_at=house.now + hours(5), reason=REASON)
    elif said == "cleared":
        give(house, first, words.GO_AHEAD)
    return first


@pytest.mark.parametrize("said", ["asked", "held", "cleared", "told"])
def test_a_question_passed_on_is_asked_reminded_of_and_waited_for(house: Day, said: str) -> None:
    """Also by a unit that had decided, or to one whose own agreement only tells: nothing of it waits unheard."""
    first = said_before(house, said)
    house.later(SOON)
    second = pass_on(house, first, "NU" if said == "told" else "EU")
    assert second.asks and Removal.objects.get().status == "asked"
    for _ in range(26):
        house.later(hours(1))
        sweep(policy=house.policy, at=house.now, strict=True)
    assert Removal.objects.get().status == "silent" and house.notices_sent() == 0
    for kind in ("police-question", "police-reminder", "police-escalation", "police-managers"):
        assert [letter.number for letter in house.letters(kind)][-1:] == [second.number], kind
    give(house, second, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1


@pytest.mark.parametrize("said", ["asked", "held", "cleared", "told"])
def test_passing_it_on_is_taken_back_and_all_stands_as_before(house: Day, said: str) -> None:
    first = said_before(house, said)
    (before,) = Removal.objects.all()
    held = list(Hold.objects.filter(released_at=None).values_list("review_at", flat=True))
    house.later(SOON)
    pass_on(house, first, "NU" if said == "told" else "EU")
    house.later(SOON)
    given = Answer.objects.get(kind=words.PASS_ON)
    undo.undo(given, by=house.officer_of(first), at=house.now)
    (after,) = Removal.objects.all()
    assert (after.status, after.clock, after.due_at) == (before.status, before.clock, before.due_at)
    assert list(Hold.objects.filter(released_at=None).values_list("review_at", flat=True)) == held
    house.letters_leave()
    assert house.notices_sent() == (said in ("cleared", "told"))


def test_what_the_other_unit_has_answered_meanwhile_is_not_taken_from_it(house: Day) -> None:
    """Else its hold would stand, and neither of the two could end it."""
    first = said_before(house, "asked")
    second = pass_on(house, first, "EU")
    house.later(SOON)
    give(house, second, words.HOLD, review_at=house.now + hours(5), reason=REASON)
    given = Answer.objects.get(kind=words.PASS_ON)
    with pytest.raises(Refused, match="has answered already"):
        undo.undo(given, by=house.officer_of(first), at=house.now)
    house.later(minutes(5))
    give(house, second, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1


def test_a_clock_that_runs_is_not_longer_for_being_passed_around(house: Day) -> None:
    first = said_before(house, "asked")
    began = house.now
    house.later(minutes(100))
    third = pass_on(house, pass_on(house, first, "EU"), "NU")
    assert third.due_at == first.due_at
    while house.now < began + hours(9):
        house.later(minutes(10))
        sweep(policy=house.policy, at=house.now, strict=True)
    agreement = house.policy.agreements.covering(third.agreement, third.agreement_version)
    (escalated,) = house.letters("police-escalation")
    assert escalated.put_at - began == agreement.escalate
