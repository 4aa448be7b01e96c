"""What a name server's answer means. Pure: bytes in, plain frozen values out, nothing raised.

True here: addresses count only if the answer's own chain of aliases leads from the name asked to them;
chains are at most 8 long. Not here: sockets (`client.py`), whether an address may be touched (`probe/deny.py`).
"""

import secrets
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

MAX_ALIASES = 8
MAX_ADDRESSES = 16
MAX_RAW = 32 * 1024
MAX_WIRE = 16 * 1024  # bytes of a message that are kept


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """One question's answer. `ok` False: no usable answer came and `why` says how."""

    name: str
    kind: str  # "A", "AAAA", "NS"
    ok: bool
    why: str = ""
    rcode: str = ""  # "NOERROR", "NXDOMAIN", "SERVFAIL" ...
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # the CNAME chain, in order, without the name asked
    servers: tuple[str, ...] = ()  # NS targets
    late: bool = False  # nothing came in time
    raw: str = ""  # the message as text, and below it the bytes that came, as hexadecimal digits


_KINDS = {"A": 1, "NS": 2, "CNAME": 5, "AAAA": 28}
_EDNS = b"\x00\x00\x29" + (1232).to_bytes(2, "big") + bytes(6)  # no options, so no client subnet


def question(name: str, kind: str) -> bytes:
    """The wire form of a recursive question without client subnet (RFC 1035, 6891). Raises ValueError for a name no
    name server could be asked for."""
    try:
        labels = [label.encode("ascii") for label in name.removesuffix(".").split(".")]
        wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
        if not all(0 < len(label) < 64 for label in labels) or len(wire) > 255:
            raise ValueError("a part of it is empty, or it is too long")
        asked = wire + _KINDS[kind].to_bytes(2, "big") + b"\x00\x01"
    except (UnicodeError, ValueError, KeyError) as fault:
        raise ValueError(f"{name[:80]!r} cannot be asked for: {fault}") from None
    head = secrets.token_bytes(2) + b"\x01\x00" + bytes((0, 1, 0, 0, 0, 0, 0, 1))
    return head + asked + _EDNS


def read(wire: bytes, name: str, kind: str, *, verbatim: bool = True) -> DnsAnswer:
    """Read one answer, however malformed. The identifier must be matched by the caller. `verbatim`: keep its text."""
    try:
        message = dns.message.from_wire(wire)
        raw = f"{message.to_text()[:MAX_RAW]}\n{as_it_came(wire)}" if verbatim else ""
        return _read(message, name, kind, raw)
    except Exception as fault:  # a hostile parser input may fail in any way; none of them is ours
        return DnsAnswer(
            name,
            kind,
            ok=False,
            why=f"The name server's answer is malformed ({type(fault).__name__}).",
            raw=as_it_came(wire),
        )


def as_it_came(wire: bytes) -> str:
    """The bytes of a message, to be kept."""
    return f";AS IT CAME\n{wire[:MAX_WIRE].hex()}" if wire else ""


def _read(message: dns.message.Message, name: str, kind: str, raw: str) -> DnsAnswer:
    rcode = dns.rcode.to_text(message.rcode())
    asked = dns.name.from_text(name)
    if why := _no_answer(message):
        return DnsAnswer(name, kind, ok=False, why=why, raw=raw)
    if not message.question or message.question[0].name != asked:
        return DnsAnswer(name, kind, ok=False, why="The answer is to another question.", rcode=rcode, raw=raw)
    if rcode not in ("NOERROR", "NXDOMAIN"):
        why = f"The name servers of this name do not answer ({rcode})."
        return DnsAnswer(name, kind, ok=False, why=why, rcode=rcode, raw=raw)
    sets: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {
        (rrset.name, rrset.rdtype): rrset for rrset in message.answer if rrset.rdclass == dns.rdataclass.IN
    }
    at, aliases = asked, []
    while (rrset := sets.get((at, dns.rdatatype.CNAME))) is not None:
        at = rrset[0].target
        aliases.append(_text(at))
        if len(aliases) > MAX_ALIASES:
            why = f"The name is an alias of an alias, more than {MAX_ALIASES} deep."
            return DnsAnswer(name, kind, ok=False, why=why, rcode=rcode, raw=raw)
    found = sets.get((at, dns.rdatatype.from_text(kind)), ())
    addresses = tuple(r.to_text() for r in found)[:MAX_ADDRESSES] if kind in ("A", "AAAA") else ()
    servers = tuple(_text(r.target) for r in found)[:MAX_ADDRESSES] if kind == "NS" else ()
    return DnsAnswer(
        name,
        kind,
        ok=True,
        rcode=rcode,
        addresses=addresses,
        aliases=tuple(aliases),
        servers=servers,
        raw=raw,
    )


def _no_answer(message: dns.message.Message) -> str:
    """Why a message that names no fault answers nothing all the same: what is missing in it is no sign of absence."""
    if not message.flags & dns.flags.QR:
        return "The name server sent the question back."
    if message.flags & dns.flags.TC:
        return "The name server's answer is cut short."
    kinds = {rrset.rdtype for rrset in message.authority}
    if not message.answer and dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds:
        return "The name server only names others that could be asked."
    return ""


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
