"""A stream to a resolver serves one look-up after another, and what happens to it is never held against a name."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

import dns.message
import dns.rrset

from openhotline.connectors.dns import client
from openhotline.connectors.dns.meaning import DnsAnswer

QUESTIONS = [("site.example.org", "A"), ("site.example.org", "AAAA")]


class Resolver:
    """On loopback. Answers `answers` questions of each connection, then hangs up, or says nothing more."""

    def __init__(self, answers: int, *, hangs_up: bool) -> None:
        self.answers, self.hangs_up = answers, hangs_up
        self.asked: list[int] = []  # questions by connection
        self.talks: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = len(self.asked)
        self.asked.append(0)
        self.talks.append(asyncio.current_task())
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                query = dns.message.from_wire(await reader.readexactly(size))
                self.asked[me] += 1
                if self.asked[me] <= self.answers:
                    reply = dns.message.make_response(query)
                    if query.question[0].rdtype == dns.rdatatype.A:
                        reply.answer.append(
                            dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.7")
                        )
                    wire = reply.to_wire()
                    writer.write(struct.pack("!H", len(wire)) + wire)
                elif self.hangs_up:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def looked_up(
    resolver: Resolver, look: Callable[[client.Streams], Awaitable[list[list[DnsAnswer]]]]
) -> list[list[DnsAnswer]]:
    async def run() -> list[list[DnsAnswer]]:
        async with await asyncio.start_server(resolver.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            streams = client.Streams(lambda: asyncio.open_connection("127.0.0.1", port))
            try:
                return await look(streams)
            finally:
                streams.close()
                await asyncio.gather(*filter(None, resolver.talks))

    return asyncio.run(run())


async def three_in_turn(streams: client.Streams) -> list[list[DnsAnswer]]:
    return [await client.ask(QUESTIONS, streams=streams, timeout_s=0.3) for _ in range(3)]


def answered(found: list[list[DnsAnswer]]) -> bool:
    return all(a.ok and a.addresses == ("192.0.2.7",) and aaaa.ok and not aaaa.addresses for a, aaaa in found)


def test_one_stream_serves_one_look_up_after_another() -> None:
    resolver = Resolver(100, hangs_up=False)
    assert answered(looked_up(resolver, three_in_turn))
    assert resolver.asked == [6]


def test_look_ups_at_the_same_time_do_not_wait_for_each_other() -> None:
    async def at_once(streams: client.Streams) -> list[list[DnsAnswer]]:
        return await asyncio.gather(*(client.ask(QUESTIONS, streams=streams, timeout_s=5) for _ in range(3)))

    resolver = Resolver(100, hangs_up=False)
    assert answered(looked_up(resolver, at_once))
    assert resolver.asked == [2, 2, 2]


def test_a_kept_stream_that_is_cut_or_falls_silent_is_no_fault_of_the_name() -> None:
    for hangs_up in (True, False):
        resolver = Resolver(3, hangs_up=hangs_up)  # the second look-up gets half of what it asked
        assert answered(looked_up(resolver, three_in_turn)), hangs_up
        assert resolver.asked == [4, 4, 2], hangs_up


def test_what_a_fresh_stream_leaves_open_is_left_open() -> None:
    for hangs_up, late in ((True, False), (False, True)):
        resolver = Resolver(1, hangs_up=hangs_up)
        for a, aaaa in looked_up(resolver, three_in_turn):
            assert a.ok and not aaaa.ok and aaaa.late is late and "The name server" in aaaa.why
        assert resolver.asked == [2, 2, 2], "a stream that left a question open is not asked again"
