"""The mail server that the house's relay would lead to, and what its recipients do with a letter.

True here: real SMTP; a letter is taken, bounced (550 at RCPT), put off (451), or the line falls silent or
breaks, before or after the last line. What was taken is kept, and whoever it is for reacts: a host only to a
notice about what it holds at that moment, and only once for each serial. Not here: mailboxes outside the
reserved names, which get 550.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.journal import Journal
from openhotline.world.talk import CUT_OFF, TIMEOUT
from openhotline.world.truth import Truth

MAX_LETTER = 32 * 1024 * 1024
NOTICE, REMINDER, LADDER, POLICE, REFERRAL_POLICE, OTHER = (
    "notice",
    "reminder",
    "ladder",
    "police",
    "referral-police",
    "other",
)
_LISTED = re.compile(r"(?m)^\d+\. (https?://\S+)\r?$")
_FOR_POLICE = re.compile(r"(R-\S+): \d+ hosted in ([A-Z]{2}), for the police there")


@dataclass(frozen=True, slots=True)
class Message:
    """One letter that was taken. `repeat`: the same Message-ID had arrived before. `reacted`: sites that will change."""

    number: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    stage: str
    serial: str
    subject: str
    message_id: str
    repeat: bool
    headers: tuple[tuple[str, str], ...]
    text: str
    addresses: tuple[str, ...]
    xarf: int
    reacted: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient that was not accepted."""

    at: datetime
    recipient: str
    code: int


