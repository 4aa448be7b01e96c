"""What somebody has typed so far, between two pages of the form: no cookie, no session.

One row per person, encrypted under a key that exists only in the address of their page: the row's name and
its key are both derived from the token, and neither leads back to it. The server alone cannot read a draft.
A draft is deleted when the report is sent, at the latest two hours after it was last touched. The seven
words of a sent report are kept the same way for fifteen minutes, so that saving them, printing and reloading
work, and are then erased.

Not here: the report itself. That was sealed and spooled before a draft is written, so a lost draft loses
no address; drafts are therefore not flushed to disk. And where rows lie (`drawer`).
"""

import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openhotline.web.public.drawer import drawer

# Ages are measured on the machine's clock, whatever the house's clock says.
DRAFT_SECONDS = 2 * 3600
WORDS_SECONDS = 15 * 60

_DRAFT, _SENT = "draft", "sent"
_SECONDS = {_DRAFT: DRAFT_SECONDS, _SENT: WORDS_SECONDS}


@dataclass(frozen=True, slots=True)
class Draft:
    """A report on its way through the pages."""

    report_id: UUID
    exact_at: datetime
    lines: tuple[str, ...]
    words: tuple[str, ...]  # made at the start, so that sending twice sends the same
    seen: str = ""
    help_text: str = ""
    follow: str = "code"
    mail: str = ""
    cut: str = ""  # the line in which a page that is too long was cut
    odd: str = ""  # the sentence that says so
    reached_end: bool = False  # the check page was reached: changing one answer leads back there


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the last page shows, for a quarter of an hour."""

    sent_on: datetime
    follow: str
    words: tuple[str, ...] = ()
    seen: str = ""


def new_token() -> str:
    """A fresh token: 43 URL-safe characters, 256 random bits."""
    return secrets.token_urlsafe(32)


def save(folder: Path, drafts: Mapping[str, Draft]) -> None:
    """Write each draft under its token. Raises OSError where the disk refuses; then none is there."""
    values = {
        token: _fields(draft) | {"report_id": str(draft.report_id), "exact_at": draft.exact_at.isoformat()}
        for token, draft in drafts.items()
    }
    _write(folder, _DRAFT, values)


def load(folder: Path, token: str) -> Draft | None:
    """The draft behind this token; None if there is none, it is too old, or it was sent."""
    value = _read(folder, token, _DRAFT)
    if value is None:
        return None
    value["report_id"] = UUID(value["report_id"])
    value["exact_at"] = datetime.fromisoformat(value["exact_at"])
    value["lines"], value["words"] = tuple(value["lines"]), tuple(value["words"])
    return Draft(**value)


def finish(folder: Path, token: str, receipt: Receipt) -> None:
    """The report is in the spool: erase what was typed, keep only what the receipt shows."""
    value = _fields(receipt) | {"sent_on": receipt.sent_on.isoformat()}
    _write(folder, _SENT, {token: value})
    drawer(folder).erase(_name(token, _DRAFT))


def receipt(folder: Path, token: str) -> Receipt | None:
    """The receipt behind this token; None when its quarter of an hour is over."""
    value = _read(folder, token, _SENT)
    if value is None:
        return None
    value["sent_on"], value["words"] = datetime.fromisoformat(value["sent_on"]), tuple(value["words"])
    return Receipt(**value)


def sweep(folder: Path, *, now: float | None = None) -> int:
    """Delete what is too old. Returns how many drafts and receipts went."""
    return drawer(folder).sweep(time.time() if now is None else now)


def _fields(value: Draft | Receipt) -> dict[str, object]:
    """All fields; unlike `asdict` without copying them deeply, which cost a fifth of a page's time."""
    return {name: getattr(value, name) for name in value.__slots__}


def _derive(token: str, purpose: str) -> bytes:
    return hmac.digest(token.encode(), f"openhotline/draft/{purpose}/v1".encode(), "sha256")


def _name(token: str, kind: str) -> bytes:
    return _derive(token, f"name/{kind}")[:20]


def _write(folder: Path, kind: str, values: Mapping[str, dict[str, object]]) -> None:
    rows = [(_name(token, kind), _sealed(token, kind, value)) for token, value in values.items()]
    drawer(folder).put(rows, until=time.time() + _SECONDS[kind])


def _sealed(token: str, kind: str, value: dict[str, object]) -> bytes:
    nonce = os.urandom(12)
    plain = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return nonce + AESGCM(_derive(token, "key")).encrypt(nonce, plain, kind.encode())


def _read(folder: Path, token: str, kind: str) -> dict[str, Any] | None:
    sealed = drawer(folder).get(_name(token, kind), now=time.time())
    if sealed is None:
        return None
    try:
        plain = AESGCM(_derive(token, "key")).decrypt(sealed[:12], sealed[12:], kind.encode())
    except InvalidTag:
        return None
    value: dict[str, Any] = json.loads(plain.decode("utf-8", "surrogatepass"))
    return value
