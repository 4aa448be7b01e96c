"""Letters sealed to the recipient's key: OpenPGP as RFC 3156 says, S/MIME as RFC 8551 says.

True here: a letter goes in whole and comes out with the same names on the outside (Message-ID, Date, From, To,
Subject, serial) and its content sealed; a key that cannot seal is a sentence, and nothing leaves unsealed
instead. What is not here: whose key it is and who verified it (records, steps), and sending.
"""

import base64
import hashlib
from email.message import Message
from email.parser import BytesParser
from email.policy import SMTP

OPENPGP, SMIME = "openpgp", "smime"
KINDS = (OPENPGP, SMIME)
_OUTSIDE = ("Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "X-Notice", "Reply-To")


def seal(frozen: bytes, *, kind: str, key: str) -> bytes:
    """`frozen` (as `meaning.render` made it) sealed to `key`. Raises ValueError with a sentence."""
    letter = BytesParser(policy=SMTP).parsebytes(frozen)
    head, _, body = frozen.partition(b"\r\n\r\n")
    inner = _content_headers(letter) + b"\r\n" + body
    outer = Message(policy=SMTP)
    for name in _OUTSIDE:
        if letter[name] is not None:
            outer[name] = str(letter[name])
    outer["MIME-Version"] = "1.0"
    if kind == OPENPGP:
        _openpgp(outer, inner, key, boundary="=_" + hashlib.sha256(head).hexdigest()[:40])
    elif kind == SMIME:
        _smime(outer, inner, key)
    else:
        raise ValueError(f"“{kind[:20]}” is no kind of key a letter can be sealed to.")
    return outer.as_bytes(policy=SMTP)


def _content_headers(letter: Message) -> bytes:
    names = [name for name in letter if name.lower().startswith("content-")]
    return b"".join(f"{name}: {letter[name]}\r\n".encode("ascii") for name in dict.fromkeys(names))


def _openpgp(outer: Message, inner: bytes, key: str, *, boundary: str) -> None:
    import pysequoia

    try:
        cert = pysequoia.Cert.from_bytes(key.encode("ascii"))
        sealed = bytes(pysequoia.encrypt(recipients=[cert], bytes=inner))
    except Exception as fault:  # the library raises its own kinds; none of them may let a letter leave open
        raise ValueError(f"The recipient's OpenPGP key cannot be used: {fault}.") from None
    outer["Content-Type"] = (
        f'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="{boundary}"'
    )
    version, content = Message(policy=SMTP), Message(policy=SMTP)
    version["Content-Type"] = "application/pgp-encrypted"
    version.set_payload("Version: 1\r\n")
    content["Content-Type"] = 'application/octet-stream; name="encrypted.asc"'
    content["Content-Disposition"] = 'inline; filename="encrypted.asc"'
    content.set_payload(sealed.decode("ascii"))
    outer.set_payload([version, content])


def _smime(outer: Message, inner: bytes, key: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    try:
        cert = x509.load_pem_x509_certificate(key.encode("ascii"))
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(inner).add_recipient(cert)
        sealed = builder.set_content_encryption_algorithm(_AES256()).encrypt(
            Encoding.DER, [pkcs7.PKCS7Options.Binary]
        )
    except Exception as fault:
        raise ValueError(f"The recipient's S/MIME certificate cannot be used: {fault}.") from None
    outer["Content-Type"] = 'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'
    outer["Content-Transfer-Encoding"] = "base64"
    outer["Content-Disposition"] = 'attachment; filename="smime.p7m"'
    outer.set_payload(base64.encodebytes(sealed).decode("ascii").replace("\n", "\r\n"))


def _AES256() -> "type":
    from cryptography.hazmat.primitives.ciphers import algorithms

    return algorithms.AES256
