"""A referral's one rendering, and what a partner's reply means. Pure.

True here: a referral names the address, its grade in the scheme's own words, where it is held and how it
was reached; it holds no reporter, no analyst's name and no media. The same referral always gives the same
bytes. Every reply falls into one of the four outcomes of `receipt`.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from openhotline.connectors.receipt import ACCEPTED, REFUSED, TEMPORARY, UNKNOWN, Known, Receipt
from openhotline.rules.printable import printable

_AGAIN = (408, 421, 423, 425, 429)


@dataclass(frozen=True, slots=True)
class Referral:
    """One graded item handed to a hotline abroad. Times tz-aware; unknown text is ""."""

    reference: str  # ours
    address: str  # as reported and followed
    canonical: str
    scheme: str  # which scheme the grade is of, with its version
    content_class: str  # words.CLASSES
    category: str
    age_band: str
    country: str  # where it is held, ISO 3166-1 alpha-2
    hosting_address: str  # IP literal
    operator: str
    asn: int
    graded_at: datetime
    traced_at: datetime
    referrer: str = ""
    files: int = 0  # how many files the analyst counted, 0 if not counted
    server: str = ""  # of a newsgroup post: the news server that holds it
    edge: bool = False  # `country` is that of the network in front; where it is held is not known


def render(referral: Referral) -> bytes:
    """Canonical JSON, UTF-8. Raises ValueError if a time has no zone."""
    for moment in (referral.graded_at, referral.traced_at):
        if moment.tzinfo is None:
            raise ValueError("A referral's times need a zone.")
    value = asdict(referral)
    value["graded_at"] = referral.graded_at.isoformat()
    value["traced_at"] = referral.traced_at.isoformat()
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def read_reply(status: int, body: bytes, seconds: float = 0.0) -> Receipt:
    """What an HTTP status and body mean for the referral. Never raises."""
    text = body[:2000].decode("utf-8", "replace")
    if 200 <= status < 300:
        reference = _reference(body)
        why = "The partner took the referral." + ("" if reference else " It gave no number of its own.")
        return Receipt(ACCEPTED, why, status, text, reference, "answer", seconds)
    if status in _AGAIN or 500 <= status < 600:
        why = "The partner said not now; the same referral may be sent again."
        return Receipt(TEMPORARY, why, status, text, "", "answer", seconds)
    if 400 <= status < 500:
        return Receipt(REFUSED, "The partner refused the referral.", status, text, "", "answer", seconds)
    why = "The partner gave an answer that means nothing; sending the same key again is safe."
    return Receipt(UNKNOWN, why, status, text, "", "answer", seconds)


def read_known(status: int, body: bytes, key: str) -> Known:
    """What the answer to GET .../KEY means. Only a 404 is a no; only its own number, or our key, is a yes."""
    if status == 404:
        return Known("not taken", "")
    if status != 200:
        return Known("unknown", "")
    reference = _reference(body)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Known("unknown", "")
    same = not isinstance(value, dict) or value.get("key", key) == key
    return Known("taken", reference) if reference and same else Known("unknown", "")


def _reference(body: bytes) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(found, str | int) or isinstance(found, bool):
        return ""
    return printable(str(found), 100)
