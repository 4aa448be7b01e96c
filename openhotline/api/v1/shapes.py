"""The shapes of the API: what is sent and what comes back. One word per thing, as everywhere in the house."""

from datetime import datetime
from uuid import UUID

from ninja import Schema
from pydantic import Field


class Fault(Schema):
    """Every refusal: a stable code, and a sentence for a person."""

    code: str
    sentence: str


class JoinedItem(Schema):
    """One line that could be read: the item it led to, and whether the item was known already."""

    line: int = Field(
        description="Number from 1: addresses first, then files. Several addresses on one line count as several."
    )
    reported: str = Field(description="The line as it came, its first 300 characters.")
    reference: str
    joined: bool


class IncompleteLine(Schema):
    """One line that could not be read. It is kept."""

    line: int
    reported: str
    why: str


class FiledReport(Schema):
    """What became of a report. `state`: received, joined, incomplete, answered or anonymised."""

    report_id: UUID
    state: str
    source: str = Field(description="Where it counts as coming from; the token says so.")
    reference: str
    received_at: datetime
    why: str = Field(
        description="What of it could not be read as given, in a sentence; then all that was sent is kept, and a "
        "person will look. Empty: nothing."
    )
    items: list[JoinedItem]
    incomplete: list[IncompleteLine]


class KeptRow(Schema):
    """One row of a file that could not be read as given. It is kept. `row`: the first line, the names, is 1."""

    row: int
    why: str


class FiledFile(Schema):
    """What became of a file. `kept`: the first 1,000 of those that are `incomplete`."""

    reports: int
    items_new: int
    joined: int
    incomplete: int
    rejected: int = Field(description="Rows that hold nothing.")
    repeated: int = Field(description="Rows that were filed before, under the same key.")
    kept: list[KeptRow]


class ReferredAddress(Schema):
    """One graded address in a referral. `state`: with you, reported gone or removed, as our own checks see it."""

    uid: UUID
    address: str
    content_class: str
    category: str
    age_band: str
    country: str
    edge: bool  # true: the country is that of the network in front; where it is held is not known
    server: str  # of a newsgroup post: the news server that holds it
    state: str
    last_seen: datetime | None
    last_looked: datetime | None


class ActionIn(Schema):
    """One thing you did about one address of a referral. The same `id` sent again is one."""

    uid: UUID = Field(description="The address, as the referral names it.")
    id: str = Field(min_length=1, max_length=120, description="Your own identity of this message.")
    action: str = Field(
        description="One of accepted, told police, told host, removed, unavailable, moved, not illegal there."
    )
    done_at: datetime = Field(description="When you did it, with its zone.")
    reason: str = Field("", description="Why; needed for unavailable and not illegal there.")
    text: str = Field("", max_length=2000)
    country: str = Field("", max_length=2, description="Where it moved, by two letters.")


class ActionsIn(Schema):
    """What you did, at most 1,000 at once, in the order you did it."""

    actions: list[ActionIn] = Field(min_length=1, max_length=1000)


class ActionTold(Schema):
    """What became of an action. `counted` false: it is kept, and came after a final one or after our own checks."""

    uid: UUID
    id: str
    new: bool
    counted: bool
    state: str


class ActionsTold(Schema):
    """One line per action, in your order."""

    actions: list[ActionTold]


class SentReferral(Schema):
    """One hand-over."""

    reference: str
    their_reference: str
    sent_at: datetime
    answer_due: datetime | None
    addresses: list[ReferredAddress]


class ReferralPage(Schema):
    """A page of referrals, newest first."""

    count: int
    referrals: list[SentReferral]


_KEY = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "maxLength": 200},
        "description": "The same key with the same content is answered again and filed once; with other content it "
        "is refused.",
    }
]

# The body of POST /reports as the schema tells it; `reading.py` reads it, more kindly than a validator would.
REPORT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "addresses": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "At most 10,000 with the files; more are kept, not read. Web or onion addresses, Message-IDs; as they were seen, defanged or not.",
                        },
                        "files": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "Files without address: digest (SHA-256, SHA-1, MD5) and name. Never content.",
                        },
                        "source": {
                            "type": "string",
                            "maxLength": 40,
                            "description": "Noted; the token decides.",
                        },
                        "reference": {
                            "type": "string",
                            "maxLength": 1000,
                            "description": "Your own reference.",
                        },
                        "received_at": {"type": "string", "format": "date-time"},
                        "referrer": {
                            "type": "string",
                            "maxLength": 8000,
                            "description": "The page that leads there.",
                        },
                        "note": {
                            "type": "string",
                            "description": "Sealed; shown only when asked for.",
                        },
                    },
                }
            }
        },
    },
    "parameters": _KEY,
}

FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {
                    "type": "string",
                    "description": "First line: address,source,reference,received_at,referrer,note; all but the "
                    "first optional, in any order.",
                }
            }
        },
    },
    "parameters": _KEY,
}
