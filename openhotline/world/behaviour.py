"""The switches by which tests and trainers make servers behave badly. A restart clears them.

True here: every switch has a closed list of words; "normal" removes it. Not here: what the words mean, which
each server's own module says.
"""

from openhotline.rules.refusals import Refused

NORMAL = "normal"
WORDS = {
    # By "name@resolver", then by name; "*" is every name. Who lies names an address of another network.
    "dns": (NORMAL, "timeout", "cut-off", "malformed", "servfail", "nxdomain", "lie", "loop", "huge"),
    # By network key, "domain" for names; "*" is everything. Stale: a former holder, abroad, and years old.
    "rdap": (
        NORMAL,
        "timeout",
        "cut-off",
        "malformed",
        "error",
        "stale",
        "wrong-country",
        "lie",
        "rate-limit",
        "redirect",
        "loop",
        "huge",
        "deep",
    ),
    # By network key; "*" is everything.
    "whois": (NORMAL, "timeout", "slow", "cut-off", "malformed", "huge", "loop", "nothing", "wrong-country"),
    # By host name; "*" is every host.
    "tls": (
        NORMAL,
        "none",
        "self-signed",
        "expired",
        "other-name",
        "huge",
        "cut-off",
        "timeout",
        "malformed",
    ),
    "cdn": (NORMAL, "later", "refuse", "nothing", "malformed", "lie"),  # by host name; "*" is every host
    # By mailbox, domain or "*". The two at the end act after the letter's last line has arrived.
    "mail": (NORMAL, "bounce", "later", "timeout", "cut-off", "timeout-content", "cut-off-content"),
    "partner": (NORMAL, "later", "refuse", "timeout", "cut-off", "keep-and-cut-off"),  # "*"
    # "*". The last four are about the lists it gives.
    "exchange": (
        *(NORMAL, "later", "busy", "error", "timeout", "cut-off", "keep-and-cut-off", "odd"),
        *("double", "reorder", "back-date", "lose"),
    ),
    "news": (
        NORMAL,
        "expired",
        "closed",
    ),  # by a news server's name; "*" is every one. Expired: it has no post
    "onion": (NORMAL, "gone", "silent"),  # by its name; "*" is every onion service
    "line": (NORMAL, "down"),  # by vantage point or "*": our own line, so the canary is out of reach too
}


class Behaviours:
    """Which switch stands how."""

    def __init__(self) -> None:
        self._set: dict[tuple[str, str], str] = {}

    def set(self, area: str, key: str, word: str) -> None:
        """Put a switch. Raises Refused for a word the area does not know."""
        if word not in WORDS.get(area, ()):
            known = ", ".join(WORDS.get(area, ())) or f"one of the areas {', '.join(WORDS)}"
            raise Refused(f"The world cannot do “{word}” for {area}. Choose: {known}.", code="behaviour")
        key = key.lower()
        if word == NORMAL:
            self._set.pop((area, key), None)
        else:
            self._set[(area, key)] = word

    def of(self, area: str, *keys: str) -> str:
        """How the first key that has a switch stands, then "*"; else normal."""
        for key in (*keys, "*"):
            if word := self._set.get((area, key.lower())):
                return word
        return NORMAL

    def all(self) -> dict[str, dict[str, str]]:
        """Everything that does not stand at normal."""
        found: dict[str, dict[str, str]] = {}
        for (area, key), word in self._set.items():
            found.setdefault(area, {})[key] = word
        return found
