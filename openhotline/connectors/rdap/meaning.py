"""What an RDAP answer about an address means. Pure: bytes in, a `MethodAnswer` out, nothing raised.

True here: at most 512 KiB, at most 20 deep, every field a hostile string of bounded length. The abuse
contact is the entity with the role `abuse` wherever it is nested; its e-mail stands in the jCard. If
several are found the nearest to the network comes first. Not here: which registry to ask (`client.py`).
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from openhotline.rules.facts import MethodAnswer

METHOD = "rdap"
MAX_BYTES = 512 * 1024
MAX_DEPTH = 20
MAX_ENTITIES = 200
MAX_TEXT = 200
ACCEPT = "application/rdap+json, application/json;q=0.8"

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def read(body: bytes, *, source: str, at: datetime, seconds: float = 0.0) -> MethodAnswer:
    """The answer to /ip/{address}. `at` is the time asked, against which the source's age is counted."""
    raw = body[:MAX_BYTES].decode("utf-8", "replace")
    try:
        value = _load(body)
        return _read(value, raw=raw, source=source, at=at, seconds=seconds)
    except Exception as fault:  # a hostile document may be wrong in any way; none of them is ours
        why = f"The registry's answer cannot be read: {fault}." if str(fault) else "It cannot be read."
        return MethodAnswer(METHOD, ok=False, why=why[:300], source=source, seconds=seconds, raw=raw)


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


def _read(value: dict[str, Any], *, raw: str, source: str, at: datetime, seconds: float) -> MethodAnswer:
    if value.get("objectClassName") not in (None, "ip network") or "errorCode" in value:
        raise ValueError(f"it is not about a network ({_text(value.get('title') or value.get('errorCode'))})")
    entities = list(_entities(value))
    names = [fn for roles, fn, _ in entities if "registrant" in roles and fn]
    operator = (names or [_text(value.get("name")) or _text(value.get("handle"))])[0]
    mails = tuple(dict.fromkeys(mail for roles, _, found in entities if "abuse" in roles for mail in found))[
        :5
    ]
    country = _text(value.get("country")).upper()
    country = country if re.fullmatch(r"[A-Z]{2}", country) else ""
    network = _network(value)
    if not (operator or country or network):
        raise ValueError("it names neither network, country nor operator")
    shown = ", ".join(filter(None, (operator, country, network)))
    return MethodAnswer(
        METHOD,
        ok=True,
        why="" if mails else "The registry names no abuse contact.",
        answer=shown,
        country=country,
        network=network,
        operator=operator,
        abuse_mail=mails,
        source=source,
        source_age_s=_age(value, at),
        seconds=seconds,
        raw=raw,
    )


def _entities(value: dict[str, Any]) -> Iterator[tuple[list[str], str, list[str]]]:
    """(roles, name, e-mails) of every entity, nearest first."""
    layer, left = [value], MAX_ENTITIES
    while layer and left > 0:
        below = []
        for thing in layer:
            inner = thing.get("entities")
            for entity in inner if isinstance(inner, list) else ():
                if isinstance(entity, dict) and left > 0:
                    left -= 1
                    roles = entity.get("roles")
                    name, mails = _card(entity.get("vcardArray"))
                    yield [str(r) for r in roles] if isinstance(roles, list) else [], name, mails
                    below.append(entity)
        layer = below


def _card(card: Any) -> tuple[str, list[str]]:
    """(name, e-mails) of a jCard, RFC 7095: ["vcard", [[property, parameters, type, value...], ...]]."""
    name, mails = "", []
    lines = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for line in lines[:100]:
        if not isinstance(line, list) or len(line) < 4 or not isinstance(line[0], str):
            continue
        if line[0].lower() == "fn":
            name = name or _text(line[3])
        elif line[0].lower() == "email" and isinstance(line[3], str):
            mail = line[3].strip().removeprefix("mailto:")
            if len(mail) <= 254 and _MAIL.fullmatch(mail):
                mails.append(mail)
    return name, mails


def _network(value: dict[str, Any]) -> str:
    """The network as a prefix, from cidr0 or from the two ends; "" if neither is sound."""
    listed = value.get("cidr0_cidrs")
    for item in listed[:1] if isinstance(listed, list) else ():
        prefix = item.get("v4prefix") or item.get("v6prefix")
        return str(ipaddress.ip_network(f"{prefix}/{int(item['length'])}"))
    try:
        first = ipaddress.ip_address(str(value.get("startAddress")))
        last = ipaddress.ip_address(str(value.get("endAddress")))
        blocks = list(ipaddress.summarize_address_range(first, last))
    except (ValueError, TypeError):
        return ""
    return str(blocks[0]) if len(blocks) == 1 else f"{first} - {last}"


def _age(value: dict[str, Any], at: datetime) -> int | None:
    """Seconds since the registry says its data were last brought up to date, if it says so."""
    events = value.get("events")
    for event in events[:50] if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("eventAction") == "last update of RDAP database":
            try:
                then = datetime.fromisoformat(str(event.get("eventDate")))
            except ValueError:
                return None
            then = then if then.tzinfo else then.replace(tzinfo=UTC)
            return max(0, int((at - then).total_seconds()))
    return None


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return "".join(c for c in text if c.isprintable())[:MAX_TEXT].strip()
