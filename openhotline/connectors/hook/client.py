"""Tell a host's program: POST to the address it named; ask whether it has it: GET .../KEY. Both signed.

True here: the Idempotency-Key is the letter's key, so that a repeat is the same event. No redirect is followed, no proxy
or credential is taken from the environment, and no more of an answer is read than its status. Not here: when to send.
"""

from dataclasses import dataclass
from datetime import datetime

import httpx2

from openhotline.connectors.hook.meaning import read_known, read_reply
from openhotline.connectors.receipt import TEMPORARY, UNKNOWN, Known, Receipt
from openhotline.rules.signed import HEADER, sign


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host's program: the address it named, and the secret both sides sign with."""

    url: str
    secret: bytes
    timeout_s: float = 20.0


def send(frozen: bytes, endpoint: Endpoint, *, key: str, at: datetime) -> Receipt:
    """POST `frozen` under the Idempotency-Key `key`, signed as of `at`. Raises nothing the other side causes."""
    if not endpoint.url:
        return Receipt(TEMPORARY, "This host's program names no address any more.", stage="connect")
    try:
        return read_reply(_status("POST", endpoint.url, frozen, endpoint, key, at))
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
        return Receipt(
            TEMPORARY, "The host's program could not be reached; nothing was sent.", stage="connect"
        )
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError):
        return Receipt(TEMPORARY, "The address of the host's program is wrong. Correct it.", stage="connect")
    except httpx2.HTTPError:
        return Receipt(UNKNOWN, "The line broke before the host's program answered.", stage="answer")


def ask(endpoint: Endpoint, *, key: str, at: datetime) -> Known:
    """Whether the program has what was sent under `key`. Raises nothing the other side causes."""
    try:
        return read_known(_status("GET", f"{endpoint.url.rstrip('/')}/{key}", b"", endpoint, key, at))
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError):
        return Known("unknown", "")


def _status(method: str, url: str, body: bytes, endpoint: Endpoint, key: str, at: datetime) -> int:
    headers = {
        HEADER: sign(endpoint.secret, body, key=key, at=at),
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    with (
        httpx2.Client(timeout=endpoint.timeout_s, follow_redirects=False, trust_env=False) as client,
        client.stream(method, url, content=body, headers=headers) as reply,
    ):
        return int(reply.status_code)
