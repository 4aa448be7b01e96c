"""What an RDAP answer means: about an address, a domain or an autonomous system (RFC 9083). Pure: bytes in, a
`MethodAnswer` out, nothing raised.

True here: at most 512 KiB, at most 20 deep, every field a hostile string of bounded length; an answer about
something else than was asked is no answer. The abuse contact is the entity with the role `abuse` wherever it is
nested; if several are found the nearest comes first. Dialects of the five registries are read side by side
(`dialects.py`). A registrar answers for a name, never for the server: its mailbox is shown and is no contact of a
host. Not here: which registry to ask (`client.py`).
"""

import ipaddress
import json
import re
from datetime import UTC, datetime
from typing import Any

from openhotline.connectors.rdap.dialects import (
    MAX_TEXT,
    entities,
    mails_of,
    originating,
    plain,
    terms,
)
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer

METHOD, DOMAIN, SYSTEM = methods.RDAP, methods.RDAP_DOMAIN, methods.RDAP_AS
MAX_BYTES = 512 * 1024
MAX_DEPTH = 20
ACCEPT = "application/rdap+json, application/json;q=0.8"
_CLASS = {METHOD: "ip network", DOMAIN: "domain", SYSTEM: "autnum"}
_WORD = {METHOD: "network", DOMAIN: "domain", SYSTEM: "autonomous system"}


def read(
    body: bytes,
    *,
    source: str,
    at: datetime,
    seconds: float = 0.0,
    method: str = METHOD,
    asked: str = "",
) -> MethodAnswer:
    """The answer to /ip/, /domain/ or /autnum/, as `method` says. `at` is the time asked, against which the
    source's age is counted; `asked` is what the answer must be about ("" does not compare)."""
    raw = body[:MAX_BYTES].decode("utf-8", "backslashreplace")
    try:
        value = _load(body)
        if value.get("objectClassName") not in (None, _CLASS[method]) or "errorCode" in value:
            said = plain(value.get("title") or value.get("errorCode") or value.get("objectClassName"))
            raise ValueError(f"it is not about a {_WORD[method]} ({said})")
        fields = _READERS[method](value, asked)
        return MethodAnswer(
            method,
            ok=True,
            source=source,
            source_age_s=_age(value, at),
            changed_s=_changed(value, at),
            seconds=seconds,
            raw=raw,
            licence=terms(value),
            **fields,
        )
    except Exception as fault:  # a hostile document may be wrong in any way; none of them is ours
        why = f"The registry's answer cannot be read: {fault}." if str(fault) else "It cannot be read."
        return MethodAnswer(method, ok=False, why=why[:300], source=source, seconds=seconds, raw=raw)


