"""The registry: RDAP over HTTP (RFC 9082, 9083) for networks, domains and autonomous systems.

True here: each network's answer is spelled as one of the five address registries spells it (where the abuse
desk is nested, where the country stands, who announces it), with their terms; the lists that say who answers for
what (RFC 9224) are served too. Failing, waiting, sending on and lying can be switched on per network. Not here:
WHOIS (`whois.py`); the five are one server under one name.
"""

import ipaddress
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from openhotline.rules.countries import name_of
from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.dns import SERVERS
from openhotline.world.places import Network
from openhotline.world.talk import Answer, Request
from openhotline.world.truth import Truth

TYPE = "application/rdap+json"
_CONFORMANCE = ["rdap_level_0", "cidr0"]


class Registry:
    """Who holds what, as the registry tells it."""

    def __init__(self, truth: Truth, behaviours: Behaviours, now: Callable[[], datetime]) -> None:
        self.truth, self.behaviours, self.now = truth, behaviours, now

    def respond(self, request: Request) -> Answer:
        """The answer to /ip/..., /domain/... or /autnum/..."""
        kind, _, asked = request.path.removeprefix("/").partition("/")
        if kind == "moved":  # where a registry sends on to another
            kind, _, asked = asked.partition("/")
        try:
            if kind == "bootstrap":
                return Answer(200, json.dumps(bootstrap(asked, self.truth, self.now())), "application/json")
            if kind == "ip" and asked:
                network = self._network(asked)
                return self._said(
                    network,
                    ip_network(self._told(network), asked, self.now(), self._word(network))
                    if network
                    else None,
                    request.path,
                )
            if kind == "domain" and asked:
                return self._domain(asked.lower().rstrip("."))
            if kind == "autnum" and asked:
                found = next((n for n in self.truth.scenario.networks if n.asn == int(asked)), None)
                return self._said(
                    found, autnum(self._told(found), self.now()) if found else None, request.path
                )
        except ValueError:
            return _error(400, "The question cannot be read.")
        return _error(404, "There is nothing of this kind here.")

    def _network(self, asked: str) -> Network | None:
        return self.truth.network(str(ipaddress.ip_network(asked, strict=False).network_address))

    def _domain(self, name: str) -> Answer:
        if not places.is_reserved_name(name) or (
            name not in self.truth.zones and name not in self.truth.hosts
        ):
            return _error(404, "This name is not registered.")
        return self._said(None, domain(name, self.now()), f"/domain/{name}")

    def _word(self, network: Network | None) -> str:
        return self.behaviours.of("rdap", network.key if network else "domain")

    def _told(self, network: Network) -> Network:
        """The network as it is told: a lie, or a holder of long ago, is told as if it were so."""
        word = self._word(network)
        if word == "stale":
            return replace(network, operator="Former Holder", country="XA", abuse=("abuse@former.example",))
        if word == "wrong-country":
            return replace(network, country="XA")
        if word == "lie":
            return places.FAR_SHORE
        return network

    def _said(self, network: Network | None, value: dict[str, Any] | None, path: str) -> Answer:
        behaviour = self._word(network)
        if behaviour == "error":
            return _error(500, "The registry is out of order.")
        if behaviour == "rate-limit":
            return replace(_error(429, "Too many questions."), headers=(("Retry-After", "120"),))
        if behaviour == "loop" or (behaviour == "redirect" and not path.startswith("/moved/")):
            on = path if behaviour == "loop" else f"/moved{path}"
            return Answer(302, "", TYPE, headers=(("Location", f"http://{places.REGISTRY_NAME}{on}"),))
        if value is None:
            return _error(404, "Nobody holds this.")
        if behaviour == "deep":
            for _ in range(40):
                value = {"entities": [value]}
        if behaviour == "huge":
            value["remarks"] = [{"description": ["x" * 1000] * 600}]
        text = json.dumps(value)
        if behaviour == "malformed":
            text = text[: len(text) // 2] + '{"roles": [}'
        return Answer(200, text, TYPE, behaviour if behaviour in ("timeout", "cut-off") else "")


# Which registry's spelling each network's answer has; the others are spelled as RIPE does.
DIALECTS = {
    "quay-data": "arin",
    "slow-hosting": "apnic",
    "mute-hosting": "lacnic",
    "bulk-rack": "afrinic",
    "world-edge": "arin",
}


def ip_network(network: Network, asked: str, at: datetime, word: str = "") -> dict[str, Any]:
    """RFC 9083 5.4, as the network's registry spells it."""
    six, dialect = ":" in asked, DIALECTS.get(network.key, "ripe")
    prefix = ipaddress.ip_network(network.prefix6 if six else network.prefix)
    value: dict[str, Any] = {
        "rdapConformance": _CONFORMANCE,
        "objectClassName": "ip network",
        "handle": f"NET-{network.key.upper()}-{6 if six else 4}",
        "startAddress": str(prefix[0]),
        "endAddress": str(prefix[-1]),
        "ipVersion": "v6" if six else "v4",
        "name": network.key.upper(),
        "type": "ASSIGNED",
        "country": network.country,
        "status": ["active"],
        "entities": _entities(network, dialect),
        "events": _events(at, word),
        "links": [{"rel": "self", "href": f"http://{places.REGISTRY_NAME}/ip/{asked}", "type": TYPE}],
        "notices": [
            {
                "title": "Terms and Conditions",
                "description": ["What is told here is made up."],
                "links": [{"rel": "terms-of-service", "href": f"http://{places.REGISTRY_NAME}/terms"}],
            }
        ],
        "port43": places.WHOIS_NAME,
    }
    if dialect in ("ripe", "arin", "apnic"):
        key = "v6prefix" if six else "v4prefix"
        value["cidr0_cidrs"] = [{key: str(prefix.network_address), "length": prefix.prefixlen}]
    if dialect == "arin":
        del value["country"]  # there it stands in the holder's address only
        value["arin_originas0_originautnums"] = [network.asn]
    if dialect == "lacnic":
        value["lacnic_originAutnum"] = [network.asn]
    if dialect == "afrinic" and network.abuse:
        value["remarks"] = [{"description": [f"abuse-mailbox: {mail}" for mail in network.abuse]}]
    return value


def bootstrap(kind: str, truth: Truth, at: datetime) -> dict[str, Any]:
    """RFC 9224. Raises ValueError for what is none of the four lists."""
    networks = truth.scenario.networks
    entries = {
        "dns.json": ["example", "test", "com", "net", "org"],
        "ipv4.json": [network.prefix for network in networks],
        "ipv6.json": [network.prefix6 for network in networks],
        "asn.json": [str(network.asn) for network in networks],
    }.get(kind)
    if entries is None:
        raise ValueError(kind)
    return {
        "version": "1.0",
        "publication": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": "The registry of a synthetic internet",
        "services": [[entries, [f"http://{places.REGISTRY_NAME}/"]]],
    }


def autnum(network: Network, at: datetime) -> dict[str, Any]:
    """RFC 9083 5.5."""
    return {
        "rdapConformance": _CONFORMANCE,
        "objectClassName": "autnum",
        "handle": f"AS{network.asn}",
        "startAutnum": network.asn,
        "endAutnum": network.asn,
        "name": network.key.upper(),
        "country": network.country,
        "entities": [_registrant(network)],
        "events": _events(at),
    }


def domain(name: str, at: datetime) -> dict[str, Any]:
    """RFC 9083 5.3. Who registered it is not told, as is usual."""
    return {
        "rdapConformance": ["rdap_level_0"],
        "objectClassName": "domain",
        "ldhName": name,
        "status": ["active"],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": server} for server in SERVERS],
        "entities": [
            {
                "objectClassName": "entity",
                "handle": "REGISTRAR-1",
                "roles": ["registrar"],
                "vcardArray": _card("World Registrar", "org", "GB", ("abuse@registrar.example",)),
            }
        ],
        "events": _events(at),
    }


def _registrant(network: Network) -> dict[str, Any]:
    return _entities(network, "ripe")[0]


def _entities(network: Network, dialect: str) -> list[dict[str, Any]]:
    """The holder and its abuse desk: nested inside it, beside it, or (AFRINIC) not there at all."""
    holder: dict[str, Any] = {
        "objectClassName": "entity",
        "handle": f"ORG-{network.asn}",
        "roles": ["registrant"],
        "vcardArray": _card(network.operator, "org", network.country, (), labelled=dialect == "arin"),
    }
    desk = {
        "objectClassName": "entity",
        "handle": f"{'IRT' if dialect == 'apnic' else 'ABUSE'}-{network.asn}",
        "roles": ["abuse"],
        "vcardArray": _card(f"{network.operator} abuse desk", "group", network.country, network.abuse),
    }
    if not network.abuse or dialect == "afrinic":
        return [holder]
    if dialect in ("apnic", "lacnic"):
        return [holder, desk]
    if dialect == "arin":
        desk["roles"] = ["technical", "noc", "abuse"]
    return [{**holder, "entities": [desk]}]


def _card(name: str, kind: str, country: str, mails: tuple[str, ...], *, labelled: bool = False) -> list[Any]:
    """A jCard; `labelled`: its address as ARIN has it, a text whose last line names the country."""
    label = {"label": f"1 Example Street\nExample Town\n{name_of(country)}"}
    lines: list[list[Any]] = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", name],
        ["kind", {}, "text", kind],
        ["adr", label if labelled else {"cc": country}, "text", ["", "", "", "", "", "", ""]],
    ]
    lines += [["email", {"pref": str(place)}, "text", mail] for place, mail in enumerate(mails, 1)]
    return ["vcard", lines]


def _events(at: datetime, word: str = "") -> list[dict[str, str]]:
    if word == "stale":
        return [{"eventAction": "last changed", "eventDate": "2011-05-04T00:00:00Z"}]
    return [
        {"eventAction": "registration", "eventDate": "2019-03-01T00:00:00Z"},
        {"eventAction": "last changed", "eventDate": "2026-01-15T00:00:00Z"},
        {"eventAction": "last update of RDAP database", "eventDate": at.strftime("%Y-%m-%dT%H:%M:%SZ")},
    ]


def _error(status: int, sentence: str) -> Answer:
    value = {
        "rdapConformance": ["rdap_level_0"],
        "errorCode": status,
        "title": sentence,
        "description": [sentence],
    }
    return Answer(status, json.dumps(value), TYPE)
