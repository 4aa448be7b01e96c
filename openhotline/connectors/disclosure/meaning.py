"""A CDN's reply to a trusted notifier: who hosts what is behind the edge. Pure: text in, a `MethodAnswer` out.

True here: the reply counts as *origin*, and the answer says who disclosed it, in answer to what and when. A reply
about another address than the one asked about is no answer. Not here: asking (`client.py`), and whether to
believe it (`rules/trace_vote.py`).
"""

import ipaddress
import json
import re
from datetime import UTC, datetime
from typing import Any

from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.printable import printable

METHOD = methods.DISCLOSED
ORIGIN = "origin"
MAX_BYTES = 64 * 1024
MAX_TEXT = 200
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def question(canonical: str, reference: str) -> bytes:
    """What is asked: the address and our reference, and nothing else of the case."""
    return json.dumps({"address": canonical, "reference": reference}, separators=(",", ":")).encode()


def read(
    body: bytes, *, canonical: str, discloser: str, source: str, at: datetime, seconds: float = 0.0
) -> MethodAnswer:
    """The reply, however malformed."""
    raw = body[:MAX_BYTES].decode("utf-8", "backslashreplace")

    def failed(why: str) -> MethodAnswer:
        return MethodAnswer(METHOD, ok=False, why=why, source=source, seconds=seconds, raw=raw)

    try:
        if len(body) > MAX_BYTES:
            return failed("The reply is longer than 64 KiB.")
        value = json.loads(body)
        if not isinstance(value, dict) or value.get("address") != canonical:
            return failed("The reply is not about the address that was asked about.")
        if not isinstance(value.get("origin"), dict):
            return failed(_text(value.get("why")) or "The CDN names no server behind its edge.")
        return _origin(value, value["origin"], raw, discloser, source, at, seconds)
    except (ValueError, RecursionError, TypeError) as fault:
        return failed(f"The reply cannot be read ({type(fault).__name__}).")


def _origin(
    value: dict[str, Any],
    origin: dict[str, Any],
    raw: str,
    discloser: str,
    source: str,
    at: datetime,
    seconds: float,
) -> MethodAnswer:
    given = origin.get("addresses")
    listed = [str(ipaddress.ip_address(str(a))) for a in (given if isinstance(given, list) else [])[:16]]
    country = _text(origin.get("country")).upper()
    country = country if re.fullmatch(r"[A-Z]{2}", country) else ""
    operator = _text(origin.get("operator"))
    mail = _text(origin.get("abuse"))
    if not (listed or country or operator):
        raise ValueError("empty")
    reference = _text(value.get("reference"))
    return MethodAnswer(
        METHOD,
        ok=True,
        why=f"Named by {discloser} as the server behind its edge.",
        answer=", ".join(filter(None, (operator, country, *listed[:4]))),
        country=country,
        addresses=tuple(listed),
        operator=operator,
        abuse_mail=(mail,) if _MAIL.fullmatch(mail) else (),
        source=source,
        source_age_s=_age(value.get("at"), at),
        seconds=seconds,
        raw=raw,
        layer=ORIGIN,
        disclosed_by=f"{discloser}, in answer to {reference}" if reference else discloser,
    )


def _age(value: Any, at: datetime) -> int | None:
    try:
        then = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0, int((at - then).total_seconds()))


def _text(value: Any) -> str:
    return printable(value, MAX_TEXT) if isinstance(value, str) else ""
