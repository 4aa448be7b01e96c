"""Requests between two programs, signed with a shared secret: made and checked the same way on both sides.

`X-Signature: t=<seconds>,v2=<hex HMAC-SHA-256 over "<seconds>\\n<Idempotency-Key>\\n<body>">`, the key empty where the
request has none. True here: a request older or newer than five minutes, under another key than it was signed with, or
signed with another secret, is not believed. What is not here: whose secret it is.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta

HEADER = "X-Signature"
TOLERANCE = timedelta(minutes=5)
_SHAPE = re.compile(r"t=(\d{1,12}),v2=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, *, key: str = "", at: datetime) -> str:
    """The header's value for `body` under the Idempotency-Key `key`, signed at `at`."""
    second = int(at.timestamp())
    return f"t={second},v2={_mac(secret, second, key, body)}"


def believed(secret: bytes, body: bytes, header: str, *, key: str = "", at: datetime) -> bool:
    """Whether `header` is the signature of `body` under `key`, made within five minutes of `at`."""
    found = _SHAPE.fullmatch(header.strip()) if header.isascii() and len(header) < 200 else None
    if found is None:
        return False
    second = int(found[1])
    same = hmac.compare_digest(_mac(secret, second, key, body), found[2])
    when = datetime.fromtimestamp(min(second, 250_000_000_000), UTC)
    return same and abs(at - when) <= TOLERANCE


def _mac(secret: bytes, second: int, key: str, body: bytes) -> str:
    # No header holds a line break, so none can move the border between key and body.
    head = f"{second}\n{key}\n".encode("utf-8", "backslashreplace")
    return hmac.digest(secret, head + body, "sha256").hex()
