"""What silence leads to, under each wording of an agreement; and how a hold placed on silence ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.records.models import Hold, Removal
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.steps import escalate, silence
from tests.journeys.cast import Day, hours


def under(house: Day, **changes: object) -> None:
    """The units' agreement says something else today."""
    one, *others = house.policy.agreements.versions
    house.agreed(replace(one, **changes), *others)


def silent_day(house: Day) -> list[Removal]:
    """A question was put and the unit has not answered in its two hours."""
    removals = house.traced(house.graded(house.public_report("http://img.example.net/s")))
    house.contact_verified(removals)
    house.asked()
    house.later(hours(2))
    assert escalate.police_silence(policy=house.policy, at=house.now) == 1
    return house.fresh(removals)


def entries(act: str) -> list[dict[str, object]]:
    read = [canonical.decode(bytes(entry)) for entry in Staged.objects.values_list("entry", flat=True)]
    return [entry for entry in read if entry["act"] == act]


def test_where_the_agreement_says_so_silence_is_a_go_ahead_and_the_entry_names_the_agreement(
    house: Day,
) -> None:
    under(house, silence="clear")
    (removal,) = silent_day(house)
    assert removal.status == "cleared"
    (entry,) = entries("removal.settle_silence")
    assert "authorise-first/2026.1" in str(entry["why"])
    assert entry["who"] == "machine:worker"
    (letter,) = house.letters("police-reminder")
    assert "counts as a go-ahead" in letter.text
    house.letters_leave()
    assert house.notices_sent() == 1
    assert escalate.police_silence(policy=house.policy, at=house.now) == 0, "nothing waits any more"


def test_the_unit_may_still_hold_what_its_silence_cleared(house: Day) -> None:
    under(house, silence="clear")
    (removal,) = silent_day(house)
    consultation = removal.consultation_lines.get().consultation
    house.answered(consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work")
    house.letters_leave()
    assert house.notices_sent() == 0
    assert house.fresh([removal])[0].status == "held"


def test_where_the_agreement_says_so_silence_is_a_hold_that_is_looked_at_again(house: Day) -> None:
    under(house, silence="hold")
    (removal,) = silent_day(house)
    assert removal.status == "held"
    hold = Hold.objects.get()
    assert (hold.silent_on, hold.until) == (removal.consultation_lines.get().consultation, None)
    house.later(hours(71))
    assert escalate.hold_reviews(policy=house.policy, at=house.now) == 0
    house.later(hours(1))
    assert escalate.hold_reviews(policy=house.policy, at=house.now) == 1
    escalate.hold_reviews(policy=house.policy, at=house.now)
    assert len(house.letters("silence-review")) == 1, "the managers are told once"
    assert len(house.letters("hold-review")) == 1, "and the unit is asked once more"


def test_two_people_end_a_hold_that_silence_placed(house: Day) -> None:
    under(house, silence="hold")
    (removal,) = silent_day(house)
    consultation = removal.consultation_lines.get().consultation
    proposal = silence.propose(
        consultation, clear=True, why="they rang: go", by=house.who("P01"), at=house.now
    )
    silence.confirm(proposal, by=house.who("L01"), at=house.now, policy=house.policy)
    assert house.fresh([removal])[0].status == "cleared"
    assert not Hold.objects.filter(released_at=None).exists()


def test_the_unit_ends_it_with_an_answer(house: Day) -> None:
    under(house, silence="hold")
    (removal,) = silent_day(house)
    house.answered(removal.consultation_lines.get().consultation, words.GO_AHEAD)
    assert house.fresh([removal])[0].status == "cleared"
    assert not Hold.objects.filter(released_at=None).exists()


def test_a_hold_two_people_placed_on_silence_has_its_review_letter_too(house: Day) -> None:
    (removal,) = silent_day(house)
    consultation = removal.consultation_lines.get().consultation
    proposal = silence.propose(
        consultation, clear=False, why="wait for them", by=house.who("P01"), at=house.now
    )
    silence.confirm(proposal, by=house.who("L01"), at=house.now, policy=house.policy)
    house.later(hours(72))
    assert escalate.hold_reviews(policy=house.policy, at=house.now) == 1
    again = silence.propose(consultation, clear=False, why="still waiting", by=house.who("L01"), at=house.now)
    silence.confirm(again, by=house.who("P01"), at=house.now, policy=house.policy)
    assert Hold.objects.get(released_at=None).review_at == house.now + hours(72)


def test_a_proposal_can_be_taken_back_and_another_made(house: Day) -> None:
    (removal,) = silent_day(house)
    consultation = removal.consultation_lines.get().consultation
    first = silence.propose(consultation, clear=True, why="too early", by=house.who("P01"), at=house.now)
    silence.withdraw(first, by=house.who("P01"), at=house.now)
    assert entries("silence.withdrawn")
    with pytest.raises(Refused, match="settled already"):
        silence.confirm(first, by=house.who("L01"), at=house.now, policy=house.policy)
    assert house.fresh([removal])[0].status == "silent"
    second = silence.propose(consultation, clear=False, why="hold instead", by=house.who("P01"), at=house.now)
    silence.confirm(second, by=house.who("L01"), at=house.now, policy=house.policy)
    assert house.fresh([removal])[0].status == "held"


def test_where_people_decide_the_machine_does_not(house: Day) -> None:
    (removal,) = silent_day(house)
    consultation = removal.consultation_lines.get().consultation
    with pytest.raises(Refused, match="leaves silence to people"):
        silence.as_agreed(
            consultation, [removal], agreement=house.policy.agreements.standing(house.now), at=house.now
        )


def test_the_hosts_clocks_are_those_of_the_agreement_the_question_was_under(house: Day) -> None:
    first, together = house.policy.agreements.versions
    slow = replace(together, host_target=timedelta(hours=6), host_ladder=timedelta(hours=30))
    house.agreed(first, slow)
    removals = house.traced(
        house.graded(house.public_report("http://up.example.com/s")),
        ("Quay Data", 64501, "192.0.2.180", "GB"),
    )
    house.contact_verified(removals)
    house.asked()
    house.letters_leave()
    (removal,) = house.fresh(removals)
    assert removal.due_at == removal.t5_sent + timedelta(hours=6)
    house.later(hours(6))
    escalate.host_clocks(policy=house.policy, at=house.now)
    (removal,) = house.fresh(removals)
    assert (removal.clock, removal.due_at) == ("ladder", removal.t5_sent + timedelta(hours=30))
