"""Mail that comes in: believed only where it can be shown, kept always, and never an instruction."""

import base64
import contextlib
import os
import random
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from openhotline.connectors.mail import inbound, maildir, opaque
from openhotline.connectors.mail.client import UNKNOWN, Receipt, Relay
from openhotline.connectors.mail.meaning import MailLetter, render
from openhotline.connectors.xarf import meaning as xarf
from openhotline.jobs import dispatch
from openhotline.jobs.mailroom import Mailroom
from openhotline.jobs.post import Post
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import (
    Answer,
    Consultation,
    Contact,
    Delivery,
    HostAnswer,
    Item,
    Mail,
    Notice,
    NoticeMessage,
    Partner,
    ProposedAnswer,
    Removal,
    Report,
)
from openhotline.rules import inbound as rule
from openhotline.rules import mail_answer, words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import alert, consult, contact, doubt, mailbox, public_key, refer
from tests.connectors.test_keys import certificate
from tests.journeys.cast import CANAL_HOST, FAR_HOST, HOUSE, minutes

if TYPE_CHECKING:
    from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db
DOMAIN = HOUSE.domain
ROOT = Path(__file__).resolve().parents[2]
VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture
def house(db: None) -> "Day":
    from tests.journeys.cast import Day

    vault.configure(b"the site key of a test house....".ljust(32))
    return Day()


def take(house: "Day", raw: bytes) -> Mail:
    return mailbox.receive(raw, inbound.read(raw), domain=DOMAIN, policy=house.policy, at=house.now)


def noticed(house: "Day") -> tuple[Notice, Letter, Removal]:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/a")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.letters_leave()
    notice = Notice.objects.get(sent_at__isnull=False)
    return notice, Letter.objects.get(kind="notice", state="sent"), house.fresh(removals)[0]


def bounce_to(letter: Letter) -> str:
    return rule.bounce_address(letter.key, vault.token("bounce", letter.key), DOMAIN)


