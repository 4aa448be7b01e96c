"""One look after the other inside the test's own process, at a tiny internet behind an exit of any kind.

True here: names, walk, exits and reader are the prober's own, only without its process, so that each test has the
resolvers, vantage points and exits it tells of, at no cost. Not here: the process (`town.py`).
"""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.message

from openhotline import policy
from openhotline.connectors.probe.check import Checker
from openhotline.connectors.probe.config import ProbeConfig, Resolver
from openhotline.connectors.probe.exits import Exits
from openhotline.connectors.probe.fetch import Fetcher
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.walk import Walker
from openhotline.rules import signs
from openhotline.rules.facts import CheckFacts
from tests.connectors.small_world import RESOLVER, RESOLVER_2, SITE, Handler, SmallWorld
from tests.connectors.town import CANARY, PATIENT

ADDRESS = "http://site.example.org/p/q"
LIMITS = replace(PATIENT, first_byte_s=1.5, total_s=4, dns_s=1)
moments = (datetime(2026, 4, 2, 12, tzinfo=UTC) + timedelta(hours=n) for n in itertools.count())
Answer = Callable[[dns.message.Message], dns.message.Message]


@dataclass
class Eye:
    """A world, and what looks at it."""

    world: SmallWorld
    config: ProbeConfig

    def look(self, address: str = ADDRESS, vantage: str = "north", **more: Any) -> CheckFacts:
        """One look, at a house moment of its own."""

        async def once() -> CheckFacts:
            fetcher, exits = Fetcher(), Exits(self.config)
            names = Names(self.config, exits)
            checker = Checker(self.config, names, Walker(self.config, exits, names, fetcher))
            try:
                job = CheckJob(address, vantage, next(moments), allow_path=True, **more)
                return await asyncio.wait_for(checker.check(job), 30)
            finally:
                names.close()
                fetcher.close()

        return asyncio.run(once())

    def says(self, *answers: bytes, address: str = ADDRESS) -> CheckFacts:
        """What a look sees where the site sends these bytes, one after the other, and then closes."""
        self.world.hosts[(SITE, 80)] = sends(*answers)
        return self.look(address)


def meaning(facts: CheckFacts) -> str:
    """What one look means, without a first sight."""
    return signs.read(facts).meaning


def sends(*answers: bytes) -> Handler:
    """A server that sends these bytes, whoever asks for what; the last again and again."""
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return handle


@contextlib.contextmanager
def eye(kind: str = "socks5-unix", **other: Any) -> Iterator[Eye]:
    """A world with a canary and one site, two resolvers, and one vantage point behind an exit of this kind."""
    with tempfile.TemporaryDirectory() as folder, SmallWorld(Path(folder) / "exit.sock") as world:
        world.zones |= {"canary.example.org": [CANARY], "site.example.org": [SITE]}
        world.hosts |= {(CANARY, 80): world.page(b"ok"), (SITE, 80): world.page(b"<title>Hello</title>")}
        settings = {
            "vantages": {"north": world.way(kind)},
            "resolvers": (Resolver(RESOLVER), Resolver(RESOLVER_2)),
            "canary": "http://canary.example.org/",
            "limits": LIMITS,
            "signs": policy.sign_words(),
            "lift_documentation": True,
            "polite": False,
            "trust": world.trust,
        }
        yield Eye(world, ProbeConfig(**{**settings, **other}))
