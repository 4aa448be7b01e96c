"""Hosted at home: the days of a removal under each agreement."""

import pytest

from openhotline.records.models import Assessment, Hold, Item, ReceiptPhase, Removal
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.rules.refusals import MovedMeanwhile, NotPermitted, Refused
from openhotline.steps import (
    alarm,
    answer,
    assess,
    close,
    confirm,
    consult,
    contact,
    departed,
    escalate,
    notify,
    silence,
)
from openhotline.steps.advance import advance
from tests.journeys.cast import CANAL_HOST, NORTH_RACK, QUAY_DATA, Day, hours, minutes


def statuses(removals):
    return [removal.status for removal in removals]


def test_authorise_first_the_police_clear_it_the_host_removes_it_and_we_see_it_gone(house: Day):
    items = house.public_report("http://img.example.net/a/7f3c", receipt_hash="ab" * 32, follow="code")
    items = house.graded(items)
    assert [item.status for item in items] == ["graded"]
    removals = house.traced(items)
    assert statuses(removals) == ["traced"]
    house.contact_verified(removals)

    consultation = house.asked()
    assert consultation.asks
    assert statuses(house.fresh(removals)) == ["asked"]
    assert house.letters_leave()  # the question left
    assert house.notices_sent() == 0  # and nothing else

    house.later(minutes(23))
    house.answered(consultation, words.GO_AHEAD, reference="NU 4417")
    assert statuses(house.fresh(removals)) == ["cleared"]
    house.letters_leave()
    assert house.notices_sent() == 1
    (removal,) = house.fresh(removals)
    assert removal.status == "noticed"
    assert removal.t5_sent == house.now

    house.later(minutes(40))
    notice = removal.notice_lines.get().notice
    confirm.record(notice, {removal.pk: "removed"}, ticket="88231", by=confirm.by_link(notice), at=house.now)
    (removal,) = house.fresh(removals)
    assert removal.status == "gone?"
    assert removal.due_at == notice.due_at, "an answer by link stops no clock"

    (removal,) = house.missed_until_gone(removals)
    assert removal.status == "removed"
    assert removal.t7_first_miss < removal.t8_gone
    legs = [getattr(removal, leg) for leg in Removal.LEGS]
    assert legs == sorted(legs), "the legs follow each other"
    assert None not in legs

    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get(receipt_hash="ab" * 32).phase == words.REMOVED_PHASE
    assert [letter.kind for letter in house.letters("police-removed")] == ["police-removed"]


def test_notify_together_the_police_are_told_and_the_notice_goes_at_once(house: Day):
    removals = house.traced(house.graded(house.public_report("http://up.example.com/s/91c/4")), QUAY_DATA)
    house.contact_verified(removals)
    consultation = house.asked()
    assert not consultation.asks, "the eastern unit's agreement says: told, not asked"
    assert statuses(house.fresh(removals)) == ["cleared"]
    house.letters_leave()
    assert statuses(house.fresh(removals)) == ["noticed"]
    assert house.letters("police-told", "sent")


