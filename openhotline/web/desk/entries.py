"""Ledger entries of one case as its page shows them: number, time, who, what, seal. Never a payload.

True here: who of the police answered is for those who may know of holds; to others it is "police", and
their act is "answered" whatever it was. What is not here: whether the ledger is whole (`ledger/verify`).
"""

from dataclasses import dataclass

from openhotline.ledger.verify import entries_of

# Acts that would tell a hold from a go-ahead, or who in the police did it.
_POLICE = (
    "removal.answer",
    "removal.answered",
    "removal.held",
    "removal.release",
    "removal.released",
    "removal.settle_silence",
)
MOST = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One entry."""

    number: int
    time: str
    who: str
    act: str
    seal: str


def of(case_ref: str, *, open_to: bool) -> list[Line]:
    """The entries of a case, newest first, at most five hundred."""
    lines = []
    for found in list(entries_of(case_ref))[-MOST:]:
        entry = found.entry
        act, who = str(entry["act"]), str(entry["who"])
        if act in _POLICE and not open_to:
            act, who = "removal.answered", "police"
        lines.append(
            Line(
                int(entry["case_n"]),
                str(entry["at"])[:19].replace("T", " "),
                who,
                act.replace(".", ": ").replace("_", " "),
                grouped(str(entry.get("commit", ""))),
            )
        )
    return lines[::-1]


def grouped(digest: str) -> str:
    """A hash in groups of four, its middle left out."""
    return f"{digest[:4]} {digest[4:8]} … {digest[-4:]}" if len(digest) > 12 else digest
