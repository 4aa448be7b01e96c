"""An exchange between hotlines: its codes against our words, and what one message from it says.

True here: one table (`policy/exchange.toml`) holds every mapping, both ways, with what is lost in it. A code the table
does not know is no error: it stays a sentence beside the message, and nothing is guessed from it. Not here: how the
other side spells its messages (`connectors/iccam`) and what follows from them (`steps/exchange`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openhotline.rules.abroad import PartnerAction

# How a call for messages ended: all that there is, as much as one call gives, not now, or not to be read.
WHOLE, CUT, LATER, NO = "whole", "cut", "later", "no"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row: the exchange's `code` in `field` is our word `ours`; `lost` says what does not survive, "" if nothing.

    `ways`: "both", "out" (only when we write) or "in" (only when we read).
    """

    field: str
    code: int
    ours: str
    says: str
    lost: str = ""
    ways: str = "both"


@dataclass(frozen=True, slots=True)
class Codes:
    """The table, its version, and where the exchange's calls are. `ask` is "" where it cannot be asked for our number."""

    version: str
    rows: tuple[CodeRow, ...]
    paths: dict[str, str]

    def out(self, field: str, ours: str) -> tuple[int | None, str]:
        """(code, what is lost). Code None where our word has no row; then the whole word is lost, and said so."""
        for row in self.rows:
            if row.field == field and row.ours == ours and row.ways != "in":
                return row.code, row.lost
        return None, f"“{ours}” has no code for {field} there; it is left out."

    def read(self, field: str, code: object) -> tuple[str, str]:
        """(our word, sentence). Our word "" where the code has no row; the sentence then says which it was."""
        for row in self.rows:
            # A number in quotes, or true for 1, is not the number.
            if row.field == field and type(code) is int and row.code == code and row.ways != "out":
                return row.ours, row.lost
        return "", f"Code {str(code)[:40]!r} of {field} is not in our table; it is kept as it came."


@dataclass(frozen=True, slots=True)
class FromPartner:
    """One thing an exchange told us, as bytes and as we read it. What could not be read is a sentence in `unmapped`.

    `their_id`: its own identity of the content. `number`: our referral it is about, "" for a report to us. `address`:
    verbatim, "" where none could be read. `notes`: what it says beside, in our words (grade, age), for the analyst.
    """

    their_id: str
    raw: bytes
    number: str = ""
    address: str = ""
    referrer: str = ""
    reference: str = ""  # their report
    actions: tuple[PartnerAction, ...] = ()
    notes: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    country: str = ""  # where they say it is held, ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True)
class Listed:
    """What one call gave: messages, how it ended, and a sentence where it did not give all."""

    messages: Sequence[FromPartner] = ()
    ended: str = WHOLE
    why: str = ""
