"""The signs of a text/html page: title, fingerprint, simhash, sign words, a password field. Nothing else of it.

True here: every scan moves forward only, so 256 KiB of hostile markup costs linear time; a body that
carries binary bytes is no page, whatever its header says, and gives nothing. No sub-resource is looked
at, no script is read, no attribute is kept. The text itself is dropped here; what leaves is what it was like.
Not here: the network, and what signs mean (`rules/signs`).
"""

import codecs
import hashlib
import html
import re
from dataclasses import dataclass
from functools import lru_cache

from openhotline.rules.signs import MOST_FEATURES, NO_WORDS, PASSWORD, SignWords, feature, in_text, simhash

_BINARY = bytes(code for code in range(0x20) if code not in b"\t\n\x0c\r\x1b")
_SILENT = (b"script", b"style", b"template", b"noscript")
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9_.:-]{1,40})")
# A tag that neither hides text nor names the page, with no other tag begun inside it: each "<" is looked at once.
_PLAIN_TAG = re.compile(
    rb"<(?!!--|/?(?:script|style|template|noscript|title)[>/ \t\r\n\f])[^<>]*>", re.IGNORECASE
)
# The character sets of the WHATWG's encodings. Python has more that a page could name, some of which take a minute to read it.
_CHARSETS = re.compile(
    r"ascii|utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp\d+|koi8-[ru]|mac-(roman|cyrillic)|gb2312|gbk|gb18030|big5(hkscs)?"
    r"|euc_(jp|kr)|iso2022_jp|shift_jis"
)
_PASSWORD = re.compile(rb"\btype\s{0,20}=\s{0,20}[\"']?password\b")
TITLE_CHARS = 300
MOST_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Page:
    """What a page was like. Everything is empty for bytes that are no text."""

    title: str = ""
    fingerprint: str = ""  # SHA-256 hex of the visible text; "" of an incomplete page
    simhash: str = ""
    words: int = 0
    signs: tuple[str, ...] = ()


def is_binary(chunk: bytes) -> bool:
    """True if the bytes cannot be text: the WHATWG's binary data bytes occur."""
    return len(chunk.translate(None, _BINARY)) != len(chunk)


def read_page(body: bytes, content_type: str, *, complete: bool, words: SignWords = NO_WORDS) -> Page:
    """The signs of a page; an empty `Page` if it is not text. An incomplete page has no fingerprint.

    The fingerprint is the SHA-256 of the visible text, white space folded, so that an advert's new address or a
    changed counter in a script does not make another page of it. Near texts have near simhashes. Of an incomplete page
    only the title is searched for sign words: nobody knows whether it was a short one.
    """
    if is_binary(body):
        return Page()
    charset = _CHARSET.search(content_type)
    name = charset[1] if charset else "utf-8"
    raw_title, raw_text = _split(body)
    text = _fold(_decode(raw_text, name))
    title = _fold(_decode(raw_title, name))[:TITLE_CHARS]
    tokens = text.split()
    signs = in_text(words, title, text if complete else "", len(tokens))
    if _asks_for_a_password(body.lower()):
        signs = (*signs, PASSWORD)
    return Page(
        title,
        hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if complete else "",
        simhash(_features(tokens)) if complete else "",
        len(tokens),
        signs,
    )


def _asks_for_a_password(low: bytes) -> bool:
    """Whether an input of a form is a password field."""
    if b"password" not in low:
        return False
    for number, field in enumerate(_PASSWORD.finditer(low)):
        begin = low.rfind(b"<", max(0, field.start() - 400), field.start())
        if begin >= 0 and low.startswith(b"<input", begin) and b">" not in low[begin : field.start()]:
            return True
        if number == MOST_FIELDS:
            break
    return False


def _features(tokens: list[str]) -> list[int]:
    """The words as features of a simhash; of a very long text evenly spread ones."""
    return [_feature(word) for word in tokens[:: 1 + len(tokens) // MOST_FEATURES]]


@lru_cache(maxsize=1 << 14)
def _feature(word: str) -> int:
    """What a word adds to a simhash. The same words stand on many pages."""
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return feature(int.from_bytes(digest, "little"))


def _decode(data: bytes, charset: str) -> str:
    try:
        known = _CHARSETS.fullmatch(codecs.lookup(charset).name)
    except (LookupError, ValueError):
        known = None
    text = data.decode(charset if known else "utf-8", "replace")
    try:
        return html.unescape(text)
    except ValueError:  # a numeric reference of thousands of digits
        return text


def _fold(text: str) -> str:
    folded = " ".join(text.split())
    if not folded.isprintable():  # most pages are, and this is the cheap way to know
        folded = " ".join("".join(c if c.isprintable() else " " for c in folded).split())
    return folded


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
