"""A package for police abroad as a STIX 2.1 bundle. Pure.

True here: identity, location, report and a note for each grade; addresses, networks and literals as observables, joined by
relations. STIX has no words for a grade of this kind, so it stands in the note and, for machines, in an extension of our own. The marking is
TLP 2.0. The same package always gives the same bytes: every identity is made from what it names. There is no object
in it that could hold media.
"""

import ipaddress
import json
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from openhotline.rules.package import PackageAddress, PackageContent

# TLP 2.0 as OASIS published it: the marking AMBER+STRICT and the extension it is written in.
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
_TLP_MADE = "2022-10-01T00:00:00.000Z"
# STIX 2.1, 2.9: observables are named by what they say, under this namespace.
_OBSERVED = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_OURS = uuid5(NAMESPACE_URL, "https://openhotline.example/stix/grade/1")
_EXTENSION = f"extension-definition--{_OURS}"


def render(content: PackageContent) -> bytes:
    """The bundle, canonical JSON, ASCII. Raises ValueError for a time without zone."""
    at = _spell(content.made_at)
    who = _id("identity", content.house, content.contact)
    common = {
        "spec_version": "2.1",
        "created": at,
        "modified": at,
        "created_by_ref": who,
        "object_marking_refs": [_TLP],
    }
    objects: dict[str, dict[str, Any]] = {}

    def add(one: dict[str, Any]) -> str:
        objects.setdefault(one["id"], one)
        return str(one["id"])

    add(
        {
            "type": "identity",
            "id": who,
            **common,
            "name": content.house,
            "identity_class": "organization",
            "contact_information": content.contact,
        }
    )
    add(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": _TLP,
            "created": _TLP_MADE,
            "name": "TLP:AMBER+STRICT",
            "extensions": {
                _TLP_EXTENSION: {
                    "extension_type": "property-extension",
                    "tlp_2_0": "amber+strict",
                }
            },
        }
    )
    add(
        {
            "type": "extension-definition",
            "id": _EXTENSION,
            **common,
            "name": "Grade of an address",
            "description": "Class, category under a named scheme, and age band, as a hotline graded it.",
            "schema": "https://openhotline.example/stix/grade/1",
            "version": "1.0.0",
            "extension_types": ["property-extension"],
        }
    )
    place = add(
        {
            "type": "location",
            "id": _id("location", content.number, content.country),
            **common,
            "country": content.country,
        }
    )
    about = [place]
    for one in content.addresses:
        about += _address(one, content, common, place, add)
    add(
        {
            "type": "report",
            "id": _id("report", content.number),
            **common,
            "name": content.number,
            "description": f"{len(content.addresses)} graded addresses held in {content.country}.",
            "report_types": ["observed-data"],
            "published": at,
            "object_refs": list(dict.fromkeys(about)),
        }
    )
    bundle = {"type": "bundle", "id": _id("bundle", content.number, at), "objects": list(objects.values())}
    return json.dumps(bundle, sort_keys=True, indent=1, ensure_ascii=True).encode("ascii")


def _address(
    one: PackageAddress, content: PackageContent, common: dict[str, Any], place: str, add: Any
) -> list[str]:
    """The objects of one address; returns their identities."""
    url = add(_observable("url", {"value": one.address}))
    network = add(_observable("autonomous-system", {"number": one.asn})) if 0 < one.asn < 2**32 else ""
    made = [url, network] if network else [url]
    for literal in filter(None, (part.strip() for part in one.hosting_address.split(","))):
        try:
            kind = f"ipv{ipaddress.ip_address(literal).version}-addr"
        except ValueError:
            continue
        made.append(add(_observable(kind, {"value": literal})))
    if name := one.server.partition(":")[0]:
        made.append(add(_observable("domain-name", {"value": name})))
    host = add(
        {
            "type": "infrastructure",
            "id": _id("infrastructure", content.number, one.operator, str(one.asn)),
            **common,
            "name": one.operator or "Operator not known",
            "infrastructure_types": ["unknown"],
        }
    )
    made.append(host)
    seen = _spell(one.traced_at)
    made.append(
        add(
            {
                "type": "observed-data",
                "id": _id("observed-data", content.number, one.uid),
                **common,
                "first_observed": seen,
                "last_observed": seen,
                "number_observed": 1,
                "object_refs": [*made[:-1]],
            }
        )
    )
    # Behind a network in front it is not known where it is held: then nothing says that it is there.
    pairs = [(host, "consists-of", url)] + ([] if one.edge else [(host, "located-at", place)])
    for source, kind, target in pairs:
        made.append(
            add(
                {
                    "type": "relationship",
                    "id": _id("relationship", source, kind, target),
                    **common,
                    "relationship_type": kind,
                    "source_ref": source,
                    "target_ref": target,
                }
            )
        )
    grade = ", ".join(part for part in (one.content_class, one.category, one.age_band) if part)
    made.append(
        add(
            {
                "type": "note",
                "id": _id("note", content.number, one.uid),
                **common,
                "abstract": "Grade",
                "content": f"Graded {_spell(one.graded_at)} under {content.scheme}: {grade}."
                + (" The country is that of the network in front." if one.edge else "")
                + (f" Reached from {one.referrer}" if one.referrer else "")
                + (f" A newsgroup post on the news server {one.server}." if one.server else ""),
                "object_refs": [url],
                "extensions": {
                    _EXTENSION: {
                        "extension_type": "property-extension",
                        "content_class": one.content_class,
                        "scheme": content.scheme,
                        "category": one.category,
                        "age_band": one.age_band,
                        "edge": one.edge,
                    }
                },
            }
        )
    )
    return made


def _observable(kind: str, says: dict[str, Any]) -> dict[str, Any]:
    name = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid5(_OBSERVED, name)}",
        "object_marking_refs": [_TLP],
        **says,
    }


def _id(kind: str, *parts: str) -> str:
    return f"{kind}--{uuid5(_OURS, chr(31).join((kind, *parts)))}"


def _spell(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("A package's times need a zone.")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
