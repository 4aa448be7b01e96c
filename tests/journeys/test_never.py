"""What must never happen: each found by trying to break it."""

from dataclasses import replace

import pytest

from openhotline.outbox import claims, settling
from openhotline.outbox.models import Letter
from openhotline.records.models import Hold, Notice, NoticeLine, Removal
from openhotline.rules import notice as wording
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import (
    alarm,
    answer,
    confirm,
    contact,
    departing,
    doubt,
    due,
    escalate,
    freshness,
    notify,
    refer,
)
from tests.journeys.cast import CANAL_HOST, HOUSE, Day, hours, minutes


def noticed(house: Day, *lines: str) -> tuple[list[Removal], object]:
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    return house.fresh(removals), consultation


def claimed(house: Day) -> Letter:
    def guard(letter: Letter) -> bytes | None:
        content = departing.depart(letter, policy=house.policy, house=HOUSE, at=house.now)
        return " ".join(address.canonical for address in content.addresses).encode() if content else None

    house.minute_over()
    (letter,) = claims.claim("mail", at=house.now, by=MACHINE_WORKER, kinds=["notice"], guard=guard)
    return letter


def test_frozen_bytes_that_name_a_held_address_never_leave(house: Day) -> None:
    lines = tuple(f"http://img.example.net/{n}" for n in range(3))
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    letter = claimed(house)
    settling.not_now(letter, why="451", by=MACHINE_WORKER, at=house.now)
    house.answered(
        consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work", removals=removals[:1]
    )
    house.later(minutes(2))
    house.letters_leave()
    letter.refresh_from_db()
    assert letter.state == "withdrawn"
    fresh = house.fresh(removals)
    assert [removal.status for removal in fresh] == ["held", "noticed", "noticed"]
    sent = NoticeLine.objects.filter(notice__sent_at__isnull=False, dropped="")
    assert set(sent.values_list("removal_id", flat=True)) == {removal.pk for removal in removals[1:]}


def test_a_hold_alone_keeps_a_notice_back_whatever_else_says_that_it_may_leave(house: Day) -> None:
    """Status and answer say go, as a fault of ours might leave them: the row of the hold is believed."""
    removals = house.traced(
        house.graded(house.public_report("http://img.example.net/1", "http://img.example.net/2"))
    )
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    Hold.objects.create(
        removal=removals[0],
        reason="covert work",
        placed_at=house.now,
        placed_by="north-1",
        review_at=house.now,
    )
    letter = claimed(house)
    assert letter.body is not None and bytes(letter.body) == b"http://img.example.net/2"


