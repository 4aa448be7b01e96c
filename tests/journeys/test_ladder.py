"""Up the ladder: one rung at a time, under the guards of every letter; and what the scorecard says of hosts."""

import email
import email.policy
from datetime import timedelta
from typing import TYPE_CHECKING

import pysequoia
import pytest

from openhotline.connectors.mail.client import Relay
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.jobs import dispatch
from openhotline.jobs import post as posting
from openhotline.jobs.post import Post
from openhotline.records import vault
from openhotline.records.models import Breach, Contact, Hold, Host, Notice, Removal, Rung, User
from openhotline.rules import ladder as rule
from openhotline.rules import methods, words
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.ladder import RungRow
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.statistics.hosts import scorecard
from openhotline.steps import contact, escalate, freshness, ladder, notify, public_key
from tests.journeys.cast import HOUSE, NOON, hours, minutes

if TYPE_CHECKING:
    from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db


def noticed(house: "Day", name: str = "a") -> "list[Removal]":
    removals = house.traced(house.graded(house.public_report(f"http://img.example.net/{name}")))
    if contact.best(removals[0].host) is None:
        house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.letters_leave()
    return house.fresh(removals)


def overdue(house: "Day") -> "list[Removal]":
    removals = noticed(house)
    for wait in (hours(4), hours(20)):
        house.later(wait)
        escalate.host_clocks(policy=house.policy, at=house.now)
    assert house.fresh(removals)[0].status == "overdue"
    return house.fresh(removals)


def reach(house: "Day", host: Host, mail: str) -> None:
    row = contact.propose(host, mail, source="host-page", by=house.who("A07"), at=house.now)
    notify.verify_contact(row, by=house.who("P01"), at=house.now)


def test_each_rung_is_taken_once_at_its_time_and_written_to_at_a_verified_contact(house: "Day") -> None:
    removals = overdue(house)
    host = removals[0].host
    above = Host.objects.create(key="AS64499:above", name="Above Net", first_seen=house.now)
    ladder.stands(host, upstream=above, member=True, by=house.who("P01"), at=house.now)
    reach(house, above, "abuse@above.example")
    assert ladder.climb(policy=house.policy, at=house.now) == 0
    house.letters_leave()
    house.later(hours(1))
    assert ladder.climb(policy=house.policy, at=house.now) == 1
    assert ladder.climb(policy=house.policy, at=house.now) == 0
    (letter,) = house.letters("ladder-upstream")
    assert (letter.state, letter.recipient) == ("pending", "abuse@above.example")
    said = ladder.written(letter, policy=house.policy, house=HOUSE, at=house.now)
    assert "1. http://img.example.net/a" in said.whole.splitlines()
    for text in (said.whole, said.open):
        for duty in ("Above Net", "Its ground: ", "preserve", "remove", "genuine", "Appeal", "UTC"):
            assert duty in text
    assert "img.example.net" not in letter.text
    assert freshness.to_trace(at=house.now) == removals, "it is traced again before the letter leaves"
    assert Breach.objects.get().host == host
    house.later(hours(23))
    assert ladder.climb(policy=house.policy, at=house.now) == 1
    (letter,) = house.letters("ladder-registrar")
    assert letter.state == "contact needed"
    house.later(hours(48))
    assert ladder.climb(policy=house.policy, at=house.now) == 1
    assert [one.step for one in Rung.objects.order_by("pk")] == list(rule.STEPS)
    house.later(hours(100))
    assert ladder.climb(policy=house.policy, at=house.now) == 0


def test_nothing_is_taken_up_about_what_is_held_or_done(house: "Day") -> None:
    removals = overdue(house)
    house.later(hours(1))
    Hold.objects.create(
        removal=removals[0],
        reason="other",
        placed_at=house.now,
        placed_by="NU-2",
        review_at=house.now + hours(9),
    )
    assert ladder.climb(policy=house.policy, at=house.now) == 0
    Hold.objects.update(released_at=house.now)
    assert ladder.climb(policy=house.policy, at=house.now) == 1
    letter = house.letters("ladder-upstream")[0]
    Hold.objects.create(
        removal=removals[0],
        reason="other",
        placed_at=house.now,
        placed_by="NU-2",
        review_at=house.now + hours(9),
    )
    assert not escalate.reminder_stands(letter, at=house.now)
    letter.refresh_from_db()
    assert letter.state == "withdrawn"


def test_the_registrar_is_whom_the_registry_of_the_domain_names(house: "Day") -> None:
    (removal,) = overdue(house)
    answer = MethodAnswer(
        methods.RDAP_DOMAIN, True, operator="Name Shop", abuse_mail=("abuse@nameshop.example",)
    )
    ladder.name_registrars([answer], at=house.now)
    shop = Host.objects.get(key=ladder.registrar_key("NAME shop"))
    reach(house, shop, "abuse@nameshop.example")
    trace = removal.item.traces.latest("pk")
    trace.answers = [*trace.answers, {"method": methods.RDAP_DOMAIN, "operator": "Name Shop"}]
    trace.save(update_fields=["answers"])
    for wait in (hours(1), hours(23)):
        house.later(wait)
        ladder.climb(policy=house.policy, at=house.now)
    assert house.letters("ladder-registrar")[0].recipient == "abuse@nameshop.example"


