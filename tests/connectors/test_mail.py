"""A letter is the same bytes every time, can hold no media, and after sending we know what we know."""

import email
import email.policy
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st

from openhotline.connectors.mail.client import OUTCOMES, Receipt, Relay, send
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.connectors.mail.meaning import MailLetter, render
from tests.connectors.test_xarf import part

LETTER = MailLetter(
    message_id="<k1@hotline.example>",
    serial="N-26-00001",
    sender="notices@hotline.example",
    to="abuse@host.example",
    subject="Notice N-26-00001: remove and preserve",
    text="To the abuse desk\n.\n..two dots\nFrom the hotline\nhttp://pictures.example.org/"
    + "a" * 300
    + "\nÜmlaut\n",
    date=datetime(2026, 3, 2, 12, tzinfo=UTC),
    sender_name="Example Hotline",
)
WITH_XARF = replace(LETTER, xarf=(part().json,))


# Rendering


@pytest.mark.parametrize("letter", [LETTER, WITH_XARF, replace(LETTER, xarf=(part().json,) * 3)])
def test_the_same_letter_is_the_same_bytes(letter: MailLetter) -> None:
    first = render(letter)
    assert first == render(replace(letter))
    assert b"\n" not in first.replace(b"\r\n", b"") and first.isascii()


