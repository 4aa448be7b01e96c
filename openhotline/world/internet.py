"""All servers of the synthetic internet on one event loop, and the card that says where they are.

True here: everything listens on loopback or on Unix sockets in the house's run directory; run/world.json,
readable by its owner only, says where and is taken away at the end. Time is the house's world clock and is
read at each request. Not here: starting and stopping as a process or in a thread (`serve.py`).
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from openhotline.clock import WorldClock
from openhotline.world import atlas, onions, places
from openhotline.world.behaviour import Behaviours
from openhotline.world.cdn import Cdn
from openhotline.world.control import Control
from openhotline.world.dns import DnsTalk, Zones
from openhotline.world.exchange import USER, Exchange
from openhotline.world.exit import NO_HOST, NO_NETWORK, REFUSED, Exit
from openhotline.world.journal import Journal
from openhotline.world.mail import Post
from openhotline.world.news import NewsTalk
from openhotline.world.onions import Onions
from openhotline.world.partners import Partner
from openhotline.world.rdap import Registry
from openhotline.world.scenario import Scenario
from openhotline.world.sites import Sites
from openhotline.world.talk import HttpTalk
from openhotline.world.tls import Certificates, TlsTalk
from openhotline.world.truth import Truth
from openhotline.world.whois import Whois, WhoisTalk

# What is known of the world's proxies, in the form of policy/proxies.toml.
PROXIES = f"""version = "world"
[[range]]
prefix = "{places.EDGE.prefix}"
name = "{places.EDGE.operator}"
[[range]]
prefix = "{places.EDGE.prefix6}"
name = "{places.EDGE.operator}"
[[sign]]
header = "x-world-edge"
name = "{places.EDGE.operator}"
"""
LOOPBACK = "127.0.0.1"
_SOCKETS = {
    places.NORTH: "world-exit.sock",
    places.SOUTH: "world-exit-south.sock",
    places.WEST: "world-exit-west.sock",
}
# How the prober is to ask at each; a real house has both kinds too.
_WAYS = {places.NORTH: "socks5-unix", places.SOUTH: "socks5-unix", places.WEST: "connect-unix"}


class Internet:
    """All servers of one world, on one event loop."""

    def __init__(
        self,
        data_dir: Path,
        scenario: Scenario,
        *,
        clock: WorldClock,
        lasting: bool = True,
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        """`lasting`: what has happened is kept in the data directory and found again by the next start.

        `ports`: of the mail server and of the partner hotline, for a house that was told them before; 0: any.
        """
        self._ports = ports
        self.data_dir, self.scenario, self.clock = data_dir, scenario, clock
        self.now: Callable[[], datetime] = clock.now
        self.behaviours = Behaviours()
        folder = data_dir / "world"
        folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(folder / _journal_name(scenario) if lasting else None)
        self.truth = Truth(scenario, self.journal)
        self.zones = Zones(self.truth, self.behaviours, self.now)
        self.registry = Registry(self.truth, self.behaviours, self.now)
        self.sites = Sites(self.truth, self.now)
        self.post = Post(self.truth, self.behaviours, self.journal, self.now)
        self.partner = Partner(self.truth, self.behaviours, self.journal, self.now)
        self.exchange = Exchange(self.truth, self.behaviours, self.journal, self.now)
        self.whois = Whois(self.truth, self.behaviours, self.now)
        self.certificates = Certificates(self.behaviours, self.now, self._held)
        self.onions = Onions(self.behaviours)
        self.cdn = Cdn(self.truth, self.behaviours, self.now)
        self.exits = tuple(Exit(vantage, self._door, self.now) for vantage in places.VANTAGES)
        self.onion_exits = tuple(
            Exit(vantage, self._onion_door, self.now, onions=True) for vantage in places.ONIONS
        )
        for exit_ in self.exits:
            exit_.delay = partial(self._delay, exit_.vantage)
        self.control = Control(
            self.truth,
            self.behaviours,
            self.post,
            self.partner,
            self.exchange,
            self.sites,
            self.exits,
            self.now,
        )
        self.card: dict[str, Any] = {}
        self._smtp: asyncio.Server | None = None
        self._runners: list[web.AppRunner] = []

    def _door(self, literal: str, port: int, vantage: str) -> asyncio.Protocol | int:
        """The server that plays (literal, port), or a SOCKS5 reply code."""
        if self.behaviours.of("line", vantage) == "down":
            return NO_NETWORK
        if literal in (places.NAME_SERVER, places.NAME_SERVER_2) and port == 53:
            return DnsTalk(self.zones, literal)
        if port == 43 and literal in (places.WHOIS_ROOT, places.WHOIS):
            return WhoisTalk(self.whois.root if literal == places.WHOIS_ROOT else self.whois.registry)
        if port == 119 and literal in places.NEWS_SERVERS.values():
            return NewsTalk(literal, self.behaviours)
        if port not in (80, 443) or self.truth.network(literal) is None:
            return REFUSED
        talk = HttpTalk(
            literal,
            vantage,
            self.registry.respond if literal == places.REGISTRY_ADDRESS else self.sites.respond,
        )
        if port == 80:
            return talk
        if places.REGISTRY.holds(literal):
            return REFUSED
        return TlsTalk(self.certificates, literal, talk)

    def _onion_door(self, name: str, port: int, vantage: str) -> asyncio.Protocol | int:
        """As `_door`, and the services that have a name and no address."""
        if not name.endswith(".onion"):
            return self._door(name, port, vantage)
        known = name == onions.NAME and port == 80 and self.behaviours.of("line", vantage) != "down"
        return HttpTalk(name, vantage, self.onions.respond) if known else NO_HOST

    def _held(self, host: str, literal: str) -> bool:
        """Whether a name leads to an address now."""
        return literal in (self.zones.literals(host, self.now()) or ())

    def _delay(self, vantage: str, literal: str) -> float:
        """How long light takes there and back, and a little; nothing for name servers and registries."""
        network = self.truth.network(literal)
        if network is None or network.key == places.REGISTRY.key or vantage not in places.PLACES:
            return 0.0
        there = places.CAPITALS.get(network.country)
        far = places.distance_km(places.PLACES[vantage], there) if there else places.NOWHERE_KM
        return 2 * far * 1.2 / places.FIBRE_KM_S

    async def start(self) -> dict[str, Any]:
        """Start every server; returns what run/world.json says. Raises OSError."""
        run = self.data_dir / "run"
        run.mkdir(parents=True, exist_ok=True)
        origin, location = atlas.write(
            self.data_dir / "world", self.scenario.networks, start=self.scenario.start
        )
        for exit_ in self.exits:
            await exit_.start(run / _SOCKETS[exit_.vantage])
        for exit_ in self.onion_exits:
            await exit_.start(run / f"world-exit-{exit_.vantage}.sock")
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self.post.protocol, LOOPBACK, self._ports[0])
        smtp_port = self._smtp.sockets[0].getsockname()[1]
        partner = await self._listen(self.partner.app(), self._ports[1])
        exchange = await self._listen(self.exchange.app())
        control = await self._listen(self.control.app())
        cdn = await self._listen(self.cdn.app())
        proxies = self.data_dir / "world" / "proxies.toml"
        proxies.write_text(PROXIES, "utf-8")
        self.card = {
            "pid": os.getpid(),
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "start": self.scenario.start.isoformat(),
            "sites": len(self.scenario.sites),
            "exits": {exit_.vantage: str(run / _SOCKETS[exit_.vantage]) for exit_ in self.exits},
            "ways": {
                exit_.vantage: [_WAYS[exit_.vantage], str(run / _SOCKETS[exit_.vantage])]
                for exit_ in self.exits
            },
            "onion": {
                "exits": {
                    exit_.vantage: str(run / f"world-exit-{exit_.vantage}.sock") for exit_ in self.onion_exits
                },
                "address": onions.ADDRESS,
            },
            "places": {exit_.vantage: places.STANDS_IN[exit_.vantage] for exit_ in self.exits},
            "resolver": {"address": places.NAME_SERVER, "port": 53, "transport": "tcp"},
            "resolvers": [
                {"address": address, "port": 53, "transport": "tcp"}
                for address in (places.NAME_SERVER, places.NAME_SERVER_2)
            ],
            "whois": places.WHOIS_ROOT_NAME,
            "registry_lists": f"http://{places.REGISTRY_NAME}/bootstrap",
            "news": list(places.NEWS_SERVERS),
            "stand_at": {name: list(place) for name, place in places.PLACES.items()},
            "proxies": str(proxies),
            "cdn": {"name": places.EDGE.operator, "url": cdn, "token": self.cdn.token},
            "rdap": f"http://{places.REGISTRY_NAME}",
            "canary": places.CANARY_URL,
            "mmdb": {"origin": str(origin), "location": str(location)},
            "licence": "made up, free to use",
            "smtp": {"host": LOOPBACK, "port": smtp_port},
            "partner": {"country": places.PARTNER_COUNTRY, "url": partner, "token": self.partner.token},
            "exchange": {"url": exchange, "user": USER, "password": self.exchange.password},
            "police": {
                "domain": places.POLICE_DOMAIN,
                "units": {key: {"mail": mail, "phone": phone} for key, (mail, phone) in places.UNITS.items()},
            },
            "control": {"url": control, "token": self.control.token},
        }
        temp = run / "world.json.new"
        temp.unlink(missing_ok=True)
        handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(self.card, file, indent=1)
        temp.replace(run / "world.json")
        return self.card

    async def _listen(self, app: web.Application, port: int = 0) -> str:
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, LOOPBACK, port)
        await site.start()
        port = runner.addresses[0][1]
        return f"http://{LOOPBACK}:{port}"

    async def stop(self) -> None:
        """Stop every server and take the card away."""
        (self.data_dir / "run" / "world.json").unlink(missing_ok=True)
        for exit_ in (*self.exits, *self.onion_exits):
            await exit_.stop()
        if self._smtp is not None:
            self._smtp.close()
        for runner in self._runners:
            await runner.cleanup()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self.journal.close()


def _journal_name(scenario: Scenario) -> str:
    """Another scenario, seed or bundle is another world, with a past of its own."""
    digest = hashlib.sha256(repr(scenario).encode()).hexdigest()[:12]
    return f"journal-{scenario.name}-{digest}.jsonl"