def test_a_manager_settles_a_breach_and_a_host_is_not_above_itself(house: "Day") -> None:
    removals = overdue(house)
    host = removals[0].host
    with pytest.raises(Refused, match="above itself"):
        ladder.stands(host, upstream=host, member=True, by=house.who("P01"), at=house.now)
    ladder.stands(host, upstream=None, member=True, by=house.who("P01"), at=house.now)
    house.later(hours(1))
    ladder.climb(policy=house.policy, at=house.now)
    row = Breach.objects.get()
    with pytest.raises(NotPermitted):
        ladder.settle_breach(row, note_text="x", by=house.who("A07"), at=house.now)
    boss = User.objects.create(username="M01", pseudonym="M01", role=words.MANAGER).actor()
    with pytest.raises(Refused, match="what came"):
        ladder.settle_breach(row, note_text=" ", by=boss, at=house.now)
    ladder.settle_breach(row, note_text="They were warned.", by=boss, at=house.now)
    row.refresh_from_db()
    assert row.settled_by == "M01"


def test_rungs_are_due_in_the_order_of_their_times() -> None:
    rungs = (RungRow("regulator", timedelta(days=3), "r"), RungRow("upstream", timedelta(hours=1), "u"))
    assert rule.due(rungs, taken=(), since=NOON, at=NOON + minutes(59)) is None
    assert rule.due(rungs, taken=(), since=NOON, at=NOON + hours(100)) == rungs[1]
    assert rule.due(rungs, taken=("upstream",), since=NOON, at=NOON + hours(71)) is None
    assert rule.due(rungs, taken=("upstream",), since=NOON, at=NOON + hours(72)) == rungs[0]
    assert rule.due(rungs, taken=("upstream", "regulator"), since=NOON, at=NOON + hours(720)) is None
    assert rule.next_at(rungs, taken=("upstream",), since=NOON) == NOON + hours(72)
    assert rule.next_at(rungs, taken=rule.STEPS, since=NOON) is None


def test_time_on_hold_counts_once_however_many_hold() -> None:
    def held(*spans: tuple[float, float]) -> timedelta:
        return rule.on_hold([(NOON + hours(a), NOON + hours(b)) for a, b in spans], since=NOON)

    assert held() == hours(0)
    assert held((1, 3), (5, 6)) == hours(3)
    assert held((2, 5), (1, 3)) == hours(4)
    assert held((1, 6), (2, 3), (5, 7)) == hours(6)
    assert held((-4, -2), (-1, 2)) == hours(2)


def test_the_scorecard_counts_what_happened_and_leaves_held_time_out(house: "Day") -> None:
    took = []
    for number in range(3):
        removals = noticed(house, f"s{number}")
        house.later(minutes(30 * (number + 1)))
        house.missed_until_gone(removals)
        (row,) = house.fresh(removals)
        assert row.status == "removed"
        took.append(row.t8_gone - row.t5_sent)
        if number == 2:
            Hold.objects.create(
                removal=row,
                reason="other",
                placed_at=house.now,
                placed_by="NU-2",
                review_at=house.now,
                released_at=house.now,
            )
    contact.demote(Notice.objects.latest("pk").contact, why="550", at=house.now)
    (score,) = scorecard(NOON - hours(1), house.now + hours(1))
    assert (score.name, score.noticed, score.gone, score.bounces, score.late) == ("North Rack", 3, 3, 1, 0)
    assert score.median == sorted(took[:2])[0]
    assert scorecard(house.now + hours(1), house.now + hours(2)) == []


def test_a_letter_up_the_ladder_is_sealed_and_names_only_what_is_still_there(
    house: "Day", monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.configure(b"the site key of a test house....".ljust(32))
    relay = FakeRelay()
    monkeypatch.setattr(posting, "send_mail", relay.send)
    removals = house.traced(house.graded(house.public_report(*(f"http://img.example.net/{n}" for n in "ab"))))
    house.contact_verified(removals)
    house.answered(house.asked(), "go-ahead")
    house.letters_leave()
    for wait in (hours(4), hours(20)):
        house.later(wait)
        escalate.host_clocks(policy=house.policy, at=house.now)
    above = Host.objects.create(key="AS64499:above", name="Above Net", first_seen=house.now)
    ladder.stands(removals[0].host, upstream=above, member=False, by=house.who("P01"), at=house.now)
    reach(house, above, "abuse@above.example")
    secret = pysequoia.Tsk.generate("Abuse <abuse@above.example>")
    public = str(secret.extract_certificate())
    key = public_key.propose(Contact.objects.get(host=above), public, by=house.who("A07"), at=house.now)
    public_key.verify(key, key.fingerprint, by=house.who("P01"), at=house.now)
    house.later(hours(1))
    assert ladder.climb(policy=house.policy, at=house.now) == 1
    house.traced([removals[0].item])
    house.traced([removals[1].item])
    Removal.objects.filter(pk=removals[0].pk).update(status="removed")
    post = Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict)
    dispatch.letters(post, policy=house.policy, at=house.now, kinds=["ladder-upstream"])
    assert relay.taken, [(one.state, one.why) for one in house.letters("ladder-upstream")]
    ((_, frozen),) = relay.taken
    assert b"img.example.net" not in frozen
    sealed = email.message_from_bytes(frozen, policy=email.policy.default).get_payload()[1].get_payload()
    opened = bytes(pysequoia.decrypt(bytes=sealed.encode(), decryptor=secret.decryptor()).bytes)
    assert b"1. http://img.example.net/b" in opened
    assert b"img.example.net/a" not in opened
