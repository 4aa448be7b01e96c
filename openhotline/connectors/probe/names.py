"""From a host name to vetted literals, and nothing else that a name could mean.

True here: every answer must pass the deny table or the name is refused as a whole; what is connected to
afterwards is the literal that passed, so a name that changes its mind between look and contact changes
nothing. A name is said to lead nowhere only if every resolver says so, and two at least; each vantage point asks another
one first, so that one that lies leads them not all astray. One house moment asks once per name and vantage point. A
trace asks every resolver by itself (`each`).
"""

import asyncio
import ipaddress
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from openhotline.connectors.dns import client as dns_client
from openhotline.connectors.dns.meaning import MAX_ALIASES, DnsAnswer
from openhotline.connectors.probe.config import ProbeConfig, Resolver
from openhotline.connectors.probe.deny import Denied, Vetted, vet, vet_onion
from openhotline.connectors.probe.exits import Exits

KEEP_S = 5.0  # real seconds an answer serves the same house moment
MAX_USED = 16
LONGEST_NAME, LONGEST_LABEL = 253, 63
NO_ONIONS = (
    "This exit does not carry onion addresses. Name one that does in OPENHOTLINE_ONION; nothing was sent."
)
NOT_ASKED = "not asked"  # in place of a response code: no name server was


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name led to. `outcome` "" means `vetted` may be connected to; else a CheckFacts outcome."""

    outcome: str
    why: str = ""
    addresses: tuple[str, ...] = ()  # as answered, vetted or not
    vetted: tuple[Vetted, ...] = ()
    aliases: tuple[str, ...] = ()
    rcode: str = ""
    source: str = ""
    raw: str = ""

    @property
    def refused(self) -> bool:
        """Our own rules say no, whatever the answer: it holds an address that is never connected to."""
        return self.outcome == "blocked" and bool(self.addresses or self.rcode == NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one resolver said about a name, for a trace: where it leads, and who serves its zone."""

    resolver: str
    resolved: Resolved
    servers: tuple[str, ...] = ()  # of the nearest zone
    zone: str = ""  # the nearest zone
    zone_raw: str = ""
    zone_why: str = ""
    seconds: float = 0.0
    ended: float = 0.0  # time.monotonic() when the answer came


def literal_of(host: str) -> str:
    """The IP literal in a URL's host ("" if it is a name); brackets removed."""
    bare = host.removeprefix("[").removesuffix("]")
    if ":" not in bare and not bare[-1:].isdigit():
        return ""  # the one parser has made of every IPv4 literal four plain numbers
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""