def test_what_is_in_doubt_is_never_noticed_twice(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    letter = claimed(house)
    settling.in_doubt(letter, why="the line broke", by=MACHINE_WORKER, at=house.now)
    house.answered(consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work")
    doubt.settle(letter, arrived=True, policy=house.policy, by=house.who("L01"), at=house.now)
    house.answered(consultation, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 1
    assert house.fresh(removals)[0].status == "noticed"


def test_a_look_during_the_watch_opens_no_episode_for_what_is_gone(house: Day) -> None:
    removals, _ = noticed(house, "http://img.example.net/1")
    house.later(minutes(10))
    removals = house.missed_until_gone(removals)
    house.later(hours(24))
    removals = house.looked(removals, status=404, peer="198.51.100.9")
    assert removals[0].status == "removed"
    house.traced([removals[0].item], CANAL_HOST)
    assert Removal.objects.count() == 1


def test_what_comes_back_long_after_its_watch_is_found_by_the_next_report(house: Day) -> None:
    from openhotline.steps import close

    removals, _ = noticed(house, "http://img.example.net/1")
    house.later(minutes(10))
    removals = house.missed_until_gone(removals)
    for _ in house.policy.clocks.watch:
        house.later(hours(24 * 91))
        removals = house.missed_until_gone(removals)
    close.close_watched(policy=house.policy, at=house.now)
    assert house.fresh(removals)[0].status == "closed"
    house.public_report("http://img.example.net/1")
    assert [one.removal for one in due.take(figures=house.policy.pace, at=house.now)] == [removals[0].pk]
    house.looked(removals, peer="192.0.2.44")
    assert Removal.objects.get(episode=2).again


def test_a_hold_renewed_gives_the_hosts_time_back_when_it_ends(house: Day) -> None:
    removals, consultation = noticed(house, "http://img.example.net/1")
    house.later(hours(1))
    for _ in range(2):
        house.answered(consultation, words.HOLD, review_at=house.now + hours(24), reason="covert work")
        house.later(hours(1))
    house.answered(consultation, words.GO_AHEAD)
    (removal,) = house.fresh(removals)
    assert (removal.clock, removal.due_at) == ("host target", house.now + hours(3))


def test_a_hold_follows_the_content_to_another_country(house: Day) -> None:
    items = house.graded(house.public_report("http://img.example.net/1"))
    removals = house.traced(items)
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.HOLD, review_at=house.now + hours(24), reason="covert work")
    house.traced(items, CANAL_HOST)
    assert Hold.objects.get(released_at=None).removal.episode == 2
    refer.refer_due(at=house.now)
    house.letters_leave()
    assert Removal.objects.get(episode=2).status == "traced", "nothing about it leaves the house"


def test_a_reminder_waits_for_the_end_of_a_hold_and_leaves_then(house: Day) -> None:
    _, consultation = noticed(house, "http://img.example.net/1")
    house.later(hours(4))
    escalate.host_clocks(policy=house.policy, at=house.now)
    (letter,) = house.letters("reminder")
    house.answered(consultation, words.HOLD, until=house.now + hours(24), reason="covert work")
    with pytest.raises(Refused, match="Held by the police"):
        escalate.reminder_stands(letter, at=house.now)
    house.later(hours(23))
    assert freshness.to_trace(at=house.now) == [], "nothing leaves about it, so nothing is traced for it"
    assert house.letters_leave() == []
    house.later(hours(1))
    answer.release_due(at=house.now)
    assert [one.kind for one in house.letters_leave()] == ["reminder"]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_hold_on_one_of_three_keeps_back_its_reminder_alone(house: Day, frozen: bool) -> None:
    lines = tuple(f"http://img.example.net/{n}" for n in range(3))
    removals, consultation = noticed(house, *lines)
    house.later(hours(4))
    escalate.host_clocks(policy=house.policy, at=house.now)
    if frozen:  # a relay had said "not now" before the police said "not yet"
        Letter.objects.filter(kind="reminder").update(body=b"three addresses", digest="0" * 64)
    house.answered(
        consultation,
        words.HOLD,
        until=house.now + hours(24),
        reason="covert work",
        removals=removals[:1],
    )

    def reminded() -> list[list[int]]:
        gone = [one for one in house.letters_leave() if one.kind == "reminder"]
        return [sorted(one.lines.values_list("removal", flat=True)) for one in gone]

    first, second, third = (removal.pk for removal in removals)
    away = [*reminded(), *reminded()]
    assert away == [[second, third]]
    house.later(hours(24))
    answer.release_due(at=house.now)
    assert reminded() == [[first]]
    assert reminded() == []


@pytest.mark.parametrize("when", ["before it moved", "after it moved"])
def test_nobody_is_told_that_it_moved_while_it_is_held(house: Day, when: str) -> None:
    """Its host was noticed; the content goes abroad, and comes under a hold that follows it, or is placed there."""
    removals, consultation = noticed(house, "http://img.example.net/1")

    def hold() -> None:
        house.answered(consultation, words.HOLD, until=house.now + hours(24), reason="covert work")

    if when == "before it moved":
        hold()
    house.traced([removals[0].item], CANAL_HOST)
    if when == "after it moved":
        hold()
    assert "host-moved" not in [one.kind for one in house.letters_leave()]
    (letter,) = house.letters("host-moved", "pending")
    assert letter.why == "Held by the police: nothing about it leaves the house."
    house.later(hours(24))
    answer.release_due(at=house.now)
    assert "host-moved" in [one.kind for one in house.letters_leave()]


def test_what_follows_a_letter_goes_to_no_mailbox_that_is_given_up(house: Day) -> None:
    """That it has moved goes to whom the host is reached by today, and waits where nobody is; an answer is not sent after."""
    removals, _ = noticed(house, "http://img.example.net/1", "http://img.example.net/2")
    notice = Notice.objects.get(sent_at__isnull=False)
    question = confirm.reply(
        notice, "The second.", to=confirm.reached(notice), by=house.who("A07"), at=house.now
    )
    house.traced([removals[0].item], CANAL_HOST)
    notify.retire_contact(notice.contact, why="It was taken over.", by=house.who("L01"), at=house.now)
    assert {one.kind for one in house.letters_leave()} & {"host-moved", "host-answer"} == set()
    assert [one.state for one in house.letters("host-moved")] == ["withdrawn", "contact needed"]
    assert [one.state for one in house.letters("host-answer")] == ["withdrawn"]
    assert question in notice.messages.all(), "it stands on the page"

    other = contact.propose(
        notice.host, "desk@north.example", source="person", by=house.who("L01"), at=house.now
    )
    notify.verify_contact(other, by=house.who("P01"), at=house.now)
    notify.retire_contact(other, why="It too.", by=house.who("L01"), at=house.now)
    Letter.objects.filter(kind="host-moved", state="pending").update(body=b"To: desk@north.example")
    house.letters_leave()
    (waiting,) = house.letters("host-moved", "contact needed")
    assert (waiting.recipient, waiting.body) == ("", None), (
        "nothing that was frozen for it leaves for another"
    )
    third = contact.propose(
        notice.host, "third@north.example", source="person", by=house.who("L01"), at=house.now
    )
    notify.verify_contact(third, by=house.who("P01"), at=house.now)
    assert ("host-moved", "third@north.example") in [
        (one.kind, one.recipient) for one in house.letters_leave()
    ]


def test_a_reminder_goes_to_whom_the_host_is_reached_by_today(house: Day) -> None:
    noticed(house, "http://img.example.net/1")
    notice = Notice.objects.get(sent_at__isnull=False)
    house.later(hours(5))
    escalate.host_clocks(policy=house.policy, at=house.now)
    other = contact.propose(
        notice.host, "desk@north.example", source="person", by=house.who("L01"), at=house.now
    )
    notify.verify_contact(other, by=house.who("P01"), at=house.now)
    notify.retire_contact(notice.contact, why="It was taken over.", by=house.who("L01"), at=house.now)
    assert ("reminder", "desk@north.example") in [(one.kind, one.recipient) for one in house.letters_leave()]


def test_no_host_is_answered_about_what_is_held(house: Day) -> None:
    """Two addresses: with one on hold the answer goes about the other, with both none does, and one on its way waits."""
    removals, consultation = noticed(house, "http://img.example.net/1", "http://img.example.net/2")
    notice = Notice.objects.get(sent_at__isnull=False)

    def answered() -> None:
        to = confirm.reached(notice)
        confirm.reply(notice, "The second of them.", to=to, by=house.who("A07"), at=house.now)

    def hold(of: list[Removal]) -> None:
        more = {"until": house.now + hours(5), "reason": "covert work", "removals": of}
        house.answered(consultation, words.HOLD, **more)

    hold(removals[:1])
    answered()
    hold(removals[1:])
    with pytest.raises(Refused, match="This is paused"):
        answered()
    assert "host-answer" not in [one.kind for one in house.letters_leave()]
    house.later(hours(5))
    answer.release_due(at=house.now)
    assert [one.kind for one in house.letters_leave()] == ["host-answer"]


def test_no_partner_is_asked_how_far_it_is_while_it_is_held(house: Day) -> None:
    removals, consultation = noticed(house, "http://img.example.net/1")
    house.traced([removals[0].item], CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    house.later(house.policy.clocks.partner_query)
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 1
    house.answered(consultation, words.HOLD, until=house.now + hours(5), reason="covert work")
    assert house.letters_leave() == []
    house.later(hours(5))
    answer.release_due(at=house.now)
    assert [one.kind for one in house.letters_leave()] == ["referral-query"]


def test_one_unclear_trace_does_not_keep_the_others(house: Day) -> None:
    lines = tuple(f"http://img.example.net/{n}" for n in range(3))
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    newest = removals[0].item.traces.order_by("-at").first()
    newest.pk, newest.verdict, newest.at = None, "unclear", house.now + minutes(1)
    newest.save(force_insert=True)
    house.later(minutes(2))
    content = departing.depart(house.letters("notice")[0], policy=house.policy, house=HOUSE, at=house.now)
    assert content is not None
    assert len(content.addresses) == 2
    assert len(house.letters("notice", "pending")) == 2, "the third waits in a notice of its own"


def test_a_host_that_answers_after_our_first_miss_has_answered(house: Day) -> None:
    removals, _ = noticed(house, "http://img.example.net/1")
    house.later(minutes(10))
    (removal,) = house.looked(removals, status=404)
    assert removal.status == "gone?"
    notice = removal.notice_lines.get().notice
    confirm.record(notice, {removal.pk: "removed"}, by=confirm.by_link(notice), at=house.now)
    assert house.fresh(removals)[0].t6_acknowledged == house.now


def test_an_alarm_nobody_acknowledged_goes_to_managers_once(house: Day) -> None:
    (item,) = house.public_report("http://chat.example.org/room/88")
    alarm.raise_alarm(item, policy=house.policy, by=house.who("A07"), at=house.now)
    house.later(minutes(14))
    assert alarm.overdue(policy=house.policy, at=house.now) == 0
    house.later(minutes(2))
    assert alarm.overdue(policy=house.policy, at=house.now) == 1
    assert alarm.overdue(policy=house.policy, at=house.now) == 0


def test_a_unit_that_passes_on_lets_go_of_its_own_hold(house: Day) -> None:
    from openhotline.records.models import Unit

    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.contact_verified(removals)
    first = house.asked()
    house.answered(first, words.REFUSE, reason="already investigating")
    house.answered(first, words.PASS_ON, pass_to=Unit.objects.get(key="EU"))
    second = type(first).objects.exclude(pk=first.pk).get()
    answer.record(second, kind=words.GO_AHEAD, by=house.officer_of(second), at=house.now, policy=house.policy)
    assert house.fresh(removals)[0].status == "cleared"


@pytest.mark.parametrize("kind", ["contact.added", "contact.verified"])
def test_every_change_of_a_contact_is_an_entry(house: Day, kind: str) -> None:
    from openhotline.ledger import canonical
    from openhotline.ledger.models import Staged

    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    added = contact.propose(
        removals[0].host, "noc@host.example", source="person", by=house.who("A07"), at=house.now
    )
    notify.verify_contact(added, by=house.who("P01"), at=house.now)
    acts = [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]
    assert kind in acts


def test_an_origin_that_was_told_for_us_alone_stands_in_no_notice(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/told")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.minute_over()
    (letter,) = house.letters("notice")
    said = {}
    for kept in ("", "192.0.2.44"):
        removals[0].item.traces.update(kept_back=kept)
        content = departing.depart(letter, policy=house.policy, house=HOUSE, at=house.now)
        assert content is not None
        said[kept] = wording.text(replace(content, form=wording.REPORT))
    assert "192.0.2.44" in said[""] and "192.0.2.44" not in said["192.0.2.44"]
