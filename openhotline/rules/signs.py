"""What one answer shows: the thing itself, something else, or a positive sign that it is no longer served.

A look is read against the likeness: what the address showed when an analyst had just opened the item. Only signs
are compared (status, final address, title, fingerprint and simhash of the text, size, password field, sign words);
no body is kept anywhere. What is not a sign of absence never counts as one: a refusal aimed at us, a login wall, a
fault of the server and a page that merely differs are told apart and say nothing about "gone".
What is not here: weighing several looks (`gone.py`), and finding signs in a page (`connectors/probe/page.py`).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from openhotline.rules.facts import CheckFacts
from openhotline.rules.urls import registrable_of

# What one look means. `up` and `changed` are sights; `miss` is a positive sign of absence; the rest is neither.
UP, CHANGED, MISS, SILENT, MOVED, BLOCKED, UNCLEAR = (
    "up",
    "changed",
    "miss",
    "silent",
    "moved",
    "blocked",
    "unclear",
)
MEANINGS = (UP, CHANGED, MISS, SILENT, MOVED, BLOCKED, UNCLEAR)
SIGHTS = (UP, CHANGED)

# Signs the prober may find in a page. All but the last come from the dated list of sign words.
TAKEN_DOWN, NOT_FOUND, PARKED, LOGIN, ROBOT, ELSEWHERE, PASSWORD = (
    "taken-down",
    "not-found",
    "parked",
    "login",
    "robot-check",
    "not-shown-here",
    "password-field",
)
WORDED = (TAKEN_DOWN, NOT_FOUND, PARKED, LOGIN, ROBOT, ELSEWHERE)
SIGNS = (*WORDED, PASSWORD)

SHORT_WORDS, SHORT_CHARS = (
    300,
    4000,
)  # beyond these only a page's title is searched: long pages talk of anything
NEAR = 6  # bits of 64 by which the simhash of an ordinary page may differ and the page still be the same
MOST_FEATURES = 4096  # of a simhash: enough to tell pages apart, and what a counter holds
NEAR_WORDS = 30  # shorter texts are compared by their fingerprint alone
_SHOWN = (200, 203, 206)
_TELL_NOTHING = range(500, 600)
_AIMED_AT_US = {
    401: "it asks for a name and a password",
    403: "it refuses us",
    407: "it asks for a proxy's password",
    429: "it says we ask too often",
    451: "it says it is not shown here for legal reasons",
}


@dataclass(frozen=True, slots=True)
class SignWords:
    """The dated list of sign words: for each sign the phrases, in lower case. `version` goes into every look."""

    version: str
    phrases: tuple[tuple[str, tuple[str, ...]], ...]


NO_WORDS = SignWords("", ())


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the address showed when it was first looked at after an analyst had opened the item. Signs, no body."""

    status: int = 200
    content_type: str = ""
    size: int | None = None
    final: str = ""  # the address at the end of its redirects, "" if there were none
    title: str = ""
    fingerprint: str = ""
    simhash: str = ""
    words: int = 0
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look means, by which sign, and a sentence."""

    meaning: str
    sign: str
    why: str


def in_text(words: SignWords, title: str, text: str, count: int) -> tuple[str, ...]:
    """Signs whose words stand in a page's title, or in its text where the page is short. `count`: words of the text."""
    where = title.casefold()
    if count <= SHORT_WORDS and len(text) <= SHORT_CHARS:
        where = f"{where}\n{text.casefold()}"
    plain, said = where.isascii(), frozenset(where.split())
    return tuple(
        sign
        for sign, phrases in _by_what_they_need(words)
        if any(
            phrase in where for phrase, ascii_, within in phrases if (ascii_ or not plain) and within <= said
        )
    )


@lru_cache(maxsize=4)
def _by_what_they_need(
    words: SignWords,
) -> tuple[tuple[str, tuple[tuple[str, bool, frozenset[str]], ...]], ...]:
    """Each phrase with what a text must have before it is worth a search: letters beyond ASCII, its inner words."""
    return tuple(
        (sign, tuple((one, one.isascii(), frozenset(one.split()[1:-1])) for one in phrases))
        for sign, phrases in words.phrases
    )


