"""What a partner abroad says it did: filed as it came, and believed as far as our own checks reach."""

import random
from datetime import timedelta

import pytest

from openhotline.ledger.reading import entries_of
from openhotline.outbox.models import Letter
from openhotline.records.models import Partner, ReferralAction, ReferralLine, Removal
from openhotline.rules import abroad, clocks, words
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import Actor
from openhotline.steps import refer
from openhotline.steps.report_back import report_back
from tests.journeys.cast import CANAL_HOST, FAR_HOST, Day, hours, minutes

THEM = Actor(words.PARTNER, "partner:hotline-nl", auth="token")


@pytest.fixture
def partner(db: None) -> Partner:
    return Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url="http://nl.test"
    )


def handed_over(house: Day, *addresses: str) -> list[Removal]:
    removals = house.traced(house.graded(house.public_report(*addresses)), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    return house.fresh(removals)


def says(
    house: Day, removals: list[Removal], action: str, name: str = "m1", **more: str
) -> list[ReferralAction]:
    lines = ReferralLine.objects.filter(removal__in=removals).order_by("pk")
    said = PartnerAction(action, name, house.now, **more)
    return report_back(
        [(line, said) for line in lines], via="api", policy=house.policy, by=THEM, at=house.now
    )


def statuses(house: Day, removals: list[Removal]) -> list[str]:
    return [removal.status for removal in house.fresh(removals)]


def test_accepted_stamps_the_acknowledgement_and_the_query_clock_goes_on(
    house: Day, partner: Partner
) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    due = removals[0].due_at
    house.later(hours(1))
    says(house, removals, abroad.ACCEPTED)
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.t6_acknowledged, removal.due_at) == ("referred", house.now, due)
    says(house, removals, abroad.TOLD_HOST, "m2")
    assert house.fresh(removals)[0].t6_acknowledged == removal.t6_acknowledged, "a leg is stamped once"
    acts = [entry.entry["act"] for entry in entries_of(removal.item.ref)]
    assert acts.count("referral.action") == 2