class Post:
    """aiosmtpd's handler, and the world's memory of letters."""

    def __init__(
        self, truth: Truth, behaviours: Behaviours, journal: Journal, now: Callable[[], datetime]
    ) -> None:
        self.truth, self.behaviours, self.journal, self.now = truth, behaviours, journal, now
        self.messages: list[Message] = []
        self.refusals: list[Refusal] = []
        self._listed: dict[str, tuple[str, ...]] = {}  # serial -> addresses of the notice
        self._ids: set[str] = set()
        for line in journal.of("mail"):
            raw = base64.b64decode(line["raw"])
            self._file(
                raw,
                line["sender"],
                tuple(line["recipients"]),
                datetime.fromisoformat(line["at"]),
                line["reacted"],
            )

    def protocol(self) -> SMTP:
        """A fresh connection's server."""
        return SMTP(
            self, hostname="mx.world.example", ident="ESMTP", data_size_limit=MAX_LETTER, enable_SMTPUTF8=True
        )

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient, or not."""
        low = address.lower()
        domain = low.rpartition("@")[2]
        behaviour = self.behaviours.of("mail", low, domain)
        if not places.is_reserved_name(domain):
            return self._refuse(low, 550, "5.1.2 There is no such domain in this world")
        if behaviour == "bounce" or low in places.DEAD_MAILBOXES:
            return self._refuse(low, 550, "5.1.1 No such mailbox here")
        if behaviour == "later":
            return self._refuse(low, 451, "4.7.1 Try again later")
        if behaviour in (TIMEOUT, CUT_OFF):
            await _fail(server, behaviour)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the letter."""
        raw = envelope.original_content or b""
        to = tuple(address.lower() for address in envelope.rcpt_tos)
        made = self.take(raw, envelope.mail_from or "", to, self.now())
        behaviour = next(
            (
                w
                for w in (self.behaviours.of("mail", t, t.rpartition("@")[2]) for t in to)
                if w.endswith("-content")
            ),
            "",
        )
        if behaviour:  # it has arrived, and nobody on the other side will ever know
            await _fail(server, behaviour.removesuffix("-content"))
        return f"250 2.0.0 Ok: queued as W{made.number:06d}"

    def _refuse(self, recipient: str, code: int, words: str) -> str:
        self.refusals.append(Refusal(self.now(), recipient, code))
        return f"{code} {words}"

    def take(self, raw: bytes, sender: str, to: tuple[str, ...], at: datetime) -> Message:
        """File a letter and let its recipients react."""
        made = self._file(raw, sender, to, at, None)
        self.journal.append(
            "mail",
            at=at.isoformat(),
            sender=sender,
            recipients=to,
            reacted=made.reacted,
            raw=base64.b64encode(raw).decode(),
        )
        return made

    def _file(
        self, raw: bytes, sender: str, to: tuple[str, ...], at: datetime, reacted: int | None
    ) -> Message:
        letter = message_from_bytes(raw, policy=policy.default)
        subject, message_id = str(letter.get("Subject", "")), str(letter.get("Message-ID", "")).strip()
        text, addresses, xarf = read(letter)
        serial = str(letter.get("X-Notice", "")).strip()
        stage, serial = self._stage(serial, subject, to, addresses)
        if stage == NOTICE:
            self._listed.setdefault(serial, addresses)
        if reacted is None:
            reacted = self._react(stage, serial, subject, to, at)
        made = Message(
            len(self.messages) + 1,
            at,
            sender,
            to,
            stage,
            serial,
            subject,
            message_id,
            message_id in self._ids,
            tuple((name, str(value)) for name, value in letter.items()),
            text,
            addresses,
            xarf,
            reacted,
            raw,
        )
        if message_id:
            self._ids.add(message_id)
        self.messages.append(made)
        return made

    def _stage(
        self, serial: str, subject: str, to: tuple[str, ...], addresses: tuple[str, ...]
    ) -> tuple[str, str]:
        if any(_in(mail, places.POLICE_DOMAIN) for mail in to):
            found = _FOR_POLICE.search(subject)
            return (REFERRAL_POLICE, found[1]) if found else (POLICE, "")
        if serial:
            return (NOTICE if addresses else REMINDER), serial
        named = next((known for known in self._listed if known in subject), "")
        return (LADDER, named) if named else (OTHER, "")

    def _react(self, stage: str, serial: str, subject: str, to: tuple[str, ...], at: datetime) -> int:
        if stage == REFERRAL_POLICE:
            found = _FOR_POLICE.search(subject)
            country = found[2] if found else ""
            held = [address for address in self.truth.sites if self._held(address, at)[0] == country]
            return self.truth.letter(held, "referral-police", serial, at)
        listed = self._listed.get(serial, ())
        if stage in (NOTICE, REMINDER):
            domains = {mail.rpartition("@")[2] for mail in to}
            ours = [a for a in listed if a in self.truth.sites and domains & self._held(a, at)[1]]
            return self.truth.letter(ours, "notice" if stage == NOTICE else "reminder", serial, at)
        return self.truth.letter(listed, "ladder", serial, at) if stage == LADDER else 0

    def _held(self, address: str, at: datetime) -> tuple[str, set[str]]:
        """(country, mail domains of who holds it) of a site that is up; ("", nothing) of one that is not."""
        state = self.truth.state(self.truth.sites[address], at)
        network = self.truth.network(state.ip or state.ip6)
        if network is None or state.word in ("gone", "no-name"):
            return "", set()
        return network.country, {mail.rpartition("@")[2] for mail in network.abuse}


def read(letter: EmailMessage) -> tuple[str, tuple[str, ...], int]:
    """(plain text, addresses a letter lists, number of XARF reports). Never raises for a bad letter."""
    text, xarf = "", 0
    found: dict[str, None] = {}
    for part in letter.walk():
        kind = part.get_content_type()
        try:
            if kind == "text/plain" and not text:
                text = part.get_content()
            elif kind == "application/json":
                report = _xarf(part)
                xarf += bool(report)
                if isinstance(report.get("url"), str):
                    found[report["url"]] = None
        except (LookupError, ValueError, TypeError, KeyError):
            continue
    found.update(dict.fromkeys(_LISTED.findall(text)))
    return text, tuple(found), xarf


def _xarf(part: Any) -> dict[str, Any]:
    value = json.loads(part.get_payload(decode=True))
    return value if isinstance(value, dict) and "xarf_version" in value else {}


def _in(mail: str, domain: str) -> bool:
    at = mail.rpartition("@")[2]
    return at == domain or at.endswith("." + domain)


async def _fail(server: SMTP, how: str) -> None:
    """Fall silent until the other side gives up, or break the line."""
    if how == CUT_OFF and isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    await asyncio.Event().wait()
