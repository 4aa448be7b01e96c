"""Starts and stops the synthetic internet: in the foreground, or in a thread of a test.

True here: a production house gets a refusal; SIGTERM and Ctrl-C end it cleanly. Not here: the servers
(`internet.py`).
"""

import asyncio
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from openhotline.clock import WorldClock
from openhotline.rules.refusals import Refused
from openhotline.world import places
from openhotline.world.day import day
from openhotline.world.internet import Internet
from openhotline.world.scenario import Scenario

T = TypeVar("T")


def make_clock(data_dir: Path, scenario: Scenario) -> WorldClock:
    """The clock of the house in `data_dir`; a new one stands still at the scenario's start."""
    clock = WorldClock(data_dir / "clock")
    if not clock.path.exists():
        clock.set(scenario.start)
    return clock


def refuse_real_house(kind: str) -> None:
    """Raise Refused unless the house is a demo or a test."""
    if kind not in ("demo", "test"):
        raise Refused(
            "The synthetic internet belongs to demo houses; this is a real one. "
            "Make a demo with: openhotline demo. Or set OPENHOTLINE_KIND=demo and another OPENHOTLINE_DATA_DIR.",
            code="real-house",
        )


async def run(
    data_dir: Path,
    scenario: Scenario,
    clock: WorldClock,
    *,
    ready: Callable[[dict[str, Any]], None],
    ports: tuple[int, int] = (0, 0),
) -> None:
    """Serve until SIGTERM or Ctrl-C; `ready` is told what run/world.json says."""
    internet = Internet(data_dir, scenario, clock=clock, ports=ports)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        ready(await internet.start())
        await stop.wait()
    finally:
        await internet.stop()


def main(
    *, data_dir: Path, kind: str, seed: int = 1, bundle: int = 433, smtp_port: int = 0, partner_port: int = 0
) -> None:
    """`openhotline world serve`. Ports are 0 (any) or given. One line of JSON on standard output when ready, without tokens."""
    refuse_real_house(kind)
    data_dir.mkdir(parents=True, exist_ok=True)
    scenario = day(seed, bundle)

    def ready(card: dict[str, Any]) -> None:
        shown = {
            name: value
            for name, value in card.items()
            if name not in ("partner", "exchange", "control", "cdn")
        }
        sys.stdout.write(
            json.dumps({"ready": True, **shown, "card": str(data_dir / "run" / "world.json")}) + "\n"
        )
        sys.stdout.flush()

    asyncio.run(
        run(data_dir, scenario, make_clock(data_dir, scenario), ready=ready, ports=(smtp_port, partner_port))
    )


class World:
    """The synthetic internet in a thread: `with World(tmp_path) as world`. For tests, demo and benchmarks.

    `card` is what run/world.json says. Everything else is asked on the world's own loop, so it is consistent.
    """

    def __init__(
        self,
        data_dir: Path,
        scenario: Scenario | None = None,
        *,
        bundle: int = 433,
        kind: str = "test",
        lasting: bool = False,
    ) -> None:
        refuse_real_house(kind)
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.scenario = scenario or day(bundle=bundle)
        self.clock = make_clock(data_dir, self.scenario)
        self.card: dict[str, Any] = {}
        self._lasting = lasting
        self._fault: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)

    def __enter__(self) -> "World":
        self._thread.start()
        self._ready.wait(30)
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as fault:
            self._fault = fault
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.internet = Internet(self.data_dir, self.scenario, clock=self.clock, lasting=self._lasting)
        try:
            self.card = await self.internet.start()
            self._ready.set()
            await self._stop.wait()
        finally:
            await self.internet.stop()

    def _ask(self, question: Callable[[], T]) -> T:
        async def on_loop() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(30)

    @property
    def exit_socket(self) -> Path:
        """The exit of the vantage point "north"."""
        return Path(self.card["exits"][places.NORTH])

    @property
    def exit_south_socket(self) -> Path:
        """The exit of the vantage point "south"."""
        return Path(self.card["exits"][places.SOUTH])

    @property
    def exit_west_socket(self) -> Path:
        """The exit of the vantage point "west"."""
        return Path(self.card["exits"][places.WEST])

    @property
    def smtp(self) -> tuple[str, int]:
        """Host and port of the mail server."""
        return self.card["smtp"]["host"], self.card["smtp"]["port"]

    def truth(self) -> dict[str, Any]:
        """What /truth says."""
        return self._ask(self.internet.control.truth)

    def mail(self, to: str = "") -> list[dict[str, Any]]:
        """What /mail says."""
        return self._ask(lambda: self.internet.control.mail(to))

    def state(self) -> dict[str, Any]:
        """What /state says."""
        return self._ask(self.internet.control.state)

    def script(self, do: str, **fields: Any) -> dict[str, Any]:
        """What POST /script does. Raises Refused."""
        return self._ask(lambda: self.internet.control.script(do, **fields))

    def visits(self) -> list[dict[str, Any]]:
        """Every visitor at every exit, in order of time."""
        exits = self.internet.exits
        found = self._ask(lambda: [asdict(visit) for exit_ in exits for visit in exit_.visits])
        return sorted(found, key=lambda visit: visit["at"])

    def requests(self) -> list[dict[str, Any]]:
        """Every request the web hosts saw, with its headers."""
        return self._ask(lambda: [asdict(seen) for seen in self.internet.sites.log])


def read_card(data_dir: Path) -> dict[str, Any]:
    """run/world.json of a world that is running. Raises Refused where none is."""
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads((data_dir / "run" / "world.json").read_text(encoding="utf-8"))
        return found
    raise Refused(
        "No synthetic internet is running here. Start one with: openhotline world serve", code="no-world"
    )
