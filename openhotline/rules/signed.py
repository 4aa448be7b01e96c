"""Requests between two programs, signed with a shared secret: made and checked the same way on both sides.

`X-Signature: t=<seconds>,v1=<hex HMAC-SHA-256 over "<seconds>.<body>">`. True here: a request older or newer
than five minutes, or signed with another secret, is not believed. What is not here: whose secret it is.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta

HEADER = "X-Signature"
TOLERANCE = timedelta(minutes=5)
_SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, *, at: datetime) -> str:
    """The header's value for `body`, signed at `at`."""
    second = int(at.timestamp())
    return f"t={second},v1={_mac(secret, second, body)}"


def believed(secret: bytes, body: bytes, header: str, *, at: datetime) -> bool:
    """Whether `header` is the signature of `body`, made within five minutes of `at`."""
    found = _SHAPE.fullmatch(header.strip()) if header.isascii() and len(header) < 200 else None
    if found is None:
        return False
    second = int(found[1])
    same = hmac.compare_digest(_mac(secret, second, body), found[2])
    when = datetime.fromtimestamp(min(second, 250_000_000_000), UTC)
    return same and abs(at - when) <= TOLERANCE


def _mac(secret: bytes, second: int, body: bytes) -> str:
    return hmac.digest(secret, f"{second}.".encode() + body, "sha256").hex()
