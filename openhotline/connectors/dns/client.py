"""Ask a resolver several questions at once over one stream.

True here: TCP or TLS only. A datagram can be forged from beside the path and cannot pass the exits; a
stream needs neither cookies nor mixed letters to be trusted as far as the resolver is. Not here: who may
be contacted (the caller opens the stream), caching.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence

from openhotline.connectors.dns.meaning import DnsAnswer, question, read

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ResolverUnreachable(Exception):
    """The resolver itself could not be reached: our own line, not the name that was asked for."""


async def ask(
    questions: Sequence[tuple[str, str]],
    *,
    connect: Callable[[], Awaitable[Stream]],
    timeout_s: float,
) -> list[DnsAnswer]:
    """Answers in the order of `questions` [(name, kind)]. A question left open is an answer with ok=False.

    Raises `ResolverUnreachable` if no stream could be opened.
    """
    answers: dict[int, DnsAnswer] = {}
    wires: dict[int, int] = {}  # message id -> index
    out = bytearray()
    for index, (name, kind) in enumerate(questions):
        try:
            wire = bytearray(question(name, kind))
        except ValueError as fault:
            answers[index] = DnsAnswer(name, kind, ok=False, why=str(fault))
            continue
        (number,) = struct.unpack_from("!H", wire)
        while number in wires:
            number = (number + 1) & 0xFFFF
        struct.pack_into("!H", wire, 0, number)
        wires[number] = index
        out += struct.pack("!H", len(wire)) + wire
    if not wires:
        return [answers[i] for i in range(len(questions))]
    try:
        reader, writer = await asyncio.wait_for(connect(), timeout_s)
    except TimeoutError:
        raise ResolverUnreachable("The resolver did not take the connection in time.") from None
    except OSError as fault:
        raise ResolverUnreachable(f"The resolver could not be reached ({fault}).") from None
    why = "The name server did not answer in time."
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(bytes(out))
            while wires:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                wire_in = await reader.readexactly(size)
                found = wires.pop(struct.unpack_from("!H", wire_in)[0], None) if size >= 2 else None
                if found is not None:
                    answers[found] = read(wire_in, *questions[found])
    except TimeoutError:
        pass
    except (OSError, asyncio.IncompleteReadError):
        why = "The name server cut the connection off."
    finally:
        writer.close()
    return [
        answers.get(i) or DnsAnswer(name, kind, ok=False, why=why) for i, (name, kind) in enumerate(questions)
    ]
