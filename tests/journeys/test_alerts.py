"""Registered hosts abroad are told at the moment the partner hotline is: beside the referral, never instead of it."""

from typing import TYPE_CHECKING

import pytest

from openhotline.outbox import claims
from openhotline.records.models import Hold, Host, HostRegistration, Partner, Removal, SecurePage
from openhotline.rules.contacts import HOST_PAGE
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import alert, contact, freshness, notify, refer
from tests.journeys.cast import CANAL_HOST, Day, hours, minutes

if TYPE_CHECKING:
    from openhotline.outbox.models import Letter

LOW_DATA = ("Low Data", 64506, "198.51.100.40", "NL")


@pytest.fixture(autouse=True)
def _partner(db: None) -> None:
    Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url="http://nl.test"
    )


def registered(house: Day, removals: list[Removal]) -> HostRegistration:
    """Their host asked for it: A07 writes it down, P01 confirms; its contact has two people too."""
    house.contact_verified(removals)
    row = alert.register(removals[0].host, why="their letter of 3 May", by=house.who("A07"), at=house.now)
    alert.confirm(row, by=house.who("P01"), at=house.now)
    return row


def found(house: Day, *lines: str, where: tuple[str, int, str, str] = CANAL_HOST) -> list[Removal]:
    return house.traced(house.graded(house.public_report(*lines)), where)


def refer_all(house: Day) -> "list[Letter]":
    """The referrals leave; in the same turn the sweep drafts the alerts, and they leave."""
    refer.refer_due(at=house.now)
    gone = house.letters_leave()
    alert.hosts_due(at=house.now)
    return [*gone, *house.letters_leave()]


def alerts(house: Day) -> list[str]:
    """What stands on the pages; no mail names any of it."""
    for said in house.mails(alert.KIND):
        assert "example.net" not in said
        assert "198.51.100" not in said
    return house.behind(alert.KIND)


def test_the_host_is_told_in_the_same_moment_and_once(house: Day) -> None:
    removals = found(house, "http://dijk.example.net/n/1", "http://dijk.example.net/n/2")
    registered(house, removals)
    assert alert.hosts_due(at=house.now) == 0, "the referral has not left"
    gone = refer_all(house)
    assert sorted(letter.kind for letter in gone) == ["host-alert", "referral", "referral"]
    assert {removal.t5_sent for removal in house.fresh(removals)} == {house.now}
    (letter,) = house.letters(alert.KIND, "sent")
    assert (letter.recipient, letter.sent_at) == ("abuse@canal-hosting.example", house.now)
    (said,) = alerts(house)
    for address in ("http://dijk.example.net/n/1", "http://dijk.example.net/n/2", "198.51.100.20"):
        assert address in said
    (mail,) = house.mails(alert.KIND)
    page = SecurePage.objects.get()
    for must in (page.serial, page.code, "/open", "Legal ground", "/appeal", "/verify", "UTC"):
        assert must in mail
    assert "/n/" not in mail, "no link either"
    for never in (removals[0].item.ref, "A07", "A12", "police", "reporter"):
        assert never not in said + mail
    house.later(hours(5))
    assert alert.hosts_due(at=house.now) == 0, "once per host and episode"


def test_it_takes_two_people_and_is_about_what_comes_after(house: Day) -> None:
    before = found(house, "http://dijk.example.net/n/1")
    refer_all(house)
    house.contact_verified(before)
    host = before[0].host
    row = alert.register(host, why="their letter", by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="second person"):
        alert.confirm(row, by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="already"):
        alert.register(host, why="their letter", by=house.who("P01"), at=house.now)
    found(house, "http://dijk.example.net/n/2")
    assert "host-alert" not in [letter.kind for letter in refer_all(house)], "one person is not enough"
    house.later(minutes(1))
    alert.confirm(row, by=house.who("P01"), at=house.now)
    assert alert.hosts_due(at=house.now) == 0, "no flood of what the partner has long had"
    found(house, "http://laag.example.net/n/1", where=LOW_DATA)
    found(house, "http://dijk.example.net/n/3")
    refer_all(house)
    (said,) = alerts(house)
    assert "http://dijk.example.net/n/3" in said, "and to this host alone"
    found(house, "http://dijk.example.net/n/4")
    refer.refer_due(at=house.now)
    house.letters_leave()
    assert alert.hosts_due(at=house.now) == 1
    alert.end(row, by=house.who("A12"), at=house.now)
    house.letters_leave()
    assert len(alerts(house)) == 1, "what waited to leave is withdrawn"
    found(house, "http://dijk.example.net/n/5")
    refer_all(house)
    assert len(alerts(house)) == 1


