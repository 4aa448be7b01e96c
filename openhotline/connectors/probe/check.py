"""Is it still there? One look, from one vantage point, with our own line proved by the canary.

True here: an answer is a status and headers; of text/html also the signs of its text (`page.py`); of any other type not a
byte is kept. What may have been refused to the range is asked for whole. Silence proves nothing where our own line is not
proved by the same IP version and port. Of a post a news server is asked only whether it has it. Without leave to send the
path only the name is looked up. Not here: what "gone" means (`rules/gone`), when to look again (the scheduler).
"""

import asyncio
import contextlib
import time
from datetime import datetime
from typing import Any

from openhotline.connectors.news import client as news
from openhotline.connectors.news.meaning import message_id
from openhotline.connectors.probe import short
from openhotline.connectors.probe.apart import Address, take_apart
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import ONION
from openhotline.connectors.probe.exits import NoWay
from openhotline.connectors.probe.fetch import Exchange, Header
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.page import Page, read_page
from openhotline.connectors.probe.walk import Walk, Walker, header
from openhotline.rules.facts import CheckFacts
from openhotline.rules.signs import elsewhere

CANARY_KEEP_S = 60.0
_REDIRECTS = range(300, 400)
_SILENT = ("refused", "timeout", "cut-off")
_ASKED_WHOLE = (404, 410, 416)  # what some servers say of a range, of what they serve whole


def is_html(headers: list[Header] | tuple[Header, ...]) -> bool:
    """True if the answer calls itself text/html."""
    return header(headers, "content-type").split(";", 1)[0].strip().lower() == "text/html"


class Checker:
    """Checks of one prober."""

    def __init__(self, config: ProbeConfig, names: Names, walker: Walker) -> None:
        self.config, self.names, self.walker = config, names, walker
        self._canaries: dict[tuple[str, int, int], tuple[datetime, float, asyncio.Task[int]]] = {}

    async def check(self, job: CheckJob, address: Address | str | None = None) -> CheckFacts:
        """Look once. Never raises for what names or servers do. `address`: the job's, where it is taken apart already."""
        started = time.monotonic()
        if job.vantage not in self.config.vantages:
            return _facts(
                job, started, "blocked", why="This prober has no such vantage point.", canary_up=False
            )
        canary = self._canary(job.vantage, job.at)
        if job.canonical.startswith("news:"):
            seen_there = await self._post(job)
            return _facts(job, started, canary_up=bool(await asyncio.shield(canary)), **seen_there)
        if address is None:
            address = take_apart(job.canonical, self.config.ports)
        if isinstance(address, str):
            up = bool(await asyncio.shield(canary))
            return _facts(job, started, "blocked", why=address, canary_up=up)
        if not job.allow_path:
            seen = await self.names.resolve(job.vantage, address.host, job.at)
            why = seen.why or (
                f"{_leads(seen.addresses)} No request was sent: "
                "an analyst must open the item and allow it first."
            )
            up = bool(await asyncio.shield(canary))
            return _facts(job, started, seen.outcome or "blocked", why=why, canary_up=up)
        walk = await self.walker.walk(
            address,
            vantage=job.vantage,
            at=job.at,
            wanted=self._wanted,
            referrer=job.referrer,
            cookie=job.cookie,
            steps=job.steps,
            again=_worth_asking_whole,
        )
        kind = header(walk.headers, "content-type")
        page = Page()
        if walk.body and is_html(walk.headers):
            complete = walk.whole or len(walk.body) >= self._cap
            page = read_page(walk.body, kind, complete=complete, words=self.config.signs)
        why = walk.why or (f"After {walk.hops} redirect(s)." if walk.hops else "")
        proved = canary.result() if canary.done() else await asyncio.shield(canary)
        if proved and walk.outcome in _SILENT and (lacks := await self._unproved(job, walk, proved)):
            proved, why = 0, f"{why} {lacks}"
        return _facts(
            job,
            started,
            walk.outcome,
            canary_up=bool(proved),
            why=why,
            status=walk.status,
            location=_led_to(walk),
            content_type=kind,
            length=_number(header(walk.headers, "content-length")),
            size=whole_size(walk.status, walk.headers),
            title=page.title,
            fingerprint=page.fingerprint,
            simhash=page.simhash,
            words=page.words,
            signs=page.signs,
            signs_version=self.config.signs.version,
            peer=walk.peer,
            headers=walk.headers,
        )

    async def _post(self, job: CheckJob) -> dict[str, Any]:
        """Whether the news server has the post: outcome, status and a sentence. One STAT; no article comes."""
        wanted = message_id(job.canonical)
        if not job.allow_path or not job.server or not wanted:
            return {"outcome": "blocked", "why": "No question was sent: it names no post, or no news server."}
        connect = short.way(self.names, self.walker, job.vantage, job.at)
        outcome, status, why = await news.has(
            wanted, server=job.server, connect=connect, timeout_s=self.config.limits.connect_s
        )
        return {"outcome": outcome, "status": status, "why": why}

    @property
    def _cap(self) -> int:
        return self.config.limits.html_bytes

    def _wanted(self, status: int, headers: list[Header]) -> int:
        """Only a page is read, and not one byte of it: that one is asked for again, whole."""
        return self._cap if is_html(headers) and status not in _REDIRECTS and status != 206 else 0

    async def _unproved(self, job: CheckJob, walk: Walk, proved: int) -> str:
        """Why the silence of what was asked proves nothing, although the canary answers by the IP version `proved`: a line
        that carries one version, or one port, and drops the other would make every site of the other look silent."""
        asked = {to.version for to in walk.resolved.vetted} - {ONION} if walk.resolved else set()
        canary = take_apart(self.config.canary, self.config.ports)
        there = take_apart(walk.url, self.config.ports)
        if isinstance(canary, str) or isinstance(there, str):
            return ""
        for version in sorted(asked):
            known = version == proved and there.port == canary.port
            if not known and not await asyncio.shield(self._canary(job.vantage, job.at, version, there.port)):
                return (
                    f"Our own line is not proved by IPv{version} on port {there.port}: "
                    "the canary takes no connection there."
                )
        return ""

    def _canary(self, vantage: str, at: datetime, version: int = 0, port: int = 0) -> asyncio.Task[int]:
        """The look at our own page that belongs to this moment, shared for a minute of house time: the IP version by which
        it answered, 0 if it did not. `version`, `port`: a connection by that version to that port alone."""
        kept, now = self._canaries.get((vantage, version, port)), time.monotonic()
        if (
            kept is None
            or abs((at - kept[0]).total_seconds()) > CANARY_KEEP_S
            or now - kept[1] > CANARY_KEEP_S
        ):
            look = (
                self._connect_to_canary(vantage, at, version, port)
                if version
                else self._look_at_canary(vantage, at)
            )
            kept = self._canaries[vantage, version, port] = (at, now, asyncio.create_task(look))
        return kept[2]

    async def _look_at_canary(self, vantage: str, at: datetime) -> int:
        """Nobody else's page will do: not one behind a certificate that is not the canary's, as a proxy that opens TLS shows
        it, nor one it was led away to, as portals lead."""
        if not self.config.canary:
            return 0
        walk = await self.walker.walk(
            self.config.canary,
            vantage=vantage,
            at=at,
            wanted=lambda _status, _headers: 0,
            insist_on_certificate=True,
        )
        if walk.outcome != "answered" or not 200 <= walk.status < 300:
            return 0
        if elsewhere(self.config.canary, walk.url):
            return 0
        return 6 if ":" in walk.peer else 4

    async def _connect_to_canary(self, vantage: str, at: datetime, version: int, port: int) -> int:
        """Enough to prove the line: what stands there was seen by the other version."""
        address = take_apart(self.config.canary, self.config.ports)
        if isinstance(address, str):
            return 0
        resolved = await self.names.resolve(vantage, address.host, at)
        for to in resolved.vetted:
            if to.version == version:
                with contextlib.suppress(NoWay):
                    (await self.walker.exits.connect(vantage, to, port)).close()
                    return version
        return 0


