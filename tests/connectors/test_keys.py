"""A letter sealed to a key opens to what it was, and shows on the outside only what a relay needs."""

import email
import email.policy
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from openhotline.connectors.mail import keys
from openhotline.connectors.mail.meaning import render
from openhotline.records import keys as reading
from openhotline.rules.refusals import Refused
from tests.connectors.test_mail import WITH_XARF

NOW = datetime.now(UTC)
SECRET = b"http://pictures.example.org/"


def openpgp() -> tuple[str, "pysequoia.Tsk"]:
    secret = pysequoia.Tsk.generate("Abuse desk <abuse@host.example>")
    return str(secret.extract_certificate()), secret


def certificate(
    key: object | None = None, *, days: int = 30, since: int = 60
) -> tuple[str, x509.Certificate, rsa.RSAPrivateKey]:
    private = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "abuse@host.example")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=since))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(private, hashes.SHA256())  # type: ignore[arg-type]
    )
    return built.public_bytes(serialization.Encoding.PEM).decode(), built, private  # type: ignore[return-value]


def outside(sealed: bytes) -> email.message.Message:
    read = email.message_from_bytes(sealed, policy=email.policy.SMTP)
    for name in ("Message-ID", "Date", "From", "To", "Subject", "X-Notice", "MIME-Version", "Auto-Submitted"):
        assert len(read.get_all(name, [])) == 1, name
    assert SECRET not in sealed
    return read


def test_openpgp_as_rfc_3156_says() -> None:
    public, secret = openpgp()
    letter = render(WITH_XARF)
    read = outside(keys.seal(letter, kind=keys.OPENPGP, key=public))
    assert read.get_content_type() == "multipart/encrypted"
    assert read.get_param("protocol") == "application/pgp-encrypted"
    version, content = read.get_payload()
    assert version.get_content_type() == "application/pgp-encrypted"
    opened = pysequoia.decrypt(bytes=content.get_payload().encode(), decryptor=secret.decryptor())
    inner = email.message_from_bytes(bytes(opened.bytes), policy=email.policy.default)
    assert [part.get_content_type() for part in inner.iter_parts()] == [
        "text/plain",
        "message/feedback-report",
        "application/json",
    ]
    assert SECRET in bytes(opened.bytes)


def test_smime_as_rfc_8551_says() -> None:
    pem, cert, private = certificate()
    read = outside(keys.seal(render(WITH_XARF), kind=keys.SMIME, key=pem))
    assert read.get_content_type() == "application/pkcs7-mime"
    assert read.get_param("smime-type") == "enveloped-data"
    opened = pkcs7.pkcs7_decrypt_der(read.get_payload(decode=True), cert, private, [])
    assert SECRET in opened
    assert opened.startswith(b"Content-Type: multipart/report")


@pytest.mark.parametrize(("kind", "key"), [("openpgp", "nonsense"), ("smime", "nonsense"), ("rot13", "x")])
def test_a_key_that_cannot_seal_is_a_sentence_and_nothing_leaves_open(kind: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be used|no kind of key"):
        keys.seal(render(WITH_XARF), kind=kind, key=key)


def test_a_key_is_read_for_its_kind_and_fingerprint() -> None:
    public, secret = openpgp()
    fingerprint = str(secret.extract_certificate().fingerprint).upper()
    assert reading.read(public, at=NOW) == ("openpgp", fingerprint)
    pem, cert, _ = certificate()
    assert reading.read(pem, at=NOW) == ("smime", cert.fingerprint(hashes.SHA256()).hex().upper())


def test_what_is_no_usable_public_key_is_refused_in_words() -> None:
    old, _, _ = certificate(days=-1)
    curve, _, _ = certificate(ec.generate_private_key(ec.SECP256R1()))
    private = "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----"
    for text, sentence in (
        ("", "neither"),
        ("ключ", "no public key"),
        ("A" * 70_000, "no public key"),
        (private, "private key"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxx", "cannot be used"),
        ("-----BEGIN CERTIFICATE-----\nxxx", "cannot be read"),
        (old, "run out"),
        (curve, "RSA"),
    ):
        with pytest.raises(Refused, match=sentence):
            reading.read(text, at=NOW)
