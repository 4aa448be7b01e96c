"""Who answers for a domain is told once that content is under it, and once that nothing is left."""

from datetime import timedelta

import pytest

from openhotline.outbox import claims
from openhotline.records import vault
from openhotline.records.models import DomainAlert, DomainWait, Hold
from openhotline.rules import words
from openhotline.rules.agreement import UNDO_WITHIN
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import domain_alert, list_agreement
from tests.journeys.cast import NOON, NORTH_RACK, Day, hours, minutes
from tests.journeys.test_filter_list import abroad, again, agreed

TOWN = "http://town.example.net/n/{}"


@pytest.fixture(autouse=True)
def _key() -> None:
    vault.configure(b"the site key of a test house....".ljust(32))


def swept(house: Day) -> int:
    return domain_alert.sweep(policy=house.policy, at=house.now)


def told(house: Day) -> list[str]:
    return house.mails(domain_alert.KIND)


def test_told_once_while_it_lasts_and_told_when_nothing_is_left(house: Day) -> None:
    agreed(house, "net-registry", fingerprint="", sphere="example.net .nl")
    agreed(house, "org-registry", fingerprint="", sphere=".org")
    removals = abroad(house, TOWN.format(1), "http://other.example.net/n/2")
    assert swept(house) == 1, "one domain, one recipient whose sphere it is in"
    house.letters_leave()
    (said,) = told(house)
    assert "2 addresses" in said
    assert "example.net" not in said, "which domain it is stands on the page alone"
    (page,) = house.behind(domain_alert.KIND)
    assert "The domain: example.net" in page.splitlines()
    assert "/n/1" not in page, "and no address anywhere"
    assert "town" not in page
    assert house.letters(domain_alert.KIND)[0].recipient == "net-registry@filter.example"
    removals += abroad(house, TOWN.format(3))
    assert swept(house) == 0, "once, whatever comes under it"

    house.missed_until_gone(removals[:2])
    assert swept(house) == 0, "one is left"
    house.missed_until_gone(removals[2:])
    assert swept(house) == 1
    assert swept(house) == 0
    house.letters_leave()
    (over,) = house.letters("domain-alert-over", "sent")
    assert "withdraw" in over.text
    abroad(house, TOWN.format(4))
    assert swept(house) == 1, "what comes then is told anew"
    assert [row.over_at is None for row in DomainAlert.objects.order_by("pk")] == [False, True]


def test_nobody_is_told_while_anything_under_it_is_held_or_waits_for_the_police(house: Day) -> None:
    agreed(house, "net-registry", fingerprint="", sphere="example.net")
    removals = abroad(house, TOWN.format(1))
    home = house.traced(house.graded(house.public_report("https://img.example.net/a/1")), NORTH_RACK)
    house.contact_verified(home)
    question = house.asked()
    assert swept(house) == 0, "the police are being asked about another address under it"
    house.answered(question, words.GO_AHEAD)
    house.later(UNDO_WITHIN)
    assert swept(house) == 1
    hold = Hold.objects.create(
        removal=removals[0], reason="operation", placed_at=house.now, placed_by="north-2", review_at=house.now
    )
    assert told_after(house) == []
    Hold.objects.filter(pk=hold.pk).update(released_at=house.now, released_by="north-2")
    house.later(minutes(1))
    (said,) = told_after(house)
    assert "2 addresses" not in said, "what our own checks have not seen yet does not count"


def told_after(house: Day) -> list[str]:
    house.letters_leave()
    return told(house)


