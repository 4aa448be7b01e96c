"""Reads the body of a report as it came: JSON of any make, with odd lines kept.

True here: a line that is no text is kept as the JSON it was; only what is no JSON object at all, or too long
to keep, is refused, with a sentence. What is not here: reading addresses (`rules/urls.py`); a line that
cannot be read as an address is filed and answered with the reason.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openhotline.rules.refusals import Refused

MOST_BYTES = 2 * 1024 * 1024
MOST_LINES = 10_000
MOST_KEY = 200
_LONGEST = {"source": 40, "reference": 1_000, "referrer": 8_000, "note": 100_000, "received_at": 64}
_KNOWN = ("addresses", "files", *_LONGEST)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class TooLarge(Refused):
    """The body, or the number of its lines, is more than one report may be."""


@dataclass(frozen=True, slots=True)
class Body:
    """One report as sent. `lines` and `files` are verbatim but for characters no database can hold."""

    lines: tuple[str, ...]
    files: tuple[str, ...]
    reference: str
    referrer: str
    note: str
    received_at: datetime | None


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


def body(raw: bytes, *, at: datetime) -> Body:
    """Read a request's body. Raises Refused, TooLarge with a sentence that says what to send instead."""
    if len(raw) > MOST_BYTES:
        raise too_large()
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(
            'The body is not JSON. Send one object, for example {"addresses": ["https://example.org/a"]}.',
            code="json",
        ) from None
    if not isinstance(value, dict):
        raise Refused("The body must be one JSON object with a list of addresses.", code="json")
    unknown = sorted(set(value) - set(_KNOWN))
    if unknown:
        raise Refused(
            f"“{clean(unknown[0])[:60]}” is not a field of a report. Known are: {', '.join(_KNOWN)}.",
            code="field",
        )
    texts = {name: _text(name, value.get(name), longest) for name, longest in _LONGEST.items()}
    lines, files = _lines("addresses", value.get("addresses")), _lines("files", value.get("files"))
    if len(lines) + len(files) > MOST_LINES:
        raise TooLarge(
            f"One report holds at most {MOST_LINES:,} lines. Send the rest as further reports.",
            code="too-large",
        )
    if not lines and not files and not texts["note"]:
        raise Refused("Nothing was sent. Give at least one address, file or note.", code="empty")
    return Body(
        lines, files, texts["reference"], texts["referrer"], texts["note"], _time(texts["received_at"], at=at)
    )


def too_large() -> TooLarge:
    """The refusal of a body that is too long."""
    return TooLarge("The body is longer than 2 MB. Send it in several reports.", code="too-large")


def _text(name: str, value: Any, longest: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"“{name}” must be text.", code="field")
    if len(value) > longest:
        raise Refused(f"“{name}” is longer than {longest:,} characters. Shorten it.", code="too-long")
    return clean(value)


def _lines(name: str, value: Any) -> tuple[str, ...]:
    """A list of lines. One text alone is a list of one; anything else in it is kept as its JSON."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise Refused(f"“{name}” must be a list of texts.", code="field")
    return tuple(clean(line if isinstance(line, str) else json.dumps(line)) for line in value)


def _time(text: str, *, at: datetime) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(
            "“received_at” must be a time with its zone, like 2026-05-12T10:00:00Z.", code="time"
        ) from None
    if not _EARLIEST <= moment <= at:
        raise Refused("“received_at” must lie in the past. Leave it out for now.", code="time")
    return moment
