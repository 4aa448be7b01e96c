"""A package for police abroad, where no partner hotline works: what it says, as JSON and as text. Pure.

True here: addresses, where each is held, its grade and when both were found; nothing about a reporter, an analyst or a
police unit, and no place for media. The same package always gives the same bytes. What is not here: who made it and who has
it (`steps/package`), and the same as STIX (connectors).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

MARKING = "TLP:AMBER+STRICT"
TEXT, JSON, STIX = "package.txt", "package.json", "package.stix.json"
FORMS = {
    TEXT: "text/plain; charset=utf-8",
    JSON: "application/json",
    STIX: "application/stix+json;version=2.1",
}

# By which way the national police hand it on. The keys are stored.
CHANNELS = {
    "interpol": "by INTERPOL's channel to the police there",
    "europol": "by Europol's channel to the police there",
    "direct": "directly to the police there",
    "kept": "kept here: we act on it ourselves",
}


@dataclass(frozen=True, slots=True)
class PackageAddress:
    """One graded address. Times tz-aware; unknown text is ""."""

    uid: str
    address: str
    content_class: str
    category: str
    age_band: str
    country: str
    edge: bool  # `country` is that of the network in front
    hosting_address: str  # IP literals, comma-separated
    operator: str
    asn: int
    graded_at: datetime
    traced_at: datetime
    referrer: str = ""
    server: str = ""  # of a newsgroup post: the news server that holds it


@dataclass(frozen=True, slots=True)
class PackageContent:
    """What a package says."""

    number: str
    country: str
    house: str
    contact: str
    scheme: str
    made_at: datetime
    addresses: tuple[PackageAddress, ...]


def as_json(content: PackageContent) -> bytes:
    """Canonical JSON, ASCII. Raises ValueError for a time without zone."""
    _refuse_bare_times(content)
    value = asdict(content)
    value["made_at"] = content.made_at.isoformat()
    value["marking"] = MARKING
    for row, address in zip(value["addresses"], content.addresses, strict=True):
        row["graded_at"], row["traced_at"] = address.graded_at.isoformat(), address.traced_at.isoformat()
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=True).encode("ascii")


def as_text(content: PackageContent) -> bytes:
    """The same for people. Raises ValueError for a time without zone."""
    _refuse_bare_times(content)
    count = len(content.addresses)
    lines = [
        f"{content.number}    {MARKING}",
        "",
        f"From {content.house} ({content.contact}), {_when(content.made_at)}.",
        f"{count} address{'' if count == 1 else 'es'} held in {content.country}, where no partner hotline takes them.",
        f"Graded under {content.scheme}. Please hand this to the police there, and tell us when and by which way.",
        "It holds no image. Do not open an address outside the law of your country.",
    ]
    for place, one in enumerate(content.addresses, 1):
        grade = ", ".join(part for part in (one.content_class, one.category, one.age_band) if part)
        where = f"{one.operator or 'operator not known'}, AS{one.asn}" if one.asn else one.operator
        lines += [
            "",
            f"{place}. {one.address}",
            f"   Graded {_when(one.graded_at)}: {grade}",
            f"   Held at {one.hosting_address or 'an address not known'} ({where}), {one.country}; traced {_when(one.traced_at)}",
        ]
        if one.server:
            lines.append(f"   A newsgroup post by its Message-ID, on the news server {one.server}")
        if one.edge:
            lines.append(
                "   The country is that of the network in front; where it is held behind it is not known."
            )
        if one.referrer:
            lines.append(f"   It is reached from {one.referrer}")
    return ("\n".join(lines) + "\n").encode()


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _refuse_bare_times(content: PackageContent) -> None:
    moments = [content.made_at, *(one.graded_at for one in content.addresses)]
    if any(moment.tzinfo is None for moment in [*moments, *(one.traced_at for one in content.addresses)]):
        raise ValueError("A package's times need a zone.")
