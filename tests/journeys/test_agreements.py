"""Agreements are dated, what was asked under one keeps its clocks, and a year is reported for both sides."""

from dataclasses import replace

from openhotline.records.models import Consultation, Unit
from openhotline.rules import words
from openhotline.rules.agreement_words import lines
from openhotline.statistics import agreements
from openhotline.steps import answer, escalate, tell, undo
from tests.journeys.cast import Day, hours, minutes


def test_an_agreement_reads_as_sentences_with_nothing_left_out(house: Day) -> None:
    for one in house.policy.agreements.versions:
        read = dict(lines(one))
        assert all(sentence.endswith(".") for heading, sentence in read.items() if heading != "Version")
        assert {
            "Order",
            "Answer",
            "Silence",
            "Holds",
            "Calendar",
            "Preservation",
            "Evidence",
            "Feedback",
        } <= set(read)


def test_the_yearly_report_counts_both_sides(house: Day) -> None:
    def asked(n: int):
        removals = house.traced(house.graded(house.public_report(f"http://img{n}.example.net/1")))
        if n == 1:
            house.contact_verified(removals)
        return house.asked()

    prompt = asked(1)
    house.later(minutes(20))
    house.answered(prompt, words.EVIDENCE_WANTED)
    house.letters_leave()
    late = asked(2)
    house.later(hours(3))
    escalate.police_silence(policy=house.policy, at=house.now)
    given = answer.record(
        late, kind=words.GO_AHEAD, by=house.officer_of(late), at=house.now, policy=house.policy
    )
    undo.undo(given, by=house.officer_of(late), at=house.now)
    house.later(minutes(1))
    house.answered(late, words.HOLD, review_at=house.now + hours(10), reason="covert work")
    house.later(hours(2))
    (kept,) = agreements.report(2026, policy=house.policy, at=house.now)
    assert (kept.agreement, kept.questions, kept.addresses) == ("authorise-first", 2, 2)
    assert (kept.answered, kept.answered_in_time, kept.rung, kept.escalated) == (2, 1, 1, 0)
    assert (kept.median_answer, kept.p90_answer) == (20, 181)
    assert kept.answers == {"evidence-wanted": 1, "hold": 1}
    assert (kept.taken_back, kept.holds, kept.holds_open, kept.longest_hold) == (1, 1, 1, 120)
    assert (kept.evidence_wanted, kept.statements_wanted, kept.notices_under_hold) == (1, 0, 0)
    assert kept.median_asking == 10, "a bundle waits ten minutes"
    unit, hotline = agreements.sides(kept)
    assert unit.finding == "The unit answered in the agreed time: 1 of 2 questions"
    assert dict(unit.rows)["Time to answer"] == "half within 20 min, nine in ten within 3 h 1 min"
    assert dict(unit.rows)["Holds"] == "on 1 address, 1 still running; the longest lasted 2 h"
    assert dict(hotline.rows)["Notices that left under a hold"] == "none"
    assert agreements.report(2025, policy=house.policy, at=house.now) == []


def test_what_was_owed_and_never_done_counts_in_the_yearly_report(house: Day) -> None:
    """One question answered in time, one never; evidence wanted and not handed over; a letter that is late."""
    removals = house.traced(house.graded(house.public_report("http://img1.example.net/1")))
    house.answered(house.asked(), words.EVIDENCE_WANTED)
    house.traced(house.graded(house.public_report("http://img2.example.net/1")))
    house.asked()
    (kept,) = agreements.report(2026, policy=house.policy, at=house.now)
    assert (kept.answers_due, kept.handed_over_due) == (1, 0), "the second one's time runs, and so does ours"
    house.later(hours(2))
    escalate.police_silence(policy=house.policy, at=house.now)
    tell.police(removals, "moved", at=house.now)
    house.later(hours(72))
    (kept,) = agreements.report(2026, policy=house.policy, at=house.now)
    unit, hotline = agreements.sides(kept)
    assert unit.finding == "The unit answered in the agreed time: 1 of 2 questions"
    assert dict(unit.rows)["Past their time, without an answer"] == "1"
    assert dict(hotline.rows)["Of these with an outcome in the agreed time"] == "0 of 1"
    assert hotline.finding == "The hotline told what became of it in the agreed time: 0 of 1 times"


def test_a_unit_reads_how_its_own_questions_went_and_no_neighbours(house: Day) -> None:
    house.traced(house.graded(house.public_report("http://img.example.net/1")))
    mine = house.asked().unit
    other = Unit.objects.exclude(pk=mine.pk)[0]
    (kept,) = agreements.report(2026, policy=house.policy, at=house.now, unit=mine.pk)
    assert kept.questions == 1
    assert agreements.report(2026, policy=house.policy, at=house.now, unit=other.pk) == []


def test_what_an_agreement_does_not_cover_is_asked_about_first(house: Day) -> None:
    """The unit's own agreement would have told it and sent the notice at once; this class is not in it."""
    first, together = house.policy.agreements.versions
    narrow = replace(together, classes=(words.NON_PHOTOGRAPHIC,))
    house.agreed(first, narrow)
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.contact_verified(removals)
    Unit.objects.update(agreement=narrow.key)
    question = house.asked()
    assert (question.agreement, question.asks) == (first.key, True)
    assert house.notices_sent() == 0
    house.answered(question, words.PASS_ON, pass_to=Unit.objects.exclude(pk=question.unit_id)[0])
    passed = Consultation.objects.latest("pk")
    assert (passed.agreement, passed.asks) == (first.key, True)
    house.letters_leave()
    assert house.notices_sent() == 0