def report(to: str, recipient: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    return (
        f"Return-Path: <>\r\nDelivered-To: {to}\r\nFrom: MAILER-DAEMON@relay.example\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such mailbox\r\n"
        "--b--\r\n"
    ).encode()


def plain(text: str = "Done.", **headers: str) -> bytes:
    made = EmailMessage()
    for name, value in {
        "From": "abuse@north-rack.example",
        "To": f"hotline@{DOMAIN}",
        "Subject": "Re",
        **headers,
    }.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def state_of(house: "Day") -> tuple[object, ...]:
    """Everything a message must not move."""
    return (
        list(Removal.objects.order_by("pk").values()),
        list(Item.objects.order_by("pk").values("pk", "status", "version")),
        list(Notice.objects.order_by("pk").values()),
        list(Contact.objects.order_by("pk").values()),
        list(Consultation.objects.order_by("pk").values()),
        list(Letter.objects.order_by("pk").values("pk", "state", "key")),
        Answer.objects.count(),
        HostAnswer.objects.count(),
        Delivery.objects.exclude(state="accepted").count(),
        ProposedAnswer.objects.count(),
        Report.objects.count(),
    )


# --- reports of non-delivery ------------------------------------------------------------------------------------


def test_a_bounce_at_the_letters_own_address_demotes_and_the_next_contact_is_written_to(house: "Day") -> None:
    notice, letter, removal = noticed(house)
    from openhotline.steps import contact, notify

    other = contact.propose(
        notice.host, "noc@north-rack.example", source="host-page", by=house.who("A07"), at=house.now
    )
    notify.verify_contact(other, by=house.who("P01"), at=house.now)
    house.later(minutes(3))
    kept = take(house, report(bounce_to(letter), letter.recipient))
    assert (kept.kind, kept.settled_by) == ("delivery", "machine:worker")
    first = Contact.objects.get(mail=letter.recipient)
    assert (first.usable, first.bounces) == (False, 1)
    (back,) = house.fresh([removal])
    assert back.status == "cleared"
    assert back.t5_sent == removal.t5_sent
    assert Delivery.objects.get(letter=letter.key).state == "bounced"
    house.later(minutes(1))
    house.letters_leave()
    (again,) = house.fresh([removal])
    assert again.status == "noticed"
    assert Notice.objects.latest("pk").contact.mail == "noc@north-rack.example"
    # The same report again, or another one, is no second bounce.
    take(house, report(bounce_to(letter), letter.recipient))
    take(house, report(bounce_to(letter), letter.recipient, status="5.0.0"))
    first.refresh_from_db()
    assert first.bounces == 1
    assert house.fresh([removal])[0].status == "noticed"


@pytest.mark.parametrize("settled", ["asked", "by a person"])
def test_a_bounce_that_is_here_before_the_letter_is_settled_counts_once_it_is(
    house: "Day", settled: str
) -> None:
    """The line broke after the relay had taken it; its report of non-delivery was faster than the asking."""
    removals = house.traced(house.graded(house.public_report("http://img.example.net/a")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.later(minutes(2))
    house.traced(house.again([removals[0].item]))

    class Breaking(Post):
        def hand_over(self, letter: Letter) -> Receipt:
            return Receipt(UNKNOWN, "The line broke after DATA.")

    post = Breaking(Relay(host="127.0.0.1", port=9), HOUSE, partner_tokens=dict)
    dispatch.letters(post, policy=house.policy, at=house.now, kinds=["notice"])
    letter = Letter.objects.get(kind="notice")
    assert letter.state == "in doubt"
    take(house, report(bounce_to(letter), letter.recipient))
    if settled == "asked":
        dispatch.arrived(letter, "their log: queued as 1", policy=house.policy, at=house.now)
    else:
        doubt.settle(letter, arrived=True, policy=house.policy, by=house.who("L01"), at=house.now)
    assert house.fresh(removals)[0].status == "cleared", "nobody was told"
    assert not Contact.objects.get(mail=letter.recipient).usable
    assert Letter.objects.filter(kind="notice", state="contact needed").count() == 1


def test_an_alert_abroad_that_bounces_late_goes_to_the_next_contact(house: "Day") -> None:
    Partner.objects.create(key="hotline-nl", name="partner", kind="hotline", country="NL")
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
    house.contact_verified(removals)
    host = removals[0].host
    row = alert.register(host, why="their letter", by=house.who("A07"), at=house.now)
    alert.confirm(row, by=house.who("P01"), at=house.now)
    refer.refer_due(at=house.now)
    house.letters_leave()
    alert.hosts_due(at=house.now)
    house.letters_leave()
    (letter,) = house.letters(alert.KIND, "sent")
    take(house, report(bounce_to(letter), letter.recipient))
    assert alert.hosts_due(at=house.now) == 0, "nobody there can be written to"
    desk = contact.propose(
        host, "desk@canal-hosting.example", source="host-page", by=house.who("A07"), at=house.now
    )
    contact.verify(desk, by=house.who("P01"), at=house.now)
    assert alert.hosts_due(at=house.now) == 1
    assert house.letters(alert.KIND, "pending")[0].recipient == "desk@canal-hosting.example"


@pytest.mark.parametrize(
    ("action", "state"), [("delayed", "deferred"), ("delivered", "delivered"), ("relayed", "delivered")]
)
def test_what_is_no_bounce_is_a_word_about_the_way_and_moves_nothing(
    house: "Day", action: str, state: str
) -> None:
    _, letter, removal = noticed(house)
    take(house, report(bounce_to(letter), letter.recipient, action, "2.0.0"))
    assert Delivery.objects.get(letter=letter.key).state == state
    assert house.fresh([removal])[0].status == "noticed"
    assert Contact.objects.get(mail=letter.recipient).usable


def test_a_bounce_without_the_letters_own_address_is_only_kept(house: "Day") -> None:
    _, letter, _ = noticed(house)
    right = bounce_to(letter)
    before = state_of(house)
    for to in (
        f"hotline@{DOMAIN}",
        right.replace(right[28], "0" if right[28] != "0" else "1"),
        right.replace(DOMAIN, "x.example"),
    ):
        kept = take(house, report(to, letter.recipient))
        assert kept.kind == "unverified"
    assert state_of(house) == before


# --- replies, police, reports -----------------------------------------------------------------------------------


def test_a_reply_is_a_line_in_the_channel_whose_sender_is_not_verified(house: "Day") -> None:
    notice, letter, removal = noticed(house)
    kept = take(house, plain("All removed, please close.", In_Reply_To=f"<{letter.key}@{DOMAIN}>"))
    assert (kept.kind, kept.notice) == ("threaded", notice)
    assert kept.settled_at is None
    line = NoticeMessage.objects.get()
    assert (line.via, line.who) == ("mail", "mail")
    by_serial = take(house, plain("About it.", Subject=f"Your {notice.number.lower()}"))
    assert by_serial.notice == notice
    (now,) = house.fresh([removal])
    assert (now.status, now.t6_acknowledged) == ("noticed", None)
    assert not HostAnswer.objects.exists()


def referred(house: "Day") -> Letter:
    """A referral that has left to police abroad, by mail to the national unit."""
    house.traced(house.graded(house.public_report("http://img.example.net/far")), FAR_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    return Letter.objects.get(kind="referral", state="sent")


def test_a_reply_about_a_referral_or_an_alert_stands_with_it_and_moves_nothing(house: "Day") -> None:
    letter = referred(house)
    before = state_of(house)
    by_number = take(house, plain(f"We have passed on {letter.number}."))
    by_message = take(house, plain("Thank you.", In_Reply_To=f"<{letter.key}@{DOMAIN}>"))
    assert [(mail.kind, mail.about, mail.settled_at) for mail in (by_number, by_message)] == [
        ("threaded", letter.number, None)
    ] * 2
    assert take(house, plain("R-26-0999-X")).kind == "unverified", "no such referral"
    assert state_of(house) == before


def test_a_bounce_from_which_nothing_follows_waits_for_a_person(house: "Day") -> None:
    letter = referred(house)
    mail = take(house, report(bounce_to(letter), letter.recipient))
    assert (mail.kind, mail.about, mail.settled_at) == ("delivery", letter.number, None)
    assert "Nobody has it" in mail.why
    late = take(house, report(bounce_to(letter), letter.recipient, "delayed", "4.4.1"))
    assert late.settled_by == "machine:worker"


def signed_by(secret: "pysequoia.Tsk", text: str, **headers: str) -> bytes:
    """RFC 3156 multipart/signed."""
    inner = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
    signature = bytes(pysequoia.sign(secret.signer(), inner, mode=pysequoia.SignatureMode.DETACHED))
    head = "".join(
        f"{name.replace('_', '-')}: {value}\r\n"
        for name, value in {
            "From": "desk@police.example",
            "To": f"hotline@{DOMAIN}",
            "Subject": "Re",
            **headers,
        }.items()
    )
    return (
        head.encode()
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512; boundary="s";\r\n'
        b' protocol="application/pgp-signature"\r\n\r\n--s\r\n'
        + inner
        + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
        + signature.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        + b"\r\n--s--\r\n"
    )


def unit_with_key(house: "Day", asked: Consultation) -> "pysequoia.Tsk":
    secret = pysequoia.Tsk.generate("Desk <desk@police.example>")
    row = public_key.propose(asked.unit, str(secret.extract_certificate()), by=house.who("P01"), at=house.now)
    public_key.verify(row, row.fingerprint, by=house.who("A07"), at=house.now)
    return secret


def asked_of(house: "Day") -> Consultation:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/a")))
    house.contact_verified(removals)
    return house.asked()


def test_a_signed_reply_of_the_unit_is_a_proposal_that_a_person_confirms(house: "Day") -> None:
    asked = asked_of(house)
    secret = unit_with_key(house, asked)
    kept = take(house, signed_by(secret, f"Go ahead.\r\nAbout {asked.number}."))
    assert kept.kind == "proposed", kept.why
    assert not Answer.objects.exists()
    row = ProposedAnswer.objects.get()
    with pytest.raises(NotPermitted):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("A07"), at=house.now)
    mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    assert Answer.objects.get().kind == words.GO_AHEAD
    assert {one.status for one in Removal.objects.all()} == {"cleared"}
    with pytest.raises(Refused, match="settled"):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)


def smime(private: object, cert: x509.Certificate, text: str, **headers: str) -> bytes:
    """RFC 8551 multipart/signed, as a mail program writes it."""
    part = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
    made = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(part)
        .add_signer(cert, private, hashes.SHA256())  # type: ignore[arg-type]
        .sign(serialization.Encoding.SMIME, [pkcs7.PKCS7Options.DetachedSignature])
    )
    named = {"From": "desk@police.example", "To": f"hotline@{DOMAIN}", "Subject": "Re", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return head.encode() + made


def closed(private: object, cert: x509.Certificate, text: str, **headers: str) -> bytes:
    """RFC 8551 application/pkcs7-mime: the text lies inside what is signed."""
    part = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
    made = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(part)
        .add_signer(cert, private, hashes.SHA256())  # type: ignore[arg-type]
        .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    return wrapped(made, **headers)


def wrapped(data: bytes, kind: str = "signed-data", **headers: str) -> bytes:
    """Bytes of CMS as one message."""
    named = {
        "From": "desk@police.example",
        "To": f"hotline@{DOMAIN}",
        "Subject": "Re",
        "MIME-Version": "1.0",
        "Content-Type": f'application/pkcs7-mime; smime-type={kind}; name="smime.p7m"',
        "Content-Transfer-Encoding": "base64",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return head.encode() + b"\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n")


def opened(raw: bytes) -> bytes:
    """What `wrapped` wrapped."""
    return base64.b64decode(raw.partition(b"\r\n\r\n")[2])


def unit_with_certificate(house: "Day", asked: Consultation, private: object) -> x509.Certificate:
    text, cert, _ = certificate(private, days=3650, since=3650)
    row = public_key.propose(asked.unit, text, by=house.who("P01"), at=house.now)
    public_key.verify(row, row.fingerprint, by=house.who("A07"), at=house.now)
    return cert


@pytest.mark.parametrize("curve", [False, True])
def test_an_smime_reply_proposes_a_hold_and_comes_only_once(house: "Day", curve: bool) -> None:
    asked = asked_of(house)
    private = (
        ec.generate_private_key(ec.SECP256R1())
        if curve
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    cert = unit_with_certificate(house, asked, private)
    until = house.now + minutes(180)
    text = f"Hold until {until:%Y-%m-%d %H:%M} UTC\r\nReason: covert work\r\nOfficer: NU-2\r\n{asked.number}"
    raw = smime(private, cert, text)
    kept = take(house, raw)
    assert kept.kind == "proposed", kept.why
    row = ProposedAnswer.objects.get()
    assert (row.until, row.reason) == (until.replace(second=0, microsecond=0), "covert work")
    again = take(house, raw.replace(b"Subject: Re", b"Subject: Fwd"))
    assert (again.kind, "come before" in again.why) == ("unverified", True)
    for wrong in (
        raw.replace(b"Hold until", b"Hold Until"),
        smime(
            private, certificate(private, days=20, since=3650)[1], f"Go ahead\r\n{asked.number}", Subject="2"
        ).replace(b"Go ahead", b"No interest"),
        smime(*_stranger(), f"Go ahead\r\n{asked.number}"),
    ):
        odd = take(house, wrong)
        assert (odd.kind, "not with the verified key" in odd.why) == ("unverified", True)
    assert ProposedAnswer.objects.count() == 1
    mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    given = Answer.objects.get()
    assert (given.kind, given.until, given.reason) == (words.HOLD, row.until, "covert work")
    assert given.by == house.people["officer NU"]
    assert {one.status for one in Removal.objects.all()} == {"held"}


def test_a_reply_closed_up_in_its_signature_is_opened_and_judged_like_one_in_clear_text(house: "Day") -> None:
    asked = asked_of(house)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cert = unit_with_certificate(house, asked, private)
    text = f"Go ahead\r\nOfficer: NU-2\r\n{asked.number}"
    before = state_of(house)
    good = opened(closed(private, cert, text))
    for raw, why in (
        (wrapped(good.replace(b"Go ahead", b"Go  head")), "not with the verified key"),
        (closed(*_stranger(), text), "not with the verified key"),
        (closed(private, cert, "Go ahead", Subject=asked.number), "does not name"),
        (wrapped(good[:200], Subject=asked.number), "cannot be opened"),
        (wrapped(good + bytes(opaque.MAX_BYTES), Subject=asked.number), "cannot be opened"),
        (wrapped(enveloped(cert, text), "enveloped-data", Subject=asked.number), "sign without encrypting"),
        (wrapped(enveloped(cert, text), "signed-data", Subject="Re"), "no key that opens mail"),
        (wrapped(enveloped(cert, text), To=f"report@{DOMAIN}"), "no key that opens mail"),
    ):
        kept = take(house, raw)
        assert (kept.kind, kept.settled_at) == ("unverified", None), why
        assert why in kept.why
    assert state_of(house) == before
    # Relays and mail programs rename the type; what it is, its bytes say.
    kept = take(house, wrapped(good, Content_Type='application/octet-stream; name="smime.p7m"'))
    assert (kept.kind, kept.text.splitlines()[0]) == ("proposed", "Go ahead"), kept.why
    assert not Answer.objects.exists()
    again = take(house, wrapped(good, Subject="Fwd"))
    assert (again.kind, "come before" in again.why) == ("unverified", True)
    mailbox.confirm_answer(
        ProposedAnswer.objects.get(), take=True, policy=house.policy, by=house.who("P01"), at=house.now
    )
    assert Answer.objects.get().by == house.people["officer NU"]


def enveloped(cert: x509.Certificate, text: str) -> bytes:
    """Encrypted to somebody."""
    made = pkcs7.PKCS7EnvelopeBuilder().set_data(text.encode()).add_recipient(cert)
    return made.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _stranger() -> tuple[object, x509.Certificate]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private, certificate(private, days=3650, since=3650)[1]


def test_a_signed_reply_never_undoes_what_the_unit_has_answered_since(house: "Day") -> None:
    """A go-ahead signed at nine waits for its confirmation; at ten the unit holds, about the same in another question."""
    asked = asked_of(house)
    take(house, signed_by(unit_with_key(house, asked), f"Go ahead\r\n{asked.number}"))
    again = consult.ask_police(
        list(Removal.objects.select_related("item", "host")),
        unit=asked.unit,
        agreement=house.policy.agreements.standing(house.now),
        by=house.who("P01"),
        at=house.now,
        zone=house.policy.zone,
        passed_from=asked,
    )
    house.now = datetime.now(UTC) + minutes(60)
    house.answered(again, words.HOLD, review_at=house.now + minutes(60), reason="covert work")
    row = ProposedAnswer.objects.get()
    with pytest.raises(Refused, match="the later answer holds"):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    assert Removal.objects.get().status == "held" and row.settled_at is None
    mailbox.confirm_answer(row, take=False, policy=house.policy, by=house.who("P01"), at=house.now)


def test_a_signature_older_than_the_units_latest_answer_proposes_nothing(house: "Day") -> None:
    asked = asked_of(house)
    raw = signed_by(unit_with_key(house, asked), f"Go ahead\r\n{asked.number}")
    house.answered(asked, words.HOLD, review_at=house.now + minutes(60), reason="covert work")
    Answer.objects.update(at=datetime.now(UTC) + minutes(1))
    kept = take(house, raw)
    assert (kept.kind, "The later one holds" in kept.why) == ("unverified", True)


@pytest.mark.parametrize(("name", "unit"), [("ber", "unit"), ("pss", "unit"), ("closed", "closed")])
def test_a_signature_as_other_programs_write_it_is_read(house: "Day", name: str, unit: str) -> None:
    """Made by `openssl cms -sign`: with lengths of BER, as some mail programs leave them, with PSS padding, and closed up."""
    asked = asked_of(house)
    assert asked.number == "P-26-0001-E"
    row = public_key.propose(
        asked.unit, (VECTORS / f"{unit}.pem").read_text(), by=house.who("P01"), at=house.now
    )
    public_key.verify(row, row.fingerprint, by=house.who("A07"), at=house.now)
    kept = take(house, (VECTORS / f"{name}.eml").read_bytes())
    assert kept.kind == "proposed", kept.why


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hold until tomorrow", "must begin with"),
        ("Hold until 2026-05-12 18:00", "must begin with"),
        ("Hold until 2026-02-30 18:00 UTC", "no"),
        ("Hold\nReason: none of yours", "reason is none of"),
        ("> Go ahead", "must begin with"),
        ("", "must begin with"),
    ],
)
def test_what_a_signed_mail_says_by_halves_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        mail_answer.read(text)


def test_a_signed_reply_that_is_not_confirmed_is_none(house: "Day") -> None:
    asked = asked_of(house)
    take(house, signed_by(unit_with_key(house, asked), f"No interest\r\n{asked.number}"))
    mailbox.confirm_answer(
        ProposedAnswer.objects.get(), take=False, policy=house.policy, by=house.who("P01"), at=house.now
    )
    assert not Answer.objects.exists()


def test_what_is_signed_otherwise_is_shown_as_unverified(house: "Day") -> None:
    asked = asked_of(house)
    ours, stranger = unit_with_key(house, asked), pysequoia.Tsk.generate("Desk <desk@police.example>")
    good = signed_by(ours, f"Go ahead\r\n{asked.number}")
    before = state_of(house)
    for raw, why in (
        (signed_by(stranger, f"Go ahead\r\n{asked.number}"), "not with the verified key"),
        (good.replace(b"Go ahead", b"Go  head"), "not with the verified key"),
        (signed_by(ours, "Go ahead", Subject=f"{asked.number}"), "does not name"),
        (signed_by(ours, f"Perhaps\r\n{asked.number}"), "must begin"),
        (plain(f"Go ahead\n{asked.number}", From="desk@police.example"), "not signed"),
    ):
        kept = take(house, raw)
        assert (kept.kind, kept.unit) == ("unverified", asked.unit)
        assert why in kept.why
    assert state_of(house) == before


def test_a_report_by_mail_is_a_report_and_its_sender_stays_sealed(house: "Day") -> None:
    raw = plain(
        "Please look:\nhttp://img.example.net/m\n",
        To=f"report@{DOMAIN}",
        From="Somebody <somebody@elsewhere.example>",
    )
    kept = take(house, raw)
    again = take(house, raw)
    assert kept.pk == again.pk
    assert again.seen == 2
    assert (kept.kind, kept.sender) == ("report", "")
    assert Item.objects.get().canonical == "http://img.example.net/m"
    assert Report.objects.get().source == words.FROM_PUBLIC
    assert b"somebody" not in bytes(kept.sealed)
    assert b"somebody" in vault.open_("mail", bytes(kept.sealed))


def test_a_message_is_settled_by_a_person_with_a_word(house: "Day") -> None:
    kept = take(house, plain("Hello"))
    with pytest.raises(Refused, match="what you did"):
        mailbox.settle(kept, note=" ", by=house.who("A07"), at=house.now)
    mailbox.settle(kept, note="Advertising.", by=house.who("A07"), at=house.now)
    kept.refresh_from_db()
    assert (kept.settled_by, kept.note) == ("A07", "Advertising.")
    assert "Hello" in mailbox.whole(kept, by=house.who("A07"), at=house.now)


# --- bad input --------------------------------------------------------------------------------------------------


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
    cert, stranger = unit_with_certificate(house, asked, private), _stranger()
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


def xarf_mail(to: str) -> bytes:
    """What an industry desk's program sends: text, a feedback report, XARF."""
    us = xarf.Party("Example Desk", "desk@industry.example", "industry.example")
    parts = [
        xarf.notice(
            identifier=xarf.report_id(url),
            url=url,
            host="img.example.net",
            content_class=words.CHILD_SEXUAL_ABUSE,
            baseline=False,
            category="A",
            age_band="infant",
            source_identifier="192.0.2.9",
            verified_at=datetime(2026, 5, 12, 12, tzinfo=UTC),
            reporter=us,
        ).json
        for url in ("http://img.example.net/x1", "http://img.example.net/x2")
    ]
    return render(
        MailLetter(
            message_id="<x@industry.example>",
            serial="",
            sender="desk@industry.example",
            to=to,
            subject="Report",
            text="Please see the attached reports.",
            date=datetime(2026, 5, 12, 12, tzinfo=UTC),
            xarf=tuple(parts),
        )
    )


def test_a_report_in_xarf_is_filed_with_the_addresses_it_names(house: "Day") -> None:
    kept = take(house, xarf_mail(f"report@{DOMAIN}"))
    assert (kept.kind, kept.sender) == ("report", "")
    assert {item.canonical for item in Item.objects.all()} == {
        "http://img.example.net/x1",
        "http://img.example.net/x2",
    }


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
        smime(*_stranger(), "Go ahead"),
        closed(*_stranger(), "Go ahead"),
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


# --- the Maildir and the listener -------------------------------------------------------------------------------


def test_the_listener_takes_our_mail_durably_and_nobody_elses(house: "Day", tmp_path: Path) -> None:
    place = tmp_path / "mail"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (
        "-m",
        "openhotline.connectors.mail.listener",
        "--maildir",
        str(place),
        "--port",
        str(port),
        "--domain",
        DOMAIN,
    )
    process = subprocess.Popen([sys.executable, *command], env={"PATH": os.environ["PATH"]}, cwd=ROOT)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5):
                    break
            except OSError:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.1)
        with contextlib.closing(smtplib.SMTP("127.0.0.1", port, "localhost", timeout=20)) as client:
            raw = plain("http://img.example.net/l", To=f"report@{DOMAIN}")
            client.sendmail("a@elsewhere.example", [f"report@{DOMAIN}"], raw)
            assert [one.name for one in (place / "tmp").iterdir()] == []
            for wrong in ("x@elsewhere.example", f"nobody@{DOMAIN}", f"bounces+1.2@{DOMAIN}"):
                with pytest.raises(smtplib.SMTPRecipientsRefused):
                    client.sendmail("a@elsewhere.example", [wrong], plain())
            assert client.docmd("AUTH", "PLAIN AAAA")[0] >= 500
    finally:
        process.terminate()
        process.wait(20)
    room = Mailroom(place, DOMAIN)
    assert room.read(policy=house.policy, at=house.now, strict=True) == 1
    assert room.read(policy=house.policy, at=house.now, strict=True) == 0
    assert Mail.objects.get().kind == "report"
    assert len(list((place / "cur").iterdir())) == 1


def test_a_message_is_durable_before_it_is_there_and_stays_until_it_was_kept(
    house: "Day", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = maildir.make(tmp_path / "mail")
    (place / "tmp" / "half").write_bytes(b"cut off")
    name = maildir.deliver(place, plain())
    assert [one for one, _ in maildir.waiting(place)] == [name]
    room = Mailroom(place, DOMAIN)

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "receive", fails)
        assert room.read(policy=house.policy, at=house.now) == 0
    assert (place / "held" / name).read_bytes() == plain()
    assert not Mail.objects.exists()


def test_the_bounce_address_is_of_one_letter_and_cannot_be_guessed() -> None:
    address = rule.bounce_address("ab" * 32, "token", "Hotline.Example")
    assert len(address.partition("@")[0]) <= 64
    found = rule.bounced_to(address.upper(), "hotline.example")
    assert found is not None
    assert rule.proves("token", found[1])
    assert not rule.proves("other", found[1])
    assert rule.bounced_to(address, "other.example") is None
    assert rule.bounced_to("hotline@hotline.example", "hotline.example") is None