def test_nothing_of_it_leaves_under_a_hold_and_all_of_it_after(house: Day) -> None:
    removals = found(house, "http://dijk.example.net/n/1", "http://dijk.example.net/n/2")
    registered(house, removals)
    refer.refer_due(at=house.now)
    house.letters_leave()
    assert alert.hosts_due(at=house.now) == 1
    hold = Hold.objects.create(
        removal=removals[0],
        reason="operation",
        placed_at=house.now,
        placed_by="north-2",
        review_at=house.now + hours(24),
    )
    house.letters_leave()
    (said,) = alerts(house)
    assert ("/n/1" in said, "/n/2" in said) == (False, True)
    assert alert.hosts_due(at=house.now) == 0, "still held"
    Hold.objects.filter(pk=hold.pk).update(released_at=house.now, released_by="north-2")
    assert alert.hosts_due(at=house.now) == 1
    house.letters_leave()
    assert "/n/1" in alerts(house)[1]
    assert "/n/2" not in alerts(house)[1]


def test_never_instead_of_the_referral(house: Day) -> None:
    removals = found(house, "http://dijk.example.net/n/1")
    registered(house, removals)
    refer.refer_due(at=house.now)
    (letter,) = claims.claim("partner", at=house.now, by=MACHINE_WORKER, guard=lambda _: b"referral")
    refer.bounced(letter, why="400 no", at=house.now)
    assert alert.hosts_due(at=house.now) == 0
    referral = removals[0].referral_lines.get().referral
    refer.again(referral, by=house.who("P01"), at=house.now)
    assert [one.kind for one in refer_all(house)] == ["referral", "host-alert"]


def test_on_a_stale_trace_it_waits_and_what_moved_or_ended_there_is_left_out(house: Day) -> None:
    removals = found(house, *(f"http://dijk.example.net/n/{number}" for number in (1, 2, 3)))
    registered(house, removals)
    refer.refer_due(at=house.now)
    house.letters_leave()
    alert.hosts_due(at=house.now)
    house.later(minutes(20))
    (letter,) = house.letters(alert.KIND)
    with pytest.raises(Refused, match="too old"):
        alert.depart(letter, policy=house.policy, house=None, at=house.now)
    assert {row.pk for row in freshness.to_trace(at=house.now)} == {row.pk for row in removals}
    house.traced([removals[0].item], LOW_DATA)
    house.missed_until_gone([removals[1]])
    house.letters_leave()
    (said,) = alerts(house)
    assert [f"/n/{number}" in said for number in (1, 2, 3)] == [False, False, True]
    assert house.letters("alert-moved") == [], "who was not told of it is not told that it moved"
    house.later(hours(1))
    house.traced([removals[2].item], LOW_DATA)
    (moved,) = house.letters("alert-moved")
    assert moved.recipient == "abuse@canal-hosting.example"


def test_it_comes_back_and_goes_to_nobody_until_two_people_stand_for_another_contact(house: Day) -> None:
    removals = found(house, "http://dijk.example.net/n/1")
    registered(house, removals)
    refer.refer_due(at=house.now)
    house.letters_leave()
    alert.hosts_due(at=house.now)
    (letter,) = claims.claim("mail", at=house.now, by=MACHINE_WORKER, guard=lambda _: b"alert")
    alert.bounced(letter, why="550 no such user", at=house.now)
    assert alert.hosts_due(at=house.now) == 0
    host = Host.objects.get(pk=removals[0].host_id)
    row = contact.propose(
        host, "desk@canal-hosting.example", source=HOST_PAGE, by=house.who("A07"), at=house.now
    )
    assert alert.hosts_due(at=house.now) == 0, "one person is not enough"
    notify.verify_contact(row, by=house.who("P01"), at=house.now)
    assert alert.hosts_due(at=house.now) == 1
    notify.retire_contact(row, why="they left", by=house.who("A12"), at=house.now)
    house.letters_leave()
    assert alerts(house) == [], "a contact that was withdrawn between draft and departure gets nothing"
    assert len(house.letters(alert.KIND, "withdrawn")) == 2
