"""What the number of names of a spooled letter says. Pure.

A letter lies in the spool under two names of one file: `kept/K` for ever, and `new/K.eml` for the mail server,
which *moves* it to `taken/K.eml` and never deletes it there while `kept/K` stands. So a kept letter with two
names was handed over, and one with a single name was not: we died between the two.
"""

import re

HANDED_OVER, NOT_YET = "handed over", "not yet"
_KEY = re.compile(r"[0-9a-f]{64}")


def state_of(names: int) -> str:
    """HANDED_OVER or NOT_YET, from how many names the kept file has."""
    return HANDED_OVER if names > 1 else NOT_YET


def checked(key: str) -> str:
    """The key, if it is one: it becomes a file name. Raises ValueError."""
    if not _KEY.fullmatch(key):
        raise ValueError("A letter's key is 64 hexadecimal digits.")
    return key
