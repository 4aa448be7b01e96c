"""An appeal by serial: acknowledged, reviewed by the uninvolved, and a reversal taken back everywhere it went."""

import json
from typing import TYPE_CHECKING

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import Appeal, Hold, Item, Notice, NoticeMessage, Partner, Referral, User
from openhotline.rules import urls, words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import Actor
from openhotline.steps import alert, appeal, confirm, contact, escalate, filter_list, refer
from tests.journeys.cast import CANAL_HOST, QUAY_DATA, hours, minutes
from tests.journeys.test_filter_list import agreed, fetched, listed_at_five

if TYPE_CHECKING:
    from openhotline.records.models import Removal
    from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db
PUBLIC = Actor(words.PUBLIC, "public:appeal", auth="none")


@pytest.fixture
def staffed(house: "Day") -> "Day":
    vault.configure(b"the site key of a test house....".ljust(32))
    for name, role in (("M01", words.MANAGER), ("L02", words.LEAD)):
        house.people[name] = User.objects.create(username=name, pseudonym=name, role=role)
    return house


def noticed(house: "Day", name: str = "a") -> "tuple[Notice, list[Removal]]":
    removals = house.traced(house.graded(house.public_report(f"http://img.example.net/{name}")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.letters_leave()
    return Notice.objects.get(lines__removal=removals[0]), house.fresh(removals)


def appealed(house: "Day", notice: Notice, **more: object) -> Appeal:
    said = {
        "standing": "publisher",
        "text": "It is a drawing of mine.",
        "reach": "me@elsewhere.example",
        **more,
    }
    return appeal.open_(notice, via="page", policy=house.policy, by=PUBLIC, at=house.now, **said)  # type: ignore[arg-type]


def acts() -> set[str]:
    return {canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)}


def test_an_appeal_changes_nothing_until_it_is_decided(staffed: "Day") -> None:
    notice, (removal,) = noticed(staffed)
    before = (removal.status, removal.due_at, removal.clock)
    made = appealed(staffed, notice)
    assert appealed(staffed, notice).pk == made.pk
    assert made.acknowledge_by - staffed.now == staffed.policy.clocks.appeal_acknowledge
    assert made.result_by - staffed.now == staffed.policy.clocks.appeal_result
    (removal,) = staffed.fresh([removal])
    assert (removal.status, removal.due_at, removal.clock) == before
    assert b"drawing" not in bytes(made.sealed)
    appeal.acknowledge(made, by=staffed.who("M01"), at=staffed.now)
    (letter,) = staffed.letters("appeal-answer")
    assert "stands meanwhile" in letter.text
    staffed.letters_leave()
    letter.refresh_from_db()
    assert (letter.recipient, letter.text, letter.body) == ("", "", None)


def test_who_had_a_part_in_the_decision_does_not_review_it(staffed: "Day") -> None:
    notice, _ = noticed(staffed)
    made = appealed(staffed, notice)
    assert appeal.involved(made) == {"A07", "A12"}
    with pytest.raises(NotPermitted):
        appeal.propose(made, "upheld", reasons="x", by=staffed.who("A07"), at=staffed.now)
    User.objects.filter(pseudonym="A12").update(role=words.MANAGER)
    reader = User.objects.get(pseudonym="A12").actor()
    with pytest.raises(Refused, match="had a part"):
        appeal.propose(made, "upheld", reasons="x", by=reader, at=staffed.now)
    with pytest.raises(Refused, match="reasons"):
        appeal.propose(made, "upheld", reasons=" ", by=staffed.who("M01"), at=staffed.now)
    appeal.propose(made, "upheld", reasons="It is a photograph.", by=staffed.who("M01"), at=staffed.now)
    made.refresh_from_db()
    assert (made.outcome, made.reviewer) == ("upheld", "M01")
    with pytest.raises(Refused, match="decided already"):
        appeal.propose(made, "reversed", reasons="x", by=staffed.who("L02"), at=staffed.now)
    assert Notice.objects.get(pk=notice.pk).withdrawn_at is None


def test_a_reversal_needs_two_and_is_told_wherever_it_went(staffed: "Day") -> None:
    notice, removals = noticed(staffed)
    made = appealed(staffed, notice)
    with pytest.raises(Refused, match="Nobody has proposed"):
        appeal.reverse(made, by=staffed.who("M01"), at=staffed.now)
    appeal.propose(made, "reversed", reasons="A drawing of adults.", by=staffed.who("M01"), at=staffed.now)
    assert Item.objects.get(removals=removals[0]).status == "graded"
    with pytest.raises(Refused, match="yourself"):
        appeal.reverse(made, by=staffed.who("M01"), at=staffed.now)
    Hold.objects.create(
        removal=removals[0], reason="other", placed_at=staffed.now, placed_by="NU-2", review_at=staffed.now
    )
    appeal.reverse(made, by=staffed.who("L02"), at=staffed.now)
    (removal,) = staffed.fresh(removals)
    assert (removal.status, removal.next_check_at, removal.due_at) == ("closed", None, None)
    assert removal.item.status == "not illegal"
    notice.refresh_from_db()
    assert notice.withdrawn_at == staffed.now
    assert not Hold.objects.filter(released_at=None).exists()
    kinds = set(Letter.objects.filter(put_at=staffed.now).values_list("kind", flat=True))
    assert {"host-repealed", "police-repealed", "appeal-answer"} <= kinds
    (told,) = staffed.letters("host-repealed")
    assert (told.recipient, notice.number in told.text) == (notice.contact.mail, True)
    assert {"appeal.opened", "appeal.reversed", "removal.repeal", "item.repeal"} <= acts()
    with pytest.raises(Refused, match="withdrawn"):
        confirm.record(notice, {removal.pk: "removed"}, by=confirm.by_link(notice), at=staffed.now)


def reversed_(house: "Day", made: Appeal) -> None:
    appeal.propose(made, "reversed", reasons="Lawful.", by=house.who("M01"), at=house.now)
    appeal.reverse(made, by=house.who("L02"), at=house.now)


def test_two_reversals_in_one_notice_are_two_letters(staffed: "Day") -> None:
    """What is taken back later is said too, though the host has had a letter about the same notice."""
    urls_ = ("http://img.example.net/a", "http://img.example.net/b")
    removals = staffed.traced(staffed.graded(staffed.public_report(*urls_)))
    staffed.contact_verified(removals)
    staffed.answered(staffed.asked(), words.GO_AHEAD)
    staffed.letters_leave()
    notice = Notice.objects.get(sent_at__isnull=False)
    for removal in removals:
        reversed_(staffed, appealed(staffed, notice, about=[removal.pk]))
        staffed.later(hours(1))
    assert len(staffed.letters("host-repealed")) == 2


def test_a_reversal_is_told_to_whoever_may_have_the_letter(staffed: "Day") -> None:
    """The item moved; nobody knows yet whether the notice about its new place arrived."""
    notice, removals = noticed(staffed)
    staffed.later(minutes(10))
    moved = staffed.traced([removals[0].item], QUAY_DATA)
    staffed.contact_verified(moved[:1])
    staffed.asked()
    Letter.objects.filter(kind="notice", state="pending").update(state="in doubt")
    (doubtful,) = Letter.objects.filter(kind="notice", state="in doubt")
    reversed_(staffed, appealed(staffed, notice))
    assert doubtful.recipient in {letter.recipient for letter in staffed.letters("host-repealed")}


def test_referrals_abroad_are_taken_back_too(staffed: "Day") -> None:
    """The same item, once at home and once abroad: both roads are walked back."""
    notice, removals = noticed(staffed)
    staffed.later(minutes(10))
    moved = staffed.traced([removals[0].item], CANAL_HOST)
    staffed.contact_verified(moved[:1])
    asked_for = alert.register(moved[0].host, why="letter", by=staffed.who("A07"), at=staffed.now)
    alert.confirm(asked_for, by=staffed.who("P01"), at=staffed.now)
    for row in staffed.policy.partners:
        Partner.objects.get_or_create(
            key=row.key, defaults={"name": row.name, "kind": "hotline", "country": row.country}
        )
    refer.refer_due(at=staffed.now)
    staffed.letters_leave()
    alert.hosts_due(at=staffed.now)
    staffed.letters_leave()
    referral = Referral.objects.get(sent_at__isnull=False)
    made = appealed(staffed, notice)
    appeal.propose(made, "reversed", reasons="Adults.", by=staffed.who("M01"), at=staffed.now)
    appeal.reverse(made, by=staffed.who("L02"), at=staffed.now)
    (letter,) = staffed.letters("referral-repealed")
    assert letter.number.partition("/")[0] == referral.number
    (letter,) = staffed.letters("alert-repealed")
    assert letter.recipient == "abuse@canal-hosting.example"
    newest = staffed.fresh(list(removals[0].item.removals.all()))
    assert {row.status for row in newest} == {"closed", "moved"}


def test_managers_are_told_once_of_an_appeal_past_its_time(staffed: "Day") -> None:
    notice, _ = noticed(staffed)
    appealed(staffed, notice)
    assert appeal.late(policy=staffed.policy, at=staffed.now) == 0
    staffed.later(staffed.policy.clocks.appeal_acknowledge)
    assert appeal.late(policy=staffed.policy, at=staffed.now) == 1
    assert appeal.late(policy=staffed.policy, at=staffed.now) == 0
    assert [letter.recipient for letter in staffed.letters("appeal-late")] == [staffed.policy.managers_mail]


def test_what_a_host_asks_is_logged_answered_and_closes_nothing(staffed: "Day") -> None:
    notice, (removal,) = noticed(staffed)
    by = confirm.by_link(notice)
    confirm.press(notice, {removal.pk: "need-more"}, via="link", policy=staffed.policy, by=by, at=staffed.now)
    asked = NoticeMessage.objects.get(side="host")
    assert asked.due_at == staffed.now + staffed.policy.clocks.host_query
    staffed.later(minutes(20))
    to = confirm.reached(notice)
    with pytest.raises(Refused, match="Write an answer"):
        confirm.reply(notice, " ", to=to, by=staffed.who("A07"), at=staffed.now)
    for said in ("It is img.example.net/a", "See hxxp://img.example[.]net/a."):
        with pytest.raises(Refused, match="its number on the page"):
            confirm.reply(notice, said, to=to, by=staffed.who("A07"), at=staffed.now)
    confirm.reply(notice, "The second picture of the page.", to=to, by=staffed.who("A07"), at=staffed.now)
    asked.refresh_from_db()
    assert asked.answered_at == staffed.now
    (letter,) = staffed.letters("host-answer")
    assert letter.recipient == notice.contact.mail
    assert staffed.fresh([removal])[0].status == "acknowledged"


def test_an_appeal_pressed_by_the_host_is_an_appeal(staffed: "Day") -> None:
    notice, (removal,) = noticed(staffed)
    confirm.press(
        notice,
        {removal.pk: "appeal"},
        text="A medical page.",
        via="link",
        policy=staffed.policy,
        by=confirm.by_link(notice),
        at=staffed.now,
    )
    made = Appeal.objects.get()
    assert (made.standing, appeal.read(made)["text"]) == ("host", "A medical page.")
    notice.refresh_from_db()
    assert notice.opened_at == staffed.now


def test_a_host_abroad_appeals_by_its_alert_and_the_reversal_goes_everywhere(staffed: "Day") -> None:
    Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url="http://nl.test"
    )
    removals = staffed.traced(
        staffed.graded(staffed.public_report("http://dijk.example.net/n/1")), CANAL_HOST
    )
    staffed.contact_verified(removals)
    row = alert.register(removals[0].host, why="letter", by=staffed.who("A07"), at=staffed.now)
    alert.confirm(row, by=staffed.who("P01"), at=staffed.now)
    refer.refer_due(at=staffed.now)
    staffed.letters_leave()
    alert.hosts_due(at=staffed.now)
    (waiting,) = staffed.letters(alert.KIND)
    assert appeal.sent_alert(waiting.number) is None, "nothing can be appealed before it has left"
    staffed.letters_leave()
    against = appeal.sent_alert(waiting.number)
    said = {"standing": "host", "text": "A museum.", "reach": "us@canal.example", "via": "page"}
    made = appeal.open_(against, **said, policy=staffed.policy, by=PUBLIC, at=staffed.now)
    assert (made.number, made.against) == (waiting.number, f"alert {waiting.number}")
    assert appeal.open_(against, **said, policy=staffed.policy, by=PUBLIC, at=staffed.now).pk == made.pk
    appeal.acknowledge(made, by=staffed.who("M01"), at=staffed.now)
    appeal.propose(made, "reversed", reasons="A painting.", by=staffed.who("M01"), at=staffed.now)
    appeal.reverse(made, by=staffed.who("L02"), at=staffed.now)
    kinds = {letter.kind: letter for letter in Letter.objects.filter(put_at=staffed.now)}
    assert {"alert-repealed", "referral-repealed"} <= set(kinds)
    assert [letter.subject for letter in staffed.letters("appeal-answer")] == [
        f"Your appeal about {waiting.number}"
    ] * 2
    assert staffed.fresh(removals)[0].status == "closed"


