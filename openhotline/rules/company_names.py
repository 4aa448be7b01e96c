"""When two spellings are one company's name."""

import re

_ENDINGS = re.compile(
    r"(?:\b(?:ltd|limited|llc|inc|corp|corporation|company|co|plc|gmbh|ug|ag|kg|bv|nv|sa|sas|sarl|srl|spa|ab|as|aps|oy"
    r"|oyj|kft|sro|doo|pty|pte|invented)\b\s*)+$"
)


def folded(name: str) -> str:
    """A name by which two spellings are one: letters and digits, no legal form at its end."""
    words = re.sub(r"[^\w]+", " ", name.casefold().replace(".", "")).strip()
    return _ENDINGS.sub("", words).strip() or words
