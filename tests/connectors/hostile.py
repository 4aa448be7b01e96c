"""More than forty ways in which a server may turn on whoever looks at it. Handlers for `SmallWorld`, real sockets.

True here: each behaves as its name says for as long as it is let. What it tries to use up (time, bytes,
memory, patience) is the prober's to guard. Not here: what is expected of the prober (`test_hostile.py`).
"""

import asyncio
import base64
import contextlib
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tests.connectors.small_world import Handler

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html\r\n"
MIB = 1 << 20


@dataclass
class Counter:
    """What a hostile server managed to hand over, in bytes, over all its connections."""

    sent: int = 0


def _handler(talk: Callable[..., object], counter: Counter) -> Handler:
    """Read the request's head, then let the behaviour speak."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()
            counter.sent += len(data)

        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            await talk(head, send, writer)  # type: ignore[misc]

    return handle


@cache
def _bomb(kind: str) -> bytes:
    """64 MiB of markup, packed; served as it is."""
    packer = zlib.compressobj(1, wbits=31 if kind == "gzip" else 15)
    parts = [packer.compress(b"<p>" * (MIB // 3)) for _ in range(64)]
    return b"".join((*parts, packer.flush()))


# 64 MiB of "<p>" in 56 bytes, packed once by brotli 1.2 at its best: Python itself has no brotli.
_BROTLI = base64.b64decode("z///f/gleXzg4rMg4Pb+3/H//x9+CYA4LADQvf/n//8//BIAcVgAoHv/n/7///glAOKwACD3/h8=")


def _stored(block: bytes, *, first: bool) -> bytes:
    """One uncompressed meta-block of brotli (RFC 7932, 9.2), of up to 64 KiB; the first with the stream's head."""
    bits = ((len(block) - 1) << 3) | (1 << 19)
    return (bits << first).to_bytes(3, "little") + block