def test_not_on_old_sights_or_traces_nor_without_the_agreement(house: Day) -> None:
    row, _ = agreed(house, "net-registry", fingerprint="", sphere="example.net")
    removals = abroad(house, TOWN.format(1))
    assert swept(house) == 1
    house.later(minutes(20))
    (letter,) = house.letters(domain_alert.KIND)

    def departs() -> object:
        return domain_alert.depart(letter, policy=house.policy, house=None, at=house.now)

    with pytest.raises(Refused, match="too old"):
        departs()
    house.later(hours(13))
    with pytest.raises(Refused, match="not seen it lately"):
        departs()
    again(house, removals)
    abroad(house, TOWN.format(2))
    assert told_after(house) == [], "more came: who places a hold on it must be waited for"
    assert swept(house) == 1
    list_agreement.end(row, by=house.who("L01"), at=house.now)
    assert told_after(house) == []
    assert swept(house) == 0
    agreed(house, "net-registry", fingerprint="", sphere="example.net")
    assert swept(house) == 1, "the next version is told what stands"
    house.now = NOON + timedelta(days=400)
    assert swept(house) == 0, "and that one ends by its date"


def test_without_a_certificate_there_is_no_list_and_without_either_no_agreement(house: Day) -> None:
    row, _ = agreed(house, "net-registry", fingerprint="", sphere=".net")
    agreed(house, "org-registry", fingerprint="", sphere=".org")
    with pytest.raises(Refused, match="domains alone"):
        list_agreement.ask([row], why="noon", by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="left out only"):
        agreed(house, "x", fingerprint="")
    with pytest.raises(Refused, match="no domain"):
        agreed(house, "x", fingerprint="", sphere="http://example.net/n/1")


def test_what_a_hold_keeps_back_is_listed_and_brought_before_managers_once(house: Day) -> None:
    agreed(house, "net-registry", fingerprint="", sphere="example.net")
    removals = abroad(house, TOWN.format(1))
    hold = Hold.objects.create(
        removal=removals[0], reason="operation", placed_at=house.now, placed_by="north-2", review_at=house.now
    )
    swept(house)
    house.later(hours(1))
    assert swept(house) == 0
    assert list(DomainWait.objects.values_list("recipient", "domain")) == [("net-registry", "example.net")]
    assert domain_alert.kept_back_by("example.net") == ["north-2"]
    house.later(house.policy.clocks.domain_wait)
    again(house, removals)
    for _ in range(2):
        swept(house)
        house.later(minutes(1))
    (letter,) = house.letters("domain-alerts-waiting")
    assert (letter.recipient, "example.net" in letter.text) == (house.policy.managers_mail, False)
    Hold.objects.filter(pk=hold.pk).update(released_at=house.now, released_by="north-2")
    assert swept(house) == 1
    assert not DomainWait.objects.exists(), "what waits no more is not listed"


def test_a_mailbox_that_returns_an_alert_gets_none_until_a_person_says_so(house: Day) -> None:
    row, _ = agreed(house, "net-registry", fingerprint="", sphere="example.net example.org")
    abroad(house, TOWN.format(1))
    swept(house)
    house.minute_over()
    (letter,) = claims.claim(
        "mail", at=house.now, by=MACHINE_WORKER, kinds=[domain_alert.KIND], guard=lambda _: b"x"
    )
    domain_alert.bounced(letter, why="550 no such user", at=house.now)
    abroad(house, "http://img.example.org/n/1")
    assert [swept(house) for _ in range(2)] == [0, 0]
    (told_,) = house.letters("domain-alert-returned")
    assert (told_.recipient, told_.number) == (house.policy.managers_mail, letter.number)
    with pytest.raises(NotPermitted):
        domain_alert.write_again(row, by=house.who("A07"), at=house.now)
    domain_alert.write_again(row, by=house.who("P01"), at=house.now)
    assert swept(house) == 2, "both domains, told anew"
    house.letters_leave()
    sent = house.letters(domain_alert.KIND, "sent")
    assert len(sent) == 2
    domain_alert.came_back(sent[0], why="5.1.1", at=house.now)
    agreed(
        house, "net-registry", fingerprint="", sphere="example.net example.org", mail="desk@registry.example"
    )
    assert swept(house) == 1, "a new version with another mailbox is written to"