def read(facts: CheckFacts, likeness: Likeness | None = None) -> Reading:
    """What one look says. The first rule that fits decides; its sentence says why."""
    if facts.outcome != "answered":
        return _unanswered(facts, likeness)
    if facts.canonical.startswith("news:"):
        return _post(facts)
    if facts.status in (404, 410):
        if likeness is not None and likeness.status == facts.status and _alike(facts, likeness):
            return Reading(
                UP, "same", f"It says {facts.status} and shows what it showed at first all the same."
            )
        return _not_there(facts, likeness)
    if facts.status in _AIMED_AT_US:
        return Reading(
            BLOCKED,
            "status",
            f"The server says {facts.status}: {_AIMED_AT_US[facts.status]}. That is not gone.",
        )
    if facts.status in _TELL_NOTHING:
        return Reading(UNCLEAR, "status", f"The server says {facts.status}: it has a fault of its own.")
    if facts.status not in _SHOWN:
        return Reading(UNCLEAR, "status", f"The server says {facts.status}, which says nothing.")
    return _shown(facts, likeness)


def _not_there(facts: CheckFacts, likeness: Likeness | None) -> Reading:
    """404 or 410: of the site itself, and not of what keeps us out or of another site that we are led to now."""
    known = likeness.signs if likeness is not None else ()
    new = [sign for sign in facts.signs if sign not in known]
    if ROBOT in new or ELSEWHERE in new:
        return _made_for_us(new)
    if likeness is not None and not {TAKEN_DOWN, PARKED} & {*new} and _led_away(facts, likeness):
        why = f"It now leads to another site, {_host(facts.location)}, which says {facts.status}."
        return Reading(MOVED, "final-address", why)
    return Reading(MISS, "status", f"The server says {facts.status}: there is nothing at this address.")


def _made_for_us(new: Sequence[str]) -> Reading:
    sign = ROBOT if ROBOT in new else ELSEWHERE
    return Reading(BLOCKED, sign, "A page made for us stands before it. That is not gone.")


def _led_away(facts: CheckFacts, likeness: Likeness) -> bool:
    """To another site than at first."""
    return elsewhere(likeness.final or facts.canonical, facts.location)


def _post(facts: CheckFacts) -> Reading:
    """What a news server's status says of a post that it was asked for by STAT (RFC 3977, section 6.2.4)."""
    said = f"The news server says {facts.status}"
    if facts.status == 223:
        return Reading(UP, "status", f"{said}: it has the post.")
    if facts.status == 430:
        return Reading(MISS, "status", f"{said}: it does not have the post.")
    if facts.status in (480, 483, 502):
        return Reading(BLOCKED, "status", f"{said}: it does not let us ask. That is not gone.")
    return Reading(UNCLEAR, "status", f"{said}, which says nothing of the post.")


def _unanswered(facts: CheckFacts, likeness: Likeness | None) -> Reading:
    if facts.outcome == "no-name" and likeness is not None and _led_away(facts, likeness):
        why = f"It now leads to another site, {_host(facts.location)}, a name that leads nowhere."
        return Reading(MOVED, "final-address", why)
    if facts.outcome == "no-name":
        return Reading(MISS, "no-name", "The name leads nowhere any more.")
    if facts.outcome in ("refused", "timeout", "cut-off"):
        if facts.canary_up:
            return Reading(SILENT, facts.outcome, "The server gives no answer. Silence alone is not gone.")
        return Reading(UNCLEAR, "line", "No answer, and our own line was not proved.")
    return Reading(UNCLEAR, facts.outcome, facts.why or "The look could not be made.")