def test_who_is_kept_from_an_address_appeals_by_it_once_a_filter_got_it(staffed: "Day") -> None:
    url = "https://dijk.example.net/n/9"
    (removal,) = listed_at_five(staffed, url, "https://dijk.example.net/n/10")[:1]
    key = urls.read(url).key_digest
    assert appeal.filtered(key) == [], "no copy holds it: appealing must not tell that the house knows it"
    row, _ = agreed(staffed)
    fetched(staffed, row)
    assert appeal.filtered(key) == [removal.pk]
    said = {"standing": "blocked", "text": "My school needs it.", "via": "page"}
    made = appeal.open_(None, **said, about=[removal.pk], policy=staffed.policy, by=PUBLIC, at=staffed.now)
    appeal.propose(made, "reversed", reasons="Lawful.", by=staffed.who("M01"), at=staffed.now)
    appeal.reverse(made, by=staffed.who("L02"), at=staffed.now)
    filter_list.take_off(policy=staffed.policy, at=staffed.now)
    told = json.loads(filter_list.withdrawn(row, policy=staffed.policy, by=PUBLIC, at=staffed.now))
    assert len(told["withdrawn"]) == 1, "the recipient drops it at once; the other stays"
    assert appeal.filtered(urls.read("https://dijk.example.net/n/10").key_digest) != []


