"""The words of two mail relays' logs (Postfix, Exim): which letter was taken, and what became of it. Pure.

True here: a letter counts as taken only when the relay says that it queued it, never because its Message-ID
was seen on the way in; a letter whose line broke before the last dot has a Message-ID in Postfix's log too.
Not here: reading files, and what follows (`rules/letter_path`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_KEY = r"(?P<key>[0-9a-f]{64})@(?P<domain>[A-Za-z0-9.-]+)"
_POSTFIX_ID = re.compile(rf"cleanup\[\d+\]: (?P<queue>[0-9A-Za-z]+): message-id=<{_KEY}>")
_POSTFIX_QUEUED = re.compile(r"qmgr\[\d+\]: (?P<queue>[0-9A-Za-z]+): from=<[^>]*>.*\(queue active\)")
_POSTFIX_STATUS = re.compile(r"postfix/\w+\[\d+\]: (?P<queue>[0-9A-Za-z]+): to=<.*\bstatus=(?P<status>\w+)")
_EXIM_IN = re.compile(rf"(?P<queue>[0-9A-Za-z]{{6,}}-[0-9A-Za-z]{{6,}}-[0-9A-Za-z]{{2,}}) <= .*\bid={_KEY}")
_EXIM_OUT = re.compile(r"(?P<queue>[0-9A-Za-z]{6,}-[0-9A-Za-z]{6,}-[0-9A-Za-z]{2,}) (?P<mark>=>|->|\*\*|==) ")
_EXIM_WORDS = {"=>": "sent", "->": "sent", "**": "bounced", "==": "deferred"}


@dataclass(slots=True)
class Seen:
    """One letter in the log. `status` is the last word on it: "", "sent", "deferred", "bounced"."""

    key: str
    queue: str
    status: str = ""


@dataclass(slots=True)
class LogRead:
    """The letters of one house that the log says were taken, by key."""

    taken: dict[str, Seen] = field(default_factory=dict)


def read(lines: Iterable[str], *, domain: str) -> LogRead:
    """Read log lines, oldest first. Lines of other letters and of other programs are passed over."""
    named: dict[str, Seen] = {}  # Postfix: announced by its Message-ID, not queued yet
    queued: dict[str, Seen] = {}
    found = LogRead()
    for line in lines:
        if (at := _POSTFIX_ID.search(line)) and at["domain"].lower() == domain.lower():
            named[at["queue"]] = Seen(at["key"], at["queue"])
        elif at := _POSTFIX_QUEUED.search(line):
            seen = named.pop(at["queue"], None)
            if seen is not None:
                queued[at["queue"]] = found.taken[seen.key] = seen
        elif (at := _EXIM_IN.search(line)) and at["domain"].lower() == domain.lower():
            queued[at["queue"]] = found.taken[at["key"]] = Seen(at["key"], at["queue"])
        elif at := _POSTFIX_STATUS.search(line):
            if at["queue"] in queued:
                queued[at["queue"]].status = at["status"]
        elif (at := _EXIM_OUT.search(line)) and at["queue"] in queued:
            queued[at["queue"]].status = _EXIM_WORDS[at["mark"]]
    return found
