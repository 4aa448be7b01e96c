"""A prober as a process beside a tiny internet, and a few ways in which what stands there answers.

True here: the prober is the real one, started as the house starts it; nothing outside loopback is touched. Not here:
the tiny internet itself (`small_world.py`), fixtures (`conftest.py`), and looks without a process (`eye.py`).
"""

import asyncio
import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import Limits, MmdbFile, ProbeConfig, Resolver
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.rules.facts import CheckFacts
from tests.connectors.small_world import REGISTRY, RESOLVER, RESOLVER_2, SITE, SmallWorld
from tests.connectors.test_parsers import NETWORK, mmdb

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CANARY = "192.0.2.80"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF-SECRET-PICTURE-BYTES" + bytes(range(256)) * 64
PICTURE = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
# For what is expected to answer, however busy the machine; SHORT is for what is expected not to.
PATIENT = Limits(connect_s=30, tls_s=30, first_byte_s=60, slow_after_s=60, total_s=60, job_s=90, dns_s=30)
SHORT = replace(PATIENT, first_byte_s=1.5, total_s=2.5, dns_s=1.5)
START_S = 120  # a busy machine takes its time to start a program; one that ended is noticed at once
moments = (NOON + timedelta(hours=n) for n in itertools.count())  # every test has its own house time


@dataclass
class Town:
    """A running prober and the world it sees."""

    world: SmallWorld
    prober: Prober
    config: ProbeConfig
    folder: Path
    process: subprocess.Popen[bytes]
    at: datetime = field(default_factory=lambda: next(moments))

    def look(self, address: str, **more: Any) -> CheckFacts:
        job = CheckJob(address, "north", self.at, allow_path=True)
        return self.prober.check([replace(job, **more)])[0]


def start(folder: Path, config: ProbeConfig) -> tuple[subprocess.Popen[bytes], Prober]:
    (folder / "probe.json").write_text(config.to_json())
    socket_path = folder / "run" / "prober.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "openhotline.connectors.probe", "--socket", str(socket_path),
         "--config", str(folder / "probe.json")],
    )  # fmt: skip
    prober, end = Prober(socket_path), time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(ProberUnreachable):
            prober.hello()
            return process, prober
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the prober did not start (exit code {process.wait()})")


@contextlib.contextmanager
def town(folder: Path, **other: Any) -> Iterator[Town]:
    """A world with a canary, a registry and one site, and a prober looking at it."""
    (folder / "run").mkdir(mode=0o700)
    exit_socket = folder / "run" / "world-exit.sock"
    with SmallWorld(exit_socket) as world:
        world.zones |= {
            "canary.example.org": [CANARY],
            "rdap.registry.example": [REGISTRY],
            "site.example.org": [SITE],
            "example.org": [],
        }
        world.hosts |= {
            (CANARY, 80): world.page(b"ok"),
            (REGISTRY, 80): world.registry(NETWORK),
            (SITE, 80): world.page(JPEG, PICTURE),
        }
        files = (
            MmdbFile(mmdb(folder / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "GB"}}}), "location"),
            MmdbFile(
                mmdb(folder / "o.mmdb", {"192.0.2.0/24": {"autonomous_system_number": 64500}}), "origin"
            ),
        )
        config = ProbeConfig(
            **{
                "vantages": {"north": ("socks5-unix", str(exit_socket))},
                "resolvers": (Resolver(RESOLVER), Resolver(RESOLVER_2)),
                "rdap_base": "http://rdap.registry.example",
                "mmdb": files,
                "canary": "http://canary.example.org/",
                "limits": PATIENT,
                "lift_documentation": True,
                "polite": False,
                **other,
            }
        )
        process, prober = start(folder, config)
        try:
            yield Town(world, prober, config, folder, process)
        finally:
            process.terminate()
            process.wait(START_S)


def lent(running: Town) -> Iterator[Town]:
    zones, hosts = dict(running.world.zones), dict(running.world.hosts)
    running.world.requests.clear()
    running.world.asked.clear()
    yield replace(running, at=next(moments))
    running.world.zones, running.world.hosts = zones, hosts


def hang(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    return handle


def cut(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    return handle


def moved(place: Town, target: str) -> Any:
    return place.world.page(b"", f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n")
