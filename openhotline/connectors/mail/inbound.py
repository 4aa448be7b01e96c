"""One message as bytes -> `Inbound`. Pure; raises nothing, whatever the bytes are.

True here: at most 10 MiB are read, at most 200 parts, at most 64 KiB of plain text; of headers those that are asked
for, a bounded number of each a bounded length, because the library's time grows with the square of a header's length
and a message's size alone is no bound of its memory (`_Part`, `_parsed`); attachments are never opened, but for JSON that is XARF and S/MIME that closes up what it signs (`opaque`), whose text is then the text;
a report of non-delivery is read as RFC 3464 says. What is not here: believing any of it.
"""

import email
import email.policy
import json
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import getaddresses

from openhotline.connectors.mail import opaque
from openhotline.rules.inbound import DeliveryWord, Inbound

MAX_BYTES = 10 * 1024 * 1024
MAX_PARTS, MAX_TEXT, MAX_RECIPIENTS = 200, 64 * 1024, 100
MAX_JSON = 256 * 1024  # of one XARF part
MAX_HEADER, MAX_OF_A_NAME, MAX_PARAMETERS = 20_000, 20, 50
MAX_MADE = 2_000  # parts and blocks of a report; an honest letter has a handful
_IDS = re.compile(r"<[^<>\s]{1,300}>")
_SIGNS = {
    "application/pgp-signature": "openpgp",
    "application/pkcs7-signature": "smime",
    "application/x-pkcs7-signature": "smime",
}
_HANDED = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
_TYPES = ("content-type", "content-disposition", "content-transfer-encoding", "mime-version")
_DSN = ("final-recipient", "action", "status", "diagnostic-code")
_ASKED_FOR = {"from", "subject", "in-reply-to", "references", *map(str.lower, _HANDED), *_TYPES, *_DSN}


def read(raw: bytes) -> Inbound:
    """What the message says. A message that cannot be read is an `Inbound` with `fault`."""
    if len(raw) > MAX_BYTES:
        return Inbound(fault="It is longer than 10 MiB.")
    try:
        return _read(raw)
    except Exception as fault:  # hostile bytes may be wrong in any way; none of them is ours
        return Inbound(fault=f"It cannot be read: {type(fault).__name__}.")


class _TooManyParts(Exception):
    """It has more parts than any letter; raised while the library reads."""


class _Part(Message):
    """A part that keeps of its headers what is asked for, and no more of it than an honest one has."""

    def set_raw(self, name: str, value: str) -> None:
        """What the library's reader hands on. A type's parameters are counted too: it reads them in square time."""
        low = name.lower()
        if low not in _ASKED_FOR or len(self.get_all(low, ())) >= MAX_OF_A_NAME:
            return
        if low in _TYPES:
            value = ";".join(value.split(";", MAX_PARAMETERS)[:MAX_PARAMETERS])
        super().set_raw(name, value[:MAX_HEADER])


def _parsed(raw: bytes) -> Message:
    """The message in its parts; one of more parts than any letter has is read by its head alone."""
    made = 0

    def part(policy: Compat32 = email.policy.compat32) -> _Part:
        nonlocal made
        made += 1
        if made > MAX_MADE:
            raise _TooManyParts
        return _Part(policy)

    try:
        return email.message_from_bytes(raw, part, policy=email.policy.compat32)
    except _TooManyParts:
        return BytesParser(_Part, policy=email.policy.compat32).parsebytes(raw, headersonly=True)


def _read(raw: bytes) -> Inbound:
    message = _parsed(raw)
    parts = list(_parts(message))
    signed, payload, signature = opaque.carried(message)
    closed = bool(payload)
    if not signed:
        signed, payload, signature = _signature(raw, message)
    inner = list(_parts(_parsed(payload)))
    said = inner if closed else parts
    refers = " ".join(_header(message, name) for name in ("In-Reply-To", "References"))
    return Inbound(
        sender=_header(message, "From")[:300],
        to=tuple(dict.fromkeys(_addresses(message))),
        subject=_header(message, "Subject")[:300],
        text=_text(said),
        refers=tuple(dict.fromkeys(_IDS.findall(refers)))[:50],
        report=tuple(_report(message)),
        reported=tuple(dict.fromkeys(_xarf(said)))[:MAX_RECIPIENTS],
        signed="" if signed == opaque.ENCRYPTED else signed,
        encrypted=signed == opaque.ENCRYPTED,
        payload=payload,
        signed_text=_text(inner),
        signature=signature,
    )


