"""What a WHOIS text means, in the dialects in use. Pure: bytes in, a `MethodAnswer` out, nothing raised.

True here: at most 64 KiB, in UTF-8 or Latin-1, every line a hostile string of bounded length. Registries answer with a
chain of objects: the last that has a field wins, except that the first abuse mailbox named comes first. The country and
the day of change are the network's own; where it has none, its organisation's (ARIN), and never those of the people
behind it, who live elsewhere (APNIC, LACNIC). A text without any line we know is a failed method whose words are kept.
Not here: which server to ask (`client.py`).
"""

import ipaddress
import re
from collections.abc import Container
from datetime import UTC, datetime

from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.printable import printable

METHOD = methods.WHOIS
MAX_BYTES = 64 * 1024
MAX_LINES = 2000
MAX_TEXT = 200

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
# RIPE and AFRINIC put the mailbox into a remark above the object.
_ABUSE_REMARK = re.compile(r"abuse contact for .{0,200}? is ['\"]?([^'\"\s]{3,254})", re.IGNORECASE)
_COUNTRY = {"country", "registrant country", "owner-country"}
# By how well they name the organisation, best first: ARIN, RIPE, APNIC and AFRINIC, LACNIC, then the net's name.
_ORGANISATION = (
    "orgname",
    "org-name",
    "organization",
    "organisation",
    "owner",
    "registrant organization",
    "descr",
    "netname",
)
_ABUSE = {
    "orgabuseemail",
    "abuse-mailbox",
    "abuse-c email",
    "registrar abuse contact email",
    "rabuseemail",
    "nic-hdl-abuse",
    "abuse contact",
}
_PEOPLE = ("person", "role", "irt", "nic-hdl", "nic-hdl-br", "mntner")  # what such an object begins with
_BLOCK = ("cidr", "inetnum", "inet6num", "netrange")
_RANGE = (*_BLOCK, "route", "route6")
_ORIGIN = ("originas", "origin", "aut-num", "asnumber")
_REFER = ("refer", "referralserver", "whois server", "registrar whois server", "resourcelink")
_CHANGED = ("updated", "last-modified", "changed", "updated date")
Line = tuple[str, str]  # key in lower case, value
_NONE = ("no match", "not found", "no entries found", "no data found", "nothing found")
_WAIT = ("limit exceeded", "quota", "too many", "rate limit", "access denied", "blocked")


def read(body: bytes, *, source: str, at: datetime, seconds: float = 0.0, asked: str = "") -> MethodAnswer:
    """One server's text about `asked`, however malformed. `at` is the time asked."""
    raw = body[:MAX_BYTES].decode("utf-8", "backslashreplace")
    try:
        return _read(body, raw, source, at, seconds, asked)
    except Exception as fault:  # a hostile text may be wrong in any way; none of them is ours
        why = f"The WHOIS text cannot be read ({type(fault).__name__})."
        return MethodAnswer(METHOD, ok=False, why=why, source=source, seconds=seconds, raw=raw)


def refers_to(body: bytes) -> str:
    """The host name of the server that knows more, "" if the text names none (or something that is no name)."""
    for key, value in (line for one in _objects(_text(body)) for line in one):
        if key in _REFER:
            name = value.removeprefix("whois://").removeprefix("rwhois://").partition("/")[0]
            name = name.partition(":")[0].strip().rstrip(".").lower()
            if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9](?:[a-z0-9-]{0,62})){1,8}", name):
                return name
    return ""


