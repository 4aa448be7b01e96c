"""The registry: RDAP over HTTP (RFC 9082, 9083) for networks, domains and autonomous systems.

True here: the abuse contact is an entity nested in the registrant's, its mailboxes in a jCard (RFC 7095), as
real registries do it. Time-out, cut-off, noise and 500 can be switched on per network. Not here: a bootstrap
file; the world has one registry for everything.
"""

import ipaddress
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

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
        try:
            if kind == "ip" and asked:
                network = self._network(asked)
                return self._said(network, ip_network(network, asked, self.now()) if network else None)
            if kind == "domain" and asked:
                return self._domain(asked.lower().rstrip("."))
            if kind == "autnum" and asked:
                found = next((n for n in self.truth.scenario.networks if n.asn == int(asked)), None)
                return self._said(found, autnum(found, self.now()) if found else None)
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
        return self._said(None, domain(name, self.now()))

    def _said(self, network: Network | None, value: dict[str, Any] | None) -> Answer:
        behaviour = self.behaviours.of("rdap", network.key if network else "domain")
        if behaviour == "error":
            return _error(500, "The registry is out of order.")
        if value is None:
            return _error(404, "Nobody holds this.")
        text = json.dumps(value)
        if behaviour == "malformed":
            text = text[: len(text) // 2] + '{"roles": [}'
        return Answer(200, text, TYPE, behaviour if behaviour in ("timeout", "cut-off") else "")


def ip_network(network: Network, asked: str, at: datetime) -> dict[str, Any]:
    """RFC 9083 5.4."""
    six = ":" in asked
    prefix = ipaddress.ip_network(network.prefix6 if six else network.prefix)
    return {
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
        "cidr0_cidrs": [
            {"v6prefix" if six else "v4prefix": str(prefix.network_address), "length": prefix.prefixlen}
        ],
        "entities": [_registrant(network)],
        "events": _events(at),
        "links": [{"rel": "self", "href": f"http://{places.REGISTRY_NAME}/ip/{asked}", "type": TYPE}],
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
    holder: dict[str, Any] = {
        "objectClassName": "entity",
        "handle": f"ORG-{network.asn}",
        "roles": ["registrant"],
        "vcardArray": _card(network.operator, "org", network.country, ()),
    }
    if network.abuse:
        holder["entities"] = [
            {
                "objectClassName": "entity",
                "handle": f"ABUSE-{network.asn}",
                "roles": ["abuse"],
                "vcardArray": _card(
                    f"{network.operator} abuse desk", "group", network.country, network.abuse
                ),
            }
        ]
    return holder


def _card(name: str, kind: str, country: str, mails: tuple[str, ...]) -> list[Any]:
    lines: list[list[Any]] = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", name],
        ["kind", {}, "text", kind],
        ["adr", {"cc": country}, "text", ["", "", "", "", "", "", ""]],
    ]
    lines += [["email", {"pref": str(place)}, "text", mail] for place, mail in enumerate(mails, 1)]
    return ["vcard", lines]


def _events(at: datetime) -> list[dict[str, str]]:
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