def _header(message: Message, name: str) -> str:
    text = " ".join(_decoded(value) for value in message.get_all(name) or [])
    return " ".join("".join(c if c.isprintable() else " " for c in text[:MAX_HEADER]).split())


def _decoded(value: object) -> str:
    from email.header import decode_header, make_header

    text = " ".join(str(value).splitlines())
    # Behind the last end of an encoded word none ends any more, and the library looks for one at each beginning.
    end = text.rfind("?=") + 2 if "?=" in text else 0
    try:
        return str(make_header(decode_header(text[:end]))) + text[end:]
    except (ValueError, LookupError, UnicodeError, AttributeError):
        return text.encode("utf-8", "replace").decode("utf-8", "replace")


def _addresses(message: Message) -> Iterator[str]:
    for name in _HANDED:
        # One by one: the library gives nothing of all of them where it can make nothing of one.
        for value in message.get_all(name) or []:
            for _, address in getaddresses([_decoded(value)])[:MAX_RECIPIENTS]:
                if "@" in address and len(address) <= 320:
                    yield address.lower()


def _parts(message: Message) -> Iterator[Message]:
    """Every part, nearest first, at most MAX_PARTS; a loop rather than `walk`, which recurses."""
    waiting, left = [message], MAX_PARTS
    while waiting and left:
        part = waiting.pop(0)
        left -= 1
        yield part
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting.extend(one for one in inner if isinstance(one, Message))


def _text(parts: list[Message]) -> str:
    for part in parts:
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                text = data[: MAX_TEXT * 2].decode(_charset(part), "replace")[:MAX_TEXT]
                return "".join(
                    c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\r\n", "\n")
                )
    return ""


def _charset(part: Message) -> str:
    import codecs

    name = str(part.get_content_charset() or "utf-8")
    try:
        return codecs.lookup(name).name if codecs.lookup(name)._is_text_encoding else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"


def _report(message: Message) -> Iterator[DeliveryWord]:
    """RFC 3464: multipart/report; report-type=delivery-status, its second part in blocks of fields."""
    if message.get_content_type() != "multipart/report":
        return
    if str(message.get_param("report-type", "")).lower() != "delivery-status":
        return
    for part in list(_parts(message))[1:10]:
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in (blocks if isinstance(blocks, list) else [])[1 : 1 + MAX_RECIPIENTS]:
            if isinstance(block, Message):
                yield DeliveryWord(
                    recipient=_header(block, "Final-Recipient").partition(";")[2].strip()[:320].lower(),
                    action=_header(block, "Action").lower()[:20],
                    status=_header(block, "Status")[:20],
                    words=_header(block, "Diagnostic-Code")[:500],
                )


def _xarf(parts: list[Message]) -> Iterator[str]:
    """The addresses that XARF v4 parts name (one report, or a list of them). What cannot be read names none."""
    for part in parts:
        if part.get_content_type() != "application/json" or part.is_multipart():
            continue
        data = part.get_payload(decode=True)
        try:
            value = json.loads(data) if isinstance(data, bytes) and len(data) <= MAX_JSON else None
        except (ValueError, RecursionError):
            continue
        for one in value if isinstance(value, list) else [value]:
            named = one if isinstance(one, dict) else {}
            url = named.get("url")
            if isinstance(url, str) and str(named.get("xarf_version", "")).startswith("4."):
                yield "".join(c for c in url[:8_000] if c.isprintable())


def _signature(raw: bytes, message: Message) -> tuple[str, bytes, bytes]:
    """(kind, signed bytes, signature) of `multipart/signed` (RFC 3156, RFC 8551): the bytes exactly as they came."""
    kind = _SIGNS.get(str(message.get_param("protocol", "")).lower(), "")
    if message.get_content_type() != "multipart/signed" or not kind:
        return "", b"", b""
    inner = message.get_payload()
    boundary = message.get_boundary()
    if not isinstance(inner, list) or len(inner) != 2 or not boundary or not boundary.isascii():
        return "", b"", b""
    pieces = raw.split(b"\n--" + boundary.encode("ascii"), 2)
    if len(pieces) < 3:
        return "", b"", b""
    signed = pieces[1].lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n").removesuffix(b"\r")
    canonical = signed.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    last = inner[1]
    signature = last.get_payload(decode=True) if isinstance(last, Message) else None
    return (kind, canonical, signature) if isinstance(signature, bytes) else ("", b"", b"")
