"""The exchange between hotlines, spoken to over real HTTP on loopback: out, in, and what they say they did.

The partner is the shipped simulator; it loses, doubles, reorders, dates back, falls silent and breaks the line.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from openhotline.connectors.mail.client import Relay
from openhotline.jobs import dispatch, doubt, exchange, reconcile
from openhotline.jobs.post import Known, Post
from openhotline.ledger.reading import entries_of
from openhotline.outbox import queue, settling
from openhotline.outbox.models import Difference, Letter
from openhotline.records import vault
from openhotline.records.models import (
    Hold,
    Item,
    Partner,
    PartnerMessage,
    Referral,
    ReferralAction,
    Removal,
    Report,
    User,
)
from openhotline.rules import abroad, words
from openhotline.rules.opinion import Opinion
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import appeal, difference, refer
from openhotline.steps import exchange as step
from openhotline.world.serve import World
from tests.house.test_docs import keys_of, promised
from tests.journeys.cast import CANAL_HOST, HOUSE, Day, hours, minutes

pytestmark = pytest.mark.django_db
DIJK = "http://dijk.example.net/n/9"


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("exchange") / "house", bundle=3) as world:
        yield world


@dataclass
class Abroad:
    """A house whose partner in the Netherlands is on the exchange."""

    day: Day
    world: World
    post: Post
    partner: Partner

    def turn(self) -> int:
        """The worker's turn with the exchange, at the house's time."""
        self.world.clock.set(self.day.now)
        return exchange.turn(self.post, policy=self.day.policy, at=self.day.now)

    def leave(self) -> int:
        self.world.clock.set(self.day.now)
        return dispatch.partners(self.post, policy=self.day.policy, at=self.day.now)

    def switch(self, word: str) -> None:
        self.world.script("switch", area="exchange", word=word)

    def give(self, address: str, **more: object) -> int:
        self.world.clock.set(self.day.now)
        return int(self.world.script("exchange-give", address=address, **more)["number"])

    def act(self, number: int, action: int, **more: object) -> None:
        self.world.clock.set(self.day.now)
        self.world.script("exchange-act", number=number, action=action, **more)

    def theirs(self) -> list[dict[str, object]]:
        """What they have from us."""
        return [row for row in self.world.state()["exchange"] if not row["ours"]]

    def referred(self, address: str = "http://img.example.net/e") -> Removal:
        day = self.day
        (removal,) = day.traced(day.graded(day.public_report(address)), CANAL_HOST)
        refer.refer_due(at=day.now)
        return removal


@pytest.fixture
def house(one_world: World) -> Iterator[Abroad]:
    vault.configure(b"the site key of a test house....".ljust(32))
    card = one_world.card["exchange"]
    partner = Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url=card["url"], protocol="exchange"
    )
    post = Post(
        relay=Relay("127.0.0.1"),
        house=HOUSE,
        partner_tokens=lambda: {"hotline-nl": {"user": card["user"], "password": card["password"]}},
    )
    one_world.internet.exchange.contents.clear()
    yield Abroad(Day(), one_world, post, partner)
    one_world.script("switch", area="exchange", word="normal")


def test_a_referral_goes_out_in_their_codes_and_what_is_lost_is_said(house: Abroad) -> None:
    removal = house.referred()
    assert house.leave() == 1
    (theirs,) = house.theirs()
    referral = Referral.objects.get()
    assert (theirs["reference"], referral.their_reference) == (referral.number, "97001")
    assert house.day.fresh([removal])[0].status == "referred"
    body = json.loads(bytes(Letter.objects.get(kind="referral").body))
    (url,) = body["urls"]
    assert (url["assessment"]["classification"], url["assessment"]["ageCategorization"]) == (2, 3)
    assert url["assessment"]["assessingAnalystName"] in ("A07", "A12")
    assert url["hostingIpAddress"] == CANAL_HOST[2]
    assert "The category of our scheme has no code there" in referral.lost
    assert "not recorded here" in referral.lost


def test_whether_the_line_breaks_before_or_after_they_took_it_it_is_one_referral(house: Abroad) -> None:
    house.referred()
    house.switch("keep-and-cut-off")
    house.leave()
    assert Letter.objects.get(kind="referral").state == "in doubt"
    house.switch("normal")
    house.day.later(minutes(6))
    assert doubt.settle(house.post, policy=house.day.policy, at=house.day.now) == 1
    letter = Letter.objects.get(kind="referral")
    assert (letter.state, letter.attempts, len(house.theirs())) == ("sent", 1, 1), "asked for, not sent again"

    house.referred("http://img.example.net/f")
    house.switch("error")
    house.leave()
    assert Letter.objects.filter(kind="referral").last().state == "pending", "we were not even let in"
    house.switch("normal")
    house.day.later(minutes(5))
    house.leave()
    assert [row["reference"] for row in house.theirs()] == list(
        Referral.objects.order_by("pk").values_list("number", flat=True)
    )


@pytest.mark.parametrize("word", ["later", "busy", "error", "cut-off", "odd"])
def test_while_they_cannot_answer_nothing_is_lost_and_nothing_invented(house: Abroad, word: str) -> None:
    house.give("http://north.example.org/1")
    house.switch(word)
    house.turn()
    assert not Report.objects.exists()
    assert Partner.objects.get().read_why
    assert Partner.objects.get().read_to is None, "this stretch is read again"
    house.switch("normal")
    house.day.later(minutes(16))
    house.turn()
    assert Report.objects.count() == 1
    assert Partner.objects.get().read_why == ""


@pytest.mark.parametrize("word", ["double", "reorder", "back-date", "lose"])
def test_lost_doubled_reordered_and_dated_back_each_becomes_one_report(house: Abroad, word: str) -> None:
    addresses = {f"http://north.example.org/{number}" for number in range(4)}
    for address in sorted(addresses):
        house.give(address, referrer="http://links.example.org/")
    house.switch(word)
    house.turn()
    house.switch("normal")
    for _ in range(2):
        house.day.later(minutes(16))
        house.turn()
    assert {item.canonical for item in Item.objects.all()} == addresses
    assert Report.objects.filter(source=words.FROM_HOTLINE, partner="hotline-nl").count() == 4
    assert set(Item.objects.values_list("referrer", flat=True)) == {"http://links.example.org/"}
    assert all(row["taken_as"] for row in house.world.state()["exchange"]), "each was confirmed, once durable"
    report = Report.objects.order_by("pk").first()
    assert report.received_at <= house.day.now, "T0 is our own time, whatever their date says"


def test_a_code_we_do_not_know_is_kept_whole_and_shown_and_the_report_counts(house: Abroad) -> None:
    house.give(
        "http://north.example.org/x",
        body={"content": {"assessments": [{"classification": 9, "ageCategorization": 2}]}},
    )
    house.turn()
    message = PartnerMessage.objects.get()
    assert message.unmapped == "Code '9' of classification is not in our table; it is kept as it came."
    assert "Age band: infant." in message.notes
    assert Item.objects.get().canonical == "http://north.example.org/x"
    assert '"classification":9' in step.whole(message, by=house.day.who("P01"), at=house.day.now)
    with pytest.raises(Refused, match="what you did"):
        step.settle(message, note=" ", by=house.day.who("P01"), at=house.day.now)
    step.settle(message, note="asked them", by=house.day.who("P01"), at=house.day.now)


def test_what_they_did_comes_back_and_removed_only_makes_us_look(house: Abroad) -> None:
    removal = house.referred()
    house.leave()
    number = int(house.theirs()[0]["number"])  # type: ignore[call-overload]
    house.day.later(hours(2))
    house.act(number, 1, minutes_ago=30)
    house.act(number, 3, minutes_ago=10)
    house.act(number, 7)  # no such code
    house.turn()
    said = list(ReferralAction.objects.order_by("pk").values_list("action", "via", "counted"))
    assert said == [(abroad.TOLD_POLICE, "iccam", True), (abroad.REMOVED, "iccam", True)]
    (removal,) = house.day.fresh([removal])
    assert (removal.status, removal.next_check_at) == ("referred", house.day.now)
    assert PartnerMessage.objects.get().unmapped.startswith("Code '7' of action")
    house.day.later(hours(2))
    house.turn()
    assert ReferralAction.objects.count() == 2, "read again, it is the same"
    acts = [entry.entry["act"] for entry in entries_of(removal.item.ref)]
    assert acts.count("referral.action") == 2


def test_told_out_of_order_dated_back_and_in_time_to_come(house: Abroad) -> None:
    removal = house.referred()
    house.leave()
    number = int(house.theirs()[0]["number"])  # type: ignore[call-overload]
    house.day.later(hours(2))
    house.act(number, 4, reason=5, minutes_ago=5)
    house.act(number, 2, minutes_ago=60 * 24 * 400)  # dated back, told after the last word
    house.act(number, 6, reason=14, minutes_ago=-60)  # has not happened yet
    house.turn()
    said = list(ReferralAction.objects.order_by("pk").values_list("action", "reason", "counted"))
    assert said == [(abroad.TOLD_HOST, "", True), (abroad.UNAVAILABLE, "password", True)]
    assert house.day.fresh([removal])[0].status == "unavailable there"
    assert "has not come yet" in PartnerMessage.objects.get().unmapped


def test_moved_is_a_change_of_country_and_for_our_own_trace(house: Abroad) -> None:
    removal = house.referred()
    house.leave()
    house.day.later(hours(2))
    house.act(int(house.theirs()[0]["number"]), 1, country="XA")  # type: ignore[call-overload]
    house.turn()
    moved = ReferralAction.objects.get(action=abroad.MOVED)
    assert moved.country == "XA"
    assert house.day.fresh([removal])[0].status == "referred"
    assert Letter.objects.filter(kind="trace", state="pending").exists()
    house.day.later(hours(2))
    house.turn()
    assert ReferralAction.objects.filter(action=abroad.MOVED).count() == 1


def test_nothing_goes_over_the_exchange_under_a_hold(house: Abroad) -> None:
    removal = house.referred()
    Hold.objects.create(
        removal=removal,
        reason="investigation",
        review_at=house.day.now + hours(24),
        placed_at=house.day.now,
        placed_by="NU-2",
    )
    house.leave()
    assert house.theirs() == []
    assert "Held by the police" in Letter.objects.get(kind="referral").why


# --- once a day both sides are compared ---------------------------------------------------------------


def reconciled(house: Abroad) -> dict[str, Any]:
    house.world.clock.set(house.day.now)
    every = reconcile.daily(house.post, policy=house.day.policy, at=house.day.now)
    return reconcile.told(every, at=house.day.now)


def test_every_difference_with_a_partner_is_listed_owned_and_settled_once(house: Abroad) -> None:
    house.referred()
    house.leave()
    exchange_ = house.world.internet.exchange
    number = Referral.objects.get().number
    assert reconciled(house)["differences"] == []

    twice, strange = (exchange_._keep("http://x.example.net/", house.day.now, "NL") for _ in range(2))
    twice.reference, strange.reference = number, "R-26-9999-Z"
    value = reconciled(house)
    assert keys_of(value, promised()["partner reconcile"]) == promised()["partner reconcile"]
    assert [(row["what"], row["key"], row["owner"]) for row in value["differences"]] == [
        (reconcile.TWICE, number, words.LIAISON),
        (reconcile.NOT_OURS, f"R-26-9999-Z ({strange.report})", words.LIAISON),
    ]
    assert reconcile.compare(house.post, at=house.day.now) == 2, "the hour ends nothing it did not look for"

    row = Difference.objects.get(what=reconcile.NOT_OURS)
    liaison, lead = house.day.who("P01"), house.day.who("L01")
    with pytest.raises(Refused, match="Take it first"):
        difference.settle(row, because="x", by=liaison, at=house.day.now)
    difference.take(row, by=liaison, at=house.day.now)
    with pytest.raises(Refused, match="P01 has taken it"):
        difference.take(row, by=lead, at=house.day.now)
    with pytest.raises(NotPermitted):
        difference.take(row, by=house.day.who("A07"), at=house.day.now)
    difference.settle(row, because="theirs, from a test of ours", by=liaison, at=house.day.now)
    del exchange_.contents[twice.number]
    assert reconciled(house)["differences"] == [], "a person's word stands, and what agrees again has ended"
    ended = set(Difference.objects.values_list("what", "settled_by"))
    assert ended == {(reconcile.NOT_OURS, "P01"), (reconcile.TWICE, "machine:worker")}


def test_what_they_lost_and_what_they_say_against_our_own_eyes(house: Abroad) -> None:
    removal = house.referred()
    house.leave()
    (theirs,) = house.theirs()
    house.day.later(hours(1))
    house.act(int(theirs["number"]), 3)  # type: ignore[call-overload]
    house.turn()
    house.day.later(timedelta(days=3))
    house.day.looked([removal], peer=CANAL_HOST[2])
    value = reconciled(house)
    assert [row["what"] for row in value["differences"]] == [reconcile.SAID_GONE]
    house.world.internet.exchange.contents.clear()
    value = reconciled(house)
    assert {row["what"] for row in value["differences"]} == {reconcile.SAID_GONE, reconcile.NOT_THERE}
    house.switch("later")
    value = reconciled(house)
    assert len(value["differences"]) == 2, "a partner that does not answer ends nothing"
    assert "did not" in value["partners"][0]["why"]


def test_a_partner_that_does_not_answer_is_left_alone_after_three_questions(
    house: Abroad, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent line may cost twenty seconds a question; the worker has other things to do."""
    for number in range(5):
        letter = queue.put(
            "referral",
            number=f"R-{number}",
            recipient="hotline-nl",
            transport="partner",
            at=house.day.now,
            by=words.MACHINE_WORKER,
        )
        Letter.objects.filter(pk=letter.pk).update(state="sent", way="http", sent_at=house.day.now)
    asked: list[str] = []

    def silence(self: Post, letter: Letter) -> Known:
        asked.append(letter.number)
        return Known("unknown", "")

    monkeypatch.setattr(Post, "ask", silence)
    assert reconcile.compare(house.post, at=house.day.now) == 0
    assert len(asked) == 3


