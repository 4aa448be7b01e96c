"""What the prober is told at its start: exits, resolvers, registries, files. Nothing of the house itself.

In a demo house the synthetic internet says where it listens (`run/world.json`, written by the world); a
real house names its resolvers and MMDB files in the environment. Not here: the prober, and its limits.
"""

import json
from pathlib import Path
from typing import Any

from openhotline.connectors.probe.config import DIRECT, SOCKS5_UNIX, Limits, MmdbFile, ProbeConfig, Resolver
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings

WORLD_CARD = "world.json"
# Names that tell what an MMDB file answers, where the operator has not said so as `origin=` or `location=`.
_ORIGIN_NAMES = ("asn", "origin", "as-", "isp", "network")


def probe_config(settings: Settings) -> ProbeConfig:
    """The prober's configuration in this house. Raises Refused with a sentence where it would be unsafe."""
    try:
        return _world(settings) if settings.exit == "world" else _direct(settings)
    except ValueError as fault:
        raise Refused(f"The prober cannot be set up: {fault}", code="prober-settings") from None


def _direct(settings: Settings) -> ProbeConfig:
    found = resolvers(settings.resolvers) or system_resolvers()
    return ProbeConfig(
        vantages={"direct": (DIRECT,), **named_exits(settings.exits)},
        resolvers=found,
        mmdb=mmdb_files(settings.mmdb),
        canary=settings.canary,
    )


def vantages(settings: Settings) -> tuple[str, ...]:
    """The vantage points of this house, by name."""
    if settings.exit == "world":
        return ("north", "south")
    return ("direct", *named_exits(settings.exits))


def named_exits(text: str) -> dict[str, tuple[str, ...]]:
    """ "north=/run/a.sock,south=/run/b.sock" as vantage points. Raises ValueError where one has no path."""
    found: dict[str, tuple[str, ...]] = {}
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        name, sign, path = part.partition("=")
        if not sign or not path.startswith("/"):
            raise ValueError(f"The exit “{part}” is not written as name=/path/to/socket.")
        found[name.strip()] = (SOCKS5_UNIX, path)
    return found


def _world(settings: Settings) -> ProbeConfig:
    run = settings.data.absolute() / "run"
    card = _card(run / WORLD_CARD)
    resolver, mmdb = card.get("resolver", {}), card.get("mmdb", {})
    named = resolvers(settings.resolvers)
    if not named and resolver:
        named = (Resolver(resolver["address"], int(resolver["port"]), resolver["transport"]),)
    return ProbeConfig(
        vantages={
            "north": (SOCKS5_UNIX, str(run / "world-exit.sock")),
            "south": (SOCKS5_UNIX, str(run / "world-exit-south.sock")),
        },
        resolvers=named,
        rdap_base=str(card.get("rdap", "")),
        mmdb=mmdb_files(settings.mmdb) or tuple(MmdbFile(path, kind) for kind, path in mmdb.items()),
        canary=str(card.get("canary", "")),
        # A busy machine is no outage: what is slow here is slow because everything runs on one box.
        limits=Limits(connect_s=20, total_s=40, job_s=60, dns_s=20),
        lift_documentation=True,
        polite=False,  # the world is on this machine, and its clock jumps
    )


def _card(file: Path) -> dict[str, Any]:
    """What the world says of itself; nothing where no world runs."""
    try:
        value = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def resolvers(text: str) -> tuple[Resolver, ...]:
    """ "192.0.2.53, [2001:db8::53]:5353" as resolvers. Raises ValueError where one is not a literal."""
    found = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        address, _, port = part.rpartition(":") if part.count(":") == 1 or "]:" in part else (part, "", "")
        found.append(Resolver(address.strip("[]"), int(port or 53)))
    return tuple(found)


def system_resolvers(file: Path = Path("/etc/resolv.conf")) -> tuple[Resolver, ...]:
    """The name servers this machine uses itself."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    named = [words[1] for line in lines if (words := line.split())[:1] == ["nameserver"] and len(words) > 1]
    return tuple(Resolver(name) for name in named if "%" not in name)


def mmdb_files(text: str) -> tuple[MmdbFile, ...]:
    """ "origin=/a.mmdb:location=/b.mmdb" (or plain paths, told apart by their names) as files."""
    found = []
    for part in (part for part in text.split(":") if part):
        kind, sign, path = part.partition("=")
        if not sign:
            path = part
            kind = "origin" if any(word in Path(part).name.lower() for word in _ORIGIN_NAMES) else "location"
        found.append(MmdbFile(path, kind))
    return tuple(found)
