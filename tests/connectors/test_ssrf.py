"""What must never be reached is not, in any disguise, through any kind of exit; what is ordinary passes.

The decision is pure, so every vector is put to it each time. Sockets, a flipping name server and every exit are
used for a sample; `--release` puts the whole corpus and ten thousand more through each (security.md, test 16).
"""

import asyncio
import contextlib
import random
import socket
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from openhotline.connectors.probe import dry
from openhotline.connectors.probe.apart import take_apart
from openhotline.connectors.probe.config import Limits, ProbeConfig, Resolver
from openhotline.connectors.probe.deny import Denied, Vetted, vet
from openhotline.connectors.probe.exits import Exits
from openhotline.connectors.probe.fetch import Fetcher
from openhotline.connectors.probe.meaning import CheckJob, ProbeJob
from openhotline.connectors.probe.names import Names, literal_of
from openhotline.connectors.probe.walk import Walker
from openhotline.connectors.probe.ways import Way
from tests.connectors import ssrf
from tests.connectors.small_world import KINDS, RESOLVER, SITE, SmallWorld
from tests.connectors.town import PATIENT, start

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIFTED = ProbeConfig({"north": Way("socks5-unix", "/exit.sock")}, lift_documentation=True)
STANDS_ON = "http://site.example.org/p/q"
FLIPS: list[list[str]] = [
    [SITE], [SITE], ["127.0.0.1"], ["169.254.169.254"], [SITE, "10.0.0.1"], ["::1"], [SITE, "::ffff:127.0.0.1"],
]  # fmt: skip


def passes(one: ssrf.Vector, config: ProbeConfig) -> bool:
    """Whether anything would be connected to, or any name be asked for, because of this vector."""
    if one.kind == ssrf.ADDRESS:
        return dry.by_rule(ProbeJob(one.given, "north", NOON), config) is None
    if one.kind == ssrf.REDIRECT:
        address = take_apart(one.given, config.ports, STANDS_ON)
        if isinstance(address, str):
            return False
        literals = [literal_of(address.host) or "a name"]
    else:
        literals = one.given.split(",")
    try:
        vet(literals, lift_documentation=config.lift_documentation)
    except Denied:
        return False
    return True


def test_the_corpus_is_what_its_maker_makes() -> None:
    kept = ssrf.read()
    assert kept == ssrf.corpus() and len(kept) >= 1500
    assert {one.kind for one in kept} == {ssrf.ADDRESS, ssrf.REDIRECT, ssrf.ANSWER}
    assert len({one.how for one in kept}) > 50 and {*ssrf.RANGES_4, *ssrf.RANGES_6} <= {
        one.what for one in kept
    }


@pytest.mark.parametrize("lift", [False, True])
def test_no_vector_passes_and_no_made_up_one(lift: bool) -> None:
    config = replace(LIFTED, lift_documentation=lift)
    assert [one for one in ssrf.read() if passes(one, config)] == []
    assert [one for one in ssrf.made_up(10_000, seed=16) if passes(one, config)] == []


def test_two_hundred_ordinary_addresses_are_let_through() -> None:
    ordinary = ssrf.ordinary()
    assert len(ordinary) == len(set(ordinary)) == 200
    for address, literal in ordinary:
        assert dry.by_rule(ProbeJob(address, "north", NOON), LIFTED) is None, address
        assert not isinstance(take_apart(address, LIFTED.ports), str)
        assert vet([literal], lift_documentation=True)


def test_a_vector_that_is_harmless_would_be_noticed() -> None:
    for kind, given in (
        (ssrf.ADDRESS, "http://8.8.8.8/"),
        (ssrf.REDIRECT, "//8.8.8.8/"),
        (ssrf.ANSWER, "8.8.8.8"),
    ):
        assert passes(ssrf.Vector(kind, given, "", ""), LIFTED)


# --- with sockets, through every exit that is a proxy


