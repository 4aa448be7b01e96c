"""How a host comes to be written to: found, proposed, verified, bounced, retired; and rung."""

from typing import TYPE_CHECKING

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.outbox import claims
from openhotline.records.models import Contact, ContactEvent, ContactSource, Notice
from openhotline.rules import contacts as rule
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import contact, departed, notify
from tests.journeys.cast import hours, minutes

if TYPE_CHECKING:
    from openhotline.records.models import Removal
    from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db


def here(house: "Day", name: str = "a") -> "list[Removal]":
    return house.traced(house.graded(house.public_report(f"http://img.example.net/{name}")))


def acts() -> list[str]:
    return [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]


def two_stand_for(
    house: "Day", removals: "list[Removal]", mail: str, source: str = rule.HOST_PAGE
) -> Contact:
    row = contact.propose(removals[0].host, mail, source=source, by=house.who("A07"), at=house.now)
    return notify.verify_contact(row, by=house.who("P01"), at=house.now)


def test_what_the_registry_names_is_found_once_and_each_source_keeps_its_times(house: "Day") -> None:
    (removal,) = here(house)
    (named,) = removal.host.contacts.all()
    assert (named.mail, named.source, named.added_by, named.proposed_by) == (
        "abuse@north-rack.example",
        rule.RDAP_ABUSE,
        "machine:worker",
        "",
    )
    first = ContactSource.objects.get(contact=named)
    house.later(hours(1))
    contact.found(
        [
            (removal.host, "ABUSE@north-rack.example".lower(), rule.RDAP_ABUSE),
            (removal.host, "abuse@north-rack.example", rule.ABUSE_C),
            (removal.host, "not a mailbox", rule.ABUSE_C),
        ],
        by=MACHINE_WORKER,
        at=house.now,
    )
    again = {row.source: row for row in ContactSource.objects.filter(contact=named)}
    assert set(again) == {rule.RDAP_ABUSE, rule.ABUSE_C}
    assert again[rule.RDAP_ABUSE].first_at == first.first_at
    assert again[rule.RDAP_ABUSE].last_at == house.now
    assert removal.host.contacts.count() == 1
    assert acts().count("contact.found") == 1


def test_one_person_alone_opens_no_way_out(house: "Day") -> None:
    removals = here(house)
    (named,) = removals[0].host.contacts.all()
    with pytest.raises(Refused, match="Nobody has proposed"):
        notify.verify_contact(named, by=house.who("P01"), at=house.now)
    contact.propose(removals[0].host, named.mail, source=named.source, by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="yourself"):
        notify.verify_contact(named, by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="there already"):
        contact.propose(removals[0].host, named.mail, source=named.source, by=house.who("A12"), at=house.now)
    with pytest.raises(Refused, match="A person proposes"):
        contact.propose(
            removals[0].host, "x@host.example", source=rule.REGISTER, by=MACHINE_WORKER, at=house.now
        )
    house.answered(house.asked(), words.GO_AHEAD)
    assert [letter.state for letter in house.letters("notice")] == ["contact needed"]
    notify.verify_contact(named, by=house.who("P01"), at=house.now)
    house.letters_leave()
    assert house.notices_sent() == 1
    events = list(ContactEvent.objects.filter(contact=named).order_by("pk").values_list("act", "who"))
    assert events == [("found", "machine:worker"), ("proposed", "A07"), ("verified", "P01")]
    named.refresh_from_db()
    assert named.first_success == named.last_success == house.now


def test_a_bounce_demotes_and_the_next_best_is_written_to_without_a_person(house: "Day") -> None:
    removals = here(house)
    house.contact_verified(removals)
    second = two_stand_for(house, removals, "noc@north-rack.example")
    house.answered(house.asked(), words.GO_AHEAD)
    house.later(minutes(1))
    house.minute_over()
    (claimed,) = claims.claim("mail", at=house.now, by=MACHINE_WORKER, kinds=["notice"], guard=lambda _: b"x")
    first = Notice.objects.get(number=claimed.number).contact
    assert first is not None
    departed.bounced(claimed, why="550 no such mailbox", at=house.now)
    first.refresh_from_db()
    assert (first.usable, first.bounces, first.verified_by, first.last_failure) == (False, 1, "", house.now)
    (waiting,) = house.letters("notice", "pending")
    assert waiting.recipient != first.mail
    house.letters_leave()
    assert house.notices_sent() == 1
    sent = Notice.objects.get(sent_at__isnull=False)
    assert sent.contact_id != first.pk
    assert {first.mail, sent.contact.mail} == {"abuse@north-rack.example", second.mail}
    assert "contact.demoted" in acts()


def test_a_retired_contact_is_never_written_to_again(house: "Day") -> None:
    removals = here(house)
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    named = Contact.objects.get(host=removals[0].host)
    with pytest.raises(Refused, match="Say why"):
        notify.retire_contact(named, why=" ", by=house.who("A12"), at=house.now)
    notify.retire_contact(named, why="They moved their desk.", by=house.who("A12"), at=house.now)
    assert [letter.state for letter in house.letters("notice")] == ["withdrawn", "contact needed"]
    house.later(minutes(5))
    house.letters_leave()
    assert house.notices_sent() == 0
    two_stand_for(house, removals, "desk@north-rack.example")
    house.letters_leave()
    assert [letter.recipient for letter in house.letters("notice", "sent")] == ["desk@north-rack.example"]


def test_a_contact_retired_behind_our_back_stops_the_letter_at_the_door(house: "Day") -> None:
    removals = here(house)
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    Contact.objects.filter(host=removals[0].host).update(retired_at=house.now)
    house.letters_leave()
    (letter,) = house.letters("notice")
    assert letter.state == "pending"
    assert "no longer verified" in letter.why


def test_the_hosts_own_domain_gives_a_guess_that_two_people_must_stand_for(house: "Day") -> None:
    (removal,) = here(house)
    contact.name_site(removal.host, "https://www.North-Rack.test/contact", by=house.who("A07"), at=house.now)
    guess = Contact.objects.get(host=removal.host, mail="abuse@www.north-rack.test")
    assert (guess.source, rule.may_be_used(guess.known())) == (rule.ROLE, False)
    assert "host.site" in acts()


def test_a_call_is_an_act_that_acknowledges_and_closes_nothing(house: "Day") -> None:
    removals = here(house)
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.letters_leave()
    notice = Notice.objects.get(sent_at__isnull=False)
    host = notice.host
    with pytest.raises(Refused, match="what came of the call"):
        contact.log_call(host, outcome="fine", by=house.who("A07"), at=house.now)
    contact.log_call(host, outcome="no-answer", notice=notice, by=house.who("A07"), at=house.now)
    (removal,) = house.fresh(removals)
    assert removal.status == "noticed"
    due = removal.due_at
    house.later(minutes(30))
    contact.log_call(
        host, outcome="removed", text="Ticket 17.", notice=notice, by=house.who("A07"), at=house.now
    )
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.t6_acknowledged, removal.due_at) == ("acknowledged", house.now, due)
    assert removal.next_check_at == house.now
    assert acts().count("host.called") == 4  # two calls, each also in the case
