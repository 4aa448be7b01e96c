"""Messages as a mailbox gets them, and a house that has asked, noticed and referred: for the tests of mail that comes in."""

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from openhotline.connectors.mail import inbound
from openhotline.connectors.mail.meaning import MailLetter, render
from openhotline.connectors.xarf import meaning as xarf
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
    ProposedAnswer,
    Removal,
    Report,
)
from openhotline.rules import inbound as rule
from openhotline.rules import words
from openhotline.steps import mailbox, public_key, refer
from tests.connectors.test_keys import certificate
from tests.journeys.cast import FAR_HOST, HOUSE

if TYPE_CHECKING:
    from tests.journeys.cast import Day

DOMAIN = HOUSE.domain
ROOT = Path(__file__).resolve().parents[2]
VECTORS = Path(__file__).parent / "vectors"


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


def referred(house: "Day") -> Letter:
    """A referral that has left to police abroad, by mail to the national unit."""
    house.traced(house.graded(house.public_report("http://img.example.net/far")), FAR_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    return Letter.objects.get(kind="referral", state="sent")


def asked_of(house: "Day") -> Consultation:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/a")))
    house.contact_verified(removals)
    return house.asked()


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


def enveloped(cert: x509.Certificate, text: str) -> bytes:
    """Encrypted to somebody."""
    made = pkcs7.PKCS7EnvelopeBuilder().set_data(text.encode()).add_recipient(cert)
    return made.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def a_stranger() -> tuple[object, x509.Certificate]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private, certificate(private, days=3650, since=3650)[1]


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
