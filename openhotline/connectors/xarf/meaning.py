"""One address as a XARF v4.2 report (`category` content), or the reason why it is none.

True here: only child sexual abuse content whose age band is known, or that meets the baseline, has a XARF
type; everything else travels as the text letter alone, because no other type of the format says what it
is. What the format cannot hold is returned as sentences, never dropped in silence. There is no parameter
for bytes, screenshots, reporters, analysts or police data, so none can be put in; `evidence` is absent.

Mapping (formats.md): baseline -> "baseline"; else the letter by age (infant, pre-pubescent -> A;
pubescent -> B) and the figure by act (categories A and B -> 1, C -> 2). One report per address.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from openhotline.rules.words import CHILD_SEXUAL_ABUSE

VERSION = "4.2.0"
TYPE = "csam"  # the format's own word for the type; nowhere else is it used

_LETTER = {"infant": "A", "pre-pubescent": "A", "pubescent": "B"}
_FIGURE = {"A": "1", "B": "1", "C": "2"}
_DOMAIN = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Party:
    """Who reports or sends: organisation, mailbox, domain."""

    org: str
    contact: str
    domain: str


@dataclass(frozen=True, slots=True)
class XarfPart:
    """`json`: the report as canonical JSON text, "" if the address has none. `losses`: what the reader
    of the XARF part will not learn, in sentences for the analyst."""

    json: str
    losses: tuple[str, ...] = ()


def report_id(key: str) -> UUID:
    """The report's identifier, from the letter's key and the removal: the same letter, the same id."""
    return UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4)


def classification(*, baseline: bool, category: str, age_band: str) -> tuple[str, tuple[str, ...]]:
    """(the format's classification or "", losses). `category` A, B, C or ""; `age_band` of words.AGE_BANDS."""
    if baseline:
        lost = ["XARF says only 'baseline': the category and the age band are not in it."]
        return "baseline", tuple(lost)
    letter, figure = _LETTER.get(age_band, ""), _FIGURE.get(category, "")
    if not letter:
        return "", ("The age band is not known, so XARF has no word for it: the text letter goes alone.",)
    if not figure:
        return "", (f"Category {category or 'none'} has no figure in XARF: the text letter goes alone.",)
    losses = []
    if figure == "1":
        losses.append(f"XARF's figure 1 stands for categories A and B alike; category {category} is lost.")
    if letter == "A":
        losses.append(f"XARF's letter A stands for infant and pre-pubescent alike; '{age_band}' is lost.")
    return letter + figure, tuple(losses)


def notice(
    *,
    identifier: UUID,
    url: str,
    host: str,
    content_class: str,
    baseline: bool,
    category: str,
    age_band: str,
    source_identifier: str,
    verified_at: datetime,
    reporter: Party,
    sender: Party | None = None,
    media: str = "",
    operator: str = "",
    asn: int = 0,
    country: str = "",
    serial: str = "",
    server: str = "",
) -> XarfPart:
    """The XARF report of one address, for the letter that notices it.

    `source_identifier`: the IP literal it is held at, or the host name. `verified_at`: the last look,
    tz-aware. `media`: "image", "video", "mixed" or "" if not recorded. Raises ValueError for a time
    without zone. `server`: of a newsgroup post (`url` is its Message-ID), the news server that holds it.
    """
    if verified_at.tzinfo is None:
        raise ValueError("The time of the last look needs a zone.")
    if content_class != CHILD_SEXUAL_ABUSE:
        return XarfPart("", ("XARF has no type for this class of content: the text letter goes alone.",))
    word, losses = classification(baseline=baseline, category=category, age_band=age_band)
    if not word:
        return XarfPart("", losses)
    when = verified_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    value: dict[str, object] = {
        "xarf_version": VERSION,
        "report_id": str(identifier),
        "timestamp": when,
        "reporter": _party(reporter),
        "sender": _party(sender or reporter),
        "source_identifier": source_identifier,
        "category": "content",
        "type": TYPE,
        "url": url,
        "verified_at": when,
        "verification_method": "manual",
        "classification": word,
        "detection_method": "manual_review",
        "content_removed": False,
    }
    if _DOMAIN.fullmatch(host):
        value["domain"] = host
    if media in ("image", "video", "audio", "text", "mixed"):
        value["media_type"] = media
    if operator:
        value["hosting_provider"] = operator
    if 0 < asn < 2**32:
        value["asn"] = asn
    if re.fullmatch(r"[A-Z]{2}", country):
        value["country_code"] = country
    if serial:
        held = f"; held on the news server {server}" if server else ""
        value["description"] = f"Notice {serial}{held}"[:1000]
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return XarfPart(text, losses)


def _party(party: Party) -> dict[str, str]:
    return {"org": party.org[:200], "contact": party.contact, "domain": party.domain}
