"""What the outside world told us, as plain frozen values.

Connectors make facts, `jobs/` hands them to `steps/`, the rules read them. No fact ever holds a
picture or a body: a check reads status and headers (and, of text/html only, a title and a
fingerprint). Everything in a fact is a hostile string until shown escaped.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

AHEAD_S = 86_400  # by so much clocks and time zones may differ


@dataclass(frozen=True, slots=True)
class MethodAnswer:
    """One trace method's answer. `ok` False means the method failed and `why` says how."""

    method: str  # one of rules/methods.py
    ok: bool
    why: str = ""  # a sentence, for people
    answer: str = ""  # what to show in the table's answer column
    country: str = ""  # ISO 3166-1 alpha-2, upper case, or ""
    addresses: tuple[str, ...] = ()
    asn: int = 0
    network: str = ""  # e.g. "192.0.2.0/24"
    operator: str = ""  # organisation that holds the network
    abuse_mail: tuple[str, ...] = ()
    source: str = ""  # which server, registry or file
    source_age_s: int | None = None  # seconds, where the source carries a date; below 0 if that lies ahead
    changed_s: int | None = None  # seconds since a registry last changed this record, where it says so
    seconds: float = 0.0  # how long it took
    raw: str = ""  # the answer verbatim, text, at most 512 KiB
    vantage: str = ""  # from which vantage point it was asked, where that matters
    tool: str = ""  # what asked and in which version, e.g. "dnspython 2.8.0"
    licence: str = ""  # of the source, where it carries one (an MMDB, a registry's terms)
    layer: str = ""  # "edge" or "origin" where the answer itself says which one it speaks of
    names: tuple[str, ...] = ()  # names it carries: of a certificate, of name servers
    impossible: tuple[str, ...] = ()  # countries it rules out (a round trip shorter than light allows)
    unlikely: tuple[str, ...] = ()  # countries it allows only by a straighter path than nearly all are
    disclosed_by: str = ""  # who named an origin behind a proxy, and in answer to what
    at: str = ""  # when it came: UTC, ISO 8601; "" in answers kept before each had its own

    @property
    def dated_ahead(self) -> bool:
        """Its source's date lies in the future by more than clocks differ: how old it is nobody knows."""
        return self.source_age_s is not None and self.source_age_s < -AHEAD_S


def written(at: datetime) -> str:
    """When an answer came, as `MethodAnswer.at` has it: "2026-05-12T12:00:00.250+00:00"."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class TraceFacts:
    """All methods' answers about one address, taken at one time."""

    canonical: str  # the address as asked
    host: str
    at: datetime
    answers: tuple[MethodAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """One look from one vantage point: reached or not, and what the headers said.

    `outcome`: "answered" (an HTTP status came), "no-name" (NXDOMAIN or no address), "refused",
    "timeout", "cut-off", "blocked" (our own deny table or line), "error".
    """

    canonical: str
    vantage: str
    at: datetime
    outcome: str
    status: int = 0
    location: str = ""
    content_type: str = ""
    length: int | None = None
    title: str = ""  # of text/html only
    fingerprint: str = ""  # of text/html only, SHA-256 hex of the normalised text
    peer: str = ""  # the connected literal address
    path_variant: str = "direct"  # how it was reached: direct, referrer, cookie, steps, or "path" for several
    canary_up: bool = True  # our own line was proved by the canary at the same vantage point
    why: str = ""  # a sentence
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = field(default=())
    size: int | None = None  # of the whole thing, where the server said it (of a range: the total)
    simhash: str = ""  # of text/html only, 16 hex digits: near pages have near ones
    words: int = 0  # of text/html only, words of the visible text
    signs: tuple[str, ...] = ()  # of rules/signs.py, found in the page
    signs_version: str = ""  # of the list of sign words
