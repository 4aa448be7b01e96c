"""A host's program: signed, once each, and no more than a press. And the pages behind serial and code."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from openhotline.records import vault
from openhotline.records.models import Appeal, HostAnswer, Mail, Notice, NoticeMessage, Removal
from openhotline.rules.signed import believed, sign
from openhotline.settings import load
from openhotline.steps import program
from openhotline.web.portal import appeals, verify
from openhotline.web.public.limits import Bucket
from tests.journeys.cast import NORTH_RACK, Day
from tests.web.portal_cast import noticed, open_portal, set_clock, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        yield day
    load.cache_clear()


class Program:
    """A host's program with its secret."""

    def __init__(self, day: Day, count: int = 2) -> None:
        self.day = day
        self.notice, self.removals = noticed(day, "img", NORTH_RACK, count)
        set_clock(day)
        self.row, secret = program.make(self.notice.host, by=day.who("P01"), at=day.now)
        self.secret = secret.encode()
        self.client = Client(enforce_csrf_checks=True)

    def post(
        self, body: bytes, *, key: str = "k1", secret: bytes | None = None, signed: str = "", **more: object
    ) -> object:
        at = self.day.now + timedelta(seconds=int(more.pop("skew", 0)))  # type: ignore[arg-type]
        return self.client.post(
            reverse("program-answers", args=[self.row.key]),
            body,
            content_type="application/json",
            headers={
                "X-Signature": sign(secret or self.secret, body, key=signed or key, at=at),
                "Idempotency-Key": key,
            },
        )

    def answer(self, said: str = "removed", **more: object) -> bytes:
        rows = [{"uid": str(row.uid), "said": said} for row in self.removals]
        return json.dumps({"notice": self.notice.number, "answers": rows, **more}).encode()


def test_a_signed_answer_counts_once_and_is_answered_the_same_again(day: Day) -> None:
    host = Program(day)
    body = host.answer(ticket="T-1")
    first, again = host.post(body), host.post(body)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json()["recorded"] == 2
    assert HostAnswer.objects.count() == 2
    assert {row.status for row in Removal.objects.all()} == {"gone?"}
    other = host.post(host.answer("not-ours"))
    assert (other.status_code, other.json()["code"]) == (409, "key-used")


def test_a_request_caught_on_the_way_cannot_be_sent_again_under_another_key(day: Day) -> None:
    host = Program(day)
    body = host.answer()
    assert host.post(body).status_code == 200
    for key in ("k2", "k", "k1\n"):
        assert host.post(body, key=key, signed="k1").status_code == 401
    assert HostAnswer.objects.count() == 2


def test_the_open_notices_as_json(day: Day) -> None:
    host = Program(day)
    asked = host.client.get(
        reverse("program-notices", args=[host.row.key]),
        headers={"X-Signature": sign(host.secret, b"", at=day.now)},
    )
    (one,) = asked.json()["notices"]
    assert one["notice"] == host.notice.number
    assert {line["uid"] for line in one["addresses"]} == {str(row.uid) for row in host.removals}
    assert not HostAnswer.objects.exists()


@pytest.mark.parametrize("wrong", ["secret", "late", "early", "closed", "none", "key"])
def test_what_is_not_signed_now_with_the_secret_changes_nothing(day: Day, wrong: str) -> None:
    host = Program(day)
    body = host.answer()
    if wrong == "closed":
        program.close(host.row, by=day.who("P01"), at=day.now)
    if wrong == "key":
        host.row.key = uuid4()
    skew = {"late": -301, "early": 301}.get(wrong, 0)
    response = (
        host.client.post(
            reverse("program-answers", args=[host.row.key]), body, content_type="application/json"
        )
        if wrong == "none"
        else host.post(body, secret=b"other" if wrong == "secret" else None, skew=skew)
    )
    assert (response.status_code, response.json()["code"]) == (401, "signature")
    assert not HostAnswer.objects.exists()
    assert not Mail.objects.exists()


def mutated(body: bytes, chance: random.Random) -> bytes:
    """`body` with a few bytes cut, doubled, changed or swapped for odd ones."""
    data = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[place : place + chance.randrange(1, 40)]
            case 1:
                data[place:place] = chance.choice(
                    [b"\x00", b"{", b"[" * 30, b'"', b"\xff\xfe", b"null", b"1e999", b"\\ud800"]
                )
            case 2:
                data[place:place] = data[place : place + 20]
            case 3 if data:
                data[place % len(data)] = chance.randrange(256)
            case _:
                data = data[: place + 1]
    return bytes(data)