def test_what_they_dated_far_back_is_fetched_by_the_day(house: Abroad) -> None:
    house.turn()
    house.day.later(hours(24))
    house.give("http://north.example.org/late", days_ago=20)
    house.turn()
    assert not Report.objects.exists()
    reconciled(house)
    assert Report.objects.count() == 1


def test_what_nobody_takes_is_brought_before_managers_once_a_day(house: Abroad) -> None:
    difference.file([("partner:hotline-nl", reconcile.TWICE, "R-1")], lambda row: False, at=house.day.now)
    policy = house.day.policy
    assert difference.untaken(policy=policy, at=house.day.now) == 0
    house.day.later(hours(25))
    assert [difference.untaken(policy=policy, at=house.day.now) for _ in range(2)] == [1, 0]
    assert house.day.letters("differences-untaken")[0].recipient == policy.managers_mail


# --- what they gave us, and what we write back --------------------------------------------------------


def words_written(house: Abroad) -> list[str]:
    return [letter.number.partition(" ")[2] for letter in house.day.letters("exchange-word", "sent")]


def on(house: Abroad, span: timedelta = timedelta(minutes=16)) -> None:
    """Time passes; the worker reads and writes."""
    house.day.later(span)
    house.turn()
    house.leave()


def given_and_graded(house: Abroad, address: str = "http://img.example.org/given") -> tuple[int, Removal]:
    number = house.give(address)
    on(house)
    (removal,) = house.day.traced(house.day.graded(list(Item.objects.filter(canonical=address))))
    return number, removal


