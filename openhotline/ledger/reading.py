"""One case's entries, opened, for the people who may read them (who may is decided above this room).

What is not here: whether the log is whole (`verify.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from openhotline.ledger import canonical
from openhotline.ledger.entry import fault
from openhotline.ledger.models import Payload, Staged
from openhotline.ledger.record import context
from openhotline.ledger.sealing import Unopened
from openhotline.rules.refusals import Refused

OPEN, NONE, GONE, UNREADABLE = "open", "none", "gone", "unreadable"  # states of a payload


@dataclass(frozen=True, slots=True)
class EntryOfCase:
    """One entry as the case page and the story need it.

    `idx` is its place in the log, None for the moment before it has one. `entry` holds all fields as decoded.
    `payload` is empty unless `payload_state` is "open"; "gone" means disposed of, "unreadable" that it does
    not open with this house's key.
    """

    idx: int | None
    entry: Mapping[str, Any]
    payload: Mapping[str, Any]
    payload_state: str

    @property
    def eid(self) -> UUID:
        return UUID(self.entry["eid"])

    @property
    def at(self) -> datetime:
        """When, as the act told it (UTC)."""
        return datetime.fromisoformat(self.entry["at"])

    @property
    def who(self) -> str:
        """The actor's pseudonym, never a name."""
        return str(self.entry["who"])

    @property
    def role(self) -> str:
        return str(self.entry["role"])

    @property
    def act(self) -> str:
        """Verb, "removal.notify" for example."""
        return str(self.entry["act"])

    @property
    def why(self) -> str:
        """The reason, whole also where the entry holds only its beginning."""
        return str(self.payload.get("why_whole", self.entry["why"]))


def entries_of(case_ref: str) -> list[EntryOfCase]:
    """Everything that was done to a case, in the order of `case_n`.

    Raises Refused where an entry cannot be read at all.
    """
    if not case_ref:
        return []
    rows = list(
        Staged.objects.filter(case_ref=case_ref)
        .order_by("case_n")
        .values_list("pk", "eid", "entry", "place__idx", named=False)
    )
    sealed = {
        pk: bytes(data)
        for start in range(0, len(rows), 500)
        for pk, data in Payload.objects.filter(
            staged__in=[pk for pk, _, _, _ in rows[start : start + 500]]
        ).values_list("staged", "sealed")
    }
    return [_opened(idx, bytes(entry), eid, sealed.get(pk)) for pk, eid, entry, idx in rows]


def one(eid: UUID) -> EntryOfCase | None:
    """One entry by its id, opened; None where there is none. Raises Refused where it cannot be read at all."""
    row = Staged.objects.filter(eid=eid).values_list("entry", "place__idx", named=False).first()
    if row is None:
        return None
    sealed = Payload.objects.filter(staged__eid=eid).values_list("sealed", flat=True).first()
    return _opened(row[1], bytes(row[0]), eid, bytes(sealed) if sealed is not None else None)


def _opened(idx: int | None, data: bytes, eid: UUID, sealed: bytes | None) -> EntryOfCase:
    try:
        entry = canonical.decode(data)
        reason = fault(entry)
    except ValueError as error:
        entry, reason = {}, str(error)
    if reason:
        raise Refused(
            "An entry of this case cannot be read. Ask the owner to run `openhotline ledger verify`.",
            code="ledger-unreadable",
        )
    if sealed is None:
        return EntryOfCase(idx, entry, {}, GONE if entry["commit"] else NONE)
    try:
        payload = json.loads(context().sealer.open(eid, sealed)[1])
    except (Unopened, ValueError):
        return EntryOfCase(idx, entry, {}, UNREADABLE)
    return EntryOfCase(idx, entry, payload, OPEN)