def _mutations(day: Day, count: int, seed: int) -> None:
    host, chance = Program(day), random.Random(seed)
    bodies = [
        host.answer(ticket="T", text="x"),
        json.dumps({"notice": host.notice.number, "all": "removed"}).encode(),
    ]
    before = {row.pk: row.status for row in Removal.objects.all()}
    refused = set[bytes]()
    for number in range(count):
        body = mutated(chance.choice(bodies), chance)
        response = host.post(body, key=f"m{number}")
        assert response.status_code in (200, 409, 422), body
        if response.status_code == 422:
            assert response.json()["sentence"]
            refused.add(body)
    # Some still say what they said before; what they can reach is a press on their own notice and no more.
    for row in Removal.objects.all():
        assert row.status in (before[row.pk], "acknowledged", "gone?")
    # Whatever could not be read is kept as it came, and nothing else is.
    assert len(refused) > count // 2
    assert {vault.open_("mail", bytes(one.sealed)) for one in Mail.objects.iterator()} == refused


def test_malformed_bodies_are_sentences_and_are_kept(day: Day) -> None:
    _mutations(day, 300, 1)


@pytest.mark.release
def test_twenty_thousand_malformed_bodies(day: Day) -> None:
    _mutations(day, 20_000, 2)


def test_a_signature_is_of_these_bytes_at_this_time(day: Day) -> None:
    made = sign(b"s", b"body", at=day.now)
    assert believed(b"s", b"body", made, at=day.now)
    for header in (
        "",
        "t=1",
        made[:-1] + "g",
        made.replace("t=", "t=9"),
        made + "x",
        "t=1,v2=" + "é" * 64,
        made * 9,
    ):
        assert not believed(b"s", b"body", header, at=day.now)
    assert not believed(b"s", b"bodY", made, at=day.now)


# --- serial and code ------------------------------------------------------------------------------------------


def test_serial_and_code_open_the_page_of_a_host_that_wants_it_so(day: Day) -> None:
    notice, _ = noticed(day, "img", NORTH_RACK, 1)
    set_clock(day)
    client, url = Client(enforce_csrf_checks=True), reverse("open")
    Notice.objects.filter(pk=notice.pk).update(code="KD-7731")
    assert client.post(url, {"serial": notice.number, "code": "KD-7731"}).status_code == 404, "it only checks"
    Notice.objects.filter(pk=notice.pk).update(code="KDRTAB-7731")
    for method in (client.get, client.head):
        assert method(url).status_code == 200
    assert client.post(url, {"serial": notice.number, "code": "KDRTAB-7732"}).status_code == 404
    opened = client.post(url, {"serial": notice.number.lower(), "code": "kdrtab 7731"})
    assert opened.status_code == 303
    notice.refresh_from_db()
    assert notice.opened_at == day.now
    assert notice.number in client.get(opened["Location"]).content.decode()


def test_opening_is_slowed_for_everybody(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "OPENS", Bucket(per_second=0, burst=2))
    codes = [Client().post(reverse("open"), {"serial": "x", "code": "y"}).status_code for _ in range(4)]
    assert codes == [404, 404, 429, 429]


# --- the page's channel and appeals -----------------------------------------------------------------------------


def test_a_question_alone_is_asked_without_answering(day: Day) -> None:
    notice, _ = noticed(day, "img", NORTH_RACK, 2)
    set_clock(day)
    client = Client(enforce_csrf_checks=True)
    link = f"/n/{vault.token('notice-link', notice.number)}"
    asked = client.post(link, {"ask": "1", "text": "Which of the two servers?"})
    assert asked.status_code == 303
    assert "Which of the two servers?" in client.get(link).content.decode()
    assert "We have your question" in client.get(asked["Location"]).content.decode()
    assert NoticeMessage.objects.get().via == "link"
    assert not HostAnswer.objects.exists()


def test_an_appeal_by_serial_is_answered_the_same_whether_it_is_ours_or_not(day: Day) -> None:
    notice, _ = noticed(day, "img", NORTH_RACK, 1)
    set_clock(day)
    client, url = Client(enforce_csrf_checks=True), reverse("appeal")
    for method in (client.get, client.head):
        assert method(url, {"serial": notice.number}).status_code == 200
    assert not Appeal.objects.exists()
    said = {"standing": "publisher", "text": "It is a medical page.", "reach": "me@elsewhere.example"}
    ours = client.post(url, {**said, "serial": notice.number})
    from openhotline.rules import references

    theirs = client.post(url, {**said, "serial": references.notice(2026, 9999)})
    assert ours.status_code == theirs.status_code == 200
    assert ours.content == theirs.content
    assert Appeal.objects.count() == 1
    assert not ours.cookies
    nothing = client.post(url, {**said, "serial": "https://img.example.net/nobody-filters-this"})
    assert nothing.content == ours.content
    assert Appeal.objects.count() == 1
    for wrong in ({"serial": " "}, {"standing": "me"}, {"text": " "}):
        refused = client.post(url, {**said, "serial": notice.number, **wrong})
        assert refused.status_code == 422
        assert "Nothing was recorded" in refused.content.decode()


def test_appeals_are_slowed_for_everybody(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    from openhotline.rules import references

    monkeypatch.setattr(appeals, "SENT", Bucket(per_second=0, burst=1))
    said = {"standing": "other", "text": "x", "serial": references.notice(2026, 9999)}
    assert [Client().post(reverse("appeal"), said).status_code for _ in range(2)] == [200, 429]
