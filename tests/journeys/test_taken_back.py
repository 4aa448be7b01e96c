"""An answer can be taken back for a minute; what would leave on it waits as long. And a go-ahead may run out."""

from datetime import timedelta

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.outbox.models import Letter
from openhotline.records.models import Answer, Consultation, Hold, Removal, Unit
from openhotline.rules import words
from openhotline.rules.agreement import UNDO_WITHIN
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import answer, consult, escalate, undo
from tests.journeys.cast import QUAY_DATA, Day, hours, minutes

SOON = timedelta(seconds=30)


def asked(house: Day, *lines: str, where: tuple = ()) -> tuple[Consultation, list[Removal]]:
    removals = house.traced(
        house.graded(house.public_report(*(lines or ("http://img.example.net/u",)))), *where
    )
    house.contact_verified(removals)
    return house.asked(), house.fresh(removals)


def give(house: Day, consultation: Consultation, kind: str, **more: object) -> Answer:
    return answer.record(
        consultation, kind=kind, by=house.officer_of(consultation), at=house.now, policy=house.policy, **more
    )


def back(house: Day, given: Answer) -> None:
    undo.undo(given, by=house.officer_of(given.consultation), at=house.now)


def test_a_go_ahead_waits_its_minute_and_taken_back_it_never_leaves(house: Day) -> None:
    consultation, removals = asked(house)
    (before,) = removals
    given = give(house, consultation, words.GO_AHEAD, reference="NU 1")
    assert Letter.objects.get(kind="notice").due_at == house.now + UNDO_WITHIN
    house.later(SOON)
    back(house, given)
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.clock, removal.due_at) == ("asked", "police answer", before.due_at)
    assert removal.t4_answered is None, "nobody has answered"
    house.later(minutes(5))
    house.letters_leave()
    assert house.notices_sent() == 0
    given.refresh_from_db()
    assert (given.kind, given.reference, given.clears) == ("go-ahead", "NU 1", True), (
        "the row is never rewritten"
    )
    consultation.refresh_from_db()
    assert consultation.answered_at is None
    house.later(hours(2))
    assert escalate.police_silence(policy=house.policy, at=house.now) == 1, "its clock ran on"
    acts = [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]
    assert {"removal.answer", "removal.undo"} <= set(acts), "both stay"