def test_removed_closes_nothing_and_makes_us_look_at_once(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1", "http://dijk.example.net/n/2")
    house.later(hours(1))
    says(house, removals, abroad.REMOVED)
    rows = house.fresh(removals)
    assert [row.status for row in rows] == ["referred", "referred"]
    assert [row.next_check_at for row in rows] == [house.now, house.now]
    assert statuses(house, house.missed_until_gone(rows)) == ["removed", "removed"]


def test_the_same_message_twice_is_one_and_nothing_counts_after_a_final_one(
    house: Day, partner: Partner
) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    assert len(says(house, removals, abroad.UNAVAILABLE, "m1", reason="404")) == 1
    assert says(house, removals, abroad.UNAVAILABLE, "m1", reason="404") == []
    (late,) = says(house, removals, abroad.ACCEPTED, "m0")
    assert late.counted is False
    (other,) = says(house, removals, abroad.NOT_ILLEGAL, "m2", reason="adult")
    assert other.counted is False
    assert statuses(house, removals) == ["unavailable there"]
    assert ReferralAction.objects.count() == 3, "all are kept"


def test_unavailable_there_is_looked_at_after_one_seven_and_thirty_days(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    start = house.now
    says(house, removals, abroad.UNAVAILABLE, reason="password")
    waits = []
    for _ in range(3):
        (removal,) = house.fresh(removals)
        waits.append(removal.next_check_at - start)
        house.later(removal.next_check_at - house.now)
        house.looked([removal], status=403, peer=CANAL_HOST[2])
    assert waits == [timedelta(days=1), timedelta(days=7), timedelta(days=30)]
    assert statuses(house, removals) == ["unavailable there"]


def test_unavailable_there_but_seen_from_here_goes_back_to_the_partner(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    says(house, removals, abroad.UNAVAILABLE, reason="no access")
    house.later(timedelta(days=1))
    (removal,) = house.looked(removals, peer=CANAL_HOST[2])
    assert (removal.status, removal.clock) == ("referred", clocks.PARTNER_QUERY)
    assert removal.due_at == house.now + house.policy.clocks.partner_query


def test_not_illegal_there_ends_their_part_and_not_our_grade(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    says(house, removals, abroad.NOT_ILLEGAL, reason="over age")
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.due_at, removal.item.status) == ("not illegal there", None, "graded")
    assert removal.next_check_at is not None, "we go on looking"
    house.later(timedelta(days=11))
    assert refer.partner_clocks(policy=house.policy, at=house.now) == 0, "nobody is asked how far it is"
    assert statuses(house, house.missed_until_gone(house.fresh(removals))) == ["removed"]


def test_moved_is_for_our_own_trace_to_confirm(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    says(house, removals, abroad.MOVED, country="XA")
    assert statuses(house, removals) == ["referred"]
    assert Letter.objects.filter(kind="trace", state="pending").exists()
    house.traced([removals[0].item], FAR_HOST)
    assert statuses(house, removals) == ["moved"]
    assert Removal.objects.filter(item=removals[0].item, status="traced", episode=2).exists()


def test_what_moves_a_third_time_is_brought_before_a_person(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    item = removals[0].item
    for where in (FAR_HOST, CANAL_HOST):
        house.later(timedelta(days=3))
        house.traced([item], where)
    refer.refer_due(at=house.now)
    house.letters_leave()
    newest = list(Removal.objects.filter(item=item).select_related("item").order_by("-episode")[:1])
    assert newest[0].status == "referred"
    says(house, newest, abroad.MOVED, country="XA")
    (letter,) = Letter.objects.filter(kind="moved-often")
    assert "has moved 3 times" in letter.text
    assert "dijk" not in letter.text


@pytest.mark.parametrize(
    ("action", "more", "sentence"),
    [
        ("vanished", {}, "is no action"),
        (abroad.UNAVAILABLE, {}, "Say why"),
        (abroad.NOT_ILLEGAL, {"reason": "because"}, "Say why"),
        (abroad.REMOVED, {"reason": "because"}, "is no reason"),
        (abroad.MOVED, {"country": "Far away"}, "two letters"),
    ],
)
def test_what_nobody_could_act_on_is_refused_and_nothing_is_filed(
    house: Day, partner: Partner, action: str, more: dict[str, str], sentence: str
) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    with pytest.raises(Refused, match=sentence):
        says(house, removals, action, **more)
    assert not ReferralAction.objects.exists()


def test_a_time_to_come_is_refused_and_a_time_gone_by_is_kept_as_it_is(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    line = ReferralLine.objects.get(removal=removals[0])

    def at(moment: timedelta) -> list[ReferralAction]:
        said = PartnerAction(abroad.ACCEPTED, "m", house.now + moment)
        return report_back([(line, said)], via="api", policy=house.policy, by=THEM, at=house.now)

    with pytest.raises(Refused, match="has not come yet"):
        at(hours(1))
    (row,) = at(-timedelta(days=400))
    assert row.done_at == house.now - timedelta(days=400)
    assert row.heard_at == house.now


def test_a_host_may_not_speak_for_a_partner(house: Day, partner: Partner) -> None:
    removals = handed_over(house, "http://dijk.example.net/n/1")
    line = ReferralLine.objects.get(removal=removals[0])
    said = PartnerAction(abroad.ACCEPTED, "m", house.now)
    with pytest.raises(NotPermitted):
        report_back(
            [(line, said)], via="api", policy=house.policy, by=Actor(words.HOST, "host"), at=house.now
        )


@pytest.mark.parametrize("seed", range(6))
def test_lost_doubled_reordered_and_dated_back_each_is_one_and_none_is_invented(
    house: Day, partner: Partner, seed: int
) -> None:
    chance = random.Random(seed)
    (removal,) = handed_over(house, "http://dijk.example.net/n/1")
    line = ReferralLine.objects.get(removal=removal)
    last = chance.choice(abroad.FINAL)
    did = [abroad.ACCEPTED, abroad.TOLD_POLICE, abroad.TOLD_HOST, last]
    said = [
        PartnerAction(
            word,
            f"m{place}",
            house.now - timedelta(days=chance.choice((0, 0, 3, 400))),
            reason="other" if word in abroad.NEEDS_REASON else "",
        )
        for place, word in enumerate(did)
    ]
    arrives = chance.sample(said, chance.randint(1, 4)) * 2
    chance.shuffle(arrives)
    for one in arrives:
        house.later(minutes(1))
        report_back([(line, one)], via="api", policy=house.policy, by=THEM, at=house.now)
    kept = list(ReferralAction.objects.order_by("pk"))
    first = list(dict.fromkeys(arrives))
    assert [(row.their_id, row.action, row.done_at) for row in kept] == [
        (one.their_id, one.action, one.done_at) for one in first
    ], "each once, as it came, with its own time"
    told = [one.action for one in first]
    ended = told.index(last) if last in told else len(told)
    assert [row.counted for row in kept] == [place <= ended for place in range(len(kept))]
    leads = {abroad.UNAVAILABLE: "unavailable there", abroad.NOT_ILLEGAL: "not illegal there"}
    assert statuses(house, [removal]) == [leads.get(last, "referred") if last in told else "referred"]