def behaviours() -> dict[str, tuple[Counter, Handler]]:
    """name -> (what it got rid of, handler)."""
    found: dict[str, tuple[Counter, Handler]] = {}
    # Made before anybody looks: packing takes a second of the one thread that plays every server.
    gzip_body, deflate_body = _bomb("gzip"), _bomb("deflate")
    gzip_twice = gzip.compress(gzip_body, 1)

    def add(name: str, talk: Callable[..., object]) -> None:
        counter = Counter()
        found[name] = (counter, _handler(talk, counter))

    async def forever(send: Callable[[bytes], object], piece: bytes, pause: float = 0.0) -> None:
        while True:
            await send(piece)  # type: ignore[misc]
            await asyncio.sleep(pause)

    async def dribble_body(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: 100000\r\n\r\n")
        await forever(send, b"x", 1.0)

    async def dribble_head(_head, send, _writer):  # type: ignore[no-untyped-def]
        for byte in OK + b"X-Slow: " + b"y" * 10_000:
            await send(bytes((byte,)))
            await asyncio.sleep(1.0)

    async def dribble_lines(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK)
        await forever(send, b"X-A: b\r\n", 1.0)

    async def endless_headers(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK)
        await forever(send, b"X-Long: " + b"z" * 1000 + b"\r\n")

    async def endless_header_line(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"X-Long: ")
        await forever(send, b"z" * 65536)

    async def tiny_headers(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"a:b\r\n" * 200_000 + b"\r\n")

    async def ten_gigabytes(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: 10737418240\r\n\r\n")
        await forever(send, b"<p>word</p>" * 6000)

    async def ten_gigabytes_of_picture(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"Content-Type: image/jpeg\r\nContent-Length: 10737418240\r\n\r\n")
        await forever(send, b"\xff\xd8" * 30_000)

    async def endless_chunks(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n")
        await forever(send, b"1000\r\n" + b"x" * 4096 + b"\r\n")

    async def one_byte_chunks(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n")
        await forever(send, b"1\r\nx\r\n" * 5000)

    async def chunk_size_lies(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n")

    async def chunk_extensions(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n1;")
        await forever(send, b"e=" + b"v" * 60_000)

    async def endless_trailers(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        await forever(send, b"X-Trail: " + b"t" * 1000 + b"\r\n")

    async def gzip_bomb(_head, send, _writer):  # type: ignore[no-untyped-def]
        body = gzip_body
        await send(OK + HTML + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def deflate_bomb(_head, send, _writer):  # type: ignore[no-untyped-def]
        body = deflate_body
        await send(OK + HTML + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def brotli_bomb(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Encoding: br\r\nContent-Length: %d\r\n\r\n" % len(_BROTLI) + _BROTLI)

    async def brotli_flood(_head, send, _writer):  # type: ignore[no-untyped-def]
        block = b"<p>word</p>" * 5900
        await send(OK + HTML + b"Content-Encoding: br\r\n\r\n" + _stored(block, first=True))
        await forever(send, _stored(block, first=False))

    async def gzip_in_gzip(_head, send, _writer):  # type: ignore[no-untyped-def]
        body = gzip_twice
        await send(
            OK + HTML + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    async def encodings_without_end(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Encoding: " + b"gzip, " * 1000 + b"gzip\r\n\r\nabc")

    async def broken_gzip(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(
            OK + HTML + b"Content-Encoding: gzip\r\nContent-Length: 40\r\n\r\n\x1f\x8b\x08" + b"\xff" * 37
        )

    async def http_0_9(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(b"<html><title>No head at all</title>" + b"x" * 1000)

    async def other_protocol(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(b"SSH-2.0-OpenSSH_9.2\r\n" + b"220 mail ESMTP\r\n" * 1000)

    async def silence(_head, _send, _writer):  # type: ignore[no-untyped-def]
        await asyncio.sleep(3600)

    async def reset_in_the_head(_head, send, writer):  # type: ignore[no-untyped-def]
        await send(OK + b"Content-Ty")
        writer.transport.abort()

    async def early_close(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: 5000\r\n\r\n<title>Half")

    async def length_twice(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: 5\r\nContent-Length: 50000\r\n\r\nhello" + b"x" * 50_000)

    async def length_negative(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: -1\r\n\r\nhello")

    async def length_absurd(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + HTML + b"Content-Length: 99999999999999999999999999\r\n\r\nhello")

    async def header_with_nuls(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"X-Nul: a\x00b\x00\r\n" + HTML + b"Content-Length: 2\r\n\r\nok")

    async def header_without_colon(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"no colon here\r\n" * 90 + HTML + b"Content-Length: 2\r\n\r\nok")

    async def folded_headers(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"X-Fold: a\r\n" + b" \t folded\r\n" * 5000 + b"\r\n")

    async def continue_flood(_head, send, _writer):  # type: ignore[no-untyped-def]
        await forever(send, b"HTTP/1.1 100 Continue\r\n\r\n" * 500)

    async def early_hints_flood(_head, send, _writer):  # type: ignore[no-untyped-def]
        await forever(send, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)

    async def huge_cookie(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(OK + b"Set-Cookie: id=" + b"c" * 90_000 + b"\r\n" + HTML + b"Content-Length: 2\r\n\r\nok")

    async def pipelined_garbage(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(
            OK
            + HTML
            + b"Content-Length: 2\r\n\r\nok"
            + b"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1/\r\n\r\n" * 5000
        )

    async def wrong_type(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(
            OK + HTML + b"Content-Length: 40000\r\n\r\n\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00\x01" * 19_995
        )

    async def redirect_loop(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    async def redirect_maze(head, send, _writer):  # type: ignore[no-untyped-def]
        here = head.split(b" ")[1].decode()
        await send(
            f"HTTP/1.1 307 T\r\nLocation: {here}/a?{here.count('/')}\r\nContent-Length: 0\r\n\r\n".encode()
        )

    async def redirect_to_itself_slowly(_head, send, _writer):  # type: ignore[no-untyped-def]
        await asyncio.sleep(4)
        await send(b"HTTP/1.1 301 M\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")

    async def endless_location(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 31_000 + b".example/\r\n\r\n")

    async def status_lies(_head, send, _writer):  # type: ignore[no-untyped-def]
        await send(b"HTTP/1.1 99999999999999999999 Yes\r\nContent-Length: 2\r\n\r\nok")

    async def markup_of_hell(_head, send, _writer):  # type: ignore[no-untyped-def]
        body = (b"<title>" * 9000 + b"<script" * 9000 + b"<!--" * 9000 + b"&#" + b"9" * 60_000)[: 256 * 1024]
        await send(OK + HTML + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    local = {name: value for name, value in locals().items() if asyncio.iscoroutinefunction(value)}
    for name, talk in local.items():
        if name not in ("forever",):
            add(name.replace("_", " "), talk)
    return found


async def slow_accept(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Takes the connection and never reads: on port 443 a handshake that does not come about."""
    await asyncio.sleep(3600)


async def tls_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a ClientHello with records of nonsense, for ever."""
    with contextlib.suppress(OSError):
        await reader.read(4096)
        while True:
            writer.write(b"\x16\x03\x03\x40\x00" + b"\x0b" * 16384)
            await writer.drain()


async def tls_dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte of a handshake a second."""
    with contextlib.suppress(OSError):
        await reader.read(4096)
        for byte in b"\x16\x03\x03\x00\x7a\x02" + b"\x00" * 200:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(1)


ENCRYPTED: dict[str, Handler] = {
    "TLS stall": slow_accept,
    "TLS garbage": tls_garbage,
    "TLS dribble": tls_dribble,
}
