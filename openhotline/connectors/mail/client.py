"""Send frozen bytes to one relay and say exactly what is known afterwards.

True here: four outcomes and no guess. `accepted`: the relay took responsibility (2xx after the last dot).
`temporary`: it certainly did not, and asking again is right (it was not reached, or said 4xx). `refused`:
it said 5xx. `unknown`: the line broke or fell silent after the first byte of the letter had left, so
nobody on this side can know (RFC 1047); a retry is a person's or a reconciliation's decision.

Not here: when to send, whether to send again, what is in the letter.
"""

import contextlib
import email.parser
import email.policy
import email.utils
import re
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

from openhotline.connectors.receipt import ACCEPTED, OUTCOMES, REFUSED, TEMPORARY, UNKNOWN, Receipt

__all__ = ["ACCEPTED", "OUTCOMES", "REFUSED", "TEMPORARY", "UNKNOWN", "Receipt", "Relay", "envelope", "send"]

MAX_REPLY_LINES, MAX_REPLY_LINE = 100, 8192
_DOTS = re.compile(rb"(?m)^\.")
_QUEUE_ID = re.compile(r"(?:queued as|id=|queue id:?)\s*([A-Za-z0-9._-]{4,64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail relay the operator named. `tls` "none", "starttls" (insisted on) or "implicit"."""

    host: str
    port: int = 25
    tls: str = "none"
    user: str = ""
    password: str = ""
    timeout_s: float = 30.0  # each answer
    total_s: float = 120.0  # the whole conversation
    helo: str = "localhost"


class _Said(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def send(frozen: bytes, relay: Relay, *, back_to: str = "") -> Receipt:
    """Give `frozen` (a whole letter as `meaning.render` made it) to the relay.

    The envelope is read from the letter's own From and To, so that the bytes are the only truth. `back_to` is
    where relays send reports of non-delivery, an address made for this letter; "" is its From.
    Raises ValueError if the bytes do not name exactly one sender and one recipient; nothing else.
    """
    sender, to = envelope(frozen)
    sender = back_to or sender
    started = time.monotonic()
    talk = _Talk(relay)
    watch = threading.Timer(relay.total_s, talk.break_off)
    watch.daemon = True
    watch.start()
    try:
        code, text = talk.deliver(frozen, sender, to)
        return _receipt(ACCEPTED, "The relay took the letter.", talk, started, code, text)
    except _Said as said:
        if 400 <= said.code < 500:
            why = "The relay said not now; the letter was not taken and may be sent again."
            return _receipt(TEMPORARY, why, talk, started, said.code, said.text)
        if 500 <= said.code < 600:
            why = "The relay refused the letter for good."
            return _receipt(REFUSED, why, talk, started, said.code, said.text)
        return _broken(talk, started, "gave an answer that means nothing", said.code, said.text)
    except TimeoutError:
        return _broken(talk, started, "fell silent")
    except (smtplib.SMTPException, OSError) as fault:
        return _broken(talk, started, "broke the line off", text=str(fault))
    finally:
        watch.cancel()
        talk.close()


def _broken(talk: "_Talk", started: float, how: str, code: int = 0, text: str = "") -> Receipt:
    if talk.content_left:
        why = f"The relay {how} after the letter had begun to leave: it may have it or not."
        return _receipt(UNKNOWN, why, talk, started, code, text)
    why = f"The relay {how} before any of the letter had left; it may be sent again."
    return _receipt(TEMPORARY, why, talk, started, code, text)


def _receipt(outcome: str, why: str, talk: "_Talk", started: float, code: int, text: str) -> Receipt:
    found = _QUEUE_ID.search(text) if outcome == ACCEPTED else None
    seconds = round(time.monotonic() - started, 4)
    return Receipt(outcome, why, code, text[:2000], found[1] if found else "", talk.stage, seconds)


def envelope(frozen: bytes) -> tuple[str, str]:
    headers = email.parser.BytesHeaderParser(policy=email.policy.SMTP).parsebytes(frozen)
    named = []
    for name in ("From", "To"):
        fields = headers.get_all(name, [])
        found = email.utils.getaddresses([str(f) for f in fields])
        if len(fields) != 1 or len(found) != 1 or "@" not in found[0][1]:
            raise ValueError(f"The letter must have exactly one {name} with one address.")
        named.append(found[0][1])
    return named[0], named[1]


class _Strict(smtplib.SMTP):
    """Believes whole reply lines only.

    `smtplib` takes "250" cut off in the middle of a longer reply for the reply itself: a line that broke
    would read as "accepted". Here a line counts when its end has come, and a reply has an end.
    """

    file: Any = None

    def getreply(self) -> tuple[int, bytes]:
        """(code, words) of one whole reply. Raises SMTPServerDisconnected if it breaks off."""
        if self.file is None:
            self.file = self.sock.makefile("rb")  # type: ignore[union-attr]
        words: list[bytes] = []
        while len(words) < MAX_REPLY_LINES:
            try:
                line = self.file.readline(MAX_REPLY_LINE)
            except OSError:
                self.close()
                raise
            if not line.endswith(b"\n"):
                break
            words.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]) if line[:3].isdigit() else 0, b"\n".join(words)
        self.close()
        raise smtplib.SMTPServerDisconnected("the answer broke off or had no end")


