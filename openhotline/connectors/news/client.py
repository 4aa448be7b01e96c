"""Ask one news server about one post (RFC 3977), over a stream that is handed in: for a trace its headers, for a
look only whether it has the post.

True here: greeting, HEAD or STAT, QUIT and nothing else, so that no article can come; at most 32 KiB are read. Not
here: who may be contacted.
"""

import asyncio
from collections.abc import Awaitable, Callable

from openhotline.connectors.news import meaning
from openhotline.rules.facts import MethodAnswer

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def about(
    message_id: str,
    *,
    server: str,
    connect: Callable[[str], Awaitable[Stream]],
    timeout_s: float,
    elapsed: Callable[[], float] = lambda: 0.0,
) -> MethodAnswer:
    """Whether `server` has the post, and who its headers say injected it. Never raises for what it does."""

    def failed(why: str) -> MethodAnswer:
        return MethodAnswer(meaning.METHOD, ok=False, why=why, source=server, seconds=elapsed())

    if meaning.message_id(message_id) != message_id:
        return failed("This is no Message-ID that could be asked for.")
    try:
        reader, writer = await asyncio.wait_for(connect(server), timeout_s)
    except TimeoutError:
        return failed("The news server did not take the connection in time.")
    except OSError as fault:
        return failed(f"The news server could not be reached ({fault}).")
    try:
        async with asyncio.timeout(timeout_s):
            greeting = await _line(reader)
            if greeting[:3] not in ("200", "201"):
                return failed("The news server does not let us ask.")
            writer.write(f"HEAD {message_id}\r\n".encode("ascii"))
            code = await _line(reader)
            body = await _block(reader) if code[:3] == "221" else b""
            writer.write(b"QUIT\r\n")
    except TimeoutError:
        return failed("The news server did not answer in time.")
    except (OSError, EOFError, ValueError):
        return failed("The news server cut the connection off.")
    finally:
        writer.close()
    return meaning.read(code, body, server=server, seconds=elapsed())


async def has(
    message_id: str, *, server: str, connect: Callable[[str], Awaitable[Stream]], timeout_s: float
) -> tuple[str, int, str]:
    """(outcome of a look, status, a sentence): whether `server` has the post. Never raises for what it does.

    The status is that of the answer to STAT (223 it has it, 430 it has not), or of a greeting that lets nobody ask.
    """
    if meaning.message_id(message_id) != message_id:
        return "blocked", 0, "This is no Message-ID that could be asked for."
    try:
        reader, writer = await asyncio.wait_for(connect(server), timeout_s)
    except TimeoutError:
        return "timeout", 0, "The news server did not take the connection in time."
    except OSError as fault:
        return "refused", 0, f"The news server could not be reached ({fault})."
    try:
        async with asyncio.timeout(timeout_s):
            code = await _line(reader)
            if code[:3] in ("200", "201"):
                writer.write(f"STAT {message_id}\r\n".encode("ascii"))
                code = await _line(reader)
            writer.write(b"QUIT\r\n")
    except TimeoutError:
        return "timeout", 0, "The news server did not answer in time."
    except (OSError, EOFError, ValueError):
        return "cut-off", 0, "The news server cut the connection off."
    finally:
        writer.close()
    number = code[:3]
    if len(number) != 3 or not (number.isascii() and number.isdecimal()):
        return "error", 0, "The news server gave no status."
    return "answered", int(number), f"Asked {server} by STAT."


async def _line(reader: asyncio.StreamReader) -> str:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line[:512].decode("utf-8", "replace").strip()


async def _block(reader: asyncio.StreamReader) -> bytes:
    """Lines until the dot that stands alone, or until there is more than anybody may send."""
    got = bytearray()
    while len(got) <= meaning.MAX_BYTES:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        if line.strip() == b".":
            break
        got += line[1:] if line.startswith(b"..") else line
    return bytes(got)
