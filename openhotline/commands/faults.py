"""What a command says when something around it is wrong: one sentence and what to do next, never a traceback.

The one table from exceptions to `Refused`. What is not here: what the rooms refuse by themselves, and what typer
says of options it cannot read (exit code 2). A fault nobody foresaw is a mistake of ours, and is said as one, with
its place in the code; `OPENHOTLINE_TRACEBACK=1` shows all of it (`up` sets it for its processes, so that it is in
their logs).
"""

import os
import traceback
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import CommandError
from django.db import DatabaseError, DataError, IntegrityError, OperationalError

from openhotline.policy import PolicyFault
from openhotline.rules.refusals import Refused

WHOLE = "OPENHOTLINE_TRACEBACK"
MISUSED = 2  # the exit code of whatever is wrong about how a command was called
OWN_MISTAKE = "mistake"


class Misused(Refused):
    """An option names something that is none of its choices, or two do not go together: exit code 2, as typer's own."""


NO_HOUSE = Refused(
    "There is no house here yet. Make it: openhotline owner create. Or name the right one in OPENHOTLINE_DATA_DIR "
    "and OPENHOTLINE_DATABASE_URL.",
    code="no-house",
)
_REACH = "See that it runs, and that OPENHOTLINE_DATABASE_URL names it."
# SQLite says what is wrong in words alone.
_SQLITE = {
    "not a database": "It is damaged, or no database of ours: restore the newest backup into an empty place, "
    "openhotline restore DIR --verify.",
    "malformed": "It is damaged: restore the newest backup into an empty place, openhotline restore DIR --verify.",
    "unable to open": "See that OPENHOTLINE_DATA_DIR is a folder that this user may read and write.",
    "readonly": "See that this user may write to OPENHOTLINE_DATA_DIR.",
    "disk is full": "Make room on its disk, then try again.",
    "locked": "Another process holds it. Try again in a moment.",
}


def refusal_of(fault: Exception) -> Refused:
    """What to say of a fault. Its code is `OWN_MISTAKE` where the fault is ours."""
    if isinstance(fault, Refused):
        return fault
    if isinstance(fault, PolicyFault):
        return Refused(f"The policy cannot be used. {fault} OPENHOTLINE_COUNTRY names it.", code="policy")
    if isinstance(fault, CommandError | ImproperlyConfigured):
        return Refused(_ended(_first_line(fault)), code="usage")
    if isinstance(fault, ValidationError):
        return Refused(" ".join(_of_fields(fault)), code="value")
    if isinstance(fault, DatabaseError):
        return _of_database(fault)
    if isinstance(fault, UnicodeError):
        return Refused(
            "Something that was given is not UTF-8 text. Save the file as UTF-8, or write the words anew.",
            code="not-utf-8",
        )
    if isinstance(fault, OSError):
        return _of_machine(fault)
    return Refused(
        f"This is a mistake in OpenHotline, not in what you gave: {type(fault).__name__}, {_place(fault)}. "
        f"Please report it; with {WHOLE}=1 the same command shows all of it.",
        code=OWN_MISTAKE,
    )


def shows_whole() -> bool:
    """Whether a mistake of ours is to be shown with all its places."""
    return os.environ.get(WHOLE, "") not in ("", "0")


def has_no_tables(fault: DatabaseError) -> bool:
    """Whether a database was reached in which no house was ever made."""
    return "no such table" in str(fault) or getattr(fault.__cause__, "sqlstate", "") == "42P01"


def _of_database(fault: DatabaseError) -> Refused:
    said = _first_line(fault).rstrip(".")
    if has_no_tables(fault):
        return NO_HOUSE
    if isinstance(fault, IntegrityError):
        return Refused(
            "This is there already, or something it needs is not. Nothing was changed; choose another name or key.",
            code="taken",
        )
    if isinstance(fault, DataError):
        return Refused(f"A value does not fit its place: {said}. Give a shorter one.", code="value")
    for words, remedy in _SQLITE.items():
        if words in said:
            return Refused(f"The database cannot be used: {said}. {remedy}", code="database")
    if isinstance(fault, OperationalError):
        return Refused(f"The database cannot be reached: {said}. {_REACH}", code="database")
    return Refused(
        f"The database refused: {said}. Bring it to this release: openhotline manage migrate.",
        code="database",
    )


def _of_machine(fault: OSError) -> Refused:
    why = fault.strerror or _first_line(fault)
    if fault.filename is None:
        return Refused(f"The machine refused: {why}. Mend that, then try again.", code="machine")
    name = os.fsdecode(fault.filename) if isinstance(fault.filename, str | bytes) else str(fault.filename)
    return Refused(f"{name[:300]} cannot be used: {why}. Name another path, or mend its rights.", code="file")


def _of_fields(fault: ValidationError) -> list[str]:
    """A sentence a field, with the field's name and without the value."""
    if not hasattr(fault, "error_dict"):
        return [_ended(" ".join(fault.messages))]
    return [f"{name}: {_ended(' '.join(messages))}" for name, messages in fault.message_dict.items()]


def _first_line(fault: Exception) -> str:
    lines = str(fault).strip().splitlines()
    return (lines[0] if lines else type(fault).__name__)[:500]


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _place(fault: Exception) -> str:
    """File and line of the innermost of our own frames."""
    ours = Path(__file__).resolve().parents[1]
    frames = [
        frame
        for frame in traceback.extract_tb(fault.__traceback__)
        if Path(frame.filename).is_relative_to(ours)
    ]
    if not frames:
        return "outside our code"
    return f"openhotline/{Path(frames[-1].filename).relative_to(ours)} line {frames[-1].lineno}"
