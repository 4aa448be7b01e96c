"""A letter and its one rendering. The same letter always gives the same bytes.

True here: a letter is text, and beside it at most XARF reports as JSON; there is no way to put anything
else in. Boundaries come from the Message-ID, the date is given, headers are built by `email.policy`, so a
line break in a value is refused and a repeat is byte-identical. With XARF parts the envelope is RFC 5965's
(`multipart/report; report-type=feedback-report`) with `Feedback-Type: xarf`, which is the XARF custom and
not pure ARF: a web page has no mail to enclose. Several addresses give several parts, each one complete
report (`xarf-1.json`, `xarf-2.json` ...), because readers of XARF expect one object a file.

Not here: sending (`client.py`), what a notice says (`rules/notice`), what a XARF report says (`connectors/xarf`).
"""

import email
import hashlib
import json
import re
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP, compat32
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

AGENT = "OpenHotline"
MAX_TEXT = 8 * 1024 * 1024
_POLICY = SMTP.clone(max_line_length=78)
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>")
_EXTRA = re.compile(r"(?:X-[A-Za-z0-9-]{1,60}|In-Reply-To|References|Reply-To)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FORBIDDEN = {"evidence", "payload", "screenshot_url", "_internal"}


@dataclass(frozen=True, slots=True)
class MailLetter:
    """One letter to one mailbox.

    `message_id` "<K@domain>", `serial` the notice's number ("" if it has none), `date` tz-aware.
    `xarf`: JSON texts, one XARF report each. `headers`: further (name, value) pairs, X-* and a few others.
    """

    message_id: str
    serial: str
    sender: str
    to: str
    subject: str
    text: str
    date: datetime
    xarf: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    sender_name: str = ""
    envelope: str = "report"  # with XARF parts: "report" (RFC 5965) or "mixed" (plain attachments)


def render(letter: MailLetter) -> bytes:
    """The letter's bytes, CRLF line ends, 7-bit. Raises ValueError with a sentence if it cannot be one."""
    reports = _checked(letter)
    message = EmailMessage(policy=_POLICY)
    if letter.xarf:
        report = letter.envelope == "report"
        kind = 'multipart/report; report-type="feedback-report"' if report else "multipart/mixed"
        message["Content-Type"] = kind
        message.set_boundary("=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:40])
    else:
        message.set_content(_lines(letter.text), cte="quoted-printable")
        del message["MIME-Version"]
    try:
        message["MIME-Version"] = "1.0"
        message["Message-ID"] = letter.message_id
        message["Date"] = format_datetime(letter.date)
        message["From"] = (
            f"{_quoted(letter.sender_name)} <{letter.sender}>" if letter.sender_name else letter.sender
        )
        message["To"] = letter.to
        message["Subject"] = letter.subject
        # RFC 3834: an answering machine on the other side must not answer a machine.
        message["Auto-Submitted"] = "auto-generated"
        if letter.serial:
            message["X-Notice"] = letter.serial
        for name, value in letter.headers:
            message[name] = value
    except (ValueError, TypeError) as fault:
        raise ValueError(f"A header of the letter cannot be written: {fault}.") from None
    if not letter.xarf:
        return message.as_bytes(policy=_POLICY)
    many = len(reports) > 1
    parts = [_text(letter.text), *([_feedback()] if letter.envelope == "report" else [])]
    parts += [
        _json(value, f"xarf-{number}.json" if many else "xarf.json")
        for number, value in enumerate(reports, 1)
    ]
    return _multipart(message, parts)


def _multipart(head: EmailMessage, parts: Sequence[bytes]) -> bytes:
    """The parts behind the head, as RFC 2046 5.1.1 puts them. The library would parse each header of each part
    anew, which for fifty addresses is most of a letter's cost."""
    border = f"--{head.get_boundary()}".encode()
    headers = head.as_bytes(policy=_POLICY).partition(b"\r\n\r\n")[0]
    body = b"".join(border + b"\r\n" + part + b"\r\n" for part in parts)
    return headers + b"\r\n\r\n" + body + border + b"--\r\n"


def kinds_of(frozen: bytes) -> tuple[str, ...]:
    """The kind of every MIME part of a letter, the letter itself first."""
    # The plain policy: the modern one parses every header into objects, at a sixth of a letter's cost.
    message = email.message_from_bytes(frozen, policy=compat32)
    return tuple(
        part.get_content_type()
        for part in message.walk()
        if not (part.get_content_type() == "text/plain" and part.get("Feedback-Type"))
    )


def _checked(letter: MailLetter) -> list[dict[str, Any]]:
    """Its XARF reports as they were read, if this can be a letter."""
    if not _MESSAGE_ID.fullmatch(letter.message_id):
        raise ValueError("The letter's Message-ID is not of the form <key@domain>.")
    for mail in (letter.sender, letter.to):
        if not _MAIL.fullmatch(mail):
            raise ValueError(f"{mail[:80]!r} is not one plain mail address.")
    if letter.date.tzinfo is None:
        raise ValueError("The letter's date needs a time zone.")
    for value in (letter.serial, letter.subject, letter.sender_name, *(v for _, v in letter.headers)):
        if _CONTROL.search(value) or "\n" in value or "\r" in value:
            raise ValueError("A header of the letter holds a line break or control character.")
    for name, _ in letter.headers:
        if not _EXTRA.fullmatch(name) or name.lower() == "x-notice":
            raise ValueError(f"{name[:60]!r} is not a header a letter may add.")
    if _CONTROL.search(letter.text):
        raise ValueError("The letter's text holds control characters.")
    if len(letter.text) > MAX_TEXT:
        raise ValueError("The letter's text is too long.")
    reports = [_load(report) for report in letter.xarf]
    _refuse_media(reports)
    return reports


def _load(report: str) -> dict[str, Any]:
    try:
        value = json.loads(report)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not str(value.get("xarf_version", "")).startswith("4."):
        raise ValueError("A XARF part must be one XARF v4 report as JSON.")
    return value


def _refuse_media(value: Any) -> None:
    """No key that carries bytes, no address that is its own content."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _FORBIDDEN and inner not in (None, [], ""):
                raise ValueError(f"A XARF part may not carry {key}: letters hold addresses, never media.")
            _refuse_media(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_media(inner)
    elif isinstance(value, str) and value.lstrip().lower().startswith("data:"):
        raise ValueError("A XARF part may not carry data: addresses; letters hold addresses, never media.")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def _text(text: str) -> bytes:
    part = EmailMessage(policy=_POLICY)
    part.set_content(_lines(text), cte="quoted-printable")
    del part["MIME-Version"]
    return part.as_bytes(policy=_POLICY)


@lru_cache(maxsize=1)
def _feedback() -> bytes:
    """The machine-readable part of RFC 5965, set by hand: its body is header lines, not a message."""
    part = EmailMessage(policy=_POLICY)
    part["Content-Type"] = "message/feedback-report"
    body = Message(policy=_POLICY)
    for name, value in (("Feedback-Type", "xarf"), ("User-Agent", AGENT), ("Version", "1")):
        body[name] = value
    part.set_payload([body])
    return part.as_bytes(policy=_POLICY)


def _json(report: dict[str, Any], name: str) -> bytes:
    plain = json.dumps(report, ensure_ascii=True, sort_keys=True, indent=1) + "\n"
    return _json_head(name) + encodebytes(plain.encode("ascii")).replace(b"\n", b"\r\n")


@lru_cache(maxsize=1024)
def _json_head(name: str) -> bytes:
    """The headers of a JSON attachment; they differ by its name alone."""
    part = EmailMessage(policy=_POLICY)
    part.set_content(
        b"", maintype="application", subtype="json", cte="base64", disposition="attachment", filename=name
    )
    del part["MIME-Version"]
    return part.as_bytes(policy=_POLICY)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
