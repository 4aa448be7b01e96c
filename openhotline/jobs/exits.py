"""What the prober is told at its start: exits, resolvers, registries, files. Nothing of the house itself.

In a demo house the synthetic internet says where it listens (`run/world.json`, written by the world); a
real house names its resolvers and MMDB files in the environment. Not here: the prober, and its limits.
"""

import ipaddress
import json
import math
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openhotline import policy as policies
from openhotline.connectors.probe.config import NEVER_REACHED, Limits, MmdbFile, ProbeConfig, Resolver
from openhotline.connectors.probe.tracing import Tracing
from openhotline.connectors.probe.ways import CONNECT_UNIX, DIRECT, SOCKS5_UNIX, Way, read_way
from openhotline.jobs import registry_lists
from openhotline.policy import proxies as proxy_lists
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings

WORLD_CARD = "world.json"
WORLD_EXITS = {
    "north": (SOCKS5_UNIX, "world-exit.sock"),
    "south": (SOCKS5_UNIX, "world-exit-south.sock"),
    "west": (CONNECT_UNIX, "world-exit-west.sock"),
}
WORLD_ONIONS = {
    "onion-one": (SOCKS5_UNIX, "world-exit-onion-one.sock"),
    "onion-two": (SOCKS5_UNIX, "world-exit-onion-two.sock"),
}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
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
    stores = database_addresses(settings)
    return ProbeConfig(
        vantages=_ways(settings),
        resolvers=found,
        rdap_bootstrap=registry_lists.files(settings.data),
        mmdb=files(settings),
        canary=settings.canary,
        wall=settings.wall == "required",
        never=(*NEVER_REACHED, *stores),
        own_ranges=(*own_ranges(settings.own_ranges), *(literal for literal, _ in stores)),
        limits=Limits(per_second=settings.requests_per_second),
        trust=_certificate(settings.exit_ca),
        tracing=tracing(
            whois=settings.whois,
            proxies=settings.proxies,
            where=places(settings.places),
            news=settings.news,
        ),
        onion=onions(settings),
        signs=policies.sign_words(),
    )


def _ways(settings: Settings) -> dict[str, Way]:
    """Our own line is one of the vantage points unless another is named so, or it is left out."""
    named = named_exits(settings.exits)
    if settings.exit == "none" and not named:
        raise ValueError("OPENHOTLINE_EXIT=none needs at least one exit in OPENHOTLINE_EXITS.")
    ways = named if settings.exit == "none" else {DIRECT: Way(DIRECT), **named}
    if set(ways) <= set(onions(settings)):
        raise ValueError(
            "every exit is for onion addresses alone (OPENHOTLINE_ONION). Name another for all that is none."
        )
    first: dict[tuple[str, str, str], str] = {}
    for name, way in ways.items():
        if (other := first.setdefault(way.place, name)) != name:
            raise ValueError(
                f"The exits {other} and {name} are one way out, and what one place says twice is not said by two. "
                "Leave one out, or give each its own proxy, or a user of its own where the proxy tells places by users."
            )
    return ways


def vantages(settings: Settings) -> tuple[str, ...]:
    """The vantage points of this house that look at ordinary addresses, by name. Raises Refused where none is named
    rightly."""
    if settings.exit == "world":
        return tuple(WORLD_EXITS)
    named = onions(settings)
    try:
        return tuple(name for name in _ways(settings) if name not in named)
    except ValueError as fault:
        raise Refused(f"Nothing can be looked at: {fault}", code="prober-settings") from None


def onions(settings: Settings) -> tuple[str, ...]:
    """The vantage points that look at onion addresses, and at nothing else."""
    if settings.exit == "world":
        return tuple(WORLD_ONIONS)
    return tuple(name.strip() for name in settings.onion.split(",") if name.strip())


def named_exits(text: str) -> dict[str, Way]:
    """ "north=/run/a.sock,south=socks5://192.0.2.7:1080" as vantage points. Raises ValueError where one
    cannot be used; the message never repeats a password."""
    found: dict[str, Way] = {}
    for number, part in enumerate((part.strip() for part in text.split(",")), 1):
        if not part:
            continue
        name, sign, written = part.partition("=")
        if not sign or not _NAME.fullmatch(name):
            raise ValueError(f"Exit {number} is not written as name=exit, with a name of small letters.")
        try:
            found[name] = read_way(written)
        except ValueError as fault:
            raise ValueError(f"The exit {name} {fault}.") from None
    return found


def own_ranges(text: str) -> tuple[str, ...]:
    """ "192.0.2.0/24, 2001:db8::/32" as ranges. Raises ValueError where one is none."""
    return tuple(str(ipaddress.ip_network(part.strip())) for part in text.split(",") if part.strip())


def database_addresses(settings: Settings) -> tuple[tuple[str, int], ...]:
    """Where the house's database listens, as literals: what the prober must find out of reach."""
    if not settings.postgres:
        return ()
    parts = urlsplit(settings.database_url)
    host = parts.hostname or ""
    if not host or "host=" in parts.query:
        return ()  # a Unix socket: nothing that an exit could lead to
    try:
        found = socket.getaddrinfo(host, parts.port or 5432, type=socket.SOCK_STREAM)
    except OSError:
        raise ValueError(f"The database's host {host} cannot be found.") from None
    return tuple(dict.fromkeys((str(where[0]), int(where[1])) for *_, where in found))


