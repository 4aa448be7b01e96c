"""A referral to a partner hotline: four outcomes, one key, no media, and safe to send again."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.connectors.mail.client import OUTCOMES
from openhotline.connectors.partner.client import Endpoint, send
from openhotline.connectors.partner.fake import FakePartner
from openhotline.connectors.partner.meaning import Referral, read_reply, render

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFERRAL = Referral(
    reference="26-00001K",
    address="http://pictures.example.net/1.jpg",
    canonical="http://pictures.example.net/1.jpg",
    scheme="gb-2014",
    content_class="child-sexual-abuse",
    category="B",
    age_band="pre-pubescent",
    country="NL",
    hosting_address="198.51.100.7",
    operator="Example Hosting",
    asn=64501,
    graded_at=NOON,
    traced_at=NOON,
    files=3,
)


@contextmanager
def partner(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[tuple[Endpoint, list[Any]]]:
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), body))
            answer(self, body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://127.0.0.1:{server.server_port}", "secret-token", timeout_s=0.5), seen
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_referral_is_taken_and_the_partners_number_kept() -> None:
    with partner(says(201, b'{"reference": "NL-77"}')) as (endpoint, seen):
        receipt = send(render(REFERRAL), endpoint, key="k1")
    assert (receipt.outcome, receipt.reference, receipt.code) == ("accepted", "NL-77", 201)
    path, headers, body = seen[0]
    assert path == "/api/v1/referrals" and body == render(REFERRAL)
    assert headers["Authorization"] == "Bearer secret-token" and headers["Idempotency-Key"] == "k1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "accepted"), (202, "accepted"), (400, "refused"), (401, "refused"), (409, "refused"), (422, "refused"),
     (408, "temporary"), (425, "temporary"), (429, "temporary"), (500, "temporary"), (503, "temporary"),
     (302, "unknown"), (307, "unknown")],
)  # fmt: skip
def test_every_status_means_one_outcome(status: int, outcome: str) -> None:
    with partner(says(status, Location="http://127.0.0.1:1/elsewhere")) as (endpoint, seen):
        assert send(render(REFERRAL), endpoint, key="k1").outcome == outcome
    assert len(seen) == 1, "no redirect is followed"


def hang_up(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def fall_silent(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    threading.Event().wait(1.0)
    handler.close_connection = True


@pytest.mark.parametrize("how", [hang_up, fall_silent])
def test_a_line_that_breaks_after_sending_is_unknown_and_safe_to_repeat(how: Any) -> None:
    with partner(how) as (endpoint, _):
        receipt = send(render(REFERRAL), endpoint, key="k1")
    assert receipt.outcome == "unknown" and "again is safe" in receipt.why


def test_a_partner_that_is_not_there_may_be_asked_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = Endpoint(f"http://127.0.0.1:{free.getsockname()[1]}", "t", timeout_s=1)
        assert send(render(REFERRAL), endpoint, key="k").outcome == "temporary"
    for wrong in ("", "nonsense", "ftp://x.example"):
        assert send(render(REFERRAL), Endpoint(wrong, "t"), key="k").outcome == "temporary"
    for token in ("a\nb", "ü"):
        with partner(says(201)) as (endpoint, seen):
            assert send(render(REFERRAL), replace(endpoint, token=token), key="k").outcome == "temporary"
        assert seen == []


def test_a_reply_without_end_is_cut() -> None:
    with partner(says(201, b'{"reference": "NL-77", "x": "' + b"a" * 10_000_000 + b'"}')) as (endpoint, _):
        receipt = send(render(REFERRAL), endpoint, key="k1")
    assert receipt.outcome == "accepted" and len(receipt.text) <= 2000


def test_the_same_referral_is_the_same_bytes_and_says_nothing_of_people() -> None:
    assert render(REFERRAL) == render(replace(REFERRAL))
    assert not {"analyst", "reporter", "evidence", "payload"} & set(json.loads(render(REFERRAL)))


@given(st.integers(0, 999), st.binary(max_size=200))
def test_any_reply_is_one_of_four_outcomes(status: int, body: bytes) -> None:
    assert read_reply(status, body).outcome in OUTCOMES


def test_the_fake_honours_the_key() -> None:
    fake = FakePartner()
    first, again, other = (fake.send(b"x", key=k) for k in ("a", "a", "b"))
    assert first.reference == again.reference != other.reference and len(fake.taken) == 2
    for outcome in OUTCOMES:
        fake.outcome = outcome
        assert fake.send(b"x", key="a").outcome == outcome
