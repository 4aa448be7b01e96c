"""Traces and network look-ups that a person asks for, now, outside any case. Nothing is stored.

True here: the prober is asked exactly as for a case; contact with the server is allowed only where the house has
an item of this address that an analyst has opened. Not here: traces of cases (`dispatch.py`), the vote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from maxminddb import InvalidDatabaseError

from openhotline.connectors.geo.table import Table
from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.meaning import ListFacts, TraceJob
from openhotline.jobs import registry_lists
from openhotline.jobs.exits import files, lists_base
from openhotline.jobs.trace_jobs import trace_jobs
from openhotline.policy import Policy, trace_weights
from openhotline.records.models import Item
from openhotline.rules import urls
from openhotline.rules.facts import TraceFacts
from openhotline.rules.refusals import Refused
from openhotline.rules.trace_vote import Vote, vote
from openhotline.settings import Settings


@dataclass(frozen=True, slots=True)
class Traced:
    """One trace: the facts, the verdict, and whether the server itself was touched."""

    facts: TraceFacts
    vote: Vote
    contact: bool


def now(address: str, settings: Settings, *, policy: Policy, at: datetime) -> Traced:
    """Trace one address. Raises Refused for what cannot be traced, or where the prober does not run."""
    read = urls.read(address)
    if not read.ok:
        raise Refused(read.why, code="address")
    if not read.host and not read.canonical.startswith("news:"):
        raise Refused("This names no place in the network, so there is nothing to trace.", code="address")
    item = Item.objects.filter(key_digest=read.key_digest).first()
    (job,) = trace_jobs([item], at=at) if item else (TraceJob(urls.dialled(read.canonical), read.host, at),)
    try:
        (facts,) = Prober(settings.prober_socket).trace([job])
    except ProberUnreachable as fault:
        raise Refused(fault.sentence, code="prober") from None
    return Traced(facts, vote(facts, rules_version=policy.version, weights=trace_weights()), job.contact)


def refresh(settings: Settings, *, at: datetime) -> list[ListFacts]:
    """Fetch the registry lists, each for itself. Raises Refused where the prober does not run, or nothing can be kept."""
    try:
        return registry_lists.refresh(
            Prober(settings.prober_socket), base=lists_base(settings), data=settings.data, at=at
        )
    except ProberUnreachable as fault:
        raise Refused(fault.sentence, code="prober") from None
    except OSError as fault:
        raise Refused(f"The lists cannot be kept: {fault.strerror or fault}.", code="disk") from None


@dataclass(frozen=True, slots=True)
class Network:
    """Where one literal stands, by the operator's files. What no file knows is empty."""

    address: str
    network: str
    asn: int
    country: str


def networks(addresses: Sequence[str], settings: Settings) -> list[Network]:
    """Very many literals at once, by the first file of each kind. Raises Refused where a file or a literal is none."""
    named = files(settings)
    paths = {kind: next((f.path for f in named if f.kind == kind), "") for kind in ("origin", "location")}
    if not any(paths.values()):
        raise Refused("No MMDB file is named. Set OPENHOTLINE_MMDB and try again.", code="mmdb")
    try:
        tables = {kind: Table(Path(path)) for kind, path in paths.items() if path}
        found = {kind: table.look_up(addresses) for kind, table in tables.items()}
    except OSError as fault:
        why = f"{fault.filename} cannot be read ({fault.strerror}). Download it anew, or name another"
        raise Refused(f"{why} in OPENHOTLINE_MMDB.", code="mmdb") from None
    except (ValueError, InvalidDatabaseError) as fault:
        raise Refused(f"That cannot be looked up: {fault}.", code="mmdb") from None
    first = "origin" if "origin" in tables else "location"
    prefixes = tables[first].networks(addresses, found[first])
    systems = tables["origin"].asn[found["origin"].record].tolist() if "origin" in tables else None
    lands = tables["location"].country[found["location"].record].tolist() if "location" in tables else None
    return [
        Network(address, prefix, systems[i] if systems else 0, lands[i] if lands else "")
        for i, (address, prefix) in enumerate(zip(addresses, prefixes, strict=True))
    ]