class Names:
    """Name look-ups of one prober."""

    def __init__(self, config: ProbeConfig, exits: Exits) -> None:
        self.config = config
        self.exits = exits
        self._kept: dict[tuple[str, str, datetime], tuple[float, asyncio.Task[Resolved]]] = {}
        self._streams: dict[tuple[str, Resolver], dns_client.Streams] = {}

    async def resolve(self, vantage: str, host: str, at: datetime) -> Resolved:
        """Look `host` up as seen from `vantage`. Never raises."""
        if literal := literal_of(host):
            return self._judge((literal,), (), Resolved("", source="the address itself"))
        name = host.rstrip(".").lower()
        if len(name) > LONGEST_NAME or any(len(label) > LONGEST_LABEL for label in name.split(".")):
            return Resolved("error", "The name is longer than a name can be.", rcode=NOT_ASKED)
        if name.endswith(".onion"):
            return self._onion(vantage, name)
        key, now = (vantage, name, at), time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEEP_S:
            self._forget(now - KEEP_S)
            kept = self._kept[key] = (now, asyncio.create_task(self._look(vantage, name)))
        return kept[1].result() if kept[1].done() else await asyncio.shield(kept[1])

    def _forget(self, before: float) -> None:
        """What was asked before. The oldest stand first, and are all that is looked at."""
        while self._kept and next(iter(self._kept.values()))[0] < before:
            del self._kept[next(iter(self._kept))]

    def close(self) -> None:
        """Hang up at the resolvers."""
        for streams in self._streams.values():
            streams.close()

    def _onion(self, vantage: str, name: str) -> Resolved:
        """No name server is ever asked for it: the exit is told the name itself."""
        if vantage not in self.config.onion:
            return Resolved("blocked", NO_ONIONS, rcode=NOT_ASKED)
        try:
            return Resolved("", source="the name itself", vetted=(vet_onion(name),))
        except Denied as no:
            return Resolved("blocked", no.sentence, rcode=NOT_ASKED)

    async def _look(self, vantage: str, name: str) -> Resolved:
        found = (await self._sight(vantage, name, self._in_turn(vantage), zones=False)).resolved
        if found.outcome != "no-name":
            return found
        if len({one.address for one in self.config.resolvers}) < 2:
            why = f"{found.why} Only one resolver says so, and one may filter: name a second (OPENHOTLINE_RESOLVERS)."
            return _with(found, "error", why, aliases=found.aliases)
        # A resolver that filters says of just such names that they do not exist: every one of them has to say so.
        others = [one for one in self.config.resolvers if _named((one,)) != found.source]
        told = await asyncio.gather(*(self._sight(vantage, name, (one,), zones=False) for one in others))
        differ = [sight for sight in told if sight.resolved.outcome != "no-name"]
        if leads := next((sight.resolved for sight in differ if not sight.resolved.outcome), None):
            return leads
        if differ:
            why = f"{found.source} says: {found.why} {differ[0].resolver} does not say so, and that proves nothing."
            return _with(found, "error", why, aliases=found.aliases)
        return found

    def _in_turn(self, vantage: str) -> tuple[Resolver, ...]:
        """All resolvers, the first of them another one for each vantage point."""
        first = list(self.config.vantages).index(vantage) % max(1, len(self.config.resolvers))
        return (*self.config.resolvers[first:], *self.config.resolvers[:first])

    async def each(self, vantage: str, host: str) -> list[Sight]:
        """What every resolver says by itself about a name: the same question, so that a lie is seen.

        Not kept: a trace asks once. Never raises.
        """
        name = host.rstrip(".").lower()
        if not self.config.resolvers:
            return [Sight("", await self._look(vantage, name), ended=time.monotonic())]
        return list(
            await asyncio.gather(
                *(self._sight(vantage, name, (one,), zones=True) for one in self.config.resolvers)
            )
        )

    async def _sight(self, vantage: str, name: str, asked: tuple[Resolver, ...], *, zones: bool) -> Sight:
        started = time.monotonic()
        labels = name.split(".")
        # The host itself and up to three names above it, never a top-level domain.
        above = range(max(0, len(labels) - 4), max(1, len(labels) - 1)) if zones else ()
        more = [(".".join(labels[i:]), "NS") for i in above]
        target, before = name, {name}
        seen: list[str] = []
        raw: list[str] = []
        servers: tuple[str, ...] = ()
        zone = zone_raw = zone_why = ""
        while True:
            answers, source = await self.ask(
                vantage, [(target, "A"), (target, "AAAA"), *more], asked, verbatim=zones
            )
            if more:
                told = [answer for answer in answers[2:] if answer.ok and answer.servers]
                if told:
                    zone, servers, zone_raw = told[0].name, told[0].servers, told[0].raw
                else:
                    zone_why = next((a.why for a in answers[2:] if a.why), "No zone above it names servers.")
                    zone_raw = "\n".join(a.raw for a in answers[2:] if a.raw)
                answers, more = answers[:2], []
            raw += [a.raw for a in answers]
            good = [a for a in answers if a.ok]
            base = Resolved("", rcode=(good or answers)[0].rcode, source=source, raw="\n".join(raw))
            found = self._step(good, answers, target, seen, base)
            if isinstance(found, str) and (found in before or len(seen) > MAX_ALIASES):
                why = f"The name is an alias of an alias, in a circle or more than {MAX_ALIASES} deep."
                found = _with(base, "error", why, aliases=tuple(seen))
            if isinstance(found, str):
                target = found  # the server gave the alias alone: ask on
                before.add(target)
                continue
            return Sight(
                source or _named(asked),
                found,
                servers,
                zone,
                zone_raw,
                zone_why,
                time.monotonic() - started,
                time.monotonic(),
            )

    def _step(
        self, good: list[DnsAnswer], answers: list[DnsAnswer], target: str, seen: list[str], base: Resolved
    ) -> Resolved | str:
        """What one round of answers leads to, or the alias to ask for next."""
        if not good:
            outcome = "blocked" if not base.source else "timeout" if answers[0].late else "error"
            return _with(base, outcome, answers[0].why)
        seen += [a for a in good[0].aliases if a not in seen]
        addresses = tuple(dict.fromkeys(a for answer in good for a in answer.addresses))
        if addresses:
            return self._judge(addresses, tuple(seen), base)
        last = good[0].aliases[-1] if good[0].aliases else target
        if last != target:
            return last
        if failed := next((answer for answer in answers if not answer.ok), None):
            # That it has none of the other kind says nothing: the address may be the one we were not told.
            return _with(base, "timeout" if failed.late else "error", failed.why, aliases=tuple(seen))
        why = "The name does not exist." if base.rcode == "NXDOMAIN" else "The name has no address."
        return _with(base, "no-name", why, aliases=tuple(seen))

    async def ask(
        self,
        vantage: str,
        questions: list[tuple[str, str]],
        asked: tuple[Resolver, ...] = (),
        *,
        verbatim: bool = True,
    ) -> tuple[list[DnsAnswer], str]:
        """Raw answers of the first resolver that has an address or answers all, and which it was; "" if none could be reached.

        `asked`: the resolvers to ask, in turn; all of them if none is named. Never raises.
        """
        why, resolvers = "No resolver is configured.", asked or self.config.resolvers
        best: tuple[list[DnsAnswer], str] | None = None
        for resolver in resolvers:
            try:
                answers = await self._ask(vantage, questions, resolver, verbatim=verbatim)
            except dns_client.ResolverUnreachable as fault:
                why = str(fault)
                continue
            if any(a.addresses for a in answers) or all(a.ok for a in answers):
                return answers, _named((resolver,))
            best = best or (answers, _named((resolver,)))
        if best is not None:
            return best
        return [DnsAnswer(name, kind, ok=False, why=why) for name, kind in questions], ""

    async def _ask(
        self, vantage: str, questions: list[tuple[str, str]], resolver: Resolver, *, verbatim: bool
    ) -> list[DnsAnswer]:
        timeout_s = self.config.limits.dns_s
        streams = self._streams.get((vantage, resolver))
        if streams is None:
            connect = partial(self.exits.resolver, vantage, resolver)
            streams = self._streams[vantage, resolver] = dns_client.Streams(connect)
        if resolver.transport != "udp":
            return await dns_client.ask(questions, streams=streams, timeout_s=timeout_s, verbatim=verbatim)
        answers, short = await dns_client.ask_datagrams(
            questions,
            exchange=lambda wire: self.exits.exchange(vantage, resolver, wire),
            timeout_s=timeout_s,
        )
        if short:
            again = await dns_client.ask([questions[i] for i in short], streams=streams, timeout_s=timeout_s)
            for i, answer in zip(short, again, strict=True):
                answers[i] = answer
        return answers

    def _judge(self, addresses: tuple[str, ...], aliases: tuple[str, ...], base: Resolved) -> Resolved:
        try:
            vetted = vet(
                addresses,
                lift_documentation=self.config.lift_documentation,
                own_ranges=self.config.own_ranges,
            )
        except Denied as no:
            return _with(base, "blocked", no.sentence, addresses=addresses, aliases=aliases)
        return _with(base, "", "", addresses=addresses, aliases=aliases, vetted=vetted[:MAX_USED])


def _with(
    base: Resolved,
    outcome: str,
    why: str,
    *,
    addresses: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    vetted: tuple[Vetted, ...] = (),
) -> Resolved:
    return Resolved(outcome, why, addresses, vetted, aliases, base.rcode, base.source, base.raw)


def _named(resolvers: tuple[Resolver, ...]) -> str:
    """How a resolver is named in an answer."""
    return f"{resolvers[0].address}:{resolvers[0].port}" if resolvers else ""
