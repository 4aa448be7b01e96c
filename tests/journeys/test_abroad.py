"""Hosted abroad: handed to the partner hotline there, or to police where no hotline works, or out of remit."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from openhotline.outbox import claims
from openhotline.records.models import Partner, Referral
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import check, refer
from tests.journeys.cast import CANAL_HOST, FAR_HOST, NORTH_RACK, Day, hours, minutes

if TYPE_CHECKING:
    from openhotline.records.models import Removal


def statuses(removals: "list[Removal]") -> list[str]:
    return [removal.status for removal in removals]


@pytest.fixture
def partner(db: None) -> Partner:
    return Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url="http://nl.test"
    )


def test_the_partner_hotline_takes_it_and_we_believe_only_our_own_checks(
    house: Day, partner: Partner
) -> None:
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/9")), CANAL_HOST)
    assert [removal.route for removal in removals] == [words.ABROAD_HOTLINE]
    (referral,) = refer.refer_due(at=house.now)
    assert (referral.partner, referral.via) == (partner, "hotline")
    assert refer.refer_due(at=house.now) == [], "it is handed over once"
    house.letters_leave()
    removals = house.fresh(removals)
    assert statuses(removals) == ["referred"]
    assert removals[0].t5_sent == house.now
    assert Referral.objects.get().their_reference == "their-1"

    house.later(hours(6))
    removals = house.looked(removals, peer="198.51.100.20")
    assert statuses(removals) == ["referred"]
    removals = house.missed_until_gone(removals)
    assert statuses(removals) == ["removed"]


def test_seen_again_abroad_it_goes_back_to_the_partner_and_not_to_a_host(
    house: Day, partner: Partner
) -> None:
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    house.later(hours(6))
    removals = house.looked(removals, status=404)
    assert statuses(removals) == ["gone?"]
    house.later(minutes(3))
    removals = house.looked(removals)
    assert statuses(removals) == ["referred"]


def test_where_no_hotline_works_the_police_are_written_to(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://isle.example.org/q/1")), FAR_HOST)
    assert [removal.route for removal in removals] == [words.ABROAD_POLICE]
    (referral,) = refer.refer_due(at=house.now)
    assert (referral.via, referral.country) == ("police", "XA")
    house.letters_leave()
    assert statuses(house.fresh(removals)) == ["referred to police"]


def test_a_referral_never_leaves_on_a_stale_trace(house: Day, partner: Partner) -> None:
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/2")), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.later(hours(5))
    (letter,) = house.letters("referral")
    with pytest.raises(Refused, match="too old"):
        refer.depart(letter, policy=house.policy, at=house.now)
    assert check.to_trace(policy=house.policy, at=house.now) == 1, "it is traced again by itself"
    assert statuses(house.fresh(removals)) == ["traced"]
    house.letters_leave()  # traced again minutes before
    assert statuses(house.fresh(removals)) == ["referred"]


def test_drawings_are_in_remit_at_home_only(house: Day) -> None:
    drawn = Opinion(words.ILLEGAL, words.NON_PHOTOGRAPHIC, files=1)
    abroad = house.graded(house.public_report("http://drawn.example.com/c/2"), opinion=drawn)
    removals = house.traced(abroad, CANAL_HOST)
    assert statuses(removals) == ["out of remit"]
    assert house.again(abroad)[0].status == "out of remit"
    assert refer.refer_due(at=house.now) == []
    at_home = house.graded(house.public_report("http://drawn.example.com/c/3"), opinion=drawn)
    assert statuses(house.traced(at_home, NORTH_RACK)) == ["traced"]


def test_the_receipt_of_what_is_out_of_remit_says_closed_only_after_a_week(house: Day) -> None:
    from openhotline.records.models import ReceiptPhase
    from openhotline.steps import close

    items = house.public_report("http://plain.example.net/1", receipt_hash="cd" * 32, follow="code")
    house.graded(items, by=("A07",), opinion=Opinion(words.NOT_ILLEGAL))
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get().phase == words.IN_PROGRESS, "the receipt is no oracle for the threshold"
    house.later(timedelta(days=7))
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get().phase == words.CLOSED_PHASE


def test_a_silent_partner_is_asked_after_three_days_and_managers_are_told_after_ten(
    house: Day, partner: Partner
) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/q")), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    house.later(hours(71))
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 0
    house.later(hours(1))
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 1
    assert len(house.letters("referral-query")) == 1
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 0
    house.later(hours(7 * 24))
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 1
    (letter,) = house.letters("referral-escalation")
    assert letter.recipient == house.policy.managers_mail
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.clock, removal.due_at) == ("referred", "", None)
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 0


def test_a_referral_refused_for_good_leaves_again_when_a_person_says_so(house: Day, partner: Partner) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/r")), CANAL_HOST)
    (referral,) = refer.refer_due(at=house.now)
    (letter,) = claims.claim("partner", at=house.now, by=MACHINE_WORKER, guard=lambda _: b"frozen")
    refer.bounced(letter, why="no such case type", at=house.now)
    with pytest.raises(NotPermitted):
        refer.again(referral, by=house.who("A07"), at=house.now)
    refer.again(referral, by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="not refused"):
        refer.again(referral, by=house.who("P01"), at=house.now)
    house.letters_leave()
    (removal,) = house.fresh(removals)
    assert removal.status == "referred"
    assert len(house.letters("referral")) == 1, "the same letter, not a second one"
