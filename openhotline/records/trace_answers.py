"""What the methods of a trace said verbatim: sealed in the record, and committed to in the ledger.

True here: the digest is the SHA-256 of the canonical bytes of all answers, raw words included; the entry of the trace
carries it, so answers changed later are found. What is not here: files made of them (WARC, JSON) and who may look.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag

from openhotline.ledger import reading
from openhotline.records import vault
from openhotline.records.models import Trace
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.refusals import Refused

PURPOSE = "trace-answers"
MOST = 64 * 1024 * 1024  # opened, at most: no sealed column may fill the memory
WHOLE, CHANGED, NOT_ENTERED, UNREADABLE = "whole", "changed", "not entered", "unreadable"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a trace keeps of its answers: their meaning in the open, everything sealed, and the digest of that."""

    shown: list[dict[str, Any]]
    sealed: bytes
    digest: str


def keep(answers: Sequence[MethodAnswer]) -> Kept:
    """Seal the answers under the site key. Raises RuntimeError in a process that holds none."""
    whole = [asdict(answer) for answer in answers]
    data = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    shown = [{name: value for name, value in one.items() if name != "raw"} for one in whole]
    return Kept(shown, vault.seal(PURPOSE, zlib.compress(data)), hashlib.sha256(data).hexdigest())


def opened(trace: Trace) -> list[dict[str, Any]]:
    """All answers of a trace with their raw words. Raises Refused where they cannot be opened."""
    if trace.sealed is None:
        return list(trace.answers)  # written before answers were sealed
    answers: list[dict[str, Any]] = json.loads(_bytes(trace))
    return answers


def state(trace: Trace) -> str:
    """Whether the sealed answers are those the ledger entry commits to: whole, changed, not entered, unreadable."""
    if trace.sealed is None or trace.entry is None:
        return NOT_ENTERED
    try:
        digest = hashlib.sha256(_bytes(trace)).hexdigest()
        entry = reading.one(trace.entry)
    except Refused:
        return UNREADABLE
    if entry is None or entry.payload_state != reading.OPEN:
        return UNREADABLE
    return WHOLE if digest == trace.digest == entry.payload.get("answers") else CHANGED


def _bytes(trace: Trace) -> bytes:
    try:
        packed = vault.open_(PURPOSE, bytes(trace.sealed or b""))
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, MOST)
    except (InvalidTag, zlib.error):
        raise Refused(
            "The sealed answers of this trace cannot be opened. Ask the owner to run `openhotline doctor`.",
            code="sealed",
        ) from None
    if unpacker.unconsumed_tail:
        raise Refused("The sealed answers of this trace are larger than they may be.", code="sealed")
    return data
