"""Where is it held? Many methods, each answering for itself; one that fails says so and stops no other.

True here: every method of `rules/methods.py` that applies answers, always in the same order: DNS and name servers
(one answer per resolver), RDAP for address, domain and system, WHOIS where RDAP gave nothing, one answer per MMDB
file, the signs of a proxy; and, only if the job allows contact, the certificate and the round trips. A name that
does not exist is an answer (ok, "NXDOMAIN"), not a failure. Onion addresses and posts take their short walk
(`short.py`). Not here: the vote (`rules/trace_vote`), a CDN's disclosure (asked by the jobs).
"""

import asyncio
import ipaddress
import time
from collections.abc import Sequence
from dataclasses import replace

from openhotline.connectors.dns.client import TOOL as DNS_TOOL
from openhotline.connectors.geo.client import Atlas
from openhotline.connectors.moment import Moment
from openhotline.connectors.probe import short
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import Vetted
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.connectors.probe.names import Names, Sight, literal_of
from openhotline.connectors.probe.registers import KEEP_S, Registers
from openhotline.connectors.probe.touch import NOT_YET, Touch
from openhotline.connectors.probe.walk import Walker
from openhotline.connectors.proxy import meaning as proxy
from openhotline.connectors.rdap.client import Registries
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts, written
from openhotline.rules.urls import registrable_of

MOST = 4  # addresses of one name that registries are asked about: one for each network it stands in


class Tracer:
    """Traces of one prober."""

    def __init__(
        self,
        config: ProbeConfig,
        names: Names,
        walker: Walker,
        atlas: Atlas,
        registries: Registries,
    ) -> None:
        self.config, self.names, self.walker, self.atlas = config, names, walker, atlas
        self.registers = Registers(config, names, walker, registries)
        self.touch = Touch(config, walker.exits)
        told = config.tracing
        self._lists = proxy.Lists.of(told.proxy_ranges, told.proxy_signs, told.proxy_version)
        self._kept: dict[object, tuple[float, asyncio.Task[tuple[MethodAnswer, ...]]]] = {}
        self._all = asyncio.Semaphore(config.limits.in_flight)

    async def trace(self, job: TraceJob, given: Moment) -> TraceFacts:
        """All methods' answers, each with the time it came; `given` is when the job did. Never raises for what names,
        registries, servers or files do."""
        host = job.host.rstrip(".").lower()
        # One house moment traces one host once, however many of its addresses are asked about.
        key, now = (host or job.canonical, job.at, job.contact, job.headers), time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEEP_S:
            if len(self._kept) > 512:
                self._kept = {k: v for k, v in self._kept.items() if now - v[0] <= KEEP_S}
            kept = self._kept[key] = (now, asyncio.create_task(self._stamped(host, job, given)))
        return TraceFacts(job.canonical, job.host, job.at, await asyncio.shield(kept[1]))

    async def _stamped(self, host: str, job: TraceJob, given: Moment) -> tuple[MethodAnswer, ...]:
        return tuple(map(given.stamped, await self._trace(host, job, given)))

    async def _trace(self, host: str, job: TraceJob, given: Moment) -> tuple[MethodAnswer, ...]:
        async with self._all:
            if job.canonical.startswith("news:"):
                return await short.post(self.config, self.names, self.walker, job, given)
            if host.endswith(".onion"):
                return short.onion(self.config, job)
            if literal_of(host):
                sights = [Sight("the address itself", await self.names.resolve("", host, job.at))]
            else:
                sights = await self.names.each(self.config.trace_from, host)
            vetted = tuple(dict.fromkeys(to for sight in sights for to in sight.resolved.vetted))
            told = (*_names(sights, given), *_name_servers(sights, host, given))
            domain = self._domain(host, given)
            if not vetted:
                why = next((s.resolved.why for s in sights if s.resolved.why), "")
                why = why or "There is no address to ask about."
                missing = (methods.RDAP, methods.ORIGIN_NETWORK, methods.LOCATION)
                return (*told, *await domain, *(MethodAnswer(m, ok=False, why=why) for m in missing))
            literals = [to.literal for to in vetted]
            asked = self._one_per_network(literals)
            by_address, by_domain, touched = await asyncio.gather(
                self._addresses(asked, given), domain, self._touched(job, vetted, given)
            )
            signs = proxy.look(
                literals, job.headers or (), lists=self._lists, asked_headers=job.headers is not None
            )
            if job.headers_at is not None:  # what was judged is the look's, and came then
                signs = replace(signs, at=written(job.headers_at))
        return (*told, *by_address, *by_domain, *self.atlas.about(literals, at=job.at), signs, *touched)

    async def _addresses(self, literals: Sequence[str], given: Moment) -> list[MethodAnswer]:
        """RDAP (and WHOIS) for each address, then for each system that announces one."""
        known = {literal: self.atlas.system(literal) for literal in literals}
        sure = list(dict.fromkeys(number for number in known.values() if number))
        asked = asyncio.gather(*(self.registers.address(literal, given) for literal in literals))
        systems = asyncio.gather(*(self.registers.system(number, given) for number in sure))
        found = [answer for answers in await asked for answer in answers]
        more = [
            a.asn for a in found if a.ok and a.asn and not any(known[x] for x in a.addresses if x in known)
        ]
        late = [
            await self.registers.system(number, given) for number in dict.fromkeys(more) if number not in sure
        ]
        return [*found, *await systems, *late]

    async def _domain(self, host: str, given: Moment) -> list[MethodAnswer]:
        if literal_of(host):
            return []
        return await self.registers.domain(registrable_of(host), given)

    async def _touched(self, job: TraceJob, vetted: tuple[Vetted, ...], given: Moment) -> list[MethodAnswer]:
        if not job.contact:
            silent = (methods.CERTIFICATE, methods.ROUND_TRIP)
            return [MethodAnswer(method, ok=False, why=NOT_YET) for method in silent]
        return await self.touch.all(job, vetted[0], given)

    def _one_per_network(self, literals: Sequence[str]) -> list[str]:
        """Of many addresses one for each announcing system, IPv4 and IPv6 apart; where no file tells systems
        apart, one for each block of the usual size."""
        chosen: dict[object, str] = {}
        for literal in literals:
            ip = ipaddress.ip_address(literal)
            block = ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False)
            chosen.setdefault((ip.version, self.atlas.system(literal) or block), literal)
        return list(chosen.values())[:MOST]


