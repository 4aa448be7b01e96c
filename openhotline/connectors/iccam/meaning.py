"""What the exchange's messages mean: every answer, and everything it tells us, read in our words. Pure.

True here: a code is taken from the table that is handed in (`rules/exchange`), never from this file; what has no code
is a sentence, and so is what cannot be read. Nothing that comes in raises: of odd bytes a message remains that holds
them whole. Not here: what we write to it (`wire`), what follows from a message (`steps/exchange`).
"""

import json
from datetime import UTC, datetime
from typing import Any

from openhotline.connectors.iccam.wire import FLAGS, calls_of, spell
from openhotline.connectors.receipt import ACCEPTED, REFUSED, TEMPORARY, UNKNOWN, Known, Receipt
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.exchange import NO, Codes, FromPartner, Listed

_FLAG_WORDS = ("virtual", "made by those shown", "modelling")


# --- what comes back at once ------------------------------------------------------------------------


def read_reply(status: int, body: bytes, seconds: float = 0.0) -> Receipt:
    """What an answer to a new report means. Never raises.

    Only 408, 425, 429 and 503 say that it certainly was not taken. That our number is known already (409) and every other
    fault of theirs leave open whether it was: it is asked for before anything is sent again.
    """
    text = body[:2000].decode("utf-8", "replace")
    if 200 <= status < 300:
        reference = _identity(_json(body), "reportId", "id", "ReportID")
        if reference:
            return Receipt(
                ACCEPTED, "The exchange took the referral.", status, text, reference, "answer", seconds
            )
        return Receipt(
            UNKNOWN, "The exchange took something, but gave no number.", status, text, "", "answer", seconds
        )
    if status in (408, 425, 429, 503):
        return Receipt(
            TEMPORARY, "The exchange said not now; nothing was taken.", status, text, "", "answer", seconds
        )
    if status == 409 or not 400 <= status < 500:
        return Receipt(
            UNKNOWN, "The exchange did not say whether it took it.", status, text, "", "answer", seconds
        )
    return Receipt(REFUSED, "The exchange refused the referral.", status, text, "", "answer", seconds)


def read_known(status: int, body: bytes, number: str) -> Known:
    """What the answer about our number means. Only an empty list is a no: a call it does not have answers 404 too."""
    reports = _json(body) if status == 200 else None
    if not isinstance(reports, list):
        return Known(UNKNOWN, "")
    ours = [one for one in reports if isinstance(one, dict) and one.get("hotlineReference") == number]
    if ours:
        reference = _identity(ours[0], "reportId", "id")
        return Known("taken", reference) if reference else Known(UNKNOWN, "")
    return Known("not taken", "") if not reports else Known(UNKNOWN, "")


def read_sent(body: bytes) -> list[tuple[str, str]] | None:
    """(their number, ours) of every report they list as ours; None for what is no such list."""
    reports = _json(body)
    if not isinstance(reports, list):
        return None
    return [
        (_identity(one, "reportId", "id"), text(one.get("hotlineReference"), 64))
        for one in reports
        if isinstance(one, dict)
    ]


def read_token(body: bytes) -> str:
    """The bearer token of a login, or ""."""
    value = _json(body)
    token = value.get("bearerToken") if isinstance(value, dict) else None
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else ""


def read_word(status: int) -> str:
    """What the status of one written call means: one of `receipt.OUTCOMES`."""
    if 200 <= status < 300:
        return ACCEPTED
    if status in (408, 425, 429, 503):
        return TEMPORARY
    return REFUSED if 400 <= status < 500 and status != 409 else UNKNOWN


def read_written(status: int, body: bytes, frozen: bytes) -> Known:
    """Whether what `render_word` wrote stands there: the same grade by the same analyst, the same action at its time."""
    value = _json(body) if status == 200 else None
    if not isinstance(value, dict):
        return Known(UNKNOWN, "")
    call = calls_of(frozen)[-1]
    wanted = call["body"]
    if call["path"] == "assigned":
        stands = value.get("assignedCountryCode") == call["parts"]["country"]
    else:
        rows = value.get("assessments" if call["path"] == "grade" else "actions")
        keys = (
            ("classification", "assessingAnalystName")
            if call["path"] == "grade"
            else ("actionType", "actionDate")
        )
        stands = isinstance(rows, list) and any(
            isinstance(row, dict) and all(row.get(key) == wanted[key] for key in keys) for row in rows
        )
    return Known("taken" if stands else "not taken", call["parts"]["id"] if stands else "")


# --- what they tell us ------------------------------------------------------------------------------


def read_queue(body: bytes, codes: Codes) -> Listed:
    """Addresses that were given to our country."""
    rows = _json(body)
    if not isinstance(rows, list):
        return Listed([unreadable(body)], NO, "The exchange's list cannot be read.")
    return Listed([read_content(row, codes) for row in rows])