def _certificate(file: str) -> str:
    try:
        return Path(file).read_text("ascii") if file else ""
    except (OSError, UnicodeError):
        raise ValueError(f"The certificate file {file} of OPENHOTLINE_EXIT_CA cannot be read.") from None


def _world(settings: Settings) -> ProbeConfig:
    run = settings.data.absolute() / "run"
    card = _card(run / WORLD_CARD)
    resolver = card.get("resolver", {})
    named = resolvers(settings.resolvers)
    if not named:
        listed = card.get("resolvers") or ([resolver] if resolver else [])
        named = tuple(Resolver(one["address"], int(one["port"]), one["transport"]) for one in listed)
    lists = registry_lists.files(settings.data)
    return ProbeConfig(
        vantages={
            name: Way(kind, str(run / file)) for name, (kind, file) in (WORLD_EXITS | WORLD_ONIONS).items()
        },
        resolvers=named,
        # Until its lists are fetched (openhotline refresh registries) the world has one registry for all.
        rdap_base="" if lists else str(card.get("rdap", "")),
        rdap_bootstrap=lists,
        mmdb=files(settings),
        canary=str(card.get("canary", "")),
        tracing=tracing(
            whois=str(card.get("whois", "")),
            proxies=settings.proxies or str(card.get("proxies", "")),
            where={name: (float(a), float(b)) for name, (a, b) in card.get("stand_at", {}).items()},
            news=settings.news or ",".join(card.get("news", ())),
        ),
        onion=onions(settings),
        signs=policies.sign_words(),
        # A busy machine is no outage: what is slow here is slow because everything runs on one box.
        limits=Limits(
            connect_s=20, tls_s=20, first_byte_s=30, slow_after_s=30, total_s=40, job_s=60, dns_s=20
        ),
        lift_documentation=True,
        polite=False,  # the world is on this machine, and its clock jumps
    )


def files(settings: Settings) -> tuple[MmdbFile, ...]:
    """The MMDB files of this house: those the operator named, or the synthetic internet's."""
    named = mmdb_files(settings.mmdb)
    if named or settings.exit != "world":
        return named
    card = world_card(settings)
    licence = str(card.get("licence", ""))
    return tuple(MmdbFile(path, kind, licence) for kind, path in card.get("mmdb", {}).items())


def lists_base(settings: Settings) -> str:
    """Where the registry lists are fetched from: IANA, or the synthetic internet."""
    if settings.exit == "world":
        return str(world_card(settings).get("registry_lists", ""))
    return settings.registry_lists


def world_card(settings: Settings) -> dict[str, Any]:
    """What the synthetic internet beside this house says of itself; nothing where none runs."""
    return _card(settings.data.absolute() / "run" / WORLD_CARD)


def _card(file: Path) -> dict[str, Any]:
    """What the world says of itself; nothing where no world runs."""
    try:
        value = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def tracing(*, whois: str, proxies: str, where: Mapping[str, tuple[float, float]], news: str) -> Tracing:
    """What only traces need: the lists of policy and of the operator, read now. Raises ValueError."""
    listed = proxy_lists.proxies(Path(proxies) if proxies else None)
    return Tracing(
        whois=whois,
        proxy_ranges=listed.ranges,
        proxy_signs=listed.signs,
        proxy_version=listed.version,
        places=where,
        extents=proxy_lists.extents() if where else {},
        news=tuple(part.strip() for part in news.split(",") if part.strip()),
    )


def places(text: str) -> dict[str, tuple[float, float]]:
    """ "direct=51.5,-0.1;north=55.9,-3.2" as where vantage points stand. Raises ValueError where one is no place."""
    found = {}
    for part in (part.strip() for part in text.split(";")):
        if not part:
            continue
        name, _, where = part.partition("=")
        try:
            lat, lon = (float(number) for number in where.split(","))
        except ValueError:
            lat = lon = math.nan
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise ValueError(f"The place “{part}” is not written as name=latitude,longitude.")
        found[name.strip()] = (lat, lon)
    return found


def resolvers(text: str) -> tuple[Resolver, ...]:
    """ "192.0.2.53, [2001:db8::53]:5353, tls://192.0.2.54#dns.example, udp://192.0.2.55" as resolvers.

    Raises ValueError where one is not a literal.
    """
    found = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        scheme, sign, rest = part.partition("://")
        transport, rest = (scheme.lower(), rest) if sign else ("tcp", part)
        rest, _, name = rest.partition("#")
        address, _, port = rest.rpartition(":") if rest.count(":") == 1 or "]:" in rest else (rest, "", "")
        found.append(
            Resolver(address.strip("[]"), int(port or (853 if transport == "tls" else 53)), transport, name)
        )
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
    """ "origin=/a.mmdb|CC BY 4.0:location=/b.mmdb" (or plain paths, told apart by their names) as files.

    What stands behind the bar is the file's licence in the operator's own words; it is shown with each answer.
    """
    found = []
    for part in (part for part in text.split(":") if part):
        named, _, licence = part.partition("|")
        kind, sign, path = named.partition("=")
        if not sign:
            path = named
            kind = "origin" if any(word in Path(path).name.lower() for word in _ORIGIN_NAMES) else "location"
        found.append(MmdbFile(path.strip(), kind.strip(), licence.strip()))
    return tuple(found)
