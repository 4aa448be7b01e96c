"""Is it still there? One look, from one vantage point, with our own line proved by the canary.

True here: an answer is a status and headers; of text/html also the signs of its text (`page.py`); of any other
type not a byte is kept. Of a post a news server is asked only whether it has it. Without leave to send the path only the name is looked up. Not here: what "gone"
means (`rules/gone`), when to look again (the scheduler).
"""

import asyncio
import time
from datetime import datetime
from typing import Any

from openhotline.connectors.news import client as news
from openhotline.connectors.news.meaning import message_id
from openhotline.connectors.probe import short
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.fetch import Exchange, Header
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.page import Page, read_page
from openhotline.connectors.probe.walk import Walker, header, take_apart
from openhotline.rules.facts import CheckFacts

CANARY_KEEP_S = 60.0
_REDIRECTS = range(300, 400)


def is_html(headers: list[Header] | tuple[Header, ...]) -> bool:
    """True if the answer calls itself text/html."""
    return header(headers, "content-type").split(";", 1)[0].strip().lower() == "text/html"


class Checker:
    """Checks of one prober."""

    def __init__(self, config: ProbeConfig, names: Names, walker: Walker) -> None:
        self.config, self.names, self.walker = config, names, walker
        self._canaries: dict[str, tuple[datetime, float, asyncio.Task[bool]]] = {}

    async def check(self, job: CheckJob) -> CheckFacts:
        """Look once. Never raises for what names or servers do."""
        started = time.monotonic()
        if job.vantage not in self.config.vantages:
            return _facts(
                job, started, "blocked", why="This prober has no such vantage point.", canary_up=False
            )
        canary = self._canary(job.vantage, job.at)
        if job.canonical.startswith("news:"):
            seen_there = await self._post(job)
            return _facts(job, started, canary_up=await asyncio.shield(canary), **seen_there)
        address = take_apart(job.canonical, self.config.ports)
        if isinstance(address, str):
            return _facts(job, started, "blocked", why=address, canary_up=await asyncio.shield(canary))
        if not job.allow_path:
            seen = await self.names.resolve(job.vantage, address.host, job.at)
            why = seen.why or (
                f"{_leads(seen.addresses)} No request was sent: "
                "an analyst must open the item and allow it first."
            )
            return _facts(
                job, started, seen.outcome or "blocked", why=why, canary_up=await asyncio.shield(canary)
            )
        walk = await self.walker.walk(
            job.canonical,
            vantage=job.vantage,
            at=job.at,
            wanted=self._wanted,
            referrer=job.referrer,
            cookie=job.cookie,
            steps=job.steps,
            again=_one_byte_of_a_page,
        )
        kind = header(walk.headers, "content-type")
        page = Page()
        if walk.body and is_html(walk.headers):
            complete = walk.whole or len(walk.body) >= self._cap
            page = read_page(walk.body, kind, complete=complete, words=self.config.signs)
        why = walk.why or (f"After {walk.hops} redirect(s)." if walk.hops else "")
        return _facts(
            job,
            started,
            walk.outcome,
            canary_up=canary.result() if canary.done() else await asyncio.shield(canary),
            why=why,
            status=walk.status,
            location=walk.url if walk.hops else header(walk.headers, "location"),
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

    def _canary(self, vantage: str, at: datetime) -> asyncio.Task[bool]:
        """The look at our own page that belongs to this moment: shared for a minute of house time."""
        kept, now = self._canaries.get(vantage), time.monotonic()
        if (
            kept is None
            or abs((at - kept[0]).total_seconds()) > CANARY_KEEP_S
            or now - kept[1] > CANARY_KEEP_S
        ):
            kept = self._canaries[vantage] = (at, now, asyncio.create_task(self._look_at_canary(vantage, at)))
        return kept[2]

    async def _look_at_canary(self, vantage: str, at: datetime) -> bool:
        if not self.config.canary:
            return False
        walk = await self.walker.walk(
            self.config.canary, vantage=vantage, at=at, wanted=lambda _status, _headers: 0
        )
        return walk.outcome == "answered" and 200 <= walk.status < 300


def _leads(addresses: tuple[str, ...]) -> str:
    if not addresses:
        return "An onion name leads to no address."
    return f"The name leads to {', '.join(addresses[:4])}."


def _one_byte_of_a_page(got: Exchange) -> bool:
    """A server that honours the range costs a second request. To ask whole at once for what was a page last time
    would save it, and would fetch more than one byte of a picture on the day the page has become one (3e, L2)."""
    return got.status == 206 and is_html(got.headers)


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