def test_a_letter_reads_back_as_it_was_written() -> None:
    read = email.message_from_bytes(render(LETTER), policy=email.policy.SMTP)
    assert read["Message-ID"] == LETTER.message_id and read["X-Notice"] == LETTER.serial
    assert read["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert read.get_content().replace("\r\n", "\n") == LETTER.text


def test_a_notice_with_xarf_is_a_feedback_report_of_three_parts() -> None:
    read = email.message_from_bytes(render(WITH_XARF), policy=email.policy.default)
    assert read.get_content_type() == "multipart/report"
    assert read.get_param("report-type") == "feedback-report"
    text, feedback, report = read.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert feedback.get_content_type() == "message/feedback-report"
    (fields,) = feedback.get_payload()
    assert dict(fields.items()) == {"Feedback-Type": "xarf", "User-Agent": "OpenHotline", "Version": "1"}
    assert (report.get_content_type(), report.get_filename()) == ("application/json", "xarf.json")
    assert json.loads(report.get_content()) == json.loads(part().json)


def test_a_bundle_has_one_report_per_address() -> None:
    many = tuple(part(url=f"http://pictures.example.org/{n}").json for n in range(3))
    read = email.message_from_bytes(render(replace(LETTER, xarf=many)), policy=email.policy.default)
    assert [p.get_filename() for p in list(read.iter_parts())[2:]] == [
        "xarf-1.json",
        "xarf-2.json",
        "xarf-3.json",
    ]


def test_only_text_and_json_can_be_in_a_letter() -> None:
    for letter in (LETTER, WITH_XARF):
        read = email.message_from_bytes(render(letter), policy=email.policy.default)
        kinds = {p.get_content_type() for p in read.walk() if not p.is_multipart()}
        assert kinds <= {"text/plain", "application/json"}


@pytest.mark.parametrize(
    "bad",
    [
        {"evidence": [{"content_type": "image/png", "payload": "AAAA"}]},
        {"hosting": {"payload": "AAAA"}},
        {"screenshot_url": "https://x.example/1.png"},
        {"url": "data:image/png;base64,AAAA"},
        {"tags": [" DATA:image/png;base64,AAAA"]},
        {"_internal": {"analyst": "A07"}},
        {"xarf_version": "3"},
    ],
)
def test_a_report_that_carries_bytes_cannot_be_written(bad: dict[str, Any]) -> None:
    report = json.dumps({**json.loads(part().json), **bad})
    with pytest.raises(ValueError, match="XARF part"):
        render(replace(LETTER, xarf=(report,)))


@pytest.mark.parametrize(
    "bad",
    [
        {"to": "abuse@host.example, other@host.example"},
        {"to": "abuse@host.example\r\nBcc: x@y.example"},
        {"to": "nobody"},
        {"subject": "a\r\nBcc: x@y.example"},
        {"serial": "1\n2"},
        {"sender_name": "x\ny"},
        {"message_id": "k1"},
        {"text": "\x1b[2J"},
        {"date": datetime(2026, 3, 2)},  # noqa: DTZ001
        {"headers": (("Bcc", "x@y.example"),)},
        {"headers": (("X-Case", "a\r\nBcc: x@y.example"),)},
        {"headers": (("Content-Type", "image/png"),)},
        {"xarf": ("[]",)},
        {"xarf": ("{",)},
    ],
)
def test_what_cannot_be_a_letter_is_a_sentence(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        render(replace(LETTER, **bad))


@given(st.text(max_size=60), st.text(max_size=200), st.text(max_size=30))
def test_no_text_makes_a_header_of_itself(subject: str, text: str, name: str) -> None:
    try:
        frozen = render(replace(LETTER, subject=subject, text=text, sender_name=name))
    except ValueError:
        return
    read = email.message_from_bytes(frozen, policy=email.policy.SMTP)
    assert set(read.keys()) == {"Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Message-ID", "Date",
                                "From", "To", "Subject", "X-Notice", "Auto-Submitted"}  # fmt: skip
    assert read["To"] == LETTER.to


# Sending, to a real server


class Host:
    """An abuse desk's mail server that says what it was told to say at each stage."""

    def __init__(self, **says: str) -> None:
        self.says = says
        self.got: list[tuple[str, list[str], bytes]] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        return self.says.get("sender", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.says.get("recipient", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        said = self.says.get("content", "250 2.0.0 Ok: queued as 4F7B21")
        if said == "cut":
            server.transport.abort()
            return "250 too late"
        if said.startswith("250"):
            self.got.append((envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b""))
        return said


@contextmanager
def mail_server(host: Host) -> Iterator[Relay]:
    controller = Controller(host, hostname="127.0.0.1", port=0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        controller.port = free.getsockname()[1]
    controller.start()
    try:
        yield Relay("127.0.0.1", controller.port, timeout_s=5)
    finally:
        controller.stop()


def test_an_accepted_letter_arrives_byte_for_byte() -> None:
    host = Host()
    with mail_server(host) as relay:
        receipt = send(render(WITH_XARF), relay)
    assert (receipt.outcome, receipt.code, receipt.reference) == ("accepted", 250, "4F7B21")
    assert host.got == [(LETTER.sender, [LETTER.to], render(WITH_XARF))]


@pytest.mark.parametrize("stage", ["sender", "recipient", "content"])
@pytest.mark.parametrize(
    ("says", "outcome"),
    [("451 4.7.1 try later", "temporary"), ("421 closing", "temporary"), ("550 5.1.1 no such mailbox", "refused"),
     ("554 no", "refused")],
)  # fmt: skip
def test_a_definite_answer_is_believed_at_every_stage(stage: str, says: str, outcome: str) -> None:
    host = Host(**{stage: says})
    with mail_server(host) as relay:
        receipt = send(render(LETTER), relay)
    assert (receipt.outcome, receipt.code, receipt.stage) == (outcome, int(says[:3]), stage)
    assert says[4:] in receipt.text and receipt.why.endswith(".") and host.got == []


def test_a_line_cut_after_the_letter_left_is_in_doubt() -> None:
    with mail_server(Host(content="cut")) as relay:
        receipt = send(render(LETTER), relay)
    assert receipt.outcome == "unknown" and receipt.stage == "content" and "may have it or not" in receipt.why


@contextmanager
def odd_server(talk: Callable[[Any], None], **limits: float) -> Iterator[Relay]:
    """A server of a few lines that breaks off where a real one would not."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        sock, _ = listening.accept()
        with sock, sock.makefile("rwb", buffering=0) as line, suppress(OSError):
            talk(line)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield Relay("127.0.0.1", listening.getsockname()[1], **{"timeout_s": 0.4, "total_s": 3.0, **limits})  # type: ignore[arg-type]
    finally:
        thread.join(5)
        listening.close()


STAGES = [b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]


def up_to(count: int, then: Callable[[Any], None]) -> Callable[[Any], None]:
    """Answer `count` times as a server should, then do something else."""

    def talk(line: Any) -> None:
        for n, say in enumerate(STAGES[:count]):
            if n:
                line.readline()
            line.write(say)
        then(line)

    return talk


def cut(line: Any) -> None:
    """Go away without a word."""


def silent(line: Any) -> None:
    while line.read(65536):
        pass


def gibberish(line: Any) -> None:
    line.write(b"what?\r\n" * 3)
    silent(line)


@pytest.mark.parametrize("then", [cut, silent, gibberish])
@pytest.mark.parametrize("count", range(6))
def test_before_the_letter_leaves_it_may_be_sent_again_and_after_that_nobody_knows(
    count: int, then: Callable[[Any], None]
) -> None:
    with odd_server(up_to(count, then)) as relay:
        receipt = send(render(LETTER), relay)
    assert receipt.outcome == ("unknown" if count == 5 else "temporary"), receipt


@pytest.mark.parametrize("said", [b"250", b"25", b"250 ok", b"250-queued\r\n250", b"250-queued\r\n", b"550"])
def test_an_answer_that_broke_off_is_not_believed(said: bytes) -> None:
    """A reply is a reply when its line has ended: half of one after the letter left proves nothing."""

    def talk(line: Any) -> None:
        while line.readline() != b".\r\n":
            pass
        line.write(said)

    with odd_server(up_to(5, talk)) as relay:
        assert send(render(LETTER), relay).outcome == "unknown"


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_an_answer_without_end_is_broken_off(pause: float) -> None:
    def endless(line: Any) -> None:
        for _ in range(200):
            line.write(b"250-more\r\n")
            time.sleep(pause)

    with odd_server(up_to(5, endless), total_s=0.5, timeout_s=2) as relay:
        receipt = send(render(LETTER), relay)
    assert receipt.outcome == "unknown"


def test_a_relay_that_is_not_there_may_be_asked_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        receipt = send(render(LETTER), Relay("127.0.0.1", free.getsockname()[1], timeout_s=1))
    assert receipt.outcome == "temporary" and receipt.stage == "greeting"


def test_a_relay_that_must_speak_tls_and_does_not_gets_nothing() -> None:
    host = Host()
    with mail_server(host) as relay:
        receipt = send(render(LETTER), replace(relay, tls="starttls"))
    assert receipt.outcome == "temporary" and host.got == []


@pytest.mark.parametrize(
    "frozen",
    [b"", b"From: a@b.example\r\n\r\nx", b"From: a@b.example\r\nTo: c@d.example, e@f.example\r\n\r\n"],
)
def test_bytes_that_are_no_letter_are_not_sent(frozen: bytes) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        send(frozen, Relay("127.0.0.1", 1))


def test_the_fake_answers_like_the_client() -> None:
    fake = FakeRelay(
        {"no@host.example": "refused", "later@host.example": "temporary", "gone@host.example": "unknown"}
    )
    receipts: list[Receipt] = []
    for to in ("abuse@host.example", "no@host.example", "later@host.example", "gone@host.example"):
        receipts.append(fake.send(render(replace(LETTER, to=to)), Relay("127.0.0.1")))
    assert [r.outcome for r in receipts] == ["accepted", "refused", "temporary", "unknown"]
    assert {r.outcome for r in receipts} == set(OUTCOMES)
    assert fake.taken == [("abuse@host.example", render(LETTER))]
    assert re.fullmatch(r"FAKE\d{4}", receipts[0].reference)
