"""What we write to the exchange: the one rendering of a referral, and of a word about an address it gave us. Pure.

True here: a code is taken from the table that is handed in (`rules/exchange`), never from this file; what has no code is
said with the bytes, a sentence each. There is no place in a message where bytes of a picture could stand. Not here: what
comes back (`meaning`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openhotline.rules.abroad import MOVED, NEEDS_REASON
from openhotline.rules.exchange import Codes
from openhotline.rules.exchange_back import GRADE

FLAGS = ("virtualContentCategorization", "userGeneratedContentCategorization", "childModelingCategorization")


@dataclass(frozen=True, slots=True)
class Referral:
    """One graded item for the exchange. Times tz-aware; unknown text is ""."""

    number: str  # ours; unique there
    address: str
    kind: str  # words.ITEM_KINDS
    scheme: str
    content_class: str
    category: str
    age_band: str
    country: str
    hosting_address: str
    operator: str
    asn: int
    analyst: str  # the pseudonym of who graded it, never an account of the API
    received_at: datetime
    referrer: str = ""
    server: str = ""  # of a newsgroup post: the news server that holds it
    edge: bool = False  # `country` is that of the network in front


def render(referral: Referral, codes: Codes) -> tuple[bytes, tuple[str, ...]]:
    """(canonical JSON, what is lost in it, a sentence each). Raises ValueError for what may not go this way."""
    lost: list[str] = []

    def code(field: str, ours: str) -> int | None:
        found, why = codes.out(field, ours)
        if why and why not in lost:
            lost.append(why)
        return found

    grade = code("classification", referral.content_class)
    if grade is None:
        raise ValueError(f"The exchange has no code for “{referral.content_class}”. Refer it another way.")
    memo = [f"Category {referral.category} ({referral.scheme})."] if referral.category else []
    if referral.edge:
        memo.append("The country is that of the network in front; where it is held is not known.")
    if referral.server:
        memo.append(f"A newsgroup post by its Message-ID, held on the news server {referral.server}.")
    no = code("flag", "no")
    url = {
        "urlString": referral.address,
        "hotlineReference": referral.number,
        "hostingCountryCode": referral.country,
        "hostingIpAddress": referral.hosting_address,
        "hostingIsp": referral.operator,
        "hostingOrganization": {
            "organizationName": referral.operator,
            "autonomousSystemNumber": referral.asn,
            "isContentDeliveryNetwork": referral.edge,
        },
        "isSourceUrl": True,
        "memo": " ".join(memo),
        "contentType": code("content", referral.kind),
        "assessment": {
            "assessingAnalystName": referral.analyst,
            "classification": grade,
            "ageCategorization": code("age", referral.age_band),
            "genderCategorization": code("gender", ""),
            **dict.fromkeys(FLAGS, no),
        },
        "actions": [],
    }
    value = {
        "reportingAnalystName": referral.analyst,
        "hotlineReceivedDate": spell(referral.received_at),
        "hotlineReference": referral.number,
        "memo": "",
        "urls": [_without_gaps(url)],
        "sourceUrlReferrer": referral.referrer,
        "sourceUrlSiteType": code("site", referral.kind),
        "sourceUrlCommerciality": code("commerciality", ""),
        "sourceUrlPaymentMethods": [code("payment", "")],
    }
    lost.append(
        "Whether it is virtual, made by those shown or modelling is not recorded here; it is sent as no."
    )
    body = json.dumps(_without_gaps(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return body.encode("ascii"), tuple(lost)


def render_word(said: Mapping[str, str], codes: Codes) -> bytes:
    """What we write about an address of theirs (`steps/exchange_back`): the calls it takes, canonical JSON.

    Raises ValueError for a word that has no code.
    """
    content, word, when = said["content"], said["word"], datetime.fromisoformat(said["done_at"])

    def code(field: str, ours: str) -> int:
        found, why = codes.out(field, ours)
        if found is None:
            raise ValueError(why)
        return found

    calls: list[dict[str, Any]] = []
    if word == GRADE:
        no = code("flag", "no")
        body = {
            "assessingAnalystName": said["analyst"],
            "classification": code("classification", said["class"]),
            "ageCategorization": code("age", said["age"] if said["age"] != "none" else ""),
            "genderCategorization": code("gender", ""),
            **dict.fromkeys(FLAGS, no),
        }
        calls.append({"verb": "PUT", "path": "grade", "parts": {"id": content}, "body": body})
    elif word == MOVED:
        there = {"id": content, "country": said["country"]}
        calls.append(
            {"verb": "PUT", "path": "moved", "parts": {**there, "address": said["address"]}, "body": None}
        )
        calls.append({"verb": "PUT", "path": "assigned", "parts": there, "body": None})
    else:
        body = {
            "actionType": code("action", word),
            "actioningAnalystName": said["analyst"],
            "actionDate": spell(when),
        }
        if word in NEEDS_REASON:
            # Why it is not illegal here stands with the analyst's opinion, not as a code.
            body |= {"reasonId": code("reason", "other"), "reasonText": ""}
        calls.append({"verb": "POST", "path": "act", "parts": {"id": content}, "body": body})
    return json.dumps(calls, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def calls_of(frozen: bytes) -> list[dict[str, Any]]:
    """The calls of `render_word`."""
    found: list[dict[str, Any]] = json.loads(frozen)
    return found


def _without_gaps(value: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in value.items() if one is not None}


def spell(moment: datetime) -> str:
    """As the exchange writes times. Raises ValueError for one without zone."""
    if moment.tzinfo is None:
        raise ValueError("The exchange's times need a zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
