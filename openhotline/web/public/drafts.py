"""What somebody has typed so far, between two pages of the form: no cookie, no session.

One file per person, encrypted under a key that exists only in the address of their page: the file's
name and its key are both derived from the token, and neither leads back to it. The server alone cannot
read a draft. A draft is deleted when the report is sent, at the latest two hours after it was last
touched. The seven words of a sent report are kept the same way for fifteen minutes, so that saving them,
printing and reloading work, and are then erased.

Not here: the report itself. That was sealed and spooled before a draft is written, so a lost draft loses
no address; drafts are therefore not flushed to disk.
"""

import errno
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Ages are measured on the machine's clock, as file times are, whatever the house's clock says.
DRAFT_SECONDS = 2 * 3600
WORDS_SECONDS = 15 * 60

_DRAFT, _SENT = ".draft", ".sent"


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


def save(folder: Path, token: str, draft: Draft) -> None:
    """Write the draft. Raises OSError where the disk refuses."""
    value = _fields(draft) | {"report_id": str(draft.report_id), "exact_at": draft.exact_at.isoformat()}
    _write(folder, token, _DRAFT, value)


def load(folder: Path, token: str) -> Draft | None:
    """The draft behind this token; None if there is none, it is too old, or it was sent."""
    value = _read(folder, token, _DRAFT, DRAFT_SECONDS)
    if value is None:
        return None
    value["report_id"] = UUID(value["report_id"])
    value["exact_at"] = datetime.fromisoformat(value["exact_at"])
    value["lines"], value["words"] = tuple(value["lines"]), tuple(value["words"])
    return Draft(**value)


def finish(folder: Path, token: str, receipt: Receipt) -> None:
    """The report is in the spool: erase what was typed, keep only what the receipt shows."""
    value = _fields(receipt) | {"sent_on": receipt.sent_on.isoformat()}
    _write(folder, token, _SENT, value)
    _path(folder, token, _DRAFT).unlink(missing_ok=True)


def receipt(folder: Path, token: str) -> Receipt | None:
    """The receipt behind this token; None when its quarter of an hour is over."""
    value = _read(folder, token, _SENT, WORDS_SECONDS)
    if value is None:
        return None
    value["sent_on"], value["words"] = datetime.fromisoformat(value["sent_on"]), tuple(value["words"])
    return Receipt(**value)


def sweep(folder: Path, *, now: float | None = None) -> int:
    """Delete what is too old. Returns how many files went."""
    moment = time.time() if now is None else now
    gone = 0
    if not folder.is_dir():
        return 0
    for path in folder.iterdir():
        longest = WORDS_SECONDS if path.suffix == _SENT else DRAFT_SECONDS
        try:
            if moment - path.stat().st_mtime > longest:
                path.unlink()
                gone += 1
        except FileNotFoundError:  # another process swept it, or it was just sent
            continue
    return gone


def _fields(value: Draft | Receipt) -> dict[str, object]:
    """All fields; unlike `asdict` without copying them deeply, which cost a fifth of a page's time."""
    return {name: getattr(value, name) for name in value.__slots__}


def _derive(token: str, purpose: str) -> bytes:
    return hmac.digest(token.encode(), f"openhotline/draft/{purpose}/v1".encode(), "sha256")


def _path(folder: Path, token: str, suffix: str) -> Path:
    return folder / f"{_derive(token, 'name')[:20].hex()}{suffix}"


def _write(folder: Path, token: str, suffix: str, value: dict[str, object]) -> None:
    nonce = os.urandom(12)
    plain = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    sealed = nonce + AESGCM(_derive(token, "key")).encrypt(nonce, plain, suffix.encode())
    path = _path(folder, token, suffix)
    temp = f"{path}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            # A short write means a full disk; the next one would say so, but a torn draft helps nobody.
            if os.write(descriptor, sealed) != len(sealed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        os.rename(temp, path)  # noqa: PTH104  as cheap as it gets: this is the form's hot path
    except OSError:
        Path(temp).unlink(missing_ok=True)
        raise


def _read(folder: Path, token: str, suffix: str, longest: float) -> dict[str, object] | None:
    path = _path(folder, token, suffix)
    try:
        if time.time() - path.stat().st_mtime > longest:
            return None
        sealed = path.read_bytes()
        plain = AESGCM(_derive(token, "key")).decrypt(sealed[:12], sealed[12:], suffix.encode())
    except (FileNotFoundError, InvalidTag):
        return None
    value: dict[str, object] = json.loads(plain.decode("utf-8", "surrogatepass"))
    return value
