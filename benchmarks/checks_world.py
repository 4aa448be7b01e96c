"""What `benchmarks/checks.py` looks at: a SOCKS5 exit, a name server and a web host in one process of their own.

    python -m benchmarks.checks_world EXIT_SOCKET [SECONDS]

True here: the same bytes for the house and for its peers, each answer after SECONDS, as if the host were as far away
as hosts are: whoever asks for 200 at once then has 200 open. Its CPU is nobody's. One line of JSON on standard output
when it is ready: the loopback ports of the exit (which has its Unix socket too) and of the web host. Not here: any figure.
"""

import asyncio
import json
import struct
import sys
from datetime import UTC, datetime
from pathlib import Path

from openhotline.world.exit import REFUSED, Exit

RESOLVER, SITE = "192.0.2.53", "192.0.2.44"
TEXT = " ".join(f"word{number % 97}" for number in range(260))
PAGE = f"<!doctype html><title>An ordinary page</title><body><p>{TEXT}</p></body>".encode()
_HEAD = "HTTP/1.1 {} OK\r\nServer: nginx\r\nDate: Mon, 02 Mar 2026 12:00:00 GMT\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: {}\r\n\r\n"
_PICTURE = (
    _HEAD.format("206", "image/jpeg", 1, "Content-Range: bytes 0-0/48211\r\n", "keep-alive").encode()
    + b"\xff"
)
_WHOLE = _HEAD.format("200", "text/html; charset=utf-8", len(PAGE), "", "keep-alive").encode() + PAGE


class Site(asyncio.Protocol):
    """A picture's headers for `.jpg`, a page for everything else."""

    away = 0.0  # seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        if b"\r\n\r\n" in self.got:
            picture = b".jpg " in self.got[:200]
            self.got = b""
            answer, write = _PICTURE if picture else _WHOLE, self.transport.write  # type: ignore[attr-defined]
            if self.away:
                asyncio.get_running_loop().call_later(self.away, write, answer)
            else:
                write(answer)


class Names(asyncio.Protocol):
    """A name server over TCP: every A question has one answer, every other none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        out = b""
        while len(self.got) > 2 and len(self.got) >= 2 + int.from_bytes(self.got[:2], "big"):
            size = int.from_bytes(self.got[:2], "big")
            wire, self.got = self.got[2 : 2 + size], self.got[2 + size :]
            end = wire.index(b"\0", 12) + 5
            address = wire[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x2c" if address else b""
            reply = (
                wire[:2]
                + b"\x81\x80\0\1"
                + struct.pack("!H", bool(answer))
                + b"\0\0\0\0"
                + wire[12:end]
                + answer
            )
            out += struct.pack("!H", len(reply)) + reply
        self.transport.write(out)  # type: ignore[attr-defined]


def door(literal: str, port: int, _vantage: str) -> asyncio.Protocol | int:
    """Who stands behind an address."""
    if (literal, port) == (RESOLVER, 53):
        return Names()
    return Site() if port == 80 else REFUSED


async def main(exit_socket: Path, away: float) -> None:
    """Serve until ended."""
    Site.away = away
    loop, way_out = asyncio.get_running_loop(), Exit("north", door, lambda: datetime.now(UTC))
    await way_out.start(exit_socket)
    servers = {
        "exit": await loop.create_server(way_out.visitor, "127.0.0.1", 0, backlog=1024),
        "site": await loop.create_server(Site, "127.0.0.1", 0, backlog=1024),
    }
    print(json.dumps({name: one.sockets[0].getsockname()[1] for name, one in servers.items()}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
