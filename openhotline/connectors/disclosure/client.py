"""Ask a CDN's trusted-notifier interface which server is behind its edge: POST /api/v1/disclosures.

True here: asking twice under the same reference is the same question; no redirect is followed and no proxy or
credential is taken from the environment. Not here: when to ask, who may (jobs), and what the reply is worth.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime

import httpx2

from openhotline import __version__
from openhotline.connectors.disclosure import meaning
from openhotline.connectors.moment import Moment
from openhotline.rules.facts import MethodAnswer

TOOL = f"openhotline disclosure {__version__}"


@dataclass(frozen=True, slots=True)
class Notifier:
    """A CDN's interface as the operator entered it. `name` is the CDN as the proxy lists name it."""

    name: str
    base: str
    token: str
    timeout_s: float = 20.0


def ask(canonical: str, notifier: Notifier, *, reference: str, at: datetime) -> MethodAnswer:
    """The CDN's reply about one address. Raises nothing the CDN causes."""
    given = Moment.of(at)
    return given.stamped(replace(_ask(canonical, notifier, reference, at), tool=TOOL))


def _ask(canonical: str, notifier: Notifier, reference: str, at: datetime) -> MethodAnswer:
    started = time.monotonic()
    source = f"{notifier.name}'s trusted-notifier interface"

    def failed(why: str, raw: str = "") -> MethodAnswer:
        seconds = round(time.monotonic() - started, 4)
        return MethodAnswer(meaning.METHOD, ok=False, why=why, source=source, seconds=seconds, raw=raw)

    headers = {
        "Authorization": f"Bearer {notifier.token}",
        "Idempotency-Key": reference,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    try:
        with (
            httpx2.Client(timeout=notifier.timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                f"{notifier.base.rstrip('/')}/api/v1/disclosures",
                content=meaning.question(canonical, reference),
                headers=headers,
            ) as reply,
        ):
            body = b""
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > meaning.MAX_BYTES or time.monotonic() - started > notifier.timeout_s * 3:
                    break
            status = reply.status_code
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError):
        return failed("The CDN's address or token is wrong; nothing was asked.")
    except httpx2.HTTPError as fault:
        return failed(f"The CDN's interface could not be asked ({type(fault).__name__}).")
    if status != 200:
        return failed(
            f"The CDN's interface answered {status}.", body[:4096].decode("utf-8", "backslashreplace")
        )
    return meaning.read(
        body,
        canonical=canonical,
        discloser=notifier.name,
        source=source,
        at=at,
        seconds=round(time.monotonic() - started, 4),
    )
