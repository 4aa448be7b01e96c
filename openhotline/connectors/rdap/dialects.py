"""How the five address registries spell the same things. Pure, and nothing raised by what is odd.

True here: entities are found wherever they are nested (ARIN and RIPE put the abuse desk inside the holder, APNIC
and LACNIC beside it); a mailbox stands in a jCard (RFC 7095), now and then with "mailto:", or, at AFRINIC and the
national registries, only in a remark; a country is a member of its own, a parameter of the jCard's address, its
last part, or (ARIN) a name in the last line of the address's label. Origin systems are ARIN's and LACNIC's extensions. Terms of use stand among the notices. Not here: what
follows from any of it (`meaning.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openhotline.rules.countries import code_named
from openhotline.rules.printable import printable

MAX_ENTITIES = 200
MAX_TEXT = 200
MAX_MAILS = 5

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ABUSE_REMARK = re.compile(
    r"abuse(?:-mailbox|-c)?\b.{0,120}?([^\s<>'\"(),;:]{1,64}@[^\s<>'\"(),;]{3,190})", re.I
)
_ORIGINS = ("arin_originas0_originautnums", "lacnic_originAutnum", "nicbr_autnum")


@dataclass(frozen=True, slots=True)
class Entity:
    """One organisation, person or desk of an answer."""

    roles: tuple[str, ...]
    name: str
    country: str
    mails: tuple[str, ...]


def entities(value: dict[str, Any]) -> Iterator[Entity]:
    """Every entity, nearest first; at the end one for the answer's own remarks, if they name an abuse desk."""
    layer, left = [value], MAX_ENTITIES
    while layer and left > 0:
        below = []
        for thing in layer:
            inner = thing.get("entities")
            for one in inner if isinstance(inner, list) else ():
                if isinstance(one, dict) and left > 0:
                    left -= 1
                    yield _entity(one)
                    below.append(one)
        layer = below
    told = _remarked(value)
    if told:
        yield Entity(("abuse",), "", "", told)


def mails_of(found: Sequence[Entity], role: str) -> tuple[str, ...]:
    """The mailboxes of everybody with that role, nearest first, each once."""
    return tuple(dict.fromkeys(mail for one in found if role in one.roles for mail in one.mails))[:MAX_MAILS]


def originating(value: dict[str, Any]) -> int:
    """The autonomous system that the registry says announces the network; 0 if it does not say."""
    for key in _ORIGINS:
        listed = value.get(key)
        for number in listed[:10] if isinstance(listed, list) else (listed,):
            if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**32:
                return number
    return 0


def terms(value: dict[str, Any]) -> str:
    """The registry's terms of use: where they stand, else their title; "" if it names none."""
    notices = value.get("notices")
    for notice in notices[:20] if isinstance(notices, list) else ():
        if not isinstance(notice, dict):
            continue
        title = plain(notice.get("title"))
        if not re.search(r"terms|conditions|copyright", title, re.IGNORECASE):
            continue
        links = notice.get("links")
        for link in links[:5] if isinstance(links, list) else ():
            if isinstance(link, dict) and plain(link.get("href")):
                return f"{title}: {plain(link.get('href'))}"
        return title
    return ""


def plain(value: Any) -> str:
    """A member as text that can be shown: printable, short, "" for what is no text."""
    if isinstance(value, bool):
        return ""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return printable(text[: MAX_TEXT * 4], MAX_TEXT)


def _entity(one: dict[str, Any]) -> Entity:
    roles = one.get("roles")
    name, country, mails = _card(one.get("vcardArray"))
    low = tuple(str(role).lower()[:40] for role in roles[:20]) if isinstance(roles, list) else ()
    return Entity(low, name, country, mails or (_remarked(one) if "abuse" in low else ()))


def _card(card: Any) -> tuple[str, str, tuple[str, ...]]:
    """(name, country, mailboxes) of ["vcard", [[property, parameters, type, value...], ...]]."""
    name, country, mails = "", "", []
    lines = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for line in lines[:100]:
        if not isinstance(line, list) or len(line) < 4 or not isinstance(line[0], str):
            continue
        kind = line[0].lower()
        if kind == "fn":
            name = name or plain(line[3])
        elif kind == "email" and isinstance(line[3], str):
            mail = line[3].strip().removeprefix("mailto:")
            if len(mail) <= 254 and _MAIL.fullmatch(mail):
                mails.append(mail)
        elif kind == "adr":
            country = country or _country(line)
    return name, country, tuple(mails)


def _country(line: list[Any]) -> str:
    """ISO code in the address's parameters (RFC 8605), as its last part, or by name where the address is a label only."""
    parameters = line[1] if isinstance(line[1], dict) else {}
    parts = line[3] if isinstance(line[3], list) else [line[3]]
    for text in (parameters.get("cc"), parts[-1] if parts else ""):
        if isinstance(text, str) and _COUNTRY.fullmatch(text.strip()):
            return text.strip().upper()
    label = parameters.get("label")
    return code_named(label[:1000].rstrip().rpartition("\n")[2]) if isinstance(label, str) else ""


def _remarked(value: dict[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    remarks = value.get("remarks")
    for remark in remarks[:20] if isinstance(remarks, list) else ():
        lines = remark.get("description") if isinstance(remark, dict) else None
        for line in lines[:50] if isinstance(lines, list) else ():
            if isinstance(line, str):
                found += _ABUSE_REMARK.findall(line[:1000])
    good = (mail.rstrip(".") for mail in found)
    return tuple(dict.fromkeys(mail for mail in good if len(mail) <= 254 and _MAIL.fullmatch(mail)))[
        :MAX_MAILS
    ]
