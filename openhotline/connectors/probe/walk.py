"""Follow an address hop by hop, every hop vetted anew, and say how it ended.

True here: only http and https, only the allowed ports, no user name in the address, at most five
redirects, one clock for all hops, no cookies, the header order of an ordinary browser. Not here: why the
address is looked at (`check.py`, `trace.py`).
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import can_ada

from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.fetch import Exchange, Fetcher, Header, Wanted
from openhotline.connectors.probe.names import Names, Resolved, literal_of

_REDIRECTS = (301, 302, 303, 307, 308)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AROUND = "".join(map(chr, range(0x21)))
_GONE = str.maketrans("", "", "\t\r\n")
_DEFAULT_PORT = {"http:": 80, "https:": 443}
MAX_URL = 128 * 1024
TRIES = 3  # vetted addresses tried before giving up


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


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart by the one parser, ready to be dialled."""

    url: str
    host: str
    port: int
    secure: bool


def header(headers: tuple[Header, ...] | list[Header], name: str) -> str:
    """The first header of that name, or ""."""
    return next((value for key, value in headers if key == name), "")


def join(base: str, reference: str) -> str:
    """`reference` as seen from the http(s) address `base`, for the one parser to read.

    The WHATWG rules for these two schemes: tabs and line ends vanish, a backslash is a slash, and
    "http:x" with the base's own scheme is relative. The parser's binding takes no base itself.
    """
    home = can_ada.parse(base)
    text = reference.strip(_AROUND).translate(_GONE)
    if scheme := _SCHEME.match(text):
        if scheme[0].lower() != home.protocol:
            return text
        text = text[scheme.end() :]
    head, slashes = text[:2].replace("\\", "/"), "//"
    if head == slashes:
        return home.protocol + slashes + text[2:]
    if head[:1] == "/":
        return home.origin + text
    if head[:1] in ("", "#"):
        return home.origin + home.pathname + home.search
    if head[:1] == "?":
        return home.origin + home.pathname + text
    return home.origin + home.pathname.rsplit("/", 1)[0] + "/" + text


def take_apart(text: str, ports: tuple[int, ...], base: str = "") -> Address | str:
    """Parse one address (WHATWG rules). A string is the sentence why it is not followed."""
    if len(text) > MAX_URL:
        return "The address is too long to be followed."
    try:
        url = can_ada.parse(join(base, text) if base else text)
    except (ValueError, UnicodeError, TypeError):
        return "The address cannot be parsed."
    if url.protocol not in _DEFAULT_PORT:
        return f"Only http and https are followed, not {url.protocol[:20]}"
    if url.username or url.password:
        return "The address carries a user name; it is not followed."
    port = int(url.port) if url.port else _DEFAULT_PORT[url.protocol]
    if port not in ports:
        return f"Port {port} is not one the house looks at."
    if not url.hostname:
        return "The address has no host."
    return Address(url.href.split("#", 1)[0], url.hostname, port, url.protocol == "https:")


class Walker:
    """Walks of one prober."""

    def __init__(self, config: ProbeConfig, exits: Exits, names: Names, fetcher: Fetcher) -> None:
        self.config, self.exits, self.names, self.fetcher = config, exits, names, fetcher

    async def walk(
        self,
        text: str,
        *,
        vantage: str,
        at: datetime,
        wanted: Wanted,
        referrer: str = "",
        accept: str = "",
        ranged: bool = True,
        insist_on_certificate: bool = False,
        again: Callable[[Exchange], bool] | None = None,
    ) -> Walk:
        """Follow `text`. `ranged` asks for the first byte only; if `again(exchange)` says so, the same
        hop is asked once more without a range. Never raises for what names or servers do."""
        limits = self.config.limits
        end = time.monotonic() + limits.total_s
        base, hops, notes = "", 0, ""
        while True:
            address = take_apart(text, self.config.ports, base)
            if isinstance(address, str):
                return Walk("blocked", address, url=base, hops=hops)
            resolved = await self.names.resolve(vantage, address.host, at)
            if resolved.outcome:
                return Walk(resolved.outcome, resolved.why, url=address.url, hops=hops, resolved=resolved)
            verify, with_range = True, ranged
            while True:
                got, peer = await self._hop(
                    address,
                    resolved,
                    vantage,
                    wanted,
                    self._headers(referrer, accept, with_range),
                    end,
                    verify,
                )
                if isinstance(got, NoWay):
                    return Walk(got.outcome, got.sentence, url=address.url, hops=hops, resolved=resolved)
                if got.fault == "certificate" and not insist_on_certificate and verify:
                    verify, notes = False, "Its certificate could not be verified."
                    continue
                if not got.fault and with_range and again and again(got):
                    with_range = False
                    continue
                break
            if got.fault:
                outcome = got.fault if got.fault in ("timeout", "cut-off") else "error"
                return Walk(outcome, got.why, url=address.url, hops=hops, peer=peer, resolved=resolved)
            target = header(got.headers, "location")
            if got.status not in _REDIRECTS or not target:
                why = " ".join(filter(None, (got.why, notes)))
                return Walk(
                    "answered",
                    why,
                    got.status,
                    tuple(got.headers),
                    got.body,
                    got.whole,
                    address.url,
                    hops,
                    peer,
                    resolved,
                )
            if hops == limits.redirects:
                why = f"It redirects more than {limits.redirects} times."
                return Walk(
                    "error", why, got.status, tuple(got.headers), url=address.url, hops=hops, peer=peer
                )
            base, text, hops = address.url, target, hops + 1

    async def _hop(
        self,
        address: Address,
        resolved: Resolved,
        vantage: str,
        wanted: Wanted,
        headers: list[str],
        end: float,
        verify: bool,
    ) -> tuple[Exchange | NoWay, str]:
        """One request to the first vetted address that takes a connection."""
        last = NoWay("timeout", "The look took longer than it may.")
        for to in resolved.vetted[:TRIES]:
            if end - time.monotonic() <= 0:
                break
            try:
                sock = await self.exits.connect(vantage, to, address.port)
            except NoWay as no:
                last = no
                continue
            got = await self.fetcher.get(
                address.url,
                over=sock,
                literal=to.literal,
                port=address.port,
                headers=headers,
                wanted=wanted,
                limits=self.config.limits,
                seconds=end - time.monotonic(),
                verify=verify and not literal_of(address.host),
            )
            return got, to.literal
        return last, ""

    def _headers(self, referrer: str, accept: str, ranged: bool) -> list[str]:
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
            lines.append("Referer: " + "".join(c for c in referrer if " " < c < "\x7f")[:8192])
        return [*lines, "Upgrade-Insecure-Requests: 1", "Connection: keep-alive"]  # libcurl puts it last
