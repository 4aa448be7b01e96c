"""What would be done about an address, and why not: for a person who asks, before anything is sent.

True here: the same parser, names, table and exits as every look, one step after the other; a connection is
made and closed without a word, so that no server's log shows an address. Only where the job asks for it
does a request leave, the same as a check's. Not here: a verdict about the address.
"""

import time
from dataclasses import replace

from openhotline.connectors.probe.apart import Address, take_apart
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import Denied, vet
from openhotline.connectors.probe.exits import NoWay
from openhotline.connectors.probe.meaning import ProbeFacts, ProbeJob
from openhotline.connectors.probe.names import literal_of
from openhotline.connectors.probe.walk import Walker, tried
from openhotline.connectors.probe.ways import Way

REACHED, REFUSED, FAILED = "reached", "refused", "failed"


async def probe(job: ProbeJob, config: ProbeConfig, walker: Walker) -> ProbeFacts:
    """Go as far as the job allows. Never raises for what names or servers do."""
    began = time.monotonic()
    facts = await _probe(job, config, walker)
    return replace(facts, seconds=round(time.monotonic() - began, 4))


def by_rule(job: ProbeJob, config: ProbeConfig) -> ProbeFacts | None:
    """What is refused without asking anybody; None where a name server or a connection must decide."""
    known, address = _begin(job, config)
    if address is None:
        return known
    if literal := literal_of(address.host):
        try:
            vet([literal], lift_documentation=config.lift_documentation, own_ranges=config.own_ranges)
        except Denied as no:
            return replace(known, addresses=(literal,), why=no.sentence)
    return None


def _begin(job: ProbeJob, config: ProbeConfig) -> tuple[ProbeFacts, Address | None]:
    """What is known before anybody is asked; without an address it is a refusal already."""
    vantage = job.vantage or next(iter(config.vantages))
    known = ProbeFacts(job.address, vantage, job.at, REFUSED, "")
    if vantage not in config.vantages:
        why = f"There is no such vantage point here. Choose: {', '.join(config.vantages)}."
        return replace(known, why=why), None
    known = replace(known, exit=Way(*config.vantages[vantage]).kind)
    address = take_apart(job.address, config.ports)
    if isinstance(address, str):
        return replace(known, why=address), None
    return replace(known, url=address.url, host=address.host, port=address.port), address


async def _probe(job: ProbeJob, config: ProbeConfig, walker: Walker) -> ProbeFacts:
    known, address = _begin(job, config)
    if address is None:
        return known
    vantage = known.vantage
    resolved = await walker.names.resolve(vantage, address.host, job.at)
    known = replace(known, addresses=resolved.addresses)
    if resolved.outcome:
        # An answer that may not be used is a refusal; no answer at all is a failure.
        return replace(known, outcome=REFUSED if resolved.refused else FAILED, why=resolved.why)
    known = replace(known, headers=tuple(walker.headers(address)))
    if job.request:
        return await _ask(known, walker)
    why = ""
    for to in tried(resolved.vetted):
        try:
            sock = await walker.exits.connect(vantage, to, address.port)
        except NoWay as no:
            why = no.sentence
            continue
        sock.close()
        return replace(
            known,
            outcome=REACHED,
            connected=to.literal,
            why=f"{to.literal} takes connections on port {address.port}. No request was sent.",
        )
    return replace(known, outcome=FAILED, why=why)


async def _ask(known: ProbeFacts, walker: Walker) -> ProbeFacts:
    """The request itself, as a check would send it."""
    walk = await walker.walk(known.address, vantage=known.vantage, at=known.at, wanted=lambda *_: 0)
    seen = replace(known, connected=walk.peer, hops=walk.hops, status=walk.status, url=walk.url or known.url)
    if walk.outcome == "answered":
        return replace(seen, outcome=REACHED, why=f"It answered {walk.status}. {walk.why}".strip())
    return replace(seen, outcome=REFUSED if walk.refused else FAILED, why=walk.why)