def _leads(addresses: tuple[str, ...]) -> str:
    if not addresses:
        return "An onion name leads to no address."
    return f"The name leads to {', '.join(addresses[:4])}."


def _led_to(walk: Walk) -> str:
    """Where it ended, if it was led away; what a page that is shown says of its own address is no redirect."""
    if walk.hops:
        return walk.url
    return header(walk.headers, "location") if walk.status in _REDIRECTS else ""


def _worth_asking_whole(got: Exchange) -> bool:
    """A page of which one byte came, and what the range itself may have been refused for: no miss rests on that.

    A server that honours the range costs a second request. To ask whole at once for what was a page last time
    would save it, and would fetch more than one byte of a picture on the day the page has become one (3e, L2)."""
    return got.status in _ASKED_WHOLE or (got.status == 206 and is_html(got.headers))


def whole_size(status: int, headers: list[Header] | tuple[Header, ...]) -> int | None:
    """The size of the whole thing: of a range what stands after the slash, else the length. None if not said.

    An encoded answer's length says nothing about the thing.
    """
    if status == 206:
        return _number(header(headers, "content-range").rpartition("/")[2])
    if header(headers, "content-encoding"):
        return None
    return _number(header(headers, "content-length"))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _facts(
    job: CheckJob, started: float, outcome: str, *, canary_up: bool, why: str, **seen: Any
) -> CheckFacts:
    return CheckFacts(
        canonical=job.canonical,
        vantage=job.vantage,
        at=job.at,
        outcome=outcome,
        path_variant=job.variant,
        canary_up=canary_up,
        why=why,
        seconds=round(time.monotonic() - started, 4),
        **seen,
    )