def _names(sights: Sequence[Sight], given: Moment) -> list[MethodAnswer]:
    """One answer per resolver; where they disagree each says so."""
    heard = {frozenset(s.resolved.addresses) for s in sights if s.resolved.outcome in ("", "no-name")}
    return [_dns_answer(sight, given, disputed=len(heard) > 1) for sight in sights]


def _dns_answer(sight: Sight, given: Moment, *, disputed: bool) -> MethodAnswer:
    resolved = sight.resolved
    shown = ", ".join(resolved.addresses[:8])
    if resolved.aliases:
        shown = f"{shown} (through {' -> '.join(resolved.aliases)})"
    if resolved.outcome == "no-name":
        shown = resolved.rcode if resolved.rcode != "NOERROR" else "no address"
    ok = resolved.outcome in ("", "no-name")
    notes = [resolved.why]
    if ok and disputed:
        notes.append("Another resolver says something else.")
    return MethodAnswer(
        methods.DNS,
        ok=ok,
        why=" ".join(filter(None, notes)),
        answer=shown.strip(),
        addresses=resolved.addresses,
        source=resolved.source or sight.resolver,
        seconds=round(sight.seconds, 4),
        raw=resolved.raw,
        tool=DNS_TOOL,
        at=written(given.when(sight.ended)),
    )


def _name_servers(sights: Sequence[Sight], host: str, given: Moment) -> list[MethodAnswer]:
    """The servers of the nearest zone: one answer where the resolvers agree, else one for each."""
    if literal_of(host):
        return []
    heard: dict[tuple[bool, tuple[str, ...]], list[Sight]] = {}
    for sight in sights:
        heard.setdefault((bool(sight.servers), tuple(sorted(sight.servers))), []).append(sight)
    found = []
    for (ok, _), same in heard.items():
        first = same[0]
        notes = [f"Of the zone {first.zone}." if ok else first.zone_why]
        if len(heard) > 1:
            notes.append("Another resolver says something else.")
        found.append(
            MethodAnswer(
                methods.NAME_SERVERS,
                ok=ok,
                why=" ".join(filter(None, notes)),
                answer=", ".join(first.servers[:6]),
                source=", ".join(sight.resolver for sight in same),
                seconds=round(first.seconds, 4),
                raw=first.zone_raw,
                tool=DNS_TOOL,
                names=first.servers,
                at=written(given.when(first.ended)),
            )
        )
    return found
