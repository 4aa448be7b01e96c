"""Follow an address hop by hop, every hop vetted anew, and say how it ended.

True here: only http and https, only the allowed ports, no user name in the address, at most five
redirects, one clock for all hops, the header order of an ordinary browser. No cookie but the one recorded
for this item's path, to its own host only; what a server sets is not kept. Pages that must be visited first
are visited like any other. Not here: how an address is read (`apart.py`), why the address is looked at (`check.py`, `trace.py`).
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from openhotline.connectors.probe.apart import Address, as_text, take_apart
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import ONION, Vetted
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.fetch import Exchange, Fetcher, Header, Wanted
from openhotline.connectors.probe.names import Names, Resolved, literal_of
from openhotline.connectors.probe.turns import Turns

_REDIRECTS = (301, 302, 303, 307, 308)
_TOO_MANY = (429, 503)
_NOT_THERE = (404, 410)
_CHANCE = random.SystemRandom()
_NOWHERE = "0.0.0.0"  # noqa: S104  what libcurl is told in place of an onion, which it will not hear of
TRIES = 3  # vetted addresses tried before giving up: the first, one of the other kind, and one by chance


@dataclass(frozen=True, slots=True)
class Walk:
    """How a walk ended. `outcome` is one of CheckFacts' outcomes."""

    outcome: str
    why: str = ""
    status: int = 0
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    whole: bool = False
    url: str = ""  # where the walk ended
    hops: int = 0
    peer: str = ""
    resolved: Resolved | None = None
    refused: bool = False  # by our own rules, before anything was sent to where it leads


@dataclass(frozen=True, slots=True)
class Ask:
    """How the pages of one walk are asked for. `end` is monotonic and moves with the waits for turns."""

    vantage: str
    at: datetime
    wanted: Wanted
    end: float
    referrer: str = ""
    cookie: str = ""
    cookie_host: str = ""
    accept: str = ""
    ranged: bool = True
    insist_on_certificate: bool = False
    again: Callable[[Exchange], bool] | None = None


def header(headers: tuple[Header, ...] | list[Header], name: str) -> str:
    """The first header of that name, or ""."""
    return next((value for key, value in headers if key == name), "")


def tried(vetted: tuple[Vetted, ...]) -> tuple[Vetted, ...]:
    """The addresses of a name that one look tries. Over many looks it is all of them, so that a name whose first
    addresses are dead is not called silent while others answer."""
    if len(vetted) <= TRIES:
        return vetted
    first, *rest = vetted
    _CHANCE.shuffle(rest)
    rest.sort(key=lambda to: to.version == first.version)
    other, *rest = rest
    return (first, other, *_CHANCE.sample(rest, TRIES - 2))


def asks_for_rest(got_headers: list[Header] | tuple[Header, ...], status: int) -> float:
    """How many seconds an answer asks to be left alone; 0 if it does not."""
    if status not in _TOO_MANY:
        return 0.0
    said = header(got_headers, "retry-after").strip()
    if said.isascii() and said.isdecimal() and len(said) < 9:
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 60.0 if status == 429 else 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