def unreadable(body: bytes, *, number: str = "") -> FromPartner:
    """A message of which only the bytes can be kept."""
    return FromPartner("", body, number, unmapped=("This message cannot be read; it is kept as it came.",))


def contents_of(body: bytes) -> list[str]:
    """The identities of the addresses in one report."""
    value = _json(body)
    rows = value.get("reportContents") if isinstance(value, dict) else None
    found = [_identity(row, "contentId") for row in rows] if isinstance(rows, list) else []
    return list(dict.fromkeys(one for one in found if one))


def read_one(body: bytes, codes: Codes, *, number: str) -> FromPartner:
    """One address of a referral of ours, as they have it now."""
    value = _json(body)
    return (
        read_content(value, codes, number=number)
        if isinstance(value, dict)
        else unreadable(body, number=number)
    )


def referrer_of(body: bytes) -> str:
    """The page that led there, out of the report an address belongs to."""
    value = _json(body)
    return text(value.get("referrerUrl"), 8000) if isinstance(value, dict) else ""


def read_content(row: object, codes: Codes, *, number: str = "") -> FromPartner:
    """One address with what they think of it and did about it. Never raises."""
    raw = json.dumps(row, sort_keys=True, separators=(",", ":")).encode("ascii")
    identity = _identity(row, "contentId")
    if not isinstance(row, dict) or not identity:
        return unreadable(raw, number=number)
    url = row.get("url")
    url = url if isinstance(url, dict) else {}
    unmapped: list[str] = []
    address = text(url.get("urlString"), 64_000)
    if not address:
        unmapped.append("It names no address; it is kept as it came.")
    notes = _notes(row.get("assessments"), codes, unmapped)
    memo = text(row.get("memo"), 4000)
    return FromPartner(
        their_id=identity,
        raw=raw,
        number=number,
        address=address,
        reference=_identity(row, "reportId"),
        actions=tuple(_actions(row.get("actions"), identity, codes, unmapped)),
        notes=(*notes, *((f"Their memo: {memo}",) if memo else ())),
        unmapped=tuple(unmapped),
        country=_country(url.get("hostingCountryCode")),
    )


def _notes(given: object, codes: Codes, unmapped: list[str]) -> list[str]:
    """Their last assessment (the last is the one that holds), in our words."""
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    if not rows:
        return []
    notes = []
    fields = (
        ("classification", "classification", "They graded it"),
        ("age", "ageCategorization", "Age band"),
        ("gender", "genderCategorization", "Shown"),
        *(("flag", name, word.capitalize()) for name, word in zip(FLAGS, _FLAG_WORDS, strict=True)),
    )
    for field, name, label in fields:
        if rows[-1].get(name) is None:
            continue
        ours, why = codes.read(field, rows[-1][name])
        if ours:
            notes.append(f"{label}: {ours}.")
        elif why.startswith("Code"):
            unmapped.append(why)
    return notes


def _actions(given: object, identity: str, codes: Codes, unmapped: list[str]) -> list[PartnerAction]:
    found = []
    for row in given if isinstance(given, list) else []:
        if not isinstance(row, dict):
            unmapped.append("An action that cannot be read; it is kept as it came.")
            continue
        action, why = codes.read("action", row.get("actionType"))
        done_at = moment(row.get("actionDate"))
        reason = ""
        if row.get("reasonId") is not None and not why:
            reason, why = codes.read("reason", row["reasonId"])
        if not action or why or done_at is None:
            unmapped.append(why or "An action without a time that can be read; it is kept as it came.")
            continue
        name = f"{identity}:{row['actionType']}:{spell(done_at)}"
        found.append(
            PartnerAction(action, name[:120], done_at, reason or "", text(row.get("reasonText"), 2000))
        )
    return found


def _json(body: bytes) -> Any:
    """The value, or None for what is no JSON that can be worked with."""
    try:
        value = json.loads(body.decode("utf-8"))
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value


def _identity(row: object, *names: str) -> str:
    """Their number of a thing: a whole number or a short plain word, by the first of these names; else "".

    A bare number is one, too.
    """
    candidates = [row.get(name) for name in names] if isinstance(row, dict) else [row]
    for found in candidates:
        if type(found) is int and 0 < found < 2**63:
            return str(found)
        if isinstance(found, str) and 0 < len(found) <= 64 and found.isascii() and found.isalnum():
            return found
    return ""


def _country(value: object) -> str:
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def moment(value: object) -> datetime | None:
    """Their time in UTC; None for what is no time of this age, or has no zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is None or not 1990 <= found.year <= 2100:
        return None
    return found.astimezone(UTC)


def text(value: object, most: int) -> str:
    """Their words as a database takes them: what cannot be stored is spelled out."""
    if not isinstance(value, str):
        return ""
    return value[:most].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode().strip()