class Trap:
    """A prober behind one kind of exit, and a world that plays the vectors and notes where it was led."""

    def __init__(self, world: SmallWorld, prober: Any, kind: str) -> None:
        self.world, self.prober, self.kind = world, prober, kind
        self.vectors: list[ssrf.Vector] = []
        world.zones |= {"site.example.org": [SITE]}
        world.hosts[(SITE, 80)] = self.site

    async def site(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        number = head.split(b" ")[1].rpartition(b"/")[2]
        to = self.vectors[int(number)].given if number.isdigit() else "/0"
        to = to.replace("\n", "").replace("\t", "")  # a header cannot carry a line end
        line = b"Location: " + to.encode("utf-8") + b"\r\n"
        writer.write(b"HTTP/1.1 302 Found\r\n" + line + b"Content-Length: 0\r\n\r\n")

    def run(self, vectors: Sequence[ssrf.Vector]) -> list[ssrf.Vector]:
        """Those that were not refused."""
        self.vectors = list(vectors)
        jobs = []
        for number, one in enumerate(self.vectors):
            address = one.given
            if one.kind == ssrf.REDIRECT:
                address = f"http://site.example.org/{number}"
            elif one.kind == ssrf.ANSWER:
                self.world.zones[f"v{number}.example.org"] = one.given.split(",")
                address = f"http://v{number}.example.org/"
            jobs.append(CheckJob(address, "north", NOON + timedelta(seconds=len(jobs)), allow_path=True))
        facts = self.prober.check(jobs)
        assert {host for host, _ in self.world.asked} <= {RESOLVER, SITE}
        return [one for one, seen in zip(self.vectors, facts, strict=True) if seen.outcome != "blocked"]


@contextlib.contextmanager
def trap(kind: str, **other: Any) -> Iterator[Trap]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        with SmallWorld(folder / "run" / "exit.sock") as world:
            config = ProbeConfig(
                **{
                    "vantages": {"north": world.way(kind)},
                    "resolvers": (Resolver(RESOLVER),),
                    "limits": PATIENT,
                    "lift_documentation": True,
                    "polite": False,
                    "trust": world.trust,
                    "never": (),
                    **other,
                }
            )
            process, prober = start(folder, config)
            world.asked.clear()  # of the self-test
            prober.timeout = 900
            try:
                yield Trap(world, prober, kind)
            finally:
                process.terminate()
                process.wait(10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_the_corpus_through_each_exit(kind: str) -> None:
    chance = random.Random(kind)
    with trap(kind) as made:
        assert made.run(chance.sample(ssrf.read(), 60)) == []
        assert made.run(list(ssrf.made_up(60, seed=5))) == []
        assert flipped(made, 60, seed=1) > 5
        assert unreached(made, ssrf.ordinary()[::5]) == []


@pytest.mark.release
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_corpus_and_ten_thousand_more_through_each_exit(kind: str) -> None:
    with trap(kind) as made:
        assert made.run(ssrf.read()) == []
        for part in range(10):
            assert made.run(list(ssrf.made_up(1000, seed=1000 + part))) == []
        assert flipped(made, 1000, seed=2) > 50
        missed = unreached(made, ssrf.ordinary())
        assert len(missed) <= 1, missed


def flipped(made: Trap, count: int, seed: int) -> int:
    """Look at names that change their minds at every question; returns how many looks got an answer. The
    trap has asserted that nothing but the site was ever reached."""
    chance = random.Random(seed)
    made.world.zones["flip.example.org"] = lambda: chance.choice(FLIPS)
    made.world.zones["flop.example.org"] = lambda: chance.choice(FLIPS)

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        where = (
            b"HTTP/1.1 302 Found\r\nLocation: http://flop.example.org/2\r\n"
            if b"flip" in head
            else b"HTTP/1.1 200 OK\r\n"
        )
        writer.write(where + b"Content-Length: 0\r\n\r\n")

    made.world.hosts[(SITE, 80)] = site
    jobs = [
        CheckJob("http://flip.example.org/1", "north", NOON + timedelta(days=n), allow_path=True)
        for n in range(count)
    ]
    facts = made.prober.check(jobs)
    made.world.hosts[(SITE, 80)] = made.site
    assert {host for host, _ in made.world.asked} <= {RESOLVER, SITE}
    assert {one.outcome for one in facts} <= {"answered", "blocked", "error"}
    assert {one.peer for one in facts} <= {"", SITE}
    return sum(one.outcome == "answered" for one in facts)


def unreached(made: Trap, addresses: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Ordinary addresses that the prober did not reach, with its sentence."""
    jobs = []
    for number, (address, literal) in enumerate(addresses):
        read = take_apart(address, (80, 443))
        assert not isinstance(read, str), read
        made.world.zones[read.host.rstrip(".")] = [literal]
        made.world.hosts[(literal, 80)] = made.world.page(b"<title>Here</title>")
        jobs.append(CheckJob(address, "north", NOON + timedelta(hours=number), allow_path=True))
    facts = made.prober.check(jobs)
    return [(one.canonical, one.why) for one in facts if (one.outcome, one.status) != ("answered", 200)]


# --- with sockets, on our own line: nothing outside loopback may be touched by a test, so the one public address
# --- that the site has is led to a listener here; every other address would be connected to as it stands


class Line(Exits):
    """A direct exit that notes where it goes."""

    def __init__(self, config: ProbeConfig, site_port: int) -> None:
        super().__init__(config)
        self.site_port, self.gone_to = site_port, []  # type: ignore[var-annotated]

    async def connect(self, vantage: str, to: Vetted, port: int) -> socket.socket:
        self.gone_to.append(to.literal)
        assert to.literal == "8.8.8.8"
        return await self.knock(vantage, "127.0.0.1", self.site_port)


async def _on_our_own_line(vectors: Sequence[ssrf.Vector], flips: int) -> list[ssrf.Vector]:
    chance = random.Random(3)
    asked: list[str] = []

    def answer(name: str) -> list[str]:
        asked.append(name)
        if name.startswith("v"):
            return vectors[int(name[1:].split(".")[0])].given.split(",")
        if name.startswith("flip"):
            return [one if one != SITE else "8.8.8.8" for one in chance.choice(FLIPS)]
        return ["8.8.8.8"] if name == "site.example.org" else []

    world = SmallWorld(Path("/nowhere"))

    class Zones(dict[str, Any]):
        def get(self, name: str, other: Any = None) -> Any:
            return answer(name)

    world.zones = Zones()

    async def names(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, struct.error):
            await world.name_server(reader, writer)

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            number = head.split(b" ")[1].rpartition(b"/")[2]
            to = vectors[int(number)].given.replace("\n", "").replace("\t", "") if number.isdigit() else ""
            start_ = f"HTTP/1.1 302 Found\r\nLocation: {to}" if to else "HTTP/1.1 200 OK"
            writer.write(start_.encode() + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    dns_server = await asyncio.start_server(names, "127.0.0.1", 0)
    site_server = await asyncio.start_server(site, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (dns_server, site_server)]
    config = ProbeConfig(
        {"north": Way("direct")}, resolvers=(Resolver("127.0.0.1", ports[0]),), limits=PATIENT, polite=False
    )
    line, fetcher = Line(config, ports[1]), Fetcher()
    resolving = Names(config, line)
    walker = Walker(config, line, resolving, fetcher)
    passed = []
    slots = asyncio.Semaphore(50)

    async def one_walk(number: int, address: str) -> str:
        async with slots:
            at = NOON + timedelta(seconds=number)
            return (await walker.walk(address, vantage="north", at=at, wanted=lambda *_: 0)).outcome

    def address_of(number: int, one: ssrf.Vector) -> str:
        if one.kind == ssrf.ADDRESS:
            return one.given
        return (
            f"http://site.example.org/{number}"
            if one.kind == ssrf.REDIRECT
            else f"http://v{number}.example.org/"
        )

    ended = await asyncio.gather(*(one_walk(n, address_of(n, one)) for n, one in enumerate(vectors)))
    passed = [one for one, outcome in zip(vectors, ended, strict=True) if outcome != "blocked"]
    flip_ended = await asyncio.gather(*(one_walk(n, f"http://flip{n}.example.org/x") for n in range(flips)))
    assert set(flip_ended) <= {"answered", "blocked", "error"} and "blocked" in flip_ended
    assert set(line.gone_to) == {"8.8.8.8"}
    resolving.close()
    fetcher.close()
    for server in (dns_server, site_server):
        server.close()
        await server.wait_closed()
    return passed


def test_a_sample_on_our_own_line() -> None:
    vectors = random.Random(4).sample(ssrf.read(), 80)
    assert asyncio.run(_on_our_own_line(vectors, flips=60)) == []


@pytest.mark.release
def test_the_whole_corpus_and_ten_thousand_more_on_our_own_line() -> None:
    vectors = [*ssrf.read(), *ssrf.made_up(10_000, seed=99)]
    assert asyncio.run(_on_our_own_line(vectors, flips=1000)) == []


def test_limits_are_those_that_are_promised() -> None:
    kept = Limits()
    assert (kept.connect_s, kept.tls_s, kept.first_byte_s, kept.total_s, kept.job_s) == (5, 5, 10, 20, 25)
    assert (kept.header_bytes, kept.header_lines, kept.redirects, kept.html_bytes) == (32768, 100, 5, 262144)
    assert (kept.slow_after_s, kept.slow_bytes, kept.gap_s, kept.onion_gap_s) == (5, 1024, 1, 300)
