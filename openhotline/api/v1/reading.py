"""Reads the body of a report as it came: JSON of any make, with all that is odd kept.

True here: of a report only what is blank, or no text, is refused, with a sentence. Of anything else the good parts are
read, and where there are others the body is kept whole; of one that is too long, the front. What is not here: reading addresses (`rules/urls.py`); a line
that cannot be read as an address is filed and answered with the reason.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja.params.functions import Query

from openhotline.rules.incoming import MOST_LINES
from openhotline.rules.refusals import Refused

PAGE = Query(50, ge=1, le=200)  # how many rows an answer carries
FROM = Query(0, ge=0, le=1_000_000)  # and how many it leaves out first
MOST_BYTES = 2 * 1024 * 1024
MOST_KEY = 200
_TEXTS = ("source", "reference", "referrer", "note", "received_at")
_LONGEST = {"source": 40, "reference": 1_000, "referrer": 8_000, "received_at": 64}
CUT = (
    "The body is longer than 2 MB. Its first 2 MB are kept for a person to read, and no address was taken from them; "
    "the rest was not kept. Send it again in several reports."
)
_KNOWN = ("addresses", "files", *_TEXTS)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_EXAMPLE = 'Send one object, for example {"addresses": ["https://example.org/a"]}.'
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class TooLarge(Refused):
    """The file is more than is taken at once. A report never is."""


class KeyUsed(Refused):
    """The same Idempotency-Key with other content: answering it as before would lose what is new."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for other content. Nothing of this was kept: send it with a new key.",
            code="key-used",
        )


@dataclass(frozen=True, slots=True)
class Body:
    """One report as sent. `lines` and `files` are verbatim; `whole` is all of it, where something is `odd`."""

    lines: tuple[str, ...]
    files: tuple[str, ...]
    reference: str
    referrer: str
    note: str
    received_at: datetime | None
    sent: str  # SHA-256, hex, of the content: spaces and the order of fields count for nothing
    odd: str
    whole: str


def clean(text: str) -> str:
    """Halves of characters and NUL, which no database holds, become U+FFFD. Everything else stays."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def key(header: str) -> str:
    """The idempotency key, "" if none was sent. Raises Refused where it is too long or not plain text."""
    value = header.strip()
    if len(value) > MOST_KEY or not value.isascii() or not (value.isprintable() or not value):
        raise Refused(
            f"The Idempotency-Key must be plain text of at most {MOST_KEY} characters. Send a new one, for example a UUID.",
            code="key",
        )
    return value


def front(request: HttpRequest) -> tuple[bytes, int]:
    """A body's first 2 MB, which is nearly always all of it, and how many bytes it has."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length <= MOST_BYTES:
        return request.body, length
    return request.read(MOST_BYTES), length


def body(raw: bytes, length: int, *, at: datetime) -> Body:
    """Read a request's body of `length` bytes, of which `raw` is there; what of it is odd is said in `odd`, and then
    all of it is kept.

    Raises Refused where it holds nothing at all, or no text.
    """
    if length > MOST_BYTES:
        return _only_kept(raw, CUT, length)
    odd: list[str] = []
    twice: list[str] = []
    try:
        value = json.loads(raw, object_pairs_hook=lambda pairs: _once(pairs, twice), parse_int=_whole)
    except (ValueError, RecursionError):
        if not raw.strip():
            raise nothing() from None
        return _only_kept(raw, f"The body is not JSON. {_EXAMPLE}")
    if not isinstance(value, dict):
        if not value:
            raise nothing()
        return _only_kept(raw, f"The body is not one JSON object with a list of addresses. {_EXAMPLE}")
    if twice:
        odd.append(f"“{clean(twice[0])[:60]}” is there twice.")
    if unknown := sorted(set(value) - set(_KNOWN)):
        odd.append(f"“{clean(unknown[0])[:60]}” is not a field of a report. Known are: {', '.join(_KNOWN)}.")
    texts = {name: _text(name, value.get(name), odd) for name in _TEXTS}
    lines, files = (_lines(name, value.get(name), odd) for name in ("addresses", "files"))
    count = len(lines) + len(files)
    if count > MOST_LINES:
        odd.append(
            f"One report holds at most {MOST_LINES:,} lines, and this has {count:,}. "
            "Those after it are kept, but not read: send them as further reports."
        )
        lines = lines[:MOST_LINES]
        files = files[: MOST_LINES - len(lines)]
    received_at = _time(texts["received_at"], at, odd)
    if not lines and not files and not texts["note"] and not odd:
        raise nothing()
    return Body(
        lines,
        files,
        clean(texts["reference"]),
        clean(texts["referrer"]),
        texts["note"],
        received_at,
        digest_of(raw if twice else json.dumps(value, sort_keys=True).encode()),
        " ".join(odd),
        text_of(raw) if odd else "",
    )


def text_of(raw: bytes) -> str:
    """A body that is to be kept, as text. Raises Refused for what is no text: pictures and files are never kept."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if _BINARY.search(raw):
            raise Refused(
                "The body is no text, and nothing of it was kept. Send JSON or CSV in UTF-8; never send pictures or "
                "files.",
                code="not-text",
            ) from None
        return raw.decode("utf-8", "backslashreplace")  # what is no UTF-8 stays readable as \\xNN


def nothing() -> Refused:
    """The refusal of a body that holds nothing that could be kept."""
    return Refused("Nothing was sent. Give at least one address, file or note.", code="empty")


def _only_kept(raw: bytes, odd: str, length: int = 0) -> Body:
    sent = digest_of(raw + f"\x1f{length}".encode() if length else raw)
    return Body((), (), "", "", "", None, sent, odd, text_of(raw))


def digest_of(data: bytes) -> str:
    """SHA-256, hex: what the same key must come with again."""
    return hashlib.sha256(data).hexdigest()


def _whole(digits: str) -> int | str:
    """A whole number; one of more digits than Python reads stays the text it is."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _once(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """The object; of a name that is there twice the last, of lists both."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            twice.append(name)
            if isinstance(value, list) and isinstance(found[name], list):
                value = found[name] + value
        found[name] = value
    return found


def too_large() -> TooLarge:
    """The refusal of a file that is too long: it holds many reports, and each may be sent."""
    return TooLarge(
        "The file is larger than 10 MB, and nothing of it was filed. Send it in parts.", code="too-large"
    )


def _text(name: str, value: Any, odd: list[str]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        odd.append(f"“{name}” must be text.")
        return ""
    longest = _LONGEST.get(name, MOST_BYTES)
    if len(value) > longest:
        odd.append(f"“{name}” is longer than {longest:,} characters; the rest is kept.")
    return value[:longest]


def _lines(name: str, value: Any, odd: list[str]) -> tuple[str, ...]:
    """A list of lines. One text alone is a list of one; anything else in it is kept as its JSON."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        odd.append(f"“{name}” must be a list of texts.")
        return ()
    return tuple(line if isinstance(line, str) else json.dumps(line) for line in value)


def _time(text: str, at: datetime, odd: list[str]) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        odd.append(
            "“received_at” must be a time with its zone, like 2026-05-12T10:00:00Z; it counts from now."
        )
        return None
    if not _EARLIEST <= moment <= at:
        odd.append("“received_at” must lie in the past; it counts from now.")
        return None
    return moment
