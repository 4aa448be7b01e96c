"""The SMTP listener behind the site's own relay: takes mail for our mailboxes into a Maildir, and nothing else.

True here: "250" is said only after the message is on the disk; it knows no database and no key; mail for anybody
else is refused, so it is nobody's open relay. What is not here: reading a message (`inbound`).

Started as `python -m openhotline.connectors.mail.listener --maildir DIR --port 2525 --domain hotline.example`.
"""

import argparse
import asyncio
import contextlib
import re
import signal
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from openhotline.connectors.mail import maildir
from openhotline.connectors.mail.inbound import MAX_BYTES

# The mailboxes the house has; a letter's own address for reports of non-delivery is one of them.
MAILBOXES = ("hotline", "report", "appeals", "postmaster", "abuse")
MAX_RECIPIENTS = 20
_BOUNCES = re.compile(r"bounces\+[0-9a-f]{16}\.[0-9a-f]{24}")


class Handler:
    """What is said to each command."""

    def __init__(self, place: Path, domain: str) -> None:
        self.place, self.domain = maildir.make(place), domain.lower()

    def ours(self, address: str) -> bool:
        """Whether an address is a mailbox of this house."""
        local, _, domain = address.lower().rpartition("@")
        return domain == self.domain and (local in MAILBOXES or bool(_BOUNCES.fullmatch(local)))

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only mailboxes of this house."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients at once"
        if not self.ours(address):
            return "550 5.1.1 There is no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Durable first, then 250. The envelope's recipients stand before the message, as relays write them."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        handed = b"".join(
            b"Delivered-To: " + to.encode("ascii", "replace") + b"\r\n" for to in envelope.rcpt_tos
        )
        sender = (envelope.mail_from or "").encode("ascii", "replace")
        raw = b"Return-Path: <" + sender + b">\r\n" + handed + content
        try:
            name = await asyncio.get_running_loop().run_in_executor(None, maildir.deliver, self.place, raw)
        except OSError:
            return "451 4.3.0 It could not be kept just now, try again later"
        return f"250 2.0.0 Ok: queued as {name}"


def server(place: Path, domain: str) -> SMTP:
    """One conversation's protocol: 10 MiB at most, no authentication, no relaying."""
    return SMTP(
        Handler(place, domain),
        data_size_limit=MAX_BYTES - 4096,
        enable_SMTPUTF8=False,
        decode_data=False,
        hostname=domain,
        ident="mail",
        timeout=60,
    )


async def serve(place: Path, host: str, port: int, domain: str) -> None:
    """Listen until told to stop."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listening = await loop.create_server(lambda: server(place, domain), host, port)
    async with listening:
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--domain", required=True)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.maildir, given.host, given.port, given.domain))


if __name__ == "__main__":
    main()
