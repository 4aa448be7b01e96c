"""The way into the synthetic internet: one exit on a Unix socket for each vantage point.

True here: each speaks SOCKS5 and HTTP CONNECT, whichever a visitor begins with, and carries him to an IPv4 or
IPv6 literal and nothing else; a name is refused (reply 8, or 400), and so is every address outside the
documentation ranges (reply 2, or 403). Where onions are carried, the name of one is taken by SOCKS5, and any user
and password, as a Tor client takes them. Behind the exit the connection is handed to the server
that plays the address, inside this process: no site, registry or name server listens on a port where
something else could reach it. Who came, where to and when is kept. Not here: the servers.
"""

import asyncio
import ipaddress
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from weakref import WeakSet

from openhotline.world import places

OK, NOT_ALLOWED, NO_NETWORK, NO_HOST, REFUSED, NO_COMMAND, NO_KIND = 0, 2, 3, 4, 5, 7, 8
_SAID = {  # the same in HTTP
    OK: "200 Connection established",
    NOT_ALLOWED: "403 Forbidden",
    NO_COMMAND: "405 Method Not Allowed",
    NO_KIND: "400 Bad Request",
}
_MAX_HEAD = 8192
KEPT = 50_000
# The server for (literal, port, vantage), or the SOCKS5 reply code that says why there is none.
Door = Callable[[str, int, str], asyncio.Protocol | int]


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor's wish. `reply` is the SOCKS5 reply code, in whichever way he asked."""

    at: datetime
    vantage: str
    target: str
    port: int
    reply: int


class Exit:
    """One vantage point's exit."""

    def __init__(
        self, vantage: str, door: Door, now: Callable[[], datetime], *, onions: bool = False
    ) -> None:
        self.vantage, self.door, self.now, self.onions = vantage, door, now, onions
        self.delay: Callable[[str], float] = lambda literal: 0.0  # real seconds that a connection takes
        self.visits: deque[Visit] = deque(maxlen=KEPT)
        # Weak, because after the hand-over nobody tells the exit that a connection ended.
        self.open: WeakSet[asyncio.Transport] = WeakSet()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def start(self, path: Path) -> None:
        """Listen at `path`, for every user of this machine: the prober is another one. Raises OSError."""
        path.unlink(missing_ok=True)
        self._path = path
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A socket's path may have about a hundred bytes; by way of its directory any path is short enough.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sock.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        path.chmod(0o666)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self.visitor, sock=sock, backlog=1024)

    def visitor(self) -> asyncio.Protocol:
        """Whoever comes in now."""
        return _Visitor(self)

    async def stop(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        for transport in list(self.open):
            transport.abort()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class _Visitor(asyncio.Protocol):
    """RFC 1928 without a password, or a CONNECT of RFC 9110. Bows out once the connection is handed over."""

    def __init__(self, exit_: Exit) -> None:
        self.exit = exit_
        self.transport: asyncio.Transport | None = None
        self._got = b""
        self._greeted = self._named = False
        self._http = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.exit.open.add(transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if self._http or (not self._greeted and self._got[:1] != b"\x05"):
            self._http = True
            self._tunnel()
            return
        if not self._greeted:
            if len(self._got) < 2 or len(self._got) < 2 + self._got[1]:
                return
            offered, self._got = self._got[2 : 2 + self._got[1]], self._got[2 + self._got[1] :]
            self._named = self.exit.onions and 2 in offered
            if not self._named and 0 not in offered:
                self._end(b"\x05\xff")
                return
            self._greeted = True
            self._write(b"\x05\x02" if self._named else b"\x05\x00")
        if not self._named or self._user():
            self._request()

    def _tunnel(self) -> None:
        """The head of an HTTP request, once it is whole."""
        if b"\r\n\r\n" not in self._got:
            if len(self._got) > _MAX_HEAD:
                self._end(b"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n")
            return
        head, _, rest = self._got.partition(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        to, _, port = words[1].rpartition(":") if len(words) == 3 else ("", "", "")
        if len(words) != 3 or words[0] != "CONNECT":
            self._refuse(to, 0, NO_COMMAND)
            return
        try:
            literal, number = str(ipaddress.ip_address(to.strip("[]"))), int(port)
        except ValueError:
            self._refuse(to, 0, NO_KIND)
            return
        self._lead(literal, number, rest)

    def _user(self) -> bool:
        """Whether user and password (RFC 1929) are whole; whatever they are, they are taken."""
        got = self._got
        if len(got) < 2 or len(got) < 3 + got[1] or len(got) < 3 + got[1] + got[2 + got[1]]:
            return False
        self._got, self._named = got[3 + got[1] + got[2 + got[1]] :], False
        self._write(b"\x01\x00")
        return True

    def _request(self) -> None:
        if len(self._got) < 5:
            return
        version, command, _, kind, length = self._got[:5]
        size = {1: 4, 3: 1 + length, 4: 16}.get(kind)
        if version != 5 or size is None:
            self._refuse("", 0, NO_KIND)
            return
        if len(self._got) < 6 + size:
            return
        where, rest = self._got[4 : 4 + size], self._got[6 + size :]
        (port,) = struct.unpack_from("!H", self._got, 4 + size)
        if kind == 3:
            name = where[1:].decode("latin-1")
            if self.exit.onions and name.endswith(".onion") and command == 1:
                self._lead(name, port, rest)
            else:
                self._refuse(name, port, NO_KIND)
            return
        literal = str(ipaddress.ip_address(where))
        if command != 1:
            self._refuse(literal, port, NO_COMMAND)
        else:
            self._lead(literal, port, rest)

    def _lead(self, literal: str, port: int, rest: bytes) -> None:
        """To the server that plays the address, if there is one and the exit may."""
        if not literal.endswith(".onion") and not places.is_reserved(literal):
            self._refuse(literal, port, NOT_ALLOWED)
            return
        server = self.exit.door(literal, port, self.exit.vantage)
        if isinstance(server, int):
            self._refuse(literal, port, server)
        elif delay := self.exit.delay(literal):
            self._got = b""
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self._hand_over, server, literal, port, rest)
        else:
            self._hand_over(server, literal, port, rest)

    def _hand_over(self, server: asyncio.Protocol, literal: str, port: int, rest: bytes) -> None:
        assert self.transport is not None
        if self.transport.is_closing():
            return
        self._note(literal, port, OK)
        self._write(self._reply(OK))
        self.transport.set_protocol(server)
        server.connection_made(self.transport)
        if rest:
            server.data_received(rest)

    def _refuse(self, target: str, port: int, reply: int) -> None:
        self._note(target, port, reply)
        self._end(self._reply(reply))

    def _reply(self, code: int) -> bytes:
        if self._http:
            return f"HTTP/1.1 {_SAID.get(code, '502 Bad Gateway')}\r\n\r\n".encode()
        return bytes((5, code, 0, 1)) + bytes(6)

    def _note(self, target: str, port: int, reply: int) -> None:
        self.exit.visits.append(Visit(self.exit.now(), self.exit.vantage, target, port, reply))

    def _write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def _end(self, data: bytes) -> None:
        assert self.transport is not None
        self._write(data)
        self._got = b""
        self.transport.close()