def test_held_then_cleared_the_notice_stays_in_the_drawer_until_the_police_let_go(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/b")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.letters_leave()
    house.answered(
        consultation, words.GO_AHEAD_AFTER, until=house.now + hours(2), reason="arrest or search planned"
    )
    assert statuses(house.fresh(removals)) == ["held"]
    house.later(hours(1))
    assert answer.release_due(at=house.now) == 0
    house.letters_leave()
    assert house.notices_sent() == 0
    house.later(hours(1))
    assert answer.release_due(at=house.now) == 1
    assert statuses(house.fresh(removals)) == ["cleared"]
    house.letters_leave()
    assert statuses(house.fresh(removals)) == ["noticed"]


def test_held_after_clearance_takes_the_notice_back_out_of_the_drawer(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/c")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    house.answered(consultation, words.HOLD, review_at=house.now + hours(24), reason="covert work")
    assert statuses(house.fresh(removals)) == ["held"]
    house.letters_leave()
    assert house.notices_sent() == 0
    house.later(hours(30))
    assert answer.release_due(at=house.now) == 0, "a hold ends by itself only if its answer said so"
    assert escalate.hold_reviews(policy=house.policy, at=house.now) == 1
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1
    assert Hold.objects.filter(released_at=None).count() == 0


def test_a_hold_after_the_notice_left_stops_the_reminder_and_the_ladder(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/d")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    house.answered(consultation, words.HOLD, review_at=house.now + hours(48), reason="covert work")
    assert statuses(house.fresh(removals)) == ["noticed"], "from noticed on a hold is a row, not a status"
    house.later(hours(5))
    assert escalate.host_clocks(policy=house.policy, at=house.now) == 0
    assert house.letters("reminder") == []
    house.answered(consultation, words.GO_AHEAD)
    (removal,) = house.fresh(removals)
    assert (removal.clock, removal.due_at) == ("host target", house.now + hours(4)), "the time left goes on"


def test_gone_before_notice_is_told_to_the_police_and_no_notice_leaves(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/e")))
    house.contact_verified(removals)
    consultation = house.asked()
    removals = house.missed_until_gone(removals)
    assert statuses(removals) == ["gone before notice"]
    assert house.letters("police-gone")
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 0


def test_moved_to_another_country_ends_the_episode_and_opens_the_next(house: Day):
    items = house.graded(house.public_report("http://img.example.net/f"))
    first = house.traced(items)
    house.contact_verified(first)
    house.asked()
    house.later(minutes(30))
    both = house.traced(items, CANAL_HOST)
    assert [(r.episode, r.status, r.country) for r in both] == [(2, "traced", "NL"), (1, "moved", "GB")]
    assert both[0].route == words.ABROAD_HOTLINE
    assert house.letters("police-moved")


def test_it_comes_back_and_the_police_are_told_again(house: Day):
    items = house.graded(house.public_report("http://img.example.net/g"))
    removals = house.traced(items)
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    house.later(minutes(10))
    removals = house.missed_until_gone(removals)
    assert statuses(removals) == ["removed"]
    house.later(hours(24))
    removals = house.looked(removals, peer="192.0.2.44")
    assert statuses(removals) == ["reappeared"]
    new = Removal.objects.get(item=items[0], episode=2)
    assert new.again
    assert new.status == "traced"
    assert house.letters("police-again")
    house.later(house.policy.clocks.bundle)
    assert consult.ask_due(policy=house.policy, at=house.now) == [], "not on the trace of yesterday"
    house.traced(items)
    assert house.asked().again


def test_silence_is_a_state_and_never_consent(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/h")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.later(hours(2))
    assert escalate.police_silence(policy=house.policy, at=house.now) == 1
    assert statuses(house.fresh(removals)) == ["silent"]
    assert len(house.letters("police-reminder")) == 1
    house.later(hours(6))
    escalate.police_silence(policy=house.policy, at=house.now)
    assert len(house.letters("police-escalation")) == 1
    house.later(hours(16))
    escalate.police_silence(policy=house.policy, at=house.now)
    assert len(house.letters("police-managers")) == 1
    house.letters_leave()
    assert house.notices_sent() == 0, "silence is never consent"
    proposal = silence.propose(
        consultation, clear=True, why="a child may be at risk", by=house.who("P01"), at=house.now
    )
    with pytest.raises(Refused, match="second person"):
        silence.confirm(proposal, by=house.who("P01"), at=house.now, policy=house.policy)
    with pytest.raises(NotPermitted):
        silence.confirm(proposal, by=house.who("A07"), at=house.now, policy=house.policy)
    silence.confirm(proposal, by=house.who("L01"), at=house.now, policy=house.policy)
    house.letters_leave()
    assert house.notices_sent() == 1
    assert consultation.answers.count() == 0


def test_433_on_one_host_are_asked_answered_and_noticed_as_one(house: Day):
    lines = tuple(f"http://bulk.example.org/s/{n}" for n in range(433))
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    consultation = house.asked()
    assert consultation.lines.count() == 433
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1
    removals = house.fresh(removals)
    assert set(statuses(removals)) == {"noticed"}
    assert len(removals) == 433
    removals = house.missed_until_gone(removals)
    assert set(statuses(removals)) == {"removed"}


def test_the_safeguarding_alarm_is_raised_from_any_state_and_blocks_nothing(house: Day):
    (item,) = house.public_report("http://chat.example.org/room/88")
    raised = alarm.raise_alarm(item, policy=house.policy, by=house.who("A07"), at=house.now)
    assert raised.due_at - raised.at <= minutes(30)
    assert raised.phone
    assert house.letters("alarm")
    assert alarm.raise_alarm(item, policy=house.policy, by=house.who("A12"), at=house.now).pk == raised.pk
    (item,) = house.graded([item])
    assert item.status == "graded", "the alarm blocks nothing"
    done = alarm.acknowledge(raised, reference="duty 12", by=house.who("A07"), at=house.later(minutes(4)))
    assert done.acknowledged_by == "A07"


def test_a_bounce_demotes_the_contact_and_a_second_person_verifies_the_next(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/j")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    letter = house.letters("notice", "pending")[0]
    house.later(minutes(1))
    from openhotline.outbox import claims
    from openhotline.rules.words import MACHINE_WORKER

    house.minute_over()
    (claimed,) = claims.claim(
        "mail", at=house.now, by=MACHINE_WORKER, kinds=["notice"], guard=lambda _: b"frozen"
    )
    assert claimed.pk == letter.pk
    departed.bounced(claimed, why="550 no such mailbox", at=house.now)
    assert len(house.letters("notice", "contact needed")) == 1
    host = removals[0].host
    added = contact.propose(
        host, "noc@north-rack.example", source="host-page", by=house.who("A07"), at=house.now
    )
    with pytest.raises(Refused, match="yourself"):
        notify.verify_contact(added, by=house.who("A07"), at=house.now)
    notify.verify_contact(added, by=house.who("P01"), at=house.now)
    house.letters_leave()
    assert house.notices_sent() == 1
    assert statuses(house.fresh(removals)) == ["noticed"]


def test_nobody_grades_twice_and_readers_who_differ_leave_it_to_the_lead(house: Day):
    (item,) = house.public_report("http://img.example.net/k")
    (item,) = house.graded([item], by=("A07",))
    assert item.status == "graded once"
    with pytest.raises(Refused, match="already"):
        assess.take([item], by=house.who("A07"), at=house.now, policy=house.policy)
    (item,) = house.graded([item], by=("A12",), opinion=Opinion(words.NOT_ILLEGAL))
    assert item.status == "disputed"
    with pytest.raises(NotPermitted):
        house.graded([item], by=("P01",), opinion=Opinion(words.NOT_ILLEGAL))
    (item,) = house.graded([item], by=("L01",), opinion=Opinion(words.NOT_ILLEGAL))
    assert item.status == "not illegal"
    assert Assessment.objects.filter(item=item).count() == 3


def test_two_people_cannot_move_the_same_thing(house: Day):
    (item,) = house.public_report("http://img.example.net/l")
    mine = Item.objects.get(pk=item.pk)
    theirs = Item.objects.get(pk=item.pk)
    advance([mine], "take", "taken", by=house.who("A07"), at=house.now)
    with pytest.raises(MovedMeanwhile, match="meanwhile"):
        advance([theirs], "take", "taken", by=house.who("A12"), at=house.now)


def test_our_own_outage_closes_nothing(house: Day):
    removals = house.traced(house.graded(house.public_report("http://img.example.net/m")), NORTH_RACK)
    for _ in range(6):
        removals = house.looked(removals, "timeout", canary=False)
        house.later(minutes(3))
    assert statuses(removals) == ["traced"]