def _load(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise ValueError("it is longer than 512 KiB")
    if _depth(body) > MAX_DEPTH:
        raise ValueError("it is nested more than 20 deep")
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def _depth(body: bytes) -> int:
    """How deep the brackets go, strings skipped; counted before a parser may recurse.

    A string without end is taken to the end: looked for again from each quote, it would cost the square.
    """
    deepest = depth = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', body, re.DOTALL):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _address(value: dict[str, Any], asked: str) -> dict[str, Any]:
    found = list(entities(value))
    holders = [one for one in found if one.name and "registrant" in one.roles]
    operator = holders[0].name if holders else plain(value.get("name")) or plain(value.get("handle"))
    mails = mails_of(found, "abuse")
    country = _country(value.get("country")) or next((one.country for one in holders if one.country), "")
    network = _network(value, asked)
    if not (operator or country or network):
        raise ValueError("it names neither network, country nor operator")
    return {
        "why": "" if mails else "The registry names no abuse contact.",
        "answer": ", ".join(filter(None, (operator, country, network))),
        "country": country,
        "network": network,
        "operator": operator,
        "abuse_mail": mails,
        "asn": originating(value),
    }


def _domain(value: dict[str, Any], asked: str) -> dict[str, Any]:
    name = plain(value.get("ldhName")).lower().rstrip(".")
    if not name or (asked and name != asked.lower().rstrip(".")):
        raise ValueError("it is about another domain")
    found = list(entities(value))
    registrar = next((one.name for one in found if "registrar" in one.roles and one.name), "")
    listed = value.get("nameservers")
    servers = [
        plain(one.get("ldhName")).lower().rstrip(".")
        for one in (listed if isinstance(listed, list) else [])[:20]
        if isinstance(one, dict)
    ]
    mails = mails_of(found, "abuse") or mails_of(found, "registrar")
    shown = [name, f"registrar {registrar}" if registrar else ""]
    shown.append(f"the registrar's abuse desk {', '.join(mails)}" if mails else "")
    registered = _event(value, "registration")
    shown.append(f"registered {registered}" if registered else "")
    return {
        "why": "Who registered the name; it says nothing of where the server stands.",
        "answer": ", ".join(filter(None, shown)),
        "names": tuple(filter(None, servers)),
    }


def _system(value: dict[str, Any], asked: str) -> dict[str, Any]:
    first, last = value.get("startAutnum"), value.get("endAutnum")
    if not isinstance(first, int) or isinstance(first, bool):
        raise ValueError("it names no autonomous system")
    last = last if isinstance(last, int) and not isinstance(last, bool) else first
    number = int(asked) if asked else first
    if not 0 < first <= number <= last < 2**32:
        raise ValueError("it is about another autonomous system")
    found = list(entities(value))
    holders = [one for one in found if one.name and "registrant" in one.roles]
    operator = holders[0].name if holders else plain(value.get("name"))
    country = _country(value.get("country")) or next((one.country for one in holders if one.country), "")
    return {
        "why": "Where the holder of the system is registered; its servers may stand anywhere.",
        "answer": ", ".join(filter(None, (f"AS{number}", operator, country))),
        "country": country,
        "operator": operator,
        "asn": number,
        "abuse_mail": mails_of(found, "abuse"),
    }


_READERS = {METHOD: _address, DOMAIN: _domain, SYSTEM: _system}


def _country(value: Any) -> str:
    text = plain(value).upper()
    return text if re.fullmatch(r"[A-Z]{2}", text) else ""


def _network(value: dict[str, Any], asked: str) -> str:
    """The network as a prefix, from cidr0 or from the two ends; "" if neither is sound.

    Raises ValueError if a sound one does not hold what was asked about.
    """
    ip = ipaddress.ip_address(asked) if asked else None
    listed = value.get("cidr0_cidrs")
    blocks: list[Any] = []
    for item in listed[:64] if isinstance(listed, list) else ():
        prefix = item.get("v4prefix") or item.get("v6prefix")
        blocks.append(ipaddress.ip_network(f"{prefix}/{int(item['length'])}"))
    ends = ""
    if not blocks:
        try:
            first = ipaddress.ip_address(str(value.get("startAddress")))
            last = ipaddress.ip_address(str(value.get("endAddress")))
            blocks = list(ipaddress.summarize_address_range(first, last))
        except (ValueError, TypeError):
            return ""
        ends = f"{first} - {last}" if len(blocks) > 1 else ""
    if ip is not None:
        blocks = [block for block in blocks if block.version == ip.version and ip in block]
        if not blocks:
            raise ValueError("it is about another network than the one that was asked about")
    return ends or str(blocks[0])


def _age(value: dict[str, Any], at: datetime) -> int | None:
    """Seconds since the registry says its data were last brought up to date, else since this record changed."""
    updated = _event(value, "last update of RDAP database", whole=True)
    return _since(updated, at) if updated else _changed(value, at)


def _changed(value: dict[str, Any], at: datetime) -> int | None:
    """Seconds since the registry last changed this record, where it says so."""
    return _since(_event(value, "last changed", whole=True), at)


def _since(text: str, at: datetime) -> int | None:
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0, int((at - then).total_seconds()))


def _event(value: dict[str, Any], action: str, *, whole: bool = False) -> str:
    events = value.get("events")
    for event in events[:50] if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("eventAction") == action:
            date = plain(event.get("eventDate"))
            return date if whole else date[:10]
    return ""


__all__ = ["ACCEPT", "DOMAIN", "MAX_BYTES", "MAX_DEPTH", "MAX_TEXT", "METHOD", "SYSTEM", "read"]
