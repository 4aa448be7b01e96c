"""A hold is on the content: it comes up for review, follows where the content goes, and one never ends another's."""

from datetime import timedelta

import pytest

from openhotline.jobs.sweep import sweep
from openhotline.outbox.models import Letter
from openhotline.records.models import Consultation, Hold, Removal, Unit
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.steps import answer, consult
from tests.journeys.cast import CANAL_HOST, NORTH_RACK, QUAY_DATA, Day, hours, minutes

REASON = "covert work"


def asked(house: Day, where: tuple[str, int, str, str] = NORTH_RACK) -> tuple[Consultation, list[Removal]]:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")), where)
    house.contact_verified(removals)
    return house.asked(), removals


def held_now() -> list[tuple[int, str]]:
    """(episode, the unit that holds it) of every hold that stands."""
    rows = Hold.objects.filter(released_at=None).order_by("pk")
    return list(rows.values_list("removal__episode", "answer__consultation__unit__key"))


def turn(house: Day, count: int, step: timedelta) -> None:
    for _ in range(count):
        house.later(step)
        sweep(policy=house.policy, at=house.now, strict=True)


def test_a_hold_with_an_end_far_away_is_reviewed_as_often_as_was_agreed(house: Day) -> None:
    question, _ = asked(house)
    house.answered(question, words.GO_AHEAD_AFTER, until=house.now + timedelta(days=20), reason=REASON)
    turn(house, 71, hours(1))
    assert house.letters("hold-review") == []
    turn(house, 2, hours(1))
    assert len(house.letters("hold-review")) == 1, "after 72 hours the unit is asked whether it must stand"


def test_a_hold_that_nobody_looks_at_again_is_no_way_to_be_forgotten(house: Day) -> None:
    """The unit says nothing at the review: it is asked again each three days, and the managers hear of it."""
    question, removals = asked(house)
    house.answered(question, words.HOLD, review_at=house.now + hours(24), reason=REASON)
    turn(house, 4, hours(24))
    assert (len(house.letters("hold-review")), len(house.letters("hold-unheard"))) == (2, 1)
    assert house.letters("hold-unheard")[0].recipient == house.policy.managers_mail
    turn(house, 3, hours(24))
    assert (len(house.letters("hold-review")), len(house.letters("hold-unheard"))) == (3, 2)
    house.missed_until_gone(removals)
    turn(house, 6, hours(24))
    assert len(house.letters("hold-unheard")) == 2, "what is gone needs no answer"


def test_a_hold_said_after_it_had_moved_holds_it_where_it_is_now(house: Day) -> None:
    """The officer answers the question they were asked; meanwhile the content went abroad."""
    question, (before,) = asked(house)
    house.later(minutes(30))
    house.traced(house.again([before.item]), CANAL_HOST)
    house.answered(question, words.HOLD, review_at=house.now + hours(20), reason=REASON)
    house.answered(question, words.HOLD, review_at=house.now + hours(30), reason=REASON)
    assert held_now() == [(2, "NU")], "once, however often it is said"
    turn(house, 3, minutes(20))
    house.letters_leave()
    assert not Letter.objects.filter(kind="referral", state="sent").exists()
    house.answered(question, words.GO_AHEAD)
    assert held_now() == []
    house.letters_leave()
    assert Letter.objects.filter(kind="referral", state="sent").count() == 1


def test_a_hold_stands_on_what_comes_back_while_it_stands(house: Day) -> None:
    """Under an agreement that only tells, the notice would otherwise leave as soon as it is seen again."""
    question, removals = asked(house, QUAY_DATA)
    house.answered(question, words.HOLD, review_at=house.now + hours(60), reason=REASON)
    house.missed_until_gone(removals)
    house.later(timedelta(days=1))
    house.looked(removals)
    assert held_now() == [(2, "EU")]
    turn(house, 3, minutes(20))
    house.letters_leave()
    assert house.notices_sent() == 0


def test_the_end_of_one_hold_leaves_the_other_standing(house: Day) -> None:
    """Two units hold the same content; the first one's hold ends as its answer said."""
    question, (before,) = asked(house, QUAY_DATA)
    end = house.now + hours(5)
    house.answered(question, words.GO_AHEAD_AFTER, until=end, reason=REASON)
    house.later(minutes(30))
    house.traced(house.again([before.item]), NORTH_RACK)
    house.later(hours(1))
    turn(house, 1, hours(1))
    house.traced(house.again([before.item]), NORTH_RACK)
    (second,) = consult.ask_due(policy=house.policy, at=house.now) or Consultation.objects.exclude(
        pk=question.pk
    )
    house.answered(second, words.HOLD, review_at=house.now + hours(20), reason=REASON)
    assert sorted(unit for _, unit in held_now()) == ["EU", "NU"]
    house.now = end
    turn(house, 1, minutes(1))
    now = Removal.objects.get(episode=2)
    assert (now.status, now.clock) == ("held", "hold review") and held_now() == [(2, "NU")]
    house.answered(second, words.GO_AHEAD)
    assert Removal.objects.get(episode=2).status == "cleared"


def test_an_answer_comes_too_late_for_a_question_that_was_taken_back_meanwhile(house: Day) -> None:
    """The officer's page was open when the question was taken back; what it still believes does not count."""
    question, _ = asked(house)
    house.answered(question, words.PASS_ON, pass_to=Unit.objects.get(key="EU"))
    open_page = Consultation.objects.get(passed_from=question)
    Consultation.objects.filter(pk=open_page.pk).update(withdrawn_at=house.now)
    with pytest.raises(Refused, match="took it back"):
        answer.record(
            open_page, kind=words.GO_AHEAD, by=house.officer_of(open_page), at=house.now, policy=house.policy
        )
