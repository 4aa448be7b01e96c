"""The address key: what joins reports of one address, and the form in which an address is followed.

True here: every text that was ever reported reads to an `Address`, and nothing raises. The key only joins;
what is dialled is the canonical form of the address as it was reported, its scheme kept. What is not here:
whether an address may be contacted (connectors) and the words people type around it (`refang`).
"""

import re
from base64 import b32decode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha3_256, sha256
from unicodedata import name as unicode_name
from urllib.parse import quote, unquote

import can_ada
from publicsuffixlist import PublicSuffixList

from openhotline.rules.refang import EDGE, defang, embedded, refang, refang_at, split_lines, trim
from openhotline.rules.words import ADDRESS, FILE, NEWSGROUP, ONION

__all__ = [
    "LONGEST",
    "Address",
    "apart",
    "defang",
    "read",
    "read_file",
    "read_many",
    "registrable_of",
    "split_lines",
]

LONGEST = 65_536  # characters. Longer than any server reads; kept as received, but not followed.

_MOST_TOLD_APART = 1 << 20  # characters of one line; a longer one stays one

_SEND = "Send the address that starts with http, or the Message-ID of the post."
_SEVERAL = re.compile(r"[\s,;|]")
_ONE_LINE = re.compile(r"[\r\n\u2028\u2029]+")
_PLAIN = re.compile(r"https?://[^\x00-\x20\x7f-\U0010ffff\[\](){}<>\"'`*\\]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT_AFTER = re.compile(r"\d{1,5}(?:[/?#]|$)")
_MESSAGE_ID = re.compile(
    r"(?:message-id:[ ]*)?<?(?:(news|nntp):(?://[^/@\s]*/)?)?([!-;=?A-~]+@[!-;=?A-~]+)>?", re.IGNORECASE
)
_DIGEST = re.compile(
    # Standing alone: inside a path or a query (?md5=...) it is a part of an address.
    r"(?<![^\s,;(])(?:file:)?(?P<how>sha-?256|sha-?1|md5)[:= ]\s*(?P<hex>[0-9a-f]{32,64})(?![^\s,;)])|^(?P<bare>[0-9a-f]{32}(?:[0-9a-f]{8})?(?:[0-9a-f]{24})?)$",
    re.IGNORECASE,
)
_DIGEST_OF = {64: "sha256", 40: "sha1", 32: "md5"}
_V3, _V2 = re.compile(r"[a-z2-7]{56}"), re.compile(r"[a-z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Address:
    """One reported address, read.

    `key` and `key_digest` (SHA-256, 32 bytes) join reports. `ok` False: it cannot be worked on as it is, and
    `why` says in a sentence what is missing; `canonical` and `key` may then be empty. `note`: worth knowing,
    hinders nothing.
    """

    reported: str
    kind: str = ADDRESS
    canonical: str = ""
    key: str = ""
    key_digest: bytes = b""
    host: str = ""
    registrable: str = ""
    ok: bool = False
    why: str = ""
    note: str = ""


def dialled(canonical: str) -> str:
    """The address as the prober may ask for it: without user name and password, which are never sent."""
    scheme, sign, rest = canonical.partition("://")
    authority, slash, path = rest.partition("/")
    if not sign or "@" not in authority:
        return canonical
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def read(raw: str, *, keep_fragment_hosts: frozenset[str] = frozenset()) -> Address:
    """Read one reported text. Never raises, whatever the text.

    `keep_fragment_hosts`: hosts or registrable names where the part after # tells pages apart (policy data).
    """
    if len(raw) < 2048 and _PLAIN.fullmatch(raw):
        return _web(raw, raw, keep_fragment_hosts)
    if len(raw) > LONGEST:
        return Address(
            raw,
            why=f"This is {len(raw):,} characters long, more than any server reads. It is kept; send a shorter address.",
        )
    # Half a character cannot be written in UTF-8; WHATWG reads it as the replacement character.
    text = raw if raw.isascii() else raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = trim(text)
    if not text:
        return Address(raw, why=f"Nothing is written here. {_SEND}")
    return _message_id(raw, text) or _digest(raw, text) or _odd(raw, text, keep_fragment_hosts)


def apart(text: str) -> tuple[str, ...]:
    """What stands in one line or one cell, told apart: its lines, and several addresses on one of them.

    A line is cut only where two parts of it or more can be read; words that follow a part go with the cut. So the
    caller keeps `text` wherever more than itself comes back. Nothing but blanks comes back as it is.
    """
    if _SEVERAL.search(text) is None:
        return (text,)
    lines = [line for line in _ONE_LINE.split(text) if line.strip(EDGE)]
    return tuple(part for line in lines for part in _several(line)) or (text,)


def _several(line: str) -> tuple[str, ...]:
    parts = split_lines(line) if _SEVERAL.search(line.strip(EDGE)) and len(line) <= _MOST_TOLD_APART else ()
    if len(parts) < 2:
        return (line,)
    parts = tuple(embedded(part) or part if " " in part else part for part in parts)
    return parts if sum(read(part).ok for part in parts) > 1 else (line,)


def read_many(raws: Iterable[str], *, keep_fragment_hosts: frozenset[str] = frozenset()) -> list[Address]:
    """Read many, in order; what occurs twice is read once."""
    seen: dict[str, Address] = {}
    found = []
    for raw in raws:
        address = seen.get(raw)
        if address is None:
            address = seen[raw] = read(raw, keep_fragment_hosts=keep_fragment_hosts)
        found.append(address)
    return found


def read_file(raw: str) -> Address:
    """Read what was given for a file without an address: its digest, with or without a name beside it."""
    return _digest(raw, trim(raw)) or Address(
        raw,
        FILE,
        why="A file without an address needs its digest (SHA-256, SHA-1 or MD5). The name alone is kept.",
    )


def _odd(raw: str, text: str, keep: frozenset[str]) -> Address:
    """Everything that does not look like a plain web address at once."""
    text = refang(text)
    scheme = _SCHEME.match(text)
    bare = False
    if scheme and scheme[1].lower() not in ("http", "https"):
        after = text[scheme.end() :]
        if after.startswith("//") or not ("." in scheme[1] or _PORT_AFTER.match(after)):
            found = embedded(text)
            if found and " " in text:
                return _found(raw, found, keep)
            return Address(raw, why=_not_followed(scheme[1].lower(), text))
        bare = True
    if not scheme or bare:
        bare = True
        if "@" in text and "/" not in text and " " not in text:
            return Address(
                raw,
                why="This looks like a mail address. For a post in a newsgroup, send its Message-ID as <name@host>.",
            )
        text = f"http:{text}" if text.startswith("//") else f"http://{text}"
    address = _web(raw, text, keep)
    if address.canonical and bare and "." not in address.host and ":" not in address.host:
        return Address(
            raw, why=f"“{_short(address.host)}” alone does not lead to a place on the internet. {_SEND}"
        )
    if not address.canonical:
        found = embedded(text[7:] if bare else text)
        if found and found != text:
            return _found(raw, found, keep)
    return address


def _found(raw: str, found: str, keep: frozenset[str]) -> Address:
    """An address found inside other words."""
    return _web(raw, refang(found), keep, "The address was found among other words.")


def _web(raw: str, text: str, keep: frozenset[str], note: str = "") -> Address:
    """Read `text`, which starts with http: or https:, by the WHATWG rules."""
    try:
        href = can_ada.parse(text).href
    except (ValueError, TypeError):
        return Address(raw, why=_unreadable(text))
    start = 8 if href[4] == "s" else 7
    cut = href.find("/", start)
    place, rest = href[start:cut], href[cut:]
    if "@" in place:
        place = place[place.rfind("@") + 1 :]
        note = note or "It carries a name or password before the @, which is no part of the key."
    if place[0] == "[":
        host, _, port = place[1:].partition("]")
        registrable, fault, kind = host, "", ADDRESS
    else:
        host, colon, port = place.partition(":")
        port = colon + port
        if host[-1] == ".":
            host = host[:-1]
        registrable, fault, kind, about = _about(host)
        note = note or about
    sharp = rest.find("#")
    if (
        sharp >= 0
        and rest[sharp + 1 : sharp + 2] not in ("!", "/")
        and host not in keep
        and registrable not in keep
    ):
        rest = rest[:sharp]
    shown = f"[{host}]" if place[0] == "[" else host
    key = f"http://{shown}{port}{rest}"
    return Address(
        raw, kind, href, key, sha256(key.encode()).digest(), host, registrable, not fault, fault, note
    )


@lru_cache(maxsize=1 << 15)
def _about(host: str) -> tuple[str, str, str, str]:
    """Of a host that is not an IPv6 literal: registrable name, what is wrong, kind, what is worth knowing."""
    labels = host.split(".")
    registrable = registrable_of(host)
    if len(host) > 253 or any(not label or len(label) > 63 for label in labels):
        return (
            registrable,
            f"“{_short(host)}” cannot be a host name: a part of it is empty or too long.",
            ADDRESS,
            "",
        )
    if labels[-1] == "onion":
        return _onion(registrable, labels[-2] if len(labels) > 1 else "")
    if "xn--" in host:
        return registrable, "", ADDRESS, _mixed(host)
    return registrable, "", ADDRESS, ""


def _onion(registrable: str, label: str) -> tuple[str, str, str, str]:
    if _V3.fullmatch(label):
        raw = b32decode(label.upper())
        sound = sha3_256(b".onion checksum" + raw[:32] + raw[34:]).digest()[:2] == raw[32:34]
        return (
            registrable,
            "",
            ONION,
            "" if sound else "Its check digits do not fit: one character may be wrong.",
        )
    if _V2.fullmatch(label):
        return (
            registrable,
            "",
            ONION,
            "An onion name of the old kind (16 characters); it can no longer be reached.",
        )
    return registrable, "An onion name has 56 letters and digits before “.onion”. Send it whole.", ONION, ""


def _mixed(host: str) -> str:
    """A note where one label mixes alphabets, as names do that imitate another."""
    decoded = can_ada.idna_decode(host.encode())  # type: ignore[arg-type]  # its stub says str; it takes bytes
    for label in decoded.split("."):
        scripts = {unicode_name(c, "?").split(" ")[0] for c in label if c.isalpha()}
        if len(scripts) > 1 and not scripts <= {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "LATIN"}:
            return "A part of its host name mixes alphabets; it may imitate another name."
    return ""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable_of(host: str) -> str:
    """The part of a host name that somebody registered; the host itself for IP literals and suffixes."""
    if host.rpartition(".")[2].isdecimal():
        return host
    return _suffixes().privatesuffix(host) or host


def _message_id(raw: str, text: str) -> Address | None:
    """A newsgroup post: `<x@y>`, `Message-ID: <x@y>`, `news:x@y`. None if it is nothing of the kind."""
    lower = text.lower()
    wrapped = raw.strip().startswith("<") and raw.strip().endswith(">")
    if not wrapped and not lower.startswith(("news:", "nntp:", "message-id:")):
        return None
    found = _MESSAGE_ID.fullmatch(refang_at(text))
    if found is None or "://" in found[2] or found[2].lower().startswith("mailto:"):
        return None
    name = unquote(found[2]) if found[1] else found[2]
    if not name.isascii() or not name.isprintable() or any(c in " <>" for c in name):
        return None
    if len(name) > 250:
        return Address(
            raw, NEWSGROUP, why="A Message-ID has at most 250 characters. Copy it again from the header."
        )
    key = "news:" + quote(name, safe="@!#$&'*+-./=?^_`{|}~:;,\"()[]\\")
    return Address(raw, NEWSGROUP, key, key, sha256(key.encode()).digest(), ok=True)


def _digest(raw: str, text: str) -> Address | None:
    """A file without address, told by its digest. None if there is none."""
    found = _DIGEST.search(text) if "://" not in text else None
    if found is None:
        return None
    value = (found["hex"] or found["bare"]).lower()
    how = _DIGEST_OF.get(len(value))
    if how is None or (found["how"] and found["how"].lower().replace("-", "") != how):
        return Address(raw, FILE, why="The digest of this file is cut short. Copy it again, whole.")
    key = f"file:{how}:{value}"
    return Address(raw, FILE, key, key, sha256(key.encode()).digest(), ok=True)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _not_followed(scheme: str, text: str) -> str:
    if scheme in ("news", "nntp", "message-id"):
        return "This names a newsgroup or is cut short. Send the Message-ID of the post, as <name@host>."
    if scheme == "mailto" or (scheme not in ("ftp", "file") and "://" not in text and "@" in text):
        return f"“{_short(scheme)}:” leads to a person or program, not to a place on the web. {_SEND}"
    return f"An address that starts with “{_short(scheme)}:” cannot be followed. {_SEND}"


def _unreadable(text: str) -> str:
    """Why WHATWG reads no address here, as far as it can be told."""
    place = re.split(r"[/?#\\]", text.partition(":")[2].lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    if not place or place.startswith(":"):
        return f"The name of the host is missing. {_SEND}"
    if re.search(r"[\x00-\x1f\x7f]", place):
        return "The host name holds control characters. Copy the address again. What you sent is kept."
    if " " in place:
        return f"These words hold no address that can be read. {_SEND} What you sent is kept."
    if re.search(r":\d{5,}$", place):
        return "The port number after the colon is too high: the highest is 65535. Check the address."
    return f"“{_short(place)}” cannot be read as a host name. Check the address; what you sent is kept."
