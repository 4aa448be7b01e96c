"""The registers a trace asks: RDAP for the address, the domain and the system; WHOIS where RDAP gave nothing.

True here: one house moment asks one question of one registry once, however many traces want it. All of it goes
to registries, through the trace's vantage point, to vetted literals only. Not here: what answers mean
(`connectors/rdap`, `connectors/whois`), which addresses are asked about (`trace.py`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from openhotline import __version__
from openhotline.connectors.moment import Moment
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.exits import NoWay
from openhotline.connectors.probe.fetch import Header
from openhotline.connectors.probe.meaning import ListFacts, ListJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.walk import Walker, header
from openhotline.connectors.rdap import client as rdap
from openhotline.connectors.rdap import meaning as rdap_meaning
from openhotline.connectors.whois import client as whois
from openhotline.rules.facts import MethodAnswer

KEEP_S = 5.0  # real seconds in which one house moment's answer to one question is shared
WHOIS_PORT = 43
LIST_BYTES = 2 * 1024 * 1024
REFUSAL_BYTES = 4 * 1024
_WHOIS_TOOL = f"openhotline whois {__version__}"


class Registers:
    """The registers of one prober."""

    def __init__(self, config: ProbeConfig, names: Names, walker: Walker, known: rdap.Registries) -> None:
        self.config, self.names, self.walker, self.known = config, names, walker, known
        self._kept: dict[tuple[str, datetime], tuple[float, asyncio.Task[MethodAnswer]]] = {}

    async def address(self, literal: str, given: Moment) -> list[MethodAnswer]:
        """RDAP about one literal; and WHOIS too, if that gave nothing."""
        found = await self._once(
            f"ip {literal}",
            given,
            lambda elapsed: rdap.about(
                literal, registries=self.known, fetch=self._fetch(given.at), at=given.at, elapsed=elapsed
            ),
        )
        found = replace(found, addresses=(literal,))
        if found.ok or not self.config.tracing.whois:
            return [found]
        told = await self._whois(literal, given, literal)
        return [found, replace(told, addresses=(literal,) if told.ok else ())]

    async def domain(self, name: str, given: Moment) -> list[MethodAnswer]:
        """RDAP about a registered domain. WHOIS of a domain names its registrar and is not a vote: it is asked
        only where there is no RDAP, so that somebody can be reached."""
        found = await self._once(
            f"domain {name}",
            given,
            lambda elapsed: rdap.about_domain(
                name, registries=self.known, fetch=self._fetch(given.at), at=given.at, elapsed=elapsed
            ),
        )
        if found.ok or not self.config.tracing.whois:
            return [found]
        told = await self._whois(name, given, "")
        # Of a domain's text only its words are kept: its country is the registrant's, its mailbox the registrar's.
        spoken = replace(
            told,
            country="",
            network="",
            operator="",
            abuse_mail=(),
            asn=0,
            why=f"{told.why} It is about the name, not the server.".strip() if told.ok else told.why,
        )
        return [found, spoken]

    async def system(self, asn: int, given: Moment) -> MethodAnswer:
        """RDAP about an autonomous system."""
        return await self._once(
            f"AS{asn}",
            given,
            lambda elapsed: rdap.about_system(
                asn, registries=self.known, fetch=self._fetch(given.at), at=given.at, elapsed=elapsed
            ),
        )

    async def refresh(self, job: ListJob) -> ListFacts:
        """Fetch a registry list and, if it is sound, ask by it from now on."""

        def wanted(status: int, headers: list[Header]) -> int:
            return LIST_BYTES + 1 if status == 200 else 0

        walk = await self.walker.walk(
            job.url,
            vantage=self.config.trace_from,
            at=job.at,
            wanted=wanted,
            accept="application/json",
            ranged=False,
            insist_on_certificate=True,
        )
        body = walk.body.decode("utf-8", "replace")
        if walk.outcome != "answered" or walk.status != 200:
            why = walk.why or f"The server answered {walk.status}."
            return ListFacts(job.kind, job.url, job.at, ok=False, why=f"The list could not be fetched. {why}")
        try:
            if len(walk.body) > LIST_BYTES:
                raise ValueError("it is longer than 2 MiB")
            fresh = rdap.Registries().read(job.kind, walk.body)
        except ValueError as fault:
            return ListFacts(
                job.kind, job.url, job.at, ok=False, why=f"The list is not sound: {fault}.", body=body
            )
        self.known.take(job.kind, fresh)
        return ListFacts(
            job.kind,
            job.url,
            job.at,
            ok=True,
            published=fresh.published[job.kind],
            entries=fresh.count(),
            body=body,
        )

    async def _whois(self, question: str, given: Moment, literal: str) -> MethodAnswer:
        def connect(server: str) -> Awaitable[whois.Stream]:
            return self._connect(server, given.at)

        found = await self._once(
            f"whois {question}",
            given,
            lambda elapsed: whois.about(
                question,
                server=self.config.tracing.whois,
                connect=connect,
                at=given.at,
                timeout_s=self.config.limits.connect_s,
                address=literal,
                elapsed=elapsed,
            ),
        )
        return replace(found, tool=_WHOIS_TOOL)

    async def _connect(self, server: str, at: datetime) -> whois.Stream:
        """A stream to port 43 of a server that is named, every literal vetted. Raises OSError."""
        vantage = self.config.trace_from
        resolved = await self.names.resolve(vantage, server, at)
        if not resolved.vetted:
            raise OSError(resolved.why.rstrip(".") or "it has no address")
        try:
            sock = await self.walker.exits.connect(vantage, resolved.vetted[0], WHOIS_PORT)
        except NoWay as no:
            raise OSError(no.sentence.rstrip(".")) from None
        return await asyncio.open_connection(sock=sock)

    def _fetch(self, at: datetime) -> rdap.Fetch:
        async def fetch(url: str) -> rdap.Fetched:
            walk = await self.walker.walk(
                url,
                vantage=self.config.trace_from,
                at=at,
                wanted=self._wanted,
                accept=rdap_meaning.ACCEPT,
                ranged=False,
                insist_on_certificate=True,
            )
            end = walk.url or url
            if walk.outcome != "answered":
                return rdap.Fetched(None, f"The registry could not be asked. {walk.why}", url=end)
            if walk.status != 200:
                wait = header(walk.headers, "retry-after")
                why = f"The registry answered {walk.status}."
                return rdap.Fetched(None, why, walk.status, wait, end, said=walk.body)
            # A body that broke off is malformed JSON: read() says so and keeps it.
            return rdap.Fetched(walk.body, "", 200, url=end)

        return fetch

    def _wanted(self, status: int, headers: list[Header]) -> int:
        """An answer whole; of a refusal in words its beginning, to be kept."""
        kind = header(headers, "content-type").split(";", 1)[0].strip().lower()
        if kind.endswith("json") and status == 200:
            return self.config.limits.rdap_bytes + 1
        return REFUSAL_BYTES if kind.endswith("json") or kind.startswith("text/") else 0

    async def _once(
        self,
        question: str,
        given: Moment,
        ask: Callable[[Callable[[], float]], Awaitable[MethodAnswer]],
    ) -> MethodAnswer:
        """The answer to one question, shared with whoever asks it in the same moment; it keeps the time it came."""
        key, now = (question, given.at), time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEEP_S:
            if len(self._kept) > 512:
                self._kept = {k: v for k, v in self._kept.items() if now - v[0] <= KEEP_S}

            async def run() -> MethodAnswer:
                return await given.came(ask(lambda: round(time.monotonic() - now, 4)))

            kept = self._kept[key] = (now, asyncio.create_task(run()))
        return await asyncio.shield(kept[1])
