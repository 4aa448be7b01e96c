"""The path of a letter, and what may be done about one that may or may not have arrived.

True here: every state a letter can be in and every way from one to the next, as one table; *in doubt* leads
on only by an answer of the other side, by a repeat that cannot double, or by a person. Not here: the rows
(`outbox`), the asking (`jobs/doubt`) and whether a letter may leave at all (`rules/departure`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

PENDING, SENDING, SENT, FAILED, IN_DOUBT, CONTACT_NEEDED, WITHDRAWN = (
    "pending",
    "sending",
    "sent",
    "failed",
    "in doubt",
    "contact needed",
    "withdrawn",
)
STATES = (PENDING, SENDING, SENT, FAILED, IN_DOUBT, CONTACT_NEEDED, WITHDRAWN)
UNDER_WAY = (SENDING, IN_DOUBT)  # it may have arrived: nothing of it is said again in another letter

# (act, from) -> to. What is not in it cannot happen.
MOVES: dict[tuple[str, str], str] = {
    ("claim", PENDING): SENDING,
    ("sent", SENDING): SENT,
    ("sent", IN_DOUBT): SENT,
    ("not now", SENDING): PENDING,
    ("refused", SENDING): FAILED,
    ("lost", SENDING): IN_DOUBT,
    ("again", IN_DOUBT): PENDING,
    ("repeat", IN_DOUBT): SENDING,
    ("withdraw", PENDING): WITHDRAWN,
    ("withdraw", CONTACT_NEEDED): WITHDRAWN,
    ("withdraw", FAILED): WITHDRAWN,
    ("readdress", CONTACT_NEEDED): PENDING,
    ("once more", FAILED): PENDING,  # a person lets the same letter leave again
    ("return", WITHDRAWN): PENDING,  # the mailbox it was withdrawn from is used again
}

# What a way out of the house lets us do about a letter in doubt (security.md 3c).
REPEAT, ASK, PERSON = "repeat", "ask", "person"
TAKEN, NOT_TAKEN, UNKNOWN = "taken", "not taken", "unknown"

LEASE = timedelta(minutes=5)  # a letter that is handed over for longer than this is in doubt
ASK_EVERY = timedelta(minutes=5)
HAND_OVER = timedelta(minutes=2)  # the longest a hand-over takes, whatever the other side does


def sources(act: str) -> tuple[str, ...]:
    """The states from which `act` is possible."""
    return tuple(source for (verb, source) in MOVES if verb == act)


def target(act: str, state: str) -> str:
    """Where `act` leads from `state`. Raises KeyError where it leads nowhere."""
    return MOVES[act, state]


@dataclass(frozen=True, slots=True)
class LogSaid:
    """What a relay's log knows of one letter, and how far the log itself can be believed."""

    taken: bool  # a line says that the relay took it
    reaches_back: bool  # it names an earlier letter of ours: it was kept since before the claim
    goes_on: bool  # it was written to after the lease ended: nothing is still on its way into it


def read_log(said: LogSaid) -> str:
    """Taken where the log says so; not taken only where a log that can be believed is silent."""
    if said.taken:
        return TAKEN
    return NOT_TAKEN if said.reaches_back and said.goes_on else UNKNOWN


def next_of(way: str, said: str = UNKNOWN) -> str:
    """What to do with a letter in doubt: "sent", "again", "repeat" or "person".

    "again": it certainly did not arrive, so it waits like any other. "repeat": nobody can say, but the other
    side honours our key, so the same bytes may be handed over once more; until then it stays in doubt, because
    what may have arrived is neither withdrawn nor said in another letter. All else is a person's to decide.
    """
    if said == TAKEN:
        return "sent"
    if way in (REPEAT, ASK) and said == NOT_TAKEN:
        return "again"
    return "repeat" if way == REPEAT else PERSON


def leased_until(at: datetime) -> datetime:
    """Until when a letter claimed at `at` is its claimer's alone."""
    return at + LEASE


def in_time(claimed_at: datetime, at: datetime) -> bool:
    """Whether a socket may still be opened for a letter claimed at `claimed_at`: a process that slept since then
    must not, because others may hold it for lost while it hands the letter over."""
    return at <= leased_until(claimed_at) - HAND_OVER


def lost(lease_until: datetime | None, at: datetime) -> bool:
    """Whether a letter that is being handed over has been left by its claimer."""
    return lease_until is not None and lease_until < at