def _read(body: bytes, raw: str, source: str, at: datetime, seconds: float, asked: str) -> MethodAnswer:
    def failed(why: str) -> MethodAnswer:
        return MethodAnswer(METHOD, ok=False, why=why, source=source, seconds=seconds, raw=raw)

    if len(body) > MAX_BYTES:
        return failed("The WHOIS text is longer than 64 KiB; it was not read further.")
    text = _text(body)
    objects = _objects(text)
    lines = [line for one in objects for line in one]
    words = text[:2000].lower()
    if any(sign in words for sign in _WAIT) and not any(key in _RANGE for key, _ in lines):
        return failed("The WHOIS server asks us to come back later.")
    if not lines or (any(sign in words for sign in _NONE) and not any(key in _RANGE for key, _ in lines)):
        return failed("The WHOIS server knows nothing about it.")
    things = [one for one in objects if one[0][0] not in _PEOPLE]
    blocks = [one for one in things if any(key in _BLOCK for key, _ in one)]
    country = _country(_last(blocks, _COUNTRY) or _last(things, _COUNTRY))
    operator = next((named[0] for key in _ORGANISATION if (named := _last(things, {key}))), "")
    network = next((block for value in _all(lines, _RANGE) if (block := _network(value, asked))), "")
    asn = next((number for value in _all(lines, _ORIGIN) if (number := _asn(value))), 0)
    mails = [value for key, value in lines if key in _ABUSE]
    mails += _ABUSE_REMARK.findall(text)
    abuse = tuple(dict.fromkeys(mail for mail in mails if len(mail) <= 254 and _MAIL.fullmatch(mail)))[:5]
    if not (country or operator or network):
        return failed("The WHOIS text names neither network, country nor organisation.")
    changed = _age(_last(blocks, _CHANGED) or _last(things, _CHANGED), at)
    return MethodAnswer(
        METHOD,
        ok=True,
        why="" if abuse else "The WHOIS text names no abuse contact.",
        answer=", ".join(filter(None, (operator, country, network))),
        country=country,
        asn=asn,
        network=network,
        operator=operator,
        abuse_mail=abuse,
        source=source,
        source_age_s=changed,
        changed_s=changed,
        seconds=seconds,
        raw=raw,
    )


def _text(body: bytes) -> str:
    """The words: UTF-8, or Latin-1 as several registries still write; `raw` keeps what came, byte for byte."""
    try:
        return body[:MAX_BYTES].decode("utf-8")
    except UnicodeDecodeError:
        return body[:MAX_BYTES].decode("latin-1")


def _objects(text: str) -> list[list[Line]]:
    """The lines "key: value" of each object, as blank lines part them; comments are skipped."""
    found: list[list[Line]] = [[]]
    for line in text.splitlines()[:MAX_LINES]:
        if not line.strip():
            found.append([])
        if line[:1] in "%#" or ":" not in line:
            continue
        key, _, value = line.partition(":")
        key = " ".join(key.strip(" .\t").lower().split())[:60]
        value = printable(value, MAX_TEXT)
        if key and value:
            found[-1].append((key, value))
    return [one for one in found if one]


def _last(objects: list[list[Line]], keys: Container[str]) -> list[str]:
    """The values of these keys in the last object that has any."""
    each = ([value for key, value in one if key in keys] for one in reversed(objects))
    return next((values for values in each if values), [])


def _country(values: list[str]) -> str:
    """The one country named; "" where several are, or none."""
    named = {value.upper() for value in values}
    found = named.pop() if len(named) == 1 else ""
    return found if re.fullmatch(r"[A-Z]{2}", found) else ""


def _all(lines: list[Line], keys: tuple[str, ...]) -> list[str]:
    """Values of these keys, the last line first: the most specific object comes last."""
    return [value for key, value in reversed(lines) if key in keys]


def _network(text: str, asked: str) -> str:
    """The network as a prefix; "" if it is none, or does not hold what was asked about."""
    try:
        if "-" in text:
            first, _, last = text.partition("-")
            low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
            blocks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = list(
                ipaddress.summarize_address_range(low, high)
            )
        else:
            blocks = [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",")[:8]]
        if asked:
            ip = ipaddress.ip_address(asked)
            blocks = [block for block in blocks if block.version == ip.version and ip in block]
    except (ValueError, TypeError):
        return ""
    return str(blocks[0]) if blocks else ""


def _asn(text: str) -> int:
    found = re.match(r"(?:AS)?(\d{1,10})\b", text.strip(), re.IGNORECASE)
    return int(found[1]) if found and 0 < int(found[1]) < 2**32 else 0


def _age(values: list[str], at: datetime) -> int | None:
    """Seconds since the youngest date among the "changed" lines, if one can be read."""
    ages = []
    for value in values[:20]:
        for match in re.findall(r"\d{4}-?\d{2}-?\d{2}", value):
            try:
                then = datetime.fromisoformat(match).replace(tzinfo=UTC)
            except ValueError:
                continue
            ages.append(max(0, int((at - then).total_seconds())))
    return min(ages, default=None)
