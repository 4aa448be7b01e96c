"""How one sealed record lies in a spool file: a head (magic, length, digest) and a body.

The digest tells a whole record from one that was cut off when a machine stopped; it is no proof of
origin, sealing is. What is not here: files, locks and the order of things (`spool`).
"""

import hashlib
import struct
from dataclasses import dataclass
from uuid import UUID

OPENED, SENT = "opened", "sent"
_KINDS = {OPENED: 1, SENT: 2}
_NAMES = {number: kind for kind, number in _KINDS.items()}

MAGIC = b"OHs1"
_HEAD = struct.Struct(">4sI8s")  # magic, length of body, BLAKE2b-64 of body
_BODY = struct.Struct(">B16s")  # kind, report id; the sealed bytes follow
LONGEST = 8 * 1024 * 1024  # no form and no API lets in more; a longer length is damage


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """One sealed record and where it lies. `end` is the offset behind it."""

    kind: str
    report_id: UUID
    sealed: bytes
    segment: str
    end: int


def frame(kind: str, report_id: UUID, sealed: bytes) -> bytes:
    """The bytes of one record in a segment."""
    body = _BODY.pack(_KINDS[kind], report_id.bytes) + sealed
    if len(body) > LONGEST:
        raise ValueError(f"A record may have {LONGEST} bytes; this one has {len(body)}.")
    return _HEAD.pack(MAGIC, len(body), _digest(body)) + body


def read_frames(
    data: bytes, limit: int, *, segment: str = "", base: int = 0
) -> tuple[list[SpoolRecord], int]:
    """Up to `limit` whole, undamaged records from the start of `data`, and how many bytes they take."""
    records: list[SpoolRecord] = []
    at = 0
    while at + _HEAD.size <= len(data) and len(records) < limit:
        magic, length, digest = _HEAD.unpack_from(data, at)
        start, end = at + _HEAD.size, at + _HEAD.size + length
        if magic != MAGIC or not _BODY.size <= length <= LONGEST or end > len(data):
            break
        body = data[start:end]
        kind, report_id = _BODY.unpack_from(body)
        if _digest(body) != digest or kind not in _NAMES:
            break
        sealed = body[_BODY.size :]
        records.append(SpoolRecord(_NAMES[kind], UUID(bytes=report_id), sealed, segment, base + end))
        at = end
    return records, at


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=8).digest()
