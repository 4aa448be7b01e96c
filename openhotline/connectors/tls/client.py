"""A TLS handshake over a socket that is handed in, and then the end: no request is sent.

True here: at most 256 KiB are read, the name is told (SNI), nothing is verified (see `meaning.py`), and what
came is kept when the handshake fails. Not here: who may be contacted (the caller connected the socket).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import datetime

from openhotline.connectors.tls import meaning
from openhotline.rules.facts import MethodAnswer

MAX_READ = 256 * 1024
TOOL = ssl.OPENSSL_VERSION


def context() -> ssl.SSLContext:
    """One context for all handshakes: whatever a server offers is looked at."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(["h2", "http/1.1"])  # as an ordinary browser
    return made


async def certificate(
    host: str,
    *,
    over: socket.socket,
    using: ssl.SSLContext,
    source: str,
    at: datetime,
    timeout_s: float,
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """The certificate shown to who asks for `host`. The socket is closed. Never raises for what a server does."""
    got = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            der = await _shake(host, over, using, got)
    except TimeoutError:
        return _failed("The server did not end the handshake in time.", source, got, elapsed())
    except (ssl.SSLError, ValueError) as fault:
        reason = getattr(fault, "reason", None) or type(fault).__name__
        return _failed(f"The handshake failed ({str(reason).lower()[:80]}).", source, got, elapsed())
    except OSError:
        return _failed("The server cut the connection off during the handshake.", source, got, elapsed())
    finally:
        over.close()
    if not der:
        return _failed("The server showed no certificate.", source, got, elapsed())
    return meaning.read(der, host=host, source=source, at=at, seconds=elapsed())


async def _shake(host: str, over: socket.socket, using: ssl.SSLContext, got: bytearray) -> bytes:
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = using.wrap_bio(incoming, outgoing, server_hostname=host.strip("[]") or None)
    while True:
        try:
            talk.do_handshake()
            break
        except ssl.SSLWantReadError:
            if data := outgoing.read():
                await loop.sock_sendall(over, data)
            piece = await loop.sock_recv(over, 16_384)
            if not piece:
                raise ConnectionError("closed") from None
            got += piece
            if len(got) > MAX_READ:
                raise ValueError("more than a handshake may hold") from None
            incoming.write(piece)
    return talk.getpeercert(binary_form=True) or b""


def _failed(why: str, source: str, got: bytearray, seconds: float) -> MethodAnswer:
    """What came is kept as hexadecimal digits, the first 32 KiB of it."""
    return MethodAnswer(
        meaning.METHOD, ok=False, why=why, source=source, seconds=seconds, raw=bytes(got[:32_768]).hex()
    )
