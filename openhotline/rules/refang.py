"""What people do to an address before they send it, undone: defanging, wrapping, several on one line.

True here: only what is unambiguous is undone. Dots are put back in the host; in the path only where the
sender visibly replaced every dot. `defang` makes the form that is shown. What is not here: reading the address
itself (`urls`).
"""

import re

# Spaces, quotes and invisible characters that stick to pasted text. WHATWG takes off C0 and space itself.
EDGE = (
    " \t\r\n\f\v\x00\u00a0\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u2060\u3000\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # which way text runs
)
_PAIRS = {
    "<": ">",
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "(": ")",
}

_SCHEME = re.compile(
    r"h(?:tt|xx|tx|xt|\*\*|__)p(s?)[ ]?"
    r"(?:\[:\]|\(:\)|\[:(?=//\]|/\]/)|:)"  # the colon, bare or in brackets
    r"(?:\[//\]|//\]|\[/\]\[/\]|//|\\\\|/|)",
    re.IGNORECASE,
)
_DOT = re.compile(r"[ ]?(?:[\[({][ ]?(?:\.|dot)[ ]?[\])}]|\[\.(?!\])|(?<!\[)\.\])[ ]?", re.IGNORECASE)
_COLON = re.compile(r"[\[(]:[\])]")
_SLASH = re.compile(r"\[/\]")
_AT = re.compile(r"[ ]?[\[({][ ]?(?:@|at)[ ]?[\])}][ ]?", re.IGNORECASE)
# A host spelt out: nothing but labels with the word between them, up to a slash or the end.
_SPELT = re.compile(r"[\w-]+(?:[ ]dot[ ][\w-]+)+(?=[/?#:]|$)", re.IGNORECASE)
_HOST_END = re.compile(r"[/?#\\]")

# An address that says what it is, at the start of a piece of text.
_MARK = r"(?:h(?:tt|xx|tx|xt|\*\*|__)ps?[ ]?[\[(]?:|news:|nntp:|<[^<>\s@]+@[^<>\s@]+>|www\.)"
_BETWEEN = re.compile(r"[\s,;|]+(?=" + _MARK + ")", re.IGNORECASE)
_BARE = r"(?:[\w-]+\.)+[^\W\d_]{2,24}(?::\d{1,5})?(?:[/?#][^\s,;]*)?"
_BARE_LIST = re.compile(_BARE + r"(?:[\s,;]+" + _BARE + r")+[,;]?", re.IGNORECASE)
_EMBEDDED = re.compile(r"(?<![^\s(<\"'])h(?:tt|xx|\*\*)ps?(?:\[:\]|:)//[^\s<>\"]+", re.IGNORECASE)


def trim(text: str) -> str:
    """Take off what sticks to pasted text: spaces, invisible characters, one pair of quotes or brackets."""
    text = text.strip(EDGE)
    for _ in range(3):
        if len(text) < 2 or _PAIRS.get(text[0]) != text[-1]:
            break
        text = text[1:-1].strip(EDGE)
    if text[:4].lower() == "url:":
        text = text[4:].lstrip(EDGE)
    return text


def refang(text: str) -> str:
    """Undo defanging of a web address, with or without its scheme. Anything else comes back as it was."""
    scheme = _SCHEME.match(text)
    if scheme:
        head = f"http{scheme[1].lower()}://"
        rest = text[scheme.end() :]
    else:
        head, rest = "", text
    rest = _SLASH.sub("/", rest) if "[/]" in rest else rest
    end = _HOST_END.search(rest)
    cut = end.start() if end else len(rest)
    host, path = rest[:cut], rest[cut:]
    spelt = _SPELT.match(host)
    if spelt:
        host = re.sub(" dot ", ".", spelt[0], flags=re.IGNORECASE) + host[spelt.end() :]
    plain, marks = _DOT.subn(".", host)
    plain = _COLON.sub(":", plain)
    if marks and "[.]" in path and plain.count(".") == marks and path.count(".") == path.count("[.]"):
        path = path.replace("[.]", ".")  # the sender's tool replaced every dot there was
    return head + plain + path


def refang_at(text: str) -> str:
    """Undo defanging of a Message-ID: `[at]` and `[.]`."""
    return _DOT.sub(".", _AT.sub("@", text))


def defang(canonical: str) -> str:
    """The form in which an address is shown: no program makes a link of it, and `read` reads it back."""
    if canonical.startswith("http"):
        scheme, _, rest = canonical.partition("://")
        cut = rest.find("/")
        authority, path = (rest, "") if cut < 0 else (rest[:cut], rest[cut:])
        front, dot, last = authority.rpartition(".")
        if dot and "@" not in last:
            authority = f"{front}[.]{last}"
        return f"hxxp{scheme[4:]}://{authority}{path}"
    if canonical.startswith("news:"):
        return "[at]".join(canonical.rsplit("@", 1))
    return canonical


def embedded(text: str) -> str:
    """The one web address inside other words, or "" where there is none, or more than one.

    An address that the text starts with and that a space cuts short is not "inside other words" unless plain
    words follow: the space may be a slip in the middle of the address.
    """
    found = list(_EMBEDDED.finditer(text))
    if len(found) != 1 or (found[0].start() == 0 and re.search(r"[./]", text[found[0].end() :])):
        return ""
    return found[0][0].rstrip(".,;:!?)]}")


def split_lines(text: str) -> tuple[str, ...]:
    """What a person pasted, as addresses: one per line, several on a line told apart, nothing lost.

    A line is cut only before something that says it is an address (`http:`, `www.`, `<x@y>`), or where it
    is nothing but bare names with commas or spaces between. Everything else stays a line of its own.
    """
    lines: list[str] = []
    for line in re.split(r"[\r\n\u2028\u2029]+", text):
        line = line.strip(EDGE)
        if not line:
            continue
        if _BARE_LIST.fullmatch(line):
            lines += [part for part in re.split(r"[\s,;]+", line) if part]
            continue
        parts = _BETWEEN.split(line)
        if len(parts) == 1:
            lines.append(line)
            continue
        parts[-1] = parts[-1].rstrip(",;")
        lines += [part for part in (part.strip(EDGE) for part in parts) if part]
    return tuple(lines)