def test_a_host_hears_in_its_own_language_what_becomes_of_its_notice(staffed: "Day") -> None:
    notice, _ = noticed(staffed)
    form = {"language": "de", "form": "report"}
    contact.letters_as(notice.host, **form, by=staffed.who("A07"), at=staffed.now)
    notice = Notice.objects.get(pk=notice.pk)
    made = appealed(staffed, notice, standing="host")
    appealed(staffed, notice, standing="blocked")
    staffed.later(hours(4))
    escalate.host_clocks(policy=staffed.policy, at=staffed.now)
    confirm.reply(notice, "Seite 2.", to=confirm.reached(notice), by=staffed.who("L01"), at=staffed.now)
    for one in Appeal.objects.all():
        appeal.acknowledge(one, by=staffed.who("M01"), at=staffed.now)
    appeal.propose(made, "reversed", reasons="Ein Bild.", by=staffed.who("M01"), at=staffed.now)
    appeal.reverse(made, by=staffed.who("L02"), at=staffed.now)
    said = {
        (letter.kind, letter.subject.partition(" ")[0]): letter.text
        for letter in Letter.objects.filter(put_at=staffed.now)
    }
    assert set(said) == {
        ("police-repealed", "P-26-0001-E:"),
        ("reminder", "Erinnerung:"),
        ("host-answer", "Antwort:"),
        ("host-repealed", f"{notice.number}:"),
        ("appeal-answer", "Ihr"),
        ("appeal-answer", "Your"),
    }
    assert f"Wir nehmen die Meldung {notice.number} zurück." in said["host-repealed", f"{notice.number}:"]
    assert said["appeal-answer", "Ihr"].startswith("Sie hatten recht")
    assert "eine Adresse" in said["reminder", "Erinnerung:"]
