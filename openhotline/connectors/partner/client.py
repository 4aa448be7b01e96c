"""Hand a referral to a partner hotline's API: POST /api/v1/referrals; ask whether it has one: GET .../KEY.

True here: the same outcomes as a letter by mail, but `unknown` may be sent again at once, because the
partner honours the Idempotency-Key: a repeat is the same referral with the same number. No redirect is
followed and no proxy or credential is taken from the environment. Not here: when to send.
"""

import time
from dataclasses import dataclass

import httpx2

from openhotline.connectors.partner.meaning import read_known, read_reply
from openhotline.connectors.receipt import TEMPORARY, UNKNOWN, Known, Receipt

MAX_REPLY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A partner's API as the operator entered it. `base` without a path, e.g. "https://hotline.example"."""

    base: str
    token: str
    timeout_s: float = 20.0
    total_s: float = 60.0


def send(frozen: bytes, endpoint: Endpoint, *, key: str) -> Receipt:
    """POST `frozen` (`meaning.render`) under the Idempotency-Key `key`. Raises nothing the partner causes."""
    started = time.monotonic()
    headers = {
        "Authorization": f"Bearer {endpoint.token}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    try:
        with (
            httpx2.Client(timeout=endpoint.timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST", f"{endpoint.base.rstrip('/')}/api/v1/referrals", content=frozen, headers=headers
            ) as reply,
        ):
            body = b""
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > MAX_REPLY or time.monotonic() - started > endpoint.total_s:
                    break
            return read_reply(reply.status_code, body[:MAX_REPLY], round(time.monotonic() - started, 4))
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as fault:
        why = "The partner could not be reached; nothing was sent."
        return Receipt(TEMPORARY, why, text=str(fault)[:500], stage="connect", seconds=_since(started))
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError) as fault:
        why = "The partner's address or token is wrong; nothing was sent. Correct it under Partners."
        return Receipt(TEMPORARY, why, text=str(fault)[:500], stage="connect", seconds=_since(started))
    except httpx2.HTTPError as fault:
        why = "The line to the partner broke before it answered; sending the same key again is safe."
        return Receipt(UNKNOWN, why, text=str(fault)[:500], stage="answer", seconds=_since(started))


def ask(endpoint: Endpoint, *, key: str) -> Known:
    """Whether the partner has what was sent under `key`, by GET. Raises nothing the partner causes."""
    headers = {"Authorization": f"Bearer {endpoint.token}", "Accept": "application/json"}
    try:
        with (
            httpx2.Client(timeout=endpoint.timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "GET", f"{endpoint.base.rstrip('/')}/api/v1/referrals/{key}", headers=headers
            ) as reply,
        ):
            body = b""
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > MAX_REPLY:
                    break
            return read_known(reply.status_code, body[:MAX_REPLY], key)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError):
        return Known("unknown", "")


def _since(started: float) -> float:
    return round(time.monotonic() - started, 4)
