"""News servers (RFC 3977): each knows the same posts by Message-ID, and gives their headers.

True here: HEAD, STAT, QUIT; a body is never given, for there is none. A server may be told that it has no post any
more, or to let nobody ask. Not here: newsgroups, reading on.
"""

import asyncio

from openhotline.world import places
from openhotline.world.behaviour import Behaviours

POSTS = {
    "<part1of1.7K2@news.example>": (
        "Path: news.northrack.example!feeder.example!news.poldercloud.example!not-for-mail\r\n"
        "Newsgroups: alt.test.made-up\r\n"
        "Message-ID: <part1of1.7K2@news.example>\r\n"
        "Subject: A made-up post\r\n"
        'Injection-Info: news.poldercloud.example; posting-host="198.51.100.7"\r\n'
    ),
}


class NewsTalk(asyncio.Protocol):
    """One conversation."""

    def __init__(self, literal: str, behaviours: Behaviours) -> None:
        self.name = next(name for name, at in places.NEWS_SERVERS.items() if at == literal)
        self.behaviours = behaviours
        self.transport: asyncio.Transport | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.behaviours.of("news", self.name) == "closed":
            self._say("502 nobody may ask")
            transport.close()
            return
        self._say(f"200 {self.name} ready")

    def data_received(self, data: bytes) -> None:
        """Answer every line that is whole."""
        self._got += data
        while b"\n" in self._got and self.transport is not None and not self.transport.is_closing():
            line, _, self._got = self._got.partition(b"\n")
            self._answer(line.decode("latin-1").strip())

    def _answer(self, line: str) -> None:
        assert self.transport is not None
        verb, _, wanted = line.partition(" ")
        if verb.upper() == "QUIT":
            self._say("205 bye")
            self.transport.close()
        elif verb.upper() not in ("HEAD", "STAT"):
            self._say("500 what is that")
        elif wanted not in POSTS or self.behaviours.of("news", self.name) == "expired":
            self._say("430 no such article")
        elif verb.upper() == "STAT":
            self._say(f"223 0 {wanted}")
        else:
            self._say(f"221 0 {wanted}\r\n{POSTS[wanted]}.")

    def _say(self, text: str) -> None:
        assert self.transport is not None
        self.transport.write(text.encode("latin-1") + b"\r\n")