class Walker:
    """Walks of one prober."""

    def __init__(
        self,
        config: ProbeConfig,
        exits: Exits,
        names: Names,
        fetcher: Fetcher,
        turns: Turns | None = None,
    ) -> None:
        self.config, self.exits, self.names, self.fetcher = config, exits, names, fetcher
        self.turns = turns or Turns(config.limits, polite=config.polite)

    async def walk(
        self,
        text: str | Address,
        *,
        vantage: str,
        at: datetime,
        wanted: Wanted,
        referrer: str = "",
        cookie: str = "",
        steps: tuple[str, ...] = (),
        accept: str = "",
        ranged: bool = True,
        insist_on_certificate: bool = False,
        again: Callable[[Exchange], bool] | None = None,
    ) -> Walk:
        """Follow `text`, an address or one taken apart. `ranged` asks for the first byte only; if `again(exchange)` says so, the same
        hop is asked once more without a range. `steps` are visited before, each naming the one before it
        as its referrer. Never raises for what names or servers do."""
        first = take_apart(text, self.config.ports) if isinstance(text, str) else text
        ask = Ask(
            vantage,
            at,
            wanted,
            time.monotonic() + self.config.limits.total_s,
            referrer,
            cookie,
            "" if isinstance(first, str) else first.host,
            accept,
            ranged,
            insist_on_certificate,
            again,
        )
        if len(steps) > self.config.limits.steps:
            return Walk("blocked", f"A path of more than {self.config.limits.steps} steps is not walked.")
        before = kept_out = ""
        for number, step in enumerate(steps, 1):
            on_the_way = replace(ask, wanted=_nothing, referrer=before, again=None)
            seen, end = await self._follow(take_apart(step, self.config.ports), on_the_way)
            ask = replace(ask, end=end)
            if seen.outcome != "answered":
                # No miss may rest on a page that was not itself looked at.
                outcome = "blocked" if seen.outcome == "blocked" else "error"
                return replace(seen, outcome=outcome, why=f"Step {number} of its path failed. {seen.why}")
            if seen.status >= 400 and seen.status not in _NOT_THERE and not kept_out:
                kept_out = f"Step {number} of its path was not shown ({seen.status})."
            before = step
        if before and not referrer:
            ask = replace(ask, referrer=before)
        found = (await self._follow(first, ask))[0]
        if kept_out and not 200 <= found.status < 300:
            # Who was stopped on the way has not come by it: that it is not there for us proves nothing.
            return replace(found, outcome="error", why=f"{kept_out} {found.why}".strip())
        return found

    async def _follow(self, address: Address | str, ask: Ask) -> tuple[Walk, float]:
        """(how it ended, the time by which the rest of the walk must end)."""
        limits = self.config.limits
        base, hops, end = "", 0, ask.end
        while True:
            if isinstance(address, str):
                return Walk("blocked", address, url=base, hops=hops, refused=True), end
            resolved = await self.names.resolve(ask.vantage, address.host, ask.at)
            if resolved.outcome:
                ended = Walk(resolved.outcome, resolved.why, url=address.url, hops=hops, resolved=resolved)
                return replace(ended, refused=resolved.refused), end
            got, peer, end, notes = await self._page(address, resolved, ask, end)
            if isinstance(got, NoWay):
                ended = Walk(got.outcome, got.sentence, url=address.url, hops=hops, resolved=resolved)
                return ended, end
            if got.fault:
                outcome = got.fault if got.fault in ("timeout", "cut-off") else "error"
                return Walk(outcome, got.why, url=address.url, hops=hops, peer=peer, resolved=resolved), end
            headers, target = tuple(got.headers), header(got.headers, "location")
            if got.status not in _REDIRECTS or not target:
                why = " ".join(filter(None, (got.why, *notes)))
                status, body, whole = got.status, got.body, got.whole
                ended = Walk("answered", why, status, headers, body, whole, address.url, hops, peer, resolved)
                return ended, end
            if hops == limits.redirects:
                why = f"It redirects more than {limits.redirects} times."
                return Walk("error", why, got.status, headers, url=address.url, hops=hops, peer=peer), end
            base, hops = address.url, hops + 1
            address = take_apart(as_text(target), self.config.ports, base)

    async def _page(
        self, address: Address, resolved: Resolved, ask: Ask, end: float
    ) -> tuple[Exchange | NoWay, str, float, list[str]]:
        """One page, asked for again without a range or without a proved certificate where that helps.

        What a second request did not get takes nothing away from what the first one saw."""
        verify, ranged, first = True, ask.ranged, None
        notes: list[str] = []
        while True:
            try:
                async with self.turns.turn(address.host, ask.vantage) as waited:
                    end += waited
                    headers = self.headers(
                        address,
                        referrer=ask.referrer,
                        cookie=ask.cookie if address.host == ask.cookie_host else "",
                        accept=ask.accept,
                        ranged=ranged,
                    )
                    got, peer = await self._hop(address, resolved, ask, headers, end, verify)
            except NoWay as no:
                if first is None:
                    return no, "", end, notes
                # Its manners leave no second request for a long time (an onion): what the first one said stands.
                notes.append("The page itself was not read: its next request may not leave for long.")
                return *first, end, notes
            if first is not None and first[0].status == 206 and (isinstance(got, NoWay) or got.fault):
                notes.append("It gave a byte of the page, and then not the page.")
                return *first, end, notes
            if isinstance(got, NoWay):
                return got, peer, end, notes
            if got.fault == "certificate" and not ask.insist_on_certificate and verify:
                verify = False
                notes.append("Its certificate could not be verified.")
                continue
            if seconds := asks_for_rest(got.headers, got.status):
                self.turns.rest(address.host, ask.vantage, seconds)
                notes.append(f"It asks to be left alone for {seconds:.0f} seconds ({got.status}).")
            elif not got.fault and ranged and ask.again and ask.again(got):
                ranged, first = False, (got, peer)
                continue
            return got, peer, end, notes

    async def _hop(
        self,
        address: Address,
        resolved: Resolved,
        ask: Ask,
        headers: list[str],
        end: float,
        verify: bool,
    ) -> tuple[Exchange | NoWay, str]:
        """One request to the first vetted address that takes a connection."""
        last = NoWay("timeout", "The look took longer than it may.")
        for to in tried(resolved.vetted):
            if end - time.monotonic() <= 0:
                break
            try:
                sock = await self.exits.connect(ask.vantage, to, address.port)
            except NoWay as no:
                last = no
                continue
            got = await self.fetcher.get(
                address.url,
                over=sock,
                literal=_NOWHERE if to.version == ONION else to.literal,
                port=address.port,
                headers=headers,
                wanted=ask.wanted,
                limits=self.config.limits,
                seconds=end - time.monotonic(),
                verify=verify and not literal_of(address.host),
            )
            return got, "" if to.version == ONION else to.literal
        return last, ""

    def headers(
        self,
        address: Address,
        *,
        referrer: str = "",
        cookie: str = "",
        accept: str = "",
        ranged: bool = True,
    ) -> list[str]:
        """What an ordinary browser sends, in its order, and nothing of ours."""
        lines = [
            f"User-Agent: {self.config.user_agent}",
            f"Accept: {accept or 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'}",
            "Accept-Language: en-US,en;q=0.5",
            "Accept-Encoding: gzip, deflate, br",
        ]
        if ranged:
            lines.append("Range: bytes=0-0")
        if referrer:
            lines.append("Referer: " + _one_line(referrer, " "))
        if cookie:
            lines.append("Cookie: " + _one_line(cookie, "\x1f"))
        return [*lines, "Upgrade-Insecure-Requests: 1", "Connection: keep-alive"]  # libcurl puts it last


def _nothing(_status: int, _headers: list[Header]) -> int:
    return 0


def _one_line(text: str, above: str) -> str:
    """A header's value out of a hostile string: printable ASCII above a character, and not too much."""
    return "".join(c for c in text if above < c < "\x7f")[:8192]
