"""A host's program is told over HTTP that a notice is there: signed, once, and after a broken line asked before anything."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from openhotline.connectors.mail.client import Relay
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.jobs import dispatch, doubt
from openhotline.jobs import post as posting
from openhotline.jobs.post import Post
from openhotline.outbox import settling
from openhotline.outbox.models import Letter
from openhotline.records.models import HostProgram, Notice
from openhotline.rules.letter_path import ASK_EVERY, LEASE
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.signed import HEADER, believed
from openhotline.steps import hook, program
from tests.jobs.test_notices_leave import cleared
from tests.journeys.cast import HOUSE, Day, minutes

pytestmark = pytest.mark.django_db


class Program:
    """A host's program on loopback: keeps what it is told by its key, and believes only what is signed."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.secret = b""
        self.told: dict[str, dict[str, str]] = {}
        self.posts = 0
        self.answers: list[int] = []  # 0: it takes it and the line breaks; -1: the line breaks before
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.posts += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = self.headers["Idempotency-Key"]
                assert believed(outer.secret, body, self.headers[HEADER], key=told, at=outer.day.now)
                assert not believed(outer.secret, body, self.headers[HEADER], key="other", at=outer.day.now)
                answer = outer.answers.pop(0) if outer.answers else 204
                if answer in (0, 204):
                    outer.told.setdefault(told, json.loads(body))
                if answer > 0:
                    self._say(answer)

            def do_GET(self) -> None:
                asked = self.path.rpartition("/")[2]
                assert believed(outer.secret, b"", self.headers[HEADER], key=asked, at=outer.day.now)
                self._say(200 if asked in outer.told else 404)

            def _say(self, status: int) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"


@pytest.fixture
def house() -> Day:
    return Day()


@pytest.fixture
def theirs(house: Day, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A notice has left by mail to a host whose program wants to be told."""
    monkeypatch.setattr(posting, "send_mail", FakeRelay().send)
    host = cleared(house)
    row, secret = program.make(host, by=house.who("P01"), at=house.now)
    theirs = Program(house)
    theirs.secret = secret.encode()
    HostProgram.objects.filter(pk=row.pk).update(hook=theirs.url)  # a house takes https alone
    dispatch.letters(post_of(house), policy=house.policy, at=house.now, kinds=["notice"])
    yield theirs
    theirs.server.shutdown()
    theirs.server.server_close()


def post_of(house: Day) -> Post:
    return Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict, clock=lambda: house.now)


def turn(house: Day) -> str:
    """What the machine does; the state of the letter."""
    post = post_of(house)
    dispatch.hooks(post, policy=house.policy, at=house.now)
    doubt.settle(post, policy=house.policy, at=house.now)
    return Letter.objects.get(kind="hook").state


def test_it_is_told_a_number_once_and_no_address(house: Day, theirs: Program) -> None:
    assert turn(house) == "sent"
    assert turn(house) == "sent"
    letter = Letter.objects.get(kind="hook")
    notice = Notice.objects.get()
    assert theirs.told == {
        letter.key: {"event": "notice", "notice": notice.number, "due_at": notice.due_at.isoformat()}
    }
    assert b"img.example.org" not in bytes(letter.body)


@pytest.mark.parametrize(("answer", "posts"), [(0, 1), (-1, 2)])
def test_after_a_broken_line_it_is_asked_before_anything_leaves_again(
    house: Day, theirs: Program, answer: int, posts: int
) -> None:
    theirs.answers = [answer]
    assert turn(house) == "in doubt"
    assert turn(house) == "in doubt", "not before its lease is over"
    house.later(max(LEASE, ASK_EVERY))
    turn(house)
    assert turn(house) == "sent"
    assert (theirs.posts, len(theirs.told)) == (posts, 1)


def test_not_now_waits_and_no_is_final_and_a_closed_program_is_told_nothing(
    house: Day, theirs: Program
) -> None:
    theirs.answers = [503, 410]
    assert turn(house) == "pending"
    house.later(minutes(2))
    assert turn(house) == "failed"
    assert theirs.told == {}
    Letter.objects.filter(kind="hook").update(state="pending", due_at=house.now)
    program.close(HostProgram.objects.get(), by=house.who("P01"), at=house.now)
    assert turn(house) == "pending"
    assert theirs.posts == 2


@pytest.mark.parametrize("answer", [301, 303, 304, 307])
def test_a_redirect_is_a_no_in_a_sentence_and_the_notice_went_by_mail(
    house: Day, theirs: Program, answer: int
) -> None:
    theirs.answers = [answer]
    assert turn(house) == "failed"
    assert turn(house) == "failed"
    assert (theirs.posts, theirs.told) == (1, {}), "nobody went where it points"
    letter = Letter.objects.get(kind="hook")
    assert "redirect, and none is followed. Ask the host for the address" in letter.why
    notice = Notice.objects.get()
    assert notice.sent_at is not None
    assert Letter.objects.get(kind="notice").state == "sent"
    # The host named the right one: the same letter leaves once more.
    settling.again(letter, by=house.who("L01"), at=house.now)
    assert turn(house) == "sent"
    assert list(theirs.told) == [letter.key]


def test_where_it_is_told_is_set_by_those_who_keep_contacts(house: Day) -> None:
    row, _ = program.make(cleared(house), by=house.who("P01"), at=house.now)
    for wrong in ("http://host.example/told", "https://", "https://u:p@host.example/", "told", "file:///etc"):
        with pytest.raises(Refused, match="https"):
            hook.tell_at(row, wrong, by=house.who("P01"), at=house.now)
    with pytest.raises(NotPermitted):
        hook.tell_at(row, "https://host.example/told", by=house.people["officer NU"].actor(), at=house.now)
    for url in ("https://host.example/told", ""):
        hook.tell_at(row, url, by=house.who("P01"), at=house.now)
        row.refresh_from_db()
        assert row.hook == url
