"""Letters in doubt: the other side is asked, and what it says decides. Real steps, real spool, real log files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from openhotline.connectors.mail.client import Relay
from openhotline.connectors.partner.meaning import read_known
from openhotline.connectors.receipt import Known, Receipt
from openhotline.connectors.relaylog.client import RelayLog
from openhotline.connectors.relaylog.fake import FakeLog
from openhotline.connectors.spool.client import Spool
from openhotline.connectors.spool.fake import FakePickup
from openhotline.jobs import dispatch, doubt, reconcile
from openhotline.jobs.post import Post
from openhotline.outbox import claims, queue, settling
from openhotline.outbox.models import IN_DOUBT, PENDING, SENDING, SENT, Difference, Letter
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from tests.house.test_docs import keys_of, promised
from tests.journeys.cast import HOUSE, Day, minutes

pytestmark = pytest.mark.django_db


def letter(house: Day, number: str = "N-1", *, transport: str = "mail", kind: str = "police-told") -> Letter:
    to = "desk@police.example" if transport == "mail" else "hotline-nl"
    return queue.put(kind, number=number, recipient=to, transport=transport, at=house.now, by=MACHINE_WORKER)


def claimed(house: Day, *, way: str, transport: str = "mail") -> Letter:
    (one,) = claims.claim(
        transport, at=house.now, by=MACHINE_WORKER, way=way, guard=lambda one: one.number.encode()
    )
    return one


def left_by_a_crash(house: Day, *, way: str, number: str = "N-1", transport: str = "mail") -> Letter:
    letter(house, number, transport=transport)
    one = claimed(house, way=way, transport=transport)
    house.later(minutes(6))
    assert settling.recover(at=house.now, by=MACHINE_WORKER) == 1
    one.refresh_from_db()
    assert one.state == IN_DOUBT
    return one


def sent_one(house: Day, log: FakeLog | None, number: str) -> Letter:
    letter(house, number)
    one = claimed(house, way="smtp")
    if log is not None:
        log.taken(one.key)
    settling.sent([one], receipt="R", by=MACHINE_WORKER, at=house.now)
    return one


def post(**more: object) -> Post:
    return Post(relay=Relay("127.0.0.1"), house=HOUSE, partner_tokens=dict, **more)  # type: ignore[arg-type]


def settle(house: Day, post: Post) -> int:
    return doubt.settle(post, policy=house.policy, at=house.now)


def test_without_a_log_nobody_can_be_asked_and_a_person_decides(house: Day) -> None:
    one = left_by_a_crash(house, way="smtp")
    assert settle(house, post()) == 0
    one.refresh_from_db()
    assert (one.state, one.asked_at) == (IN_DOUBT, None)


def test_what_stands_in_the_log_has_arrived(house: Day, tmp_path: Path) -> None:
    log = FakeLog(tmp_path / "log")
    one = left_by_a_crash(house, way="smtp")
    queued = log.taken(one.key)
    assert settle(house, post(log=RelayLog(log.file, "hotline.example"))) == 1
    one.refresh_from_db()
    assert (one.state, one.receipt, one.attempts) == (SENT, queued, 1)


def test_what_a_believed_log_does_not_know_leaves_again_and_only_then(house: Day, tmp_path: Path) -> None:
    log = FakeLog(tmp_path / "log")
    asking = post(log=RelayLog(log.file, "hotline.example"))
    log.named("c" * 64)
    one = left_by_a_crash(house, way="smtp")
    bytes_before = bytes(one.body or b"")
    assert settle(house, asking) == 0, "the log names no letter of ours at all"
    assert settle(house, asking) == 0, "and it is not asked again at once"
    sent_one(house, log, "N-2")
    house.later(minutes(6))
    assert settle(house, asking) == 0, "it names nothing from before"
    one.refresh_from_db()
    assert (one.state, one.asked_at) == (IN_DOUBT, house.now)
    Letter.objects.filter(pk=one.pk).update(
        claimed_at=house.now - minutes(5)
    )  # N-2 was sent before its claim
    house.later(minutes(6))
    assert settle(house, asking) == 0, "it names nothing from after the lease"
    sent_one(house, log, "N-3")
    house.later(minutes(6))
    assert settle(house, asking) == 1
    one.refresh_from_db()
    assert one.state == PENDING
    again = claimed(house, way="smtp")
    assert (again.pk, bytes(again.body or b""), again.attempts) == (one.pk, bytes_before, 2)


def test_the_spool_knows_what_it_has(house: Day, tmp_path: Path) -> None:
    pickup, spooled = FakePickup(tmp_path), post(spool=Spool(tmp_path))
    letter(house)
    one = claimed(house, way="spool")
    spooled.hand_over(one)  # and we die here
    pickup.pick_up()
    house.later(minutes(6))
    settling.recover(at=house.now, by=MACHINE_WORKER)
    assert settle(house, spooled) == 1
    assert dispatch.letters(spooled, policy=house.policy, at=house.now) == 0
    one.refresh_from_db()
    pickup.pick_up()
    assert one.state == SENT
    assert [key for key, _ in pickup.taken] == [one.key]
    lost = left_by_a_crash(house, way="spool", number="N-2")
    assert settle(house, spooled) == 1
    assert dispatch.letters(spooled, policy=house.policy, at=house.now) == 1
    pickup.pick_up()
    assert [key for key, _ in pickup.taken] == [one.key, lost.key]


def test_a_letter_handed_to_the_relay_is_not_repeated_because_the_house_has_a_spool_now(
    house: Day, tmp_path: Path
) -> None:
    one = left_by_a_crash(house, way="smtp")
    assert settle(house, post(spool=Spool(tmp_path))) == 0
    one.refresh_from_db()
    assert one.state == IN_DOUBT


@pytest.mark.parametrize(("said", "state"), [("taken", SENT), ("not taken", PENDING)])
def test_a_partner_is_asked_before_the_same_key_is_sent_again(
    house: Day, monkeypatch: pytest.MonkeyPatch, said: str, state: str
) -> None:
    asked = []

    def ask(self: Post, letter: Letter) -> Known:
        asked.append(letter.key)
        return Known(said, "P-7" if said == "taken" else "")

    monkeypatch.setattr(Post, "ask", ask)
    one = left_by_a_crash(house, way="http", transport="partner")
    assert settle(house, post()) == 1
    one.refresh_from_db()
    assert (asked, one.state) == ([one.key], state)
    assert one.receipt == ("P-7" if said == "taken" else "")


@pytest.mark.parametrize(
    ("outcome", "state"), [("accepted", SENT), ("temporary", IN_DOUBT), ("refused", IN_DOUBT)]
)
def test_a_partner_that_cannot_say_gets_the_same_key_again_and_until_then_it_stays_in_doubt(
    house: Day, monkeypatch: pytest.MonkeyPatch, outcome: str, state: str
) -> None:
    monkeypatch.setattr(Post, "ask", lambda self, letter: Known("unknown", ""))
    monkeypatch.setattr(dispatch, "_freeze_referral", lambda letter, **_: None)
    monkeypatch.setattr(Post, "hand_over", lambda self, letter: Receipt(outcome, "said", reference="P-8"))
    one = left_by_a_crash(house, way="http", transport="partner")
    before = bytes(one.body or b"")
    assert settle(house, post()) == 1
    one.refresh_from_db()
    assert (one.state, one.attempts, bytes(one.body or b"")) == (state, 2, before)
    assert settle(house, post()) == 0, "and it is left alone for a while"


def test_what_may_have_arrived_is_not_repeated_where_a_guard_says_no(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(letter: Letter, **_: object) -> None:
        raise Refused("Held by the police: nothing about it leaves the house.")

    monkeypatch.setattr(Post, "ask", lambda self, letter: Known("unknown", ""))
    monkeypatch.setattr(dispatch, "_freeze_referral", held)
    one = left_by_a_crash(house, way="http", transport="partner")
    settle(house, post())
    one.refresh_from_db()
    assert (one.state, one.attempts) == (IN_DOUBT, 1)
    assert "Held" in one.why


def test_nobody_is_asked_before_the_lease_has_ended(house: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Post, "ask", lambda self, letter: Known("not taken", ""))
    letter(house, transport="partner")
    one = claimed(house, way="http", transport="partner")
    settling.in_doubt(one, why="it fell silent", by=MACHINE_WORKER, at=house.now)
    assert settle(house, post()) == 0
    house.later(minutes(5))
    assert settle(house, post()) == 1


def test_what_a_partners_answer_means() -> None:
    assert read_known(404, b"", "k") == Known("not taken", "")
    assert read_known(200, b'{"reference":"P-1","key":"k"}', "k") == Known("taken", "P-1")
    assert read_known(200, b'{"reference":"P-1"}', "k") == Known("taken", "P-1")
    for status, body in ((200, b'{"reference":"P-1","key":"other"}'), (200, b"<html>"), (200, b"{}")):
        assert read_known(status, body, "k").said == "unknown"
    for status in (401, 403, 405, 500, 302):
        assert read_known(status, b'{"reference":"P-1"}', "k").said == "unknown"


def test_a_restored_letter_and_a_forgotten_address_are_a_persons_to_settle(
    house: Day, tmp_path: Path
) -> None:
    spooled = post(spool=Spool(tmp_path))
    restored = left_by_a_crash(house, way="spool")
    Letter.objects.filter(pk=restored.pk).update(claimed_at=None)
    assert settle(house, spooled) == 0
    forgotten = letter(house, "N-9", kind="reporter-answer")
    one = claimed(house, way="spool")
    assert one.pk == forgotten.pk
    settling.in_doubt(one, why="broken", by=MACHINE_WORKER, at=house.now)
    assert settle(house, spooled) == 0
    with pytest.raises(Refused, match="forgotten"):
        settling.not_arrived(one, why="", by=MACHINE_WORKER, at=house.now)


def test_a_letter_on_its_way_cannot_be_withdrawn(house: Day) -> None:
    letter(house)
    one = claimed(house, way="smtp")
    with pytest.raises(Refused, match="on its way"), transaction.atomic():
        queue.withdraw(one, why="too late", by=MACHINE_WORKER, at=house.now)


def test_a_person_settles_it_either_way(house: Day) -> None:
    for arrived, state in ((True, SENT), (False, PENDING)):
        one = left_by_a_crash(house, way="smtp", number=f"N-{arrived}")
        settling.decide(one, arrived=arrived, by=house.who("L01"), at=house.now)
        one.refresh_from_db()
        assert one.state == state
        with pytest.raises(Refused):
            settling.decide(one, arrived=arrived, by=house.who("L01"), at=house.now)
        Letter.objects.filter(state=PENDING).update(due_at=house.now + timedelta(days=9))


def test_every_difference_is_listed_owned_and_ends_when_it_is_not_found_any_more(
    house: Day, tmp_path: Path
) -> None:
    log = FakeLog(tmp_path / "log")
    comparing = post(log=RelayLog(log.file, "hotline.example"))
    sent_one(house, log, "N-1")
    missing = sent_one(house, None, "N-2")
    house.later(minutes(1))
    sent_one(house, log, "N-3")
    house.later(minutes(1))
    bounced = sent_one(house, None, "N-5")
    log.taken(bounced.key, "bounced")
    waiting = letter(house, "N-4")
    log.taken(waiting.key)
    log.taken("d" * 64)
    assert reconcile.compare(comparing, at=house.now) == 4
    assert reconcile.compare(comparing, at=house.now) == 4, "a difference is one row, not one an hour"
    found = set(Difference.objects.values_list("what", "key", "owner"))
    assert found == {
        (reconcile.NOT_THERE, missing.key, words.LEAD),
        (reconcile.NOT_SENT, waiting.key, words.LEAD),
        (reconcile.NOT_OURS, "d" * 64, words.LEAD),
        (reconcile.BOUNCED, bounced.key, words.LEAD),
    }
    one = claimed(house, way="smtp")
    settling.sent([one], receipt="R", by=MACHINE_WORKER, at=house.now)
    assert reconcile.compare(comparing, at=house.now) == 3
    listed = reconcile.listed()
    assert [row["what"] for row in listed["differences"]]  # type: ignore[attr-defined]
    assert listed["counts"] == {SENT: 5}
    letter(house, "N-6")
    printed = keys_of(reconcile.listed(), promised()["outbox list"])
    assert printed == promised()["outbox list"]


def test_partners_are_asked_hourly_for_what_they_say_they_have(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = []
    for number in ("R-1", "R-2", "R-3"):
        letter(house, number, transport="partner")
        one = claimed(house, way="http", transport="partner")
        settling.sent([one], receipt=f"P-{number}", by=MACHINE_WORKER, at=house.now)
        letters.append(one)
    answers = {
        letters[0].key: Known("taken", "P-R-1"),
        letters[1].key: Known("not taken", ""),
        letters[2].key: Known("taken", "P-else"),
    }
    monkeypatch.setattr(Post, "ask", lambda self, letter: answers[letter.key])
    assert reconcile.compare(post(), at=house.now) == 2
    assert set(Difference.objects.values_list("what", "key", "owner")) == {
        (reconcile.NOT_THERE, letters[1].key, words.LIAISON),
        (reconcile.OTHER_NUMBER, letters[2].key, words.LIAISON),
    }


def test_a_late_answer_about_one_attempt_does_not_settle_the_next(house: Day) -> None:
    """Two workers ask; one sends again and loses the line; the other's old "not taken" must not repeat it."""
    old = left_by_a_crash(house, way="smtp")
    first = Letter.objects.get(pk=old.pk)
    settling.not_arrived(first, why="asked", by=MACHINE_WORKER, at=house.now)
    again = claimed(house, way="smtp")
    old.state = SENDING
    for late in (settling.not_now, settling.refused, settling.in_doubt):
        with pytest.raises(Refused):
            late(old, why="of the first attempt", by=MACHINE_WORKER, at=house.now)
    again.refresh_from_db()
    assert (again.state, again.attempts) == (SENDING, 2), "the second attempt is still under way"
    settling.in_doubt(again, why="the line broke", by=MACHINE_WORKER, at=house.now)
    for settle_late in (
        settling.not_arrived,
        lambda *given, **more: settling.sent([given[0]], by=more["by"], at=more["at"]),
    ):
        with pytest.raises(Refused):
            settle_late(old, why="asked", by=MACHINE_WORKER, at=house.now)
    old.refresh_from_db()
    assert (old.state, old.attempts) == (IN_DOUBT, 2)


def test_a_worker_that_slept_after_its_claim_opens_no_socket(house: Day, tmp_path: Path) -> None:
    letter(house)
    moments = iter([house.now, house.now + minutes(4), house.now + minutes(4)])
    slept = post(spool=Spool(tmp_path), clock=lambda: next(moments))
    assert dispatch.letters(slept, policy=house.policy, at=house.now) == 1
    one = Letter.objects.get(number="N-1")
    assert (one.state, one.attempts) == (PENDING, 1)
    assert "nothing was sent" in one.why
    assert not (tmp_path / "new").exists()
