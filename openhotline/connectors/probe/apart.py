"""An address taken apart before it is dialled, by the one parser (WHATWG rules), and where a redirect leads.

True here: only http and https, only the allowed ports, no user name; what is reported is refused where two parsers might
read it in two ways, and of a redirect a browser's reading counts. Not here: following (`walk.py`), judging (`deny.py`).
"""

import re
from dataclasses import dataclass

import can_ada

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AROUND = "".join(map(chr, range(0x21)))
_GONE = str.maketrans("", "", "\t\r\n")
_DEFAULT_PORT = {"http:": 80, "https:": 443}
_NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")
_RAW = re.compile(r"[\x80-\xff]")
MAX_URL = 128 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart by the one parser, ready to be dialled."""

    url: str
    host: str
    port: int
    secure: bool


def join(base: str, reference: str) -> str:
    """`reference` as seen from the http(s) address `base`, for the one parser to read.

    The WHATWG rules for these two schemes: tabs and line ends vanish, a backslash is a slash, and
    "http:x" with the base's own scheme is relative. The parser's binding takes no base itself.
    """
    home = can_ada.parse(base)
    text = reference.strip(_AROUND).translate(_GONE)
    if scheme := _SCHEME.match(text):
        if scheme[0].lower() != home.protocol:
            return text
        text = text[scheme.end() :]
    head, slashes = text[:2].replace("\\", "/"), "//"
    if head == slashes:
        return home.protocol + slashes + text[2:]
    if head[:1] == "/":
        return home.origin + text
    if head[:1] in ("", "#"):
        return home.origin + home.pathname + home.search
    if head[:1] == "?":
        return home.origin + home.pathname + text
    return home.origin + home.pathname.rsplit("/", 1)[0] + "/" + text


def as_text(value: str) -> str:
    """A Location header, which came as bytes, as a browser reads it: UTF-8, and what is none stays the bytes it is."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return _RAW.sub(lambda byte: f"%{ord(byte[0]):02X}", value)


def take_apart(text: str, ports: tuple[int, ...], base: str = "") -> Address | str:
    """Parse one address (WHATWG rules). A string is the sentence why it is not followed."""
    if len(text) > MAX_URL:
        return "The address is too long to be followed."
    if not base and (why := _odd(text)):
        return why
    try:
        url = can_ada.parse(join(base, text) if base else text)
    except (ValueError, UnicodeError, TypeError):
        return "The address cannot be parsed."
    if url.protocol not in _DEFAULT_PORT:
        return f"Only http and https are followed, not {url.protocol[:20]}"
    if url.username or url.password:
        return "The address carries a user name; it is not followed."
    port = int(url.port) if url.port else _DEFAULT_PORT[url.protocol]
    if port not in ports:
        return f"Port {port} is not one the house looks at."
    if not url.hostname:
        return "The address has no host."
    return Address(url.href.split("#", 1)[0], url.hostname, port, url.protocol == "https:")


def _odd(text: str) -> str:
    """Why an address that is dialled as it stands is not: what two parsers might read in two ways.

    Of a redirect the browser's reading counts (`join`), and what it leads to is vetted anew.
    """
    head = text.split("?", 1)[0].split("#", 1)[0]
    if _NOT_IN_AN_ADDRESS.search(head):
        return "The address carries spaces, control characters or a backslash; it is not followed."
    authority = head.partition("://")[2].partition("/")[0].lower()
    if not authority.isascii() and "xn--" in authority:
        return "The address mixes two ways of writing a host name; it is not followed."
    if "%" in authority and authority.startswith("["):
        return "The address names a zone of one machine; it is not followed."
    return ""