def _shown(facts: CheckFacts, likeness: Likeness | None) -> Reading:
    """Something was served with a good status: the thing itself, or something in its place."""
    if likeness is not None and _alike(facts, likeness):
        return Reading(UP, "same", "It shows what it showed at first.")
    known = likeness.signs if likeness is not None else ()
    new = [sign for sign in facts.signs if sign not in known]
    if ROBOT in new or ELSEWHERE in new:
        return _made_for_us(new)
    if PASSWORD in new or (LOGIN in new and TAKEN_DOWN not in new and NOT_FOUND not in new):
        return Reading(BLOCKED, LOGIN, "A login wall stands before it. That is not gone.")
    for sign, what in (
        (TAKEN_DOWN, "a takedown page"),
        (PARKED, "a parking page"),
        (NOT_FOUND, "a “not found” page"),
    ):
        if sign in new:
            return Reading(MISS, sign, f"Status {facts.status}, but what is shown is {what}.")
    if likeness is None:
        if elsewhere(facts.canonical, facts.location):
            return Reading(MOVED, "final-address", f"It now leads to another site, {_host(facts.location)}.")
        if _sent_home(facts, ""):
            return Reading(
                UNCLEAR,
                "front-page",
                "It leads to the site's front page; whether it did at first is not known.",
            )
        return Reading(UP, "status", f"The server says {facts.status} and shows something.")
    if _led_away(facts, likeness):
        return Reading(MOVED, "final-address", f"It now leads to another site, {_host(facts.location)}.")
    if _sent_home(facts, likeness.final):
        return Reading(MISS, "front-page", "Whoever asks for it is sent to the site's front page.")
    return _different(facts, likeness)


def _different(facts: CheckFacts, likeness: Likeness) -> Reading:
    if _kind(facts.content_type) != _kind(likeness.content_type):
        what = (
            f"{_kind(facts.content_type) or 'no type'} instead of {_kind(likeness.content_type) or 'no type'}"
        )
        return Reading(
            CHANGED, "type", f"Something is served, of another type ({what}). A person should look."
        )
    if likeness.fingerprint:
        return Reading(
            CHANGED, "text", "A page is shown with other words than at first. A person should look."
        )
    return Reading(
        CHANGED, "size", "A file of the same type and another size: a re-encoded or replaced copy."
    )


def _alike(facts: CheckFacts, likeness: Likeness) -> bool:
    """Whether the answer shows what it showed at first."""
    if facts.fingerprint and likeness.fingerprint:
        if facts.fingerprint == likeness.fingerprint:
            return True
        fresh = any(sign not in likeness.signs for sign in facts.signs)
        few = min(facts.words, likeness.words) < NEAR_WORDS
        return not (fresh or few) and distance(facts.simhash, likeness.simhash) <= NEAR
    if facts.fingerprint or likeness.fingerprint:
        return False
    same_type = _kind(facts.content_type) == _kind(likeness.content_type)
    return same_type and (facts.size is None or likeness.size is None or facts.size == likeness.size)


def _sent_home(facts: CheckFacts, at_first: str) -> bool:
    """A redirect to the front page of its own site, where at first there was none."""
    if not facts.location or facts.location == at_first:
        return False
    there, asked = urlsplit(facts.location), urlsplit(facts.canonical)
    return there.path in ("", "/") and not there.query and asked.path not in ("", "/")


def elsewhere(before: str, after: str) -> bool:
    """Whether `after` is an address on another registrable name than `before`. False where either is unknown."""
    ours, theirs = _host(before), _host(after)
    if not ours or not theirs or ours == theirs:
        return False
    return _registrable(ours) != _registrable(theirs)


def distance(one: str, other: str) -> int:
    """Bits by which two simhashes (16 hex digits) differ; 64 where either is missing."""
    if len(one) != 16 or len(other) != 16:
        return 64
    return (int(one, 16) ^ int(other, 16)).bit_count()


def simhash(features: Sequence[int]) -> str:
    """The simhash of at most `MOST_FEATURES` features (`feature`) as 16 hex digits; "" where there are none.

    A bit stands where most features have it: all 64 are counted by one addition for each feature.
    """
    half, bits = len(features) / 2, 0
    for place, count in enumerate(_COUNTS.unpack(sum(features).to_bytes(_COUNTS.size, "little"))):
        if count > half:
            bits |= 1 << place
    return f"{bits:016x}" if features else ""


def feature(number: int) -> int:
    """The 64 bits of `number`, each at the foot of a counter of 16 bits of its own."""
    return sum(1 << 16 * place for place in range(64) if number >> place & 1)


_COUNTS = struct.Struct("<64H")


def _kind(content_type: str) -> str:
    """The part of a content type before the slash; a page is its own kind."""
    name = content_type.split(";", 1)[0].strip().lower()
    return "page" if name in ("text/html", "application/xhtml+xml") else name.partition("/")[0]


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def _registrable(host: str) -> str:
    return registrable_of(host) or host
