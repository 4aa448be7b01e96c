"""What lies in a closed S/MIME message (RFC 8551, 3.4 and 3.5; CMS, RFC 5652): the signed text, or that it is encrypted.

True here: what a message is follows from its own bytes, not from its headers, which mail programs leave out or
rewrite. Raises nothing, whatever the bytes are. What is not here: whether a signature is anybody's (`records/cms`),
and decrypting: the house holds no key for mail.
"""

from email.message import Message
from typing import Any

ENCRYPTED = "encrypted"
SMIME = "smime"
MAX_BYTES = (
    64 * 1024
)  # of text, signature and certificates together: of anybody's bytes, as many take a second to read
_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_RELAYED = "application/octet-stream"  # what some relays make of it; then its name tells
_OID = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # 1.2.840.113549.1.7, before its last number
_SIGNED, _ENVELOPED = _OID + b"\x02", _OID + b"\x03"
_AUTH_ENVELOPED = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"
_HEAD = 24  # within these the kind of content stands, whatever form its lengths have


def carried(message: Message) -> tuple[str, bytes, bytes]:
    """(kind, signed bytes, signature) of a closed message.

    "smime" with both empty where it is signed and cannot be opened; "encrypted" where only a key would open it; else "".
    """
    kind = message.get_content_type()
    if kind == "multipart/encrypted":
        return ENCRYPTED, b"", b""
    if kind not in _TYPES and not (
        kind == _RELAYED and str(message.get_filename("")).lower().endswith(".p7m")
    ):
        return "", b"", b""
    raw = message.get_payload(decode=True)
    head = raw[:_HEAD] if isinstance(raw, bytes) else b""
    if _ENVELOPED in head or _AUTH_ENVELOPED in head:
        return ENCRYPTED, b"", b""
    if not isinstance(raw, bytes) or _SIGNED not in head:
        return "", b"", b""
    inside = _content(raw) if len(raw) <= MAX_BYTES else None
    return (SMIME, inside, raw) if inside else (SMIME, b"", b"")


def _content(raw: bytes) -> bytes | None:
    """The bytes a signed-data holds, None where it holds none or cannot be read."""
    from pyasn1.codec.ber import decoder
    from pyasn1.type import namedtype, tag, univ
    from pyasn1_modules import rfc5652

    inside: Any = rfc5652.SignedData().subtype(
        explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)
    )
    names = namedtype.NamedTypes(
        namedtype.NamedType("contentType", rfc5652.ContentType()), namedtype.NamedType("content", inside)
    )
    try:
        outer, _ = decoder.decode(raw, asn1Spec=univ.Sequence(componentType=names))
        held = outer["content"]["encapContentInfo"]
        return bytes(held["eContent"]) if held["eContentType"] == rfc5652.id_data else None
    except Exception:  # hostile bytes may be wrong in any way
        return None
