"""Ask a resolver several questions at once: over one stream, or with one datagram for each.

True here: a stream (TCP or TLS) is what to prefer, for a datagram can be forged from beside the path. Where the
operator names a resolver that speaks UDP only, each question leaves from a port of its own with its letters in
mixed case, both of which a forger must guess, and what is cut short is asked again over a stream. A stream that has
answered all it was asked serves the next questions (RFC 7766): to open one costs more than to ask. Not here: who may be
contacted (the caller opens the stream or sends the datagram), caching.
"""

import asyncio
import secrets
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import dns.version

from openhotline.connectors.dns.meaning import DnsAnswer, as_it_came, question, read

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
TOOL = f"dnspython {dns.version.version}"
_TRUNCATED = 0x0200
_KEEP_S, _MOST_KEPT = 5.0, 32  # streams without a question, to one resolver


class ResolverUnreachable(Exception):
    """The resolver itself could not be reached: our own line, not the name that was asked for."""


class Streams:
    """Streams to one resolver. Each has one set of questions at a time: a name that is slow keeps no other waiting."""

    def __init__(self, connect: Callable[[], Awaitable[Stream]]) -> None:
        self.connect = connect
        self._idle: deque[tuple[float, Stream]] = deque()  # the newest last
        self._sweep: asyncio.TimerHandle | None = None

    def kept(self) -> Stream | None:
        """One that has answered before and still stands, as far as we know."""
        while self._idle:
            _, (reader, writer) = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None

    def keep(self, stream: Stream) -> None:
        """It has answered all it was asked."""
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), stream))
        if len(self._idle) > _MOST_KEPT:
            self._idle.popleft()[1][1].close()
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEP_S, self._close_old)

    def _close_old(self) -> None:
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0][0] <= loop.time() - _KEEP_S:
            self._idle.popleft()[1][1].close()
        self._sweep = loop.call_at(self._idle[0][0] + _KEEP_S, self._close_old) if self._idle else None

    def close(self) -> None:
        """Let go of all that wait for a question."""
        if self._sweep:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop()[1][1].close()


async def ask(
    questions: Sequence[tuple[str, str]],
    *,
    streams: Streams,
    timeout_s: float,
    verbatim: bool = True,
) -> list[DnsAnswer]:
    """Answers in the order of `questions` [(name, kind)]. A question left open is an answer with ok=False.
    `verbatim`: with the answers' text, which costs as much as reading them.

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

    def take(wire: bytes) -> bool:
        """Read one message; whether all have been answered."""
        found = wires.pop(struct.unpack_from("!H", wire)[0], None) if len(wire) >= 2 else None
        if found is not None:
            answers[found] = read(wire, *questions[found], verbatim=verbatim)
        return not wires

    why, late = "", False
    if wires and (kept := streams.kept()):
        why, late = await _talk(kept, bytes(out), take, streams, timeout_s)
    if wires:  # nothing was kept, or what was kept fell silent: that is no fault of the name
        try:
            stream = await asyncio.wait_for(streams.connect(), timeout_s)
        except TimeoutError:
            raise ResolverUnreachable("The resolver did not take the connection in time.") from None
        except OSError as fault:
            raise ResolverUnreachable(f"The resolver could not be reached ({fault}).") from None
        why, late = await _talk(stream, bytes(out), take, streams, timeout_s)
    return [
        answers.get(i) or DnsAnswer(name, kind, ok=False, why=why, late=late)
        for i, (name, kind) in enumerate(questions)
    ]


async def _talk(
    stream: Stream, out: bytes, take: Callable[[bytes], bool], streams: Streams, timeout_s: float
) -> tuple[str, bool]:
    """Ask, and take messages until all are answered. (Why some are not, whether for want of time.)"""
    reader, writer = stream
    answered = False
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(out)
            while not answered:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                answered = take(await reader.readexactly(size))
    except TimeoutError:
        return "The name server did not answer in time.", True
    except (OSError, asyncio.IncompleteReadError):
        return "The name server cut the connection off.", False
    finally:
        if answered:
            streams.keep(stream)
        else:
            writer.close()
    return "", False


async def ask_datagrams(
    questions: Sequence[tuple[str, str]],
    *,
    exchange: Callable[[bytes], Awaitable[bytes]],
    timeout_s: float,
) -> tuple[list[DnsAnswer], list[int]]:
    """Answers in the order of `questions`, and which of them were cut short and want a stream.

    `exchange` sends one datagram from a fresh port and returns the first that comes back. Raises
    `ResolverUnreachable` if not one datagram could be sent.
    """
    results = await asyncio.gather(*(_one(n, k, exchange, timeout_s) for n, k in questions))
    faults = [fault for _, _, fault in results if fault]
    if faults and len(faults) == len(results):
        raise ResolverUnreachable(f"The resolver could not be reached ({faults[0]}).")
    return [answer for answer, _, _ in results], [i for i, (_, short, _) in enumerate(results) if short]


async def _one(
    name: str, kind: str, exchange: Callable[[bytes], Awaitable[bytes]], timeout_s: float
) -> tuple[DnsAnswer, bool, str]:
    """(answer, whether it was cut short, why nothing could be sent)."""
    try:
        wire = _mixed_case(question(name, kind))
    except ValueError as fault:
        return DnsAnswer(name, kind, ok=False, why=str(fault)), False, ""
    end = 12 + wire[12:].index(0) + 5  # the name's end, kind and class
    try:
        back = await asyncio.wait_for(exchange(wire), timeout_s)
    except TimeoutError:
        why = "The name server did not answer in time."
        return DnsAnswer(name, kind, ok=False, why=why, late=True), False, ""
    except OSError as fault:
        return DnsAnswer(name, kind, ok=False, why=str(fault)), False, str(fault) or type(fault).__name__
    if back[:2] != wire[:2] or back[12:end] != wire[12:end]:
        why = "An answer came that does not repeat the question as it was sent: it may be forged."
        return DnsAnswer(name, kind, ok=False, why=why, raw=as_it_came(back)), False, ""
    (flags,) = struct.unpack_from("!H", back, 2)
    return read(back, name, kind), bool(flags & _TRUNCATED), ""


def _mixed_case(wire: bytes) -> bytes:
    """The question with every letter of its name large or small by chance."""
    mixed, at = bytearray(wire), 12
    while mixed[at]:
        for place in range(at + 1, at + 1 + mixed[at]):
            if chr(mixed[place]).isalpha() and secrets.randbits(1):
                mixed[place] ^= 0x20
        at += 1 + mixed[at]
    return bytes(mixed)
