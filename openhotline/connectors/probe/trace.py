"""Where is it held? Four methods, each answering for itself; one that fails says so and stops no other.

True here: methods "dns", "rdap", "origin-network", "location", always in that order, always all four.
Nothing here touches the reported server: names go to resolvers, addresses to registries and files. A name
that does not exist is an answer (ok, "NXDOMAIN"), not a failure. Not here: the vote (`rules/trace_vote`).
"""

import asyncio
import time
from datetime import datetime

from openhotline.connectors.geo.client import LOCATION, ORIGIN, Atlas
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.fetch import Header
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.connectors.probe.names import Names, Resolved, literal_of
from openhotline.connectors.probe.walk import Walker
from openhotline.connectors.rdap import client as rdap_client
from openhotline.connectors.rdap import meaning as rdap_meaning
from openhotline.rules.facts import MethodAnswer, TraceFacts

DNS = "dns"
KEEP_S = 5.0  # real seconds in which one house moment's answers about one host are shared


class Tracer:
    """Traces of one prober."""

    def __init__(
        self,
        config: ProbeConfig,
        names: Names,
        walker: Walker,
        atlas: Atlas,
        registries: rdap_client.Registries,
    ) -> None:
        self.config, self.names, self.walker, self.atlas = config, names, walker, atlas
        self.registries = registries
        self._kept: dict[tuple[str, datetime], tuple[float, asyncio.Task[tuple[MethodAnswer, ...]]]] = {}
        self._all = asyncio.Semaphore(config.limits.in_flight)

    async def trace(self, job: TraceJob) -> TraceFacts:
        """All methods' answers. Never raises for what names, registries or files do."""
        host = job.host.rstrip(".").lower()
        key, now = (host, job.at), time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEEP_S:
            self._kept = {k: v for k, v in self._kept.items() if now - v[0] <= KEEP_S}
            kept = self._kept[key] = (now, asyncio.create_task(self._trace(host, job.at)))
        return TraceFacts(job.canonical, job.host, job.at, await asyncio.shield(kept[1]))

    async def _trace(self, host: str, at: datetime) -> tuple[MethodAnswer, ...]:
        started = time.monotonic()
        vantage = self.config.trace_from
        async with self._all:
            resolved, servers = await asyncio.gather(
                self.names.resolve(vantage, host, at), self._name_servers(vantage, host)
            )
            dns = _dns_answer(resolved, servers, time.monotonic() - started)
            if not resolved.vetted:
                why = resolved.why or "There is no address to ask about."
                return (dns, *(MethodAnswer(m, ok=False, why=why) for m in ("rdap", ORIGIN, LOCATION)))
            literals = [to.literal for to in resolved.vetted]
            rdap = await self._rdap(literals[0], at)
        return (dns, rdap, *self.atlas.about(literals, at=at))

    async def _rdap(self, literal: str, at: datetime) -> MethodAnswer:
        started = time.monotonic()

        async def fetch(url: str) -> tuple[bytes | None, str]:
            walk = await self.walker.walk(
                url,
                vantage=self.config.trace_from,
                at=at,
                wanted=self._wanted,
                accept=rdap_meaning.ACCEPT,
                ranged=False,
                insist_on_certificate=True,
            )
            if walk.outcome != "answered":
                return None, f"The registry could not be asked. {walk.why}"
            if walk.status != 200:
                return None, f"The registry answered {walk.status}."
            return walk.body, ""  # a body that broke off is malformed JSON: read() says so and keeps it

        answer = await rdap_client.about(
            literal,
            registries=self.registries,
            fetch=fetch,
            at=at,
            elapsed=lambda: round(time.monotonic() - started, 4),
        )
        fields = {name: getattr(answer, name) for name in answer.__slots__}
        return MethodAnswer(**{**fields, "addresses": (literal,)})

    def _wanted(self, status: int, headers: list[Header]) -> int:
        kind = next((v for k, v in headers if k == "content-type"), "").split(";", 1)[0].strip().lower()
        return self.config.limits.rdap_bytes + 1 if status == 200 and kind.endswith("json") else 0

    async def _name_servers(self, vantage: str, host: str) -> tuple[str, ...]:
        """The name servers of the nearest zone above the host, as the resolver tells; () if none."""
        if literal_of(host) or host.endswith(".onion"):
            return ()
        labels = host.split(".")
        zones = [".".join(labels[i:]) for i in range(max(0, len(labels) - 4), max(1, len(labels) - 1))]
        answers, _ = await self.names.ask(vantage, [(zone, "NS") for zone in zones])
        return next((a.servers for a in answers if a.ok and a.servers), ())


def _dns_answer(resolved: Resolved, servers: tuple[str, ...], seconds: float) -> MethodAnswer:
    shown = ", ".join(resolved.addresses[:8])
    if resolved.aliases:
        shown = f"{shown} (through {' -> '.join(resolved.aliases)})"
    if servers:
        shown = f"{shown}; name servers {', '.join(servers[:6])}"
    if resolved.outcome == "no-name":
        shown = resolved.rcode if resolved.rcode != "NOERROR" else "no address"
    return MethodAnswer(
        DNS,
        ok=resolved.outcome in ("", "no-name"),
        why=resolved.why,
        answer=shown.strip(),
        addresses=resolved.addresses,
        source=resolved.source,
        seconds=round(seconds, 4),
        raw=resolved.raw,
    )