class _StrictTls(_Strict, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class _Talk:
    """One SMTP conversation, its stages apart."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.stage = "connect"
        self.content_left = False
        self.smtp: smtplib.SMTP | None = None

    def break_off(self) -> None:
        """Wake whoever waits on the line, from whatever thread."""
        sock = self.smtp.sock if self.smtp else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the line."""
        if self.smtp is not None:
            with contextlib.suppress(OSError):
                self.smtp.close()

    def deliver(self, frozen: bytes, sender: str, to: str) -> tuple[int, str]:
        """The relay's last answer, if it is 2xx. Raises _Said, TimeoutError, OSError or SMTPException."""
        smtp = self._open()
        self._expect(2, *smtp.ehlo())
        if self.relay.tls == "starttls":
            self._expect(2, *smtp.starttls(context=ssl.create_default_context()))
            self._expect(2, *smtp.ehlo())
        if self.relay.user:
            try:
                smtp.login(self.relay.user, self.relay.password)
            except smtplib.SMTPResponseException as fault:
                # Our own account is at fault, not the letter: fit to be sent again once it is mended.
                raise _Said(454, f"{fault.smtp_code} {_words(fault.smtp_error)}") from None
        self.stage = "sender"
        self._expect(2, *smtp.docmd("MAIL", f"FROM:<{sender}>"))
        self.stage = "recipient"
        self._expect(2, *smtp.docmd("RCPT", f"TO:<{to}>"))
        self.stage = "data"
        self._expect(3, *smtp.docmd("DATA"))
        self.stage = "content"
        body = _DOTS.sub(b"..", frozen if frozen.endswith(b"\r\n") else frozen + b"\r\n")
        self.content_left = True
        smtp.send(body + b".\r\n")
        code, text = self._expect(2, *smtp.getreply())
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.putcmd("QUIT")  # the letter is theirs; how they say goodbye changes nothing
        return code, text

    def _open(self) -> smtplib.SMTP:
        relay = self.relay
        smtp: smtplib.SMTP
        if relay.tls == "implicit":
            context = ssl.create_default_context()
            smtp = _StrictTls(local_hostname=relay.helo, timeout=relay.timeout_s, context=context)
        else:
            smtp = _Strict(local_hostname=relay.helo, timeout=relay.timeout_s)
        self.smtp = smtp
        vars(smtp)["_host"] = relay.host  # the name TLS checks; smtplib sets it in its constructor only
        self.stage = "greeting"
        self._expect(2, *smtp.connect(relay.host, relay.port))
        return smtp

    def _expect(self, family: int, code: int, text: bytes | str) -> tuple[int, str]:
        words = _words(text)
        if code // 100 != family:
            if code == -1:
                raise smtplib.SMTPServerDisconnected(words)
            raise _Said(code, words)
        return code, words


def _words(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