def test_our_grade_and_what_we_did_are_written_back_once_each_at_their_own_times(house: Abroad) -> None:
    number, removal = given_and_graded(house)
    graded_at = house.day.now
    on(house)
    there = house.world.internet.exchange.contents[number]
    assert (there.graded[0]["classification"], there.graded[0]["ageCategorization"]) == (2, 3)
    assert there.graded[0]["assessingAnalystName"] == "A12", "the one who graded, not an account"
    assert there.actions == []

    house.day.contact_verified([removal])
    asked = house.day.asked()
    asked_at = house.day.now
    on(house, hours(1))
    assert [(row["actionType"], row["actionDate"]) for row in there.actions] == [
        (1, asked_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    ], "when it happened, not when it was sent"
    house.day.answered(asked, words.GO_AHEAD)
    house.day.letters_leave()
    house.day.missed_until_gone(house.day.fresh([removal]))
    for _ in range(4):
        on(house)
    assert [row["actionType"] for row in there.actions] == [1, 2, 3]
    assert words_written(house) == ["grade", abroad.TOLD_POLICE, abroad.TOLD_HOST, abroad.REMOVED]
    assert PartnerMessage.objects.get().told_all
    assert graded_at < asked_at


def test_a_word_whose_answer_was_lost_is_asked_for_and_not_said_twice(house: Abroad) -> None:
    number, _ = given_and_graded(house)
    house.day.later(minutes(16))
    house.turn()
    house.switch("keep-and-cut-off")
    house.leave()
    assert house.day.letters("exchange-word")[0].state == "in doubt"
    house.switch("normal")
    house.day.later(minutes(6))
    assert doubt.settle(house.post, policy=house.day.policy, at=house.day.now) == 1
    assert house.day.letters("exchange-word")[0].state == "sent"
    assert len(house.world.internet.exchange.contents[number].graded) == 1


def test_not_illegal_here_is_graded_and_said_and_moved_gives_it_to_the_other_country(house: Abroad) -> None:
    first = house.give("http://img.example.org/lawful")
    on(house)
    house.day.graded(list(Item.objects.all()), by=("A07",), opinion=Opinion(words.NOT_ILLEGAL))
    second, removal = given_and_graded(house, "http://img.example.org/moves")
    for _ in range(3):
        on(house)
    house.day.traced([removal.item], CANAL_HOST)
    for _ in range(3):
        on(house)
    contents = house.world.internet.exchange.contents
    lawful, moved = contents[first], contents[second]
    assert lawful.graded[0]["classification"] == 4
    assert [(row["actionType"], row["reasonId"]) for row in lawful.actions] == [(6, 1)]
    assert (moved.country, moved.actions) == ("NL", [])


def test_nothing_is_written_back_under_a_hold(house: Abroad) -> None:
    number, removal = given_and_graded(house)
    hold = Hold.objects.create(
        removal=removal,
        reason="x",
        review_at=house.day.now,
        placed_at=house.day.now,
        placed_by="NU-2",
    )
    on(house)
    assert house.world.internet.exchange.contents[number].graded == []
    assert "Held by the police" in house.day.letters("exchange-word")[0].why
    hold.released_at = house.day.now
    hold.save()
    on(house)
    assert len(house.world.internet.exchange.contents[number].graded) == 1


def test_a_word_they_refuse_is_a_difference_and_stops_the_others_until_a_person_says(house: Abroad) -> None:
    number, removal = given_and_graded(house)
    there = house.world.internet.exchange.contents[number]
    house.act(number, 1)  # once something was done about it, they take no grade
    on(house)
    (letter,) = house.day.letters("exchange-word", "failed")
    assert [(row["what"], row["key"]) for row in reconciled(house)["differences"]] == [
        (reconcile.WORD_REFUSED, letter.number)
    ]
    liaison = house.day.who("P01")
    with pytest.raises(NotPermitted):
        queue.leave(letter, why="x", by=house.day.who("A07"), at=house.day.now)
    settling.again(letter, by=liaison, at=house.day.now)
    house.leave()
    house.day.contact_verified([removal])
    house.day.asked()
    on(house)
    assert [one.state for one in house.day.letters("exchange-word")] == ["failed"], "nothing overtakes it"
    with pytest.raises(Refused, match="why it need not"):
        queue.leave(letter, why=" ", by=liaison, at=house.day.now)
    queue.leave(letter, why="they had graded it themselves", by=liaison, at=house.day.now)
    on(house)
    assert words_written(house) == [abroad.TOLD_POLICE]
    assert (there.graded, len(there.actions)) == ([], 2)
    assert reconciled(house)["differences"] == []


def test_what_they_gave_and_an_appeal_reverses_is_said_there_and_by_letter(house: Abroad) -> None:
    day = house.day
    number, removal = given_and_graded(house)
    on(house)
    day.contact_verified([removal])
    day.answered(day.asked(), words.GO_AHEAD)
    day.letters_leave()
    on(house)
    notice = removal.notice_lines.get().notice
    Partner.objects.update(mail="desk@hotline-nl.example")
    for name in ("M01", "L02"):
        day.people[name] = User.objects.create(username=name, pseudonym=name, role=words.MANAGER)
    said = {"standing": "publisher", "text": "A drawing.", "via": "page", "policy": day.policy}
    made = appeal.open_(notice, **said, by=words.PUBLIC_REPORTER, at=day.now)
    appeal.propose(made, "reversed", reasons="Adults.", by=day.who("M01"), at=day.now)
    appeal.reverse(made, by=day.who("L02"), at=day.now)
    (letter,) = day.letters("exchange-repealed")
    assert (letter.recipient, str(number) in letter.text) == ("desk@hotline-nl.example", True)
    for _ in range(3):
        on(house)
    there = house.world.internet.exchange.contents[number]
    assert [row["actionType"] for row in there.actions][-1] == 6, "not illegal here, as the last word"
