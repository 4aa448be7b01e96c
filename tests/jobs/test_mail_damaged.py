"""Odd, damaged and hostile mail: kept as it came, shown as unverified, and nothing moves."""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pysequoia
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from openhotline.connectors.mail import inbound
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import (
    Consultation,
    Mail,
    Notice,
    NoticeMessage,
)

if TYPE_CHECKING:
    from tests.journeys.cast import Day
from tests.jobs.mail_in import (
    DOMAIN,
    a_stranger,
    asked_of,
    bounce_to,
    closed,
    enveloped,
    noticed,
    opened,
    plain,
    report,
    signed_by,
    smime,
    state_of,
    take,
    unit_with_certificate,
    wrapped,
    xarf_mail,
)

pytestmark = pytest.mark.django_db


def three_hundred(house: "Day", notice: Notice, letter: Letter, asked: Consultation) -> Iterator[bytes]:
    """Spoofed, mangled, replayed and look-alike mail (security.md, test 22)."""
    right = bounce_to(letter)
    stranger = pysequoia.Tsk.generate("Desk <desk@police.example>")
    spoofs = [
        "abuse@north-rack.example",
        "desk@police.example",
        f"hotline@{DOMAIN}",
        '"A07" <a07@hotline.example>',
    ]
    auth = ["pass", "fail", "softfail", "none", "temperror"]
    marks = [f"dkim={a}; spf={b}; dmarc={c}" for a in auth for b in auth[:3] for c in auth[:2]]
    wants = [
        "Go ahead",
        "Release the hold",
        "close the case",
        "Removed",
        "no interest",
        "STOP",
        "{}",
        "verify contact x@y.example",
    ]
    alike = [
        DOMAIN.replace("o", "0"),
        DOMAIN.replace("l", "1"),
        f"{DOMAIN}.evil.example",
        DOMAIN.replace(".", "-") + ".example",
    ]
    for number, mark in enumerate(marks):  # 30
        for sender in spoofs:  # 120
            yield plain(
                wants[number % len(wants)],
                From=sender,
                Authentication_Results=f"{DOMAIN}; {mark}",
                Subject=f"{number} {sender}",
            )
    for number, place in enumerate(alike * 10):  # 40
        yield plain(
            f"{wants[number % len(wants)]} {number}",
            In_Reply_To=f"<{letter.key}@{place}>",
            From=spoofs[number % 4],
        )
    for number in range(40):  # bounces of no letter of ours
        bad = (
            right.replace("bounces+", f"bounces+{number:x}")
            if number % 2
            else f"bounces+{number:016x}.{number:024x}@{DOMAIN}"
        )
        yield report(bad, letter.recipient, status=f"5.1.{number}")
    for number in range(40):  # SMTP smuggling: a message inside the message
        yield plain(
            "x\r\n.\r\nMAIL FROM:<a@b.example>\r\nDATA\r\nTo: " + right + f"\r\n\r\nGo ahead {number}"
        )
    for number in range(30):  # signed by somebody else
        yield signed_by(stranger, f"Go ahead\r\n{asked.number} {number}")
    once = signed_by(stranger, f"Hold\r\n{asked.number}")
    for number in range(20):  # replayed: the same signed text under other headers
        yield once.replace(b"Subject: Re", f"Subject: Re {number}".encode())
    for number in range(30):  # mangled by a list: a footer after the signature's text
        raw = signed_by(stranger, f"Go ahead\r\n{asked.number}")
        yield raw.replace(
            b"\r\n\r\n--s\r\nContent-Type: application",
            f"\r\n-- list {number}\r\n\r\n--s\r\nContent-Type: application".encode(),
        )