def test_the_second_answer_after_an_undo_is_the_one_that_counts(house: Day) -> None:
    consultation, removals = asked(house)
    back(house, give(house, consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work"))
    assert not Hold.objects.filter(released_at=None).exists()
    house.later(SOON)
    give(house, consultation, words.GO_AHEAD)
    house.letters_leave()
    assert house.fresh(removals)[0].status == "noticed"
    assert house.fresh(removals)[0].t4_answered == Answer.objects.latest("pk").at


def test_after_the_minute_only_another_answer_helps(house: Day) -> None:
    consultation, _ = asked(house)
    given = give(house, consultation, words.GO_AHEAD)
    house.later(UNDO_WITHIN + timedelta(seconds=1))
    with pytest.raises(Refused, match="minute to take it back is over"):
        back(house, given)


def test_only_the_unit_and_only_the_latest_answer_and_only_once(house: Day) -> None:
    consultation, _ = asked(house)
    first = give(house, consultation, words.GO_AHEAD)
    with pytest.raises(NotPermitted):
        undo.undo(first, by=house.people["officer EU"].actor(), at=house.now)
    second = give(house, consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work")
    with pytest.raises(Refused, match="later answer"):
        back(house, first)
    back(house, second)
    back(house, first)
    with pytest.raises(Refused, match="taken back already"):
        back(house, first)
    assert consultation.answers.count() == 2


def test_a_hold_that_a_go_ahead_ended_stands_again_as_it_was(house: Day) -> None:
    consultation, removals = asked(house)
    give(house, consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work")
    hold = Hold.objects.get()
    house.later(hours(1))
    back(house, give(house, consultation, words.GO_AHEAD))
    stands = Hold.objects.get(released_at=None)
    assert (stands.answer_id, stands.placed_at, stands.review_at) == (
        hold.answer_id,
        hold.placed_at,
        hold.review_at,
    )
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.due_at) == ("held", hold.review_at)
    house.later(minutes(5))
    house.letters_leave()
    assert house.notices_sent() == 0


def test_a_hold_after_clearance_taken_back_lets_the_notice_leave(house: Day) -> None:
    consultation, removals = asked(house)
    give(house, consultation, words.GO_AHEAD)
    house.later(SOON)
    back(house, give(house, consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work"))
    assert house.fresh(removals)[0].status == "cleared"
    house.letters_leave()
    assert house.notices_sent() == 1


def test_a_hold_on_what_the_host_has_taken_back_gives_its_clock_back(house: Day) -> None:
    consultation, removals = asked(house)
    give(house, consultation, words.GO_AHEAD)
    house.letters_leave()
    (before,) = house.fresh(removals)
    house.later(minutes(10))
    back(house, give(house, consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work"))
    (after,) = house.fresh(removals)
    assert (after.status, after.clock, after.due_at) == ("noticed", "host target", before.due_at)
    assert not Hold.objects.filter(released_at=None).exists()


def test_a_question_passed_on_is_taken_back_before_the_other_unit_is_written_to(house: Day) -> None:
    consultation, removals = asked(house)
    given = give(house, consultation, words.PASS_ON, pass_to=Unit.objects.get(key="AU"))
    passed = Consultation.objects.get(passed_from=consultation)
    house.later(SOON)
    back(house, given)
    passed.refresh_from_db()
    assert passed.withdrawn_at == house.now
    house.later(minutes(2))
    house.letters_leave()
    assert house.letters("police-question", "sent") == [house.letters("police-question")[0]]
    with pytest.raises(Refused, match="took it back"):
        answer.record(
            passed, kind=words.GO_AHEAD, by=house.officer_of(passed), at=house.now, policy=house.policy
        )
    give(house, consultation, words.GO_AHEAD)
    assert house.fresh(removals)[0].status == "cleared", "it is the first unit's again"


def test_one_answer_for_some_is_taken_back_for_those_alone(house: Day) -> None:
    consultation, removals = asked(house, "http://img.example.net/1", "http://img.example.net/2")
    give(house, consultation, words.GO_AHEAD, removals=removals[:1])
    back(house, give(house, consultation, words.NO_INTEREST, removals=removals[1:]))
    assert [removal.status for removal in house.fresh(removals)] == ["cleared", "asked"]
    consultation.refresh_from_db()
    assert consultation.answered_at is None


def test_what_is_gone_meanwhile_stays_gone(house: Day) -> None:
    consultation, removals = asked(house)
    given = give(house, consultation, words.GO_AHEAD)
    Removal.objects.filter(pk=removals[0].pk).update(status="gone before notice")
    back(house, given)
    assert house.fresh(removals)[0].status == "gone before notice"


def test_a_go_ahead_that_runs_out_before_the_notice_left_is_asked_for_again(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/v")))
    consultation = house.asked()  # nobody has verified the host's contact: the notice cannot leave yet
    give(house, consultation, words.GO_AHEAD, valid_until=house.now + hours(3))
    house.later(hours(2))
    assert consult.ask_expired(policy=house.policy, at=house.now) == []
    house.later(hours(1))
    (again,) = consult.ask_expired(policy=house.policy, at=house.now)
    assert again.unit == consultation.unit
    assert house.fresh(removals)[0].status == "asked"
    house.contact_verified(removals)
    house.letters_leave()
    assert house.notices_sent() == 0, "no notice without a valid covering answer"
    give(house, again, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1


def test_a_notice_does_not_leave_on_a_go_ahead_that_ran_out_a_moment_ago(house: Day) -> None:
    consultation, removals = asked(house)
    give(house, consultation, words.GO_AHEAD, valid_until=house.now + minutes(30))
    house.later(minutes(31))
    house.letters_leave()
    assert house.notices_sent() == 0
    assert house.fresh(removals)[0].status == "cleared"
    with pytest.raises(Refused, match="Only a go-ahead can run out"):
        give(
            house,
            consultation,
            words.HOLD,
            review_at=house.now + hours(1),
            reason="covert work",
            valid_until=house.now + hours(2),
        )


def test_the_unit_is_told_at_once_when_it_is_gone_or_moves_while_it_waits(house: Day) -> None:
    consultation, removals = asked(house, "http://img.example.net/1", "http://img.example.net/2")
    house.traced([removals[0].item], QUAY_DATA)
    assert [letter.recipient for letter in house.letters("police-moved")] == [consultation.unit.mail]
    house.missed_until_gone(removals[1:])
    assert [letter.number for letter in house.letters("police-gone")] == [consultation.number]
