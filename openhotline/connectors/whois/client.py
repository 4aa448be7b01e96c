"""Ask WHOIS servers, following their referrals, over streams that are handed in.

True here: one line out, at most 64 KiB back, at most three servers, none twice. Not here: which address a
server's name leads to and whether it may be touched (the caller's `connect` vets it and raises OSError).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from openhotline.connectors.whois import meaning
from openhotline.rules.facts import MethodAnswer

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[str], Awaitable[Stream]]  # a server's name -> a stream to its port 43
MAX_SERVERS = 3
_ARIN = "whois.arin.net"  # asks for the kind of thing in front of the question


async def about(
    question: str,
    *,
    server: str,
    connect: Connect,
    at: datetime,
    timeout_s: float,
    address: str = "",
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """The answer of the last server that knew anything. `address`: the literal asked about, if it is one.

    Never raises for what servers do.
    """
    best: MethodAnswer | None = None
    texts: list[str] = []
    seen: list[str] = []
    why = "No WHOIS server is configured."
    while server and server not in seen and len(seen) < MAX_SERVERS:
        seen.append(server)
        body, fault = await _once(server, question, connect, timeout_s)
        if body:
            texts.append(f"% {server}\n" + body[: meaning.MAX_BYTES].decode("utf-8", "backslashreplace"))
        if fault:
            why = fault
            if not body:
                break
        read = meaning.read(body, source=f"{server}:43", at=at, seconds=elapsed(), asked=address)
        best = read if best is None or read.ok or not best.ok else best
        if fault and not read.ok:
            break
        server = meaning.refers_to(body)
    if server and len(seen) == MAX_SERVERS and server not in seen:
        why = f"The WHOIS servers refer on, more than {MAX_SERVERS} deep."
    raw = "\n".join(texts)[: meaning.MAX_BYTES]
    if best is None or (not best.ok and why and why != "No WHOIS server is configured."):
        source = f"{seen[-1]}:43" if seen else ""
        return MethodAnswer(meaning.METHOD, ok=False, why=why, source=source, seconds=elapsed(), raw=raw)
    fields = {name: getattr(best, name) for name in best.__slots__}
    return MethodAnswer(**{**fields, "raw": raw})


async def _once(server: str, question: str, connect: Connect, timeout_s: float) -> tuple[bytes, str]:
    """(what came, what went wrong)."""
    line = "".join(c for c in question if " " <= c < "\x7f")[:255]
    if server == _ARIN:
        line = f"n + {line}"
    try:
        reader, writer = await asyncio.wait_for(connect(server), timeout_s)
    except TimeoutError:
        return b"", f"The WHOIS server {server} did not take the connection in time."
    except OSError as fault:
        return b"", f"The WHOIS server {server} could not be reached ({fault})."
    got = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(line.encode("ascii") + b"\r\n")
            while len(got) <= meaning.MAX_BYTES and (piece := await reader.read(8192)):
                got += piece
    except TimeoutError:
        return bytes(got), f"The WHOIS server {server} did not end its answer in time."
    except OSError:
        return bytes(got), f"The WHOIS server {server} cut the connection off."
    finally:
        writer.close()
    if not got:
        return b"", f"The WHOIS server {server} hung up without a word."
    return bytes(got), ""
