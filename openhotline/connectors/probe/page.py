"""A title and a fingerprint of a text/html page, and nothing else of it.

True here: every scan moves forward only, so 256 KiB of hostile markup costs linear time; a body that
carries binary bytes is no page, whatever its header says, and gives nothing. No sub-resource is looked
at, no script is read, no attribute is kept. Not here: the network.
"""

import hashlib
import html
import re

_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_SPACE = re.compile(r"\s+")
_SILENT = (b"script", b"style", b"template", b"noscript")
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9_.:-]{1,40})")
# A tag that neither hides text nor names the page, with no other tag begun inside it: each "<" is looked at once.
_PLAIN_TAG = re.compile(
    rb"<(?!!--|/?(?:script|style|template|noscript|title)[>/ \t\r\n\f])[^<>]*>", re.IGNORECASE
)
TITLE_CHARS = 300


def is_binary(chunk: bytes) -> bool:
    """True if the bytes cannot be text: the WHATWG's binary data bytes occur."""
    return _BINARY.search(chunk) is not None


def read_page(body: bytes, content_type: str, *, complete: bool) -> tuple[str, str]:
    """(title, fingerprint) of a page. Both "" if it is not text; no fingerprint of an incomplete page.

    The fingerprint is the SHA-256 of the visible text, white space folded, so that an advert's new
    address or a changed counter in a script does not make another page of it.
    """
    if is_binary(body):
        return "", ""
    charset = _CHARSET.search(content_type)
    title, text = _split(body)
    words = _fold(_decode(text, charset[1] if charset else "utf-8"))
    shown = _fold(_decode(title, charset[1] if charset else "utf-8"))[:TITLE_CHARS]
    return shown, hashlib.sha256(words.encode("utf-8", "replace")).hexdigest() if complete else ""


def _decode(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    try:
        return html.unescape(text)
    except ValueError:  # a numeric reference of thousands of digits
        return text


def _fold(text: str) -> str:
    folded = _SPACE.sub(" ", text)
    if not folded.isprintable():  # most pages are, and this is the cheap way to know
        folded = _SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in folded))
    return folded.strip()


def _split(body: bytes) -> tuple[bytes, bytes]:
    """(title's bytes, visible text's bytes)."""
    body = _PLAIN_TAG.sub(b" ", body)
    low = body.lower()
    title = b""
    parts: list[bytes] = []
    at = 0
    while True:
        start = low.find(b"<", at)
        if start < 0:
            parts.append(body[at:])
            break
        parts.append(body[at:start])
        if low.startswith(b"<!--", start):
            end = low.find(b"-->", start + 4)
            at = end + 3
        else:
            end = low.find(b">", start)
            at = end + 1
        if end < 0:
            break
        name = next((n for n in (*_SILENT, b"title") if low.startswith(n, start + 1)), b"")
        if name and low[start + 1 + len(name) : start + 2 + len(name)] in b">/ \t\r\n\f":
            close = low.find(b"</" + name, at)
            if close < 0:
                break
            if name == b"title":
                title = title or body[at:close]
                parts.append(b" " + body[at:close])
            at = close
        parts.append(b" ")
    return title, b"".join(parts)