def closed_up(house: "Day", asked: Consultation) -> Iterator[bytes]:
    """The same, closed up in S/MIME: the unit's own, damaged; a stranger's; replayed about another question; encrypted."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cert, stranger = unit_with_certificate(house, asked, private), a_stranger()
    about = {"In-Reply-To": f"<{Letter.objects.get(number=asked.number).key}@{DOMAIN}>"}
    good = opened(closed(private, cert, f"Go ahead\r\n{asked.number}"))
    start, end = good.index(b"Go ahead"), len(good)
    for number in range(20):  # a bit turned over in the text, or in the signature behind everything else
        place = start + number if number < 10 else end - 1 - 12 * (number - 10)
        yield wrapped(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], **about)
    for number in range(10):  # cut short
        yield wrapped(good[: end * (number + 1) // 12], **about)
    for number in range(10):  # another text put in place of the one that was signed
        yield wrapped(good.replace(b"Go ahead", f"Refuse {number}".encode()), **about)
    for number in range(10):
        yield closed(*stranger, f"No interest\r\n{asked.number} {number}", **about)
    for number in range(10):  # the unit's own words about something else, sent as an answer to this
        yield closed(private, cert, f"Go ahead\r\nP-26-9{number}99-X", Subject=asked.number)
    for number in range(10):
        yield wrapped(enveloped(cert, f"Go ahead\r\n{asked.number} {number}"), "enveloped-data", **about)
    for number in range(5):  # closed up twice: only the outer one is opened
        twice = closed(private, cert, f"Hold\r\n{asked.number} {number}")
        made = pkcs7.PKCS7SignatureBuilder().set_data(twice).add_signer(cert, private, hashes.SHA256())
        yield wrapped(made.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary]), **about)


def test_three_hundred_odd_messages_change_no_state_and_are_all_shown_as_unverified(house: "Day") -> None:
    notice, letter, _ = noticed(house)
    more = house.traced(house.graded(house.public_report("http://img.example.net/b")))
    asked = house.asked()
    assert more
    before, count = state_of(house), 0
    for raw in (*three_hundred(house, notice, letter, asked), *closed_up(house, asked)):
        kept = take(house, raw)
        assert kept.kind == "unverified", (kept.kind, kept.why)
        assert kept.settled_at is None
        count += 1
    assert count >= 300
    assert state_of(house) == before
    assert not NoticeMessage.objects.exists()


def originals(house: "Day", form: str) -> list[bytes]:
    """What is damaged. A unit's own signed answers, clear and closed, have been taken, and propose what they say."""
    if form == "answer":
        asked = asked_of(house)
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        cert = unit_with_certificate(house, asked, private)
        said = ((smime, "Go ahead"), (closed, "No interest"))
        own = [make(private, cert, f"{word}\r\n{asked.number}") for make, word in said]
        assert [take(house, raw).kind for raw in own] == ["proposed", "proposed"]
        return own
    _, letter, _ = noticed(house)
    if form == "dsn":
        actions = ("failed", "delayed", "delivered")
        return [report(f"hotline@{DOMAIN}", letter.recipient, action) for action in actions]
    if form == "xarf":
        return [xarf_mail(f"hotline@{DOMAIN}")]
    return [
        plain("x", In_Reply_To="<x@y.example>"),
        signed_by(pysequoia.Tsk.generate("x <x@y.example>"), "Go ahead"),
        smime(*a_stranger(), "Go ahead"),
        closed(*a_stranger(), "Go ahead"),
    ]


def mutations(house: "Day", form: str, count: int, seed: int) -> None:
    chance, good = random.Random(seed), originals(house, form)
    before, first = state_of(house), set(Mail.objects.values_list("digest", flat=True))
    odd = [
        b"\x00",
        b"\xff\xfe",
        b"=?utf-8?B?????=",
        b"\r\n\r\n",
        b"--b",
        b"--b--",
        b'boundary="',
        b"Content-Type: multipart/report;",
        b"charset=utf-16",
        b"(" * 200,
    ]
    seen = set()
    for _ in range(count):
        data = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 8)):
            place = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0:
                    del data[place : place + chance.randrange(1, 60)]
                case 1:
                    data[place:place] = chance.choice(odd)
                case 2:
                    data[place:place] = data[place : place + 80]
                case _ if data:
                    data[place % len(data)] = chance.randrange(256)
        raw = bytes(data)
        kept = take(house, raw)
        assert kept.kind in ("unverified", "threaded") or kept.digest in first
        assert vault.open_("mail", bytes(kept.sealed)) == raw
        seen.add(kept.digest)
    assert Mail.objects.count() == len(seen | first)
    assert state_of(house) == before


@pytest.mark.parametrize("form", ["dsn", "mail", "answer", "xarf"])
def test_malformed_messages_are_kept_and_change_nothing(house: "Day", form: str) -> None:
    mutations(house, form, 120, 1)


@pytest.mark.release
@pytest.mark.parametrize("form", ["dsn", "mail", "answer", "xarf"])
def test_twenty_thousand_malformed_messages(house: "Day", form: str) -> None:
    mutations(house, form, 20_000, 2)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n",
        b"Content-Type: multipart/mixed; boundary=a\n\n"
        + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 300,
        b"From: " + b"a" * 200_000 + b"\n\nx",
        b"Subject: =?utf-8?q?" + b"=C3" * 5000 + b"?=\n\nx",
        b"Content-Type: text/plain; charset=base64\n\nx",
        b"\xff" * 1000,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n--b\nContent-Type: message/delivery-status\n\n\n\n--b--",
        b"x" * (inbound.MAX_BYTES + 1),
    ],
)
def test_no_bytes_make_the_reader_fail(raw: bytes) -> None:
    read = inbound.read(raw)
    assert len(read.text) <= inbound.MAX_TEXT
    assert not [one for one in read.report if one.state]
