"""Mail made to cost time or memory is read in no time: one such message must not stop the worker (security.md, test 20).

None is longer than a relay hands on; read without the bounds, each takes from seconds to hours.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from openhotline.connectors.mail import inbound

HEAD = b"From: a@host.example\r\nTo: b@hotline.example\r\nX-Filler: x\r\n"
REPORT = (
    HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
)
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
MANY = 30_000
BOMBS = {
    "encoded words without an end": HEAD + b"Subject: " + b"=?a?q?x" * MANY + b"\r\n\r\nx",
    "an end only on the next line": HEAD + b"Subject: " + b"=?a?q?x" * MANY + b"\r\n ?=\r\n\r\nx",
    "encoded words": HEAD + b"Subject: " + b"=?utf-8?q?=41?= " * 4 * MANY + b"\r\n\r\nx",
    "encoded words in a report": REPORT + (b"Status: " + b"=?a?q?x" * 2500 + b"\r\n\r\n") * 40,
    "a parameter of semicolons": HEAD
    + b'Content-Type: multipart/report; x="'
    + b";" * 9 * MANY
    + b"\r\n\r\nx",
    "that in parts": MIXED + (b'--b\r\nContent-Type: multipart/x; y="' + b";" * 9000 + b"\r\n\r\n") * 200,
    "parameters": HEAD + b"Content-Type: text/plain" + b";a=b" * 8 * MANY + b"\r\n\r\nx",
    "parts": MIXED + b"--b\r\n\r\nx\r\n" * 20 * MANY,
    "blocks of a report": REPORT + b"A: b\r\n\r\n" * 20 * MANY,
}


class TooSlow(BaseException):
    """Not an Exception: the reader lets none of those out."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Of processor time, whatever else the machine does."""

    def over(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("name", BOMBS)
def test_no_message_costs_more_than_a_moment(name: str) -> None:
    with at_most(4.0):
        seen = inbound.read(BOMBS[name])
    assert seen.fault or "b@hotline.example" in seen.to, "it is shown as far as it can be read"


def test_what_an_honest_letter_says_is_read_as_before() -> None:
    raw = (
        HEAD
        + b"Subject: =?utf-8?q?a=20b?= and\r\n =?utf-8?b?4pyT?= a tail ?\r\nReferences: <k@hotline.example>\r\n"
        b'Content-Type: text/plain; charset="utf-8"; format=flowed\r\n\r\nwords\r\n'
    )
    seen = inbound.read(raw)
    assert (seen.subject, seen.text) == ("a b and ✓ a tail ?", "words\n")
    assert seen.refers == ("<k@hotline.example>",) and not seen.fault
