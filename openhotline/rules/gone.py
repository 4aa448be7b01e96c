"""Is it gone? Looks are weighed; only our own, from more than one place, on the same path, can say so.

*Gone* is three rounds of looks, each three minutes or more after the last one counted, and in every one of them at
least two vantage points found a positive sign of absence, none saw it, and our own line was proved by the canary at
each look that counts. Nothing saw it in between, on any path. (Read narrowly, "three misses from two places" could be
two rounds of two; a court is told of three times of day, so three it is: docs/decisions/0014.)

Silence (time-outs, refused connections) is no sign of absence: a host that is down has removed nothing. It is called
gone only when nothing but silence came from two places or more for a day, and it was looked at all through that day. A
round in which our own line was not proved never counts and never closes anything.
What is not here: what one look means (`signs.py`), looking (connectors) and what follows (`steps/check`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openhotline.rules import signs
from openhotline.rules.facts import CheckFacts
from openhotline.rules.signs import Likeness

MISS, SEEN = signs.MISS, signs.UP
UP, CHANGED, FIRST_MISS, GONE, MOVED, BLOCKED_FOR_US, CANNOT_TELL = (
    "up",
    "changed",
    "first miss",
    "gone",
    "moved",
    "blocked for us",
    "cannot tell",
)
KINDS = (UP, CHANGED, FIRST_MISS, GONE, MOVED, BLOCKED_FOR_US, CANNOT_TELL)

ROUNDS = 3  # that must miss it
ROUNDS_JUDGED = 8  # the newest rounds that a verdict rests on
PLACES = 2  # in each of them
APART = timedelta(minutes=3)  # at least, from one counted round to the next
# Looks from several places within this time are one round: who sees it there outvotes who does not.
ROUND = timedelta(seconds=60)
SILENCE = timedelta(hours=24)  # of nothing but silence
# Between two looks at which our line was proved. What was silent at both may have answered in a longer time.
UNWATCHED = timedelta(hours=9)
DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when, from where, what it meant (`signs.MEANINGS`), on which path, and whether our line was proved.

    `number`: of the round it was taken in; looks without one belong together by their time.
    """

    at: datetime
    vantage: str
    meaning: str
    path_variant: str = DIRECT
    canary_up: bool = True
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the looks amount to. `first_miss_at` and `counted` (rounds) speak of the run of misses, if there is one.

    `missing`: what is not there yet for "gone", as sentences; empty for "gone" itself. `silent_since`: when the
    silence began that reaches to the newest look, to be handed in again next time.
    """

    kind: str
    why: str
    first_miss_at: datetime | None = None
    counted: int = 0
    missing: tuple[str, ...] = ()
    silent_since: datetime | None = None


@dataclass(slots=True)
class Round:
    """What was found at about one moment, by vantage point."""

    at: datetime
    number: int | None = None
    found: dict[str, set[str]] = field(default_factory=dict)  # meaning -> places

    def places(self, *meanings: str) -> set[str]:
        """Who found one of these."""
        return set().union(*(self.found.get(meaning, ()) for meaning in meanings))

    def holds(self, look: Look) -> bool:
        """Whether a later look belongs to this round."""
        if self.number is not None or look.number is not None:
            return self.number == look.number
        return look.at - self.at <= ROUND

    @property
    def seen(self) -> bool:
        """Whether anybody saw it, as it was or changed."""
        return signs.UP in self.found or signs.CHANGED in self.found


def meaning(facts: CheckFacts, likeness: Likeness | None = None) -> str:
    """What one look says, in one word (`signs.read` has the sentence)."""
    return signs.read(facts, likeness).meaning


def judge(looks: Sequence[Look], *, now: datetime, silent_since: datetime | None = None) -> Verdict:
    """Weigh the looks, in any order: that of their rounds, for a clock may be set back. Looks after `now` are left out.

    `looks` may be the newest few only; `silent_since` then carries on a silence that began before them.
    """
    known = _in_order(looks, now)
    if not known:
        return Verdict(CANNOT_TELL, "Nobody has looked yet.", missing=_missing([], []))
    proved = [look for look in known if look.canary_up]
    if not proved:
        why = "Our own line was not proved: the canary did not answer, or none is named."
        # After so many rounds nobody knows what it did meanwhile: a silence begins anew.
        since = silent_since if len({look.number for look in known}) < ROUNDS_JUDGED else None
        return Verdict(CANNOT_TELL, why, missing=_missing([], []), silent_since=since)
    rounds = _rounds(proved)
    run = _since_seen(rounds)
    counted = _counted(run)
    silence = _silence(run, silent_since)
    missing = _missing(run, counted)
    if known[-1].at - proved[-1].at > ROUND:
        # What was gone before may be back: while our line is down nobody can say.
        why = "Our own line was not proved at the newest look."
        return Verdict(CANNOT_TELL, why, missing=missing, silent_since=silence)
    if len(counted) >= ROUNDS and MISS in rounds[-1].found:
        places = sorted(set().union(*(one.places(MISS) for one in counted)))
        return Verdict(
            GONE,
            f"Missed in {_times(counted)} from {_listed(places)}, our own line proved each time.",
            counted[0].at,
            len(counted),
        )
    if silence is not None and run[-1].at - silence >= SILENCE and len(run) >= ROUNDS:
        return Verdict(
            GONE, "Nothing has answered for a day, from two places.", silence, len(run), (), silence
        )
    return _newest(rounds[-1], run, counted, missing, silence)


def decides_alone(newest: Sequence[Look]) -> bool:
    """Whether the newest round is all a verdict rests on: a proved sight leaves the rounds before it nothing to say."""
    return any(look.canary_up and look.meaning in signs.SIGHTS for look in newest)


def counting(looks: Sequence[Look], *, now: datetime) -> set[tuple[int | None, str]]:
    """The misses that "gone" rests on, or would rest on: (number of the round, vantage point)."""
    proved = [look for look in _in_order(looks, now) if look.canary_up]
    counted = _counted(_since_seen(_rounds(proved)))
    return {(one.number, place) for one in counted for place in one.places(MISS)}


def _in_order(looks: Sequence[Look], now: datetime) -> list[Look]:
    return sorted((look for look in looks if look.at <= now), key=lambda look: (look.number or 0, look.at))


def _times(counted: Sequence[Round]) -> str:
    """ "3 rounds (12 May 10:11, 10:15 and 10:19 UTC) and 4 since": what it rests on; the watch only adds to it."""
    told, day = [], ""
    for one in counted[:ROUNDS]:
        date = f"{one.at:%d %b}"
        told.append(f"{one.at:%H:%M}" if date == day else f"{date} {one.at:%H:%M}")
        day = date
    since = len(counted) - ROUNDS
    return f"{ROUNDS} rounds ({_listed(told)} UTC)" + (f" and {since} since" if since else "")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _newest(
    last: Round, run: list[Round], counted: list[Round], missing: tuple[str, ...], silence: datetime | None
) -> Verdict:
    """The verdict that rests on the newest round, where it is not gone."""
    if last.seen:
        kind = UP if signs.UP in last.found else CHANGED
        who = ", ".join(sorted(last.places(*signs.SIGHTS)))
        how = "Still there" if kind == UP else "Something else is there than at first, and it is not gone"
        return Verdict(kind, f"{how}, seen from {who}.", missing=missing)
    missed = [one for one in run if MISS in one.found]
    if MISS in last.found:
        places = sorted(set().union(*(one.places(MISS) for one in missed)))
        first = missed[0].at
        if len(places) < PLACES and len(missed) >= ROUNDS and last.at - first >= APART:
            why = f"{len(missed)} rounds of misses, all from {places[0]}. Another place must miss it too."
            return Verdict(BLOCKED_FOR_US, why, first, len(counted), missing)
        return Verdict(
            FIRST_MISS,
            f"{len(counted)} of {ROUNDS} rounds counted, missed from {', '.join(places)}; more is to come.",
            first,
            len(counted),
            missing,
        )
    if signs.MOVED in last.found:
        why = "It leads to another site now. It is traced again; nothing is closed by that."
        return Verdict(MOVED, why, missing=missing)
    if signs.BLOCKED in last.found:
        who = ", ".join(sorted(last.places(signs.BLOCKED)))
        why = f"We are refused or kept out, from {who}. That is not gone."
        return Verdict(BLOCKED_FOR_US, why, missing=missing)
    if signs.SILENT in last.found:
        since = silence or last.at
        why = f"Nothing has answered since {since:%d %b %H:%M} UTC. A host that is down has removed nothing."
        return Verdict(CANNOT_TELL, why, missing=missing, silent_since=since)
    if not last.found:
        return Verdict(
            CANNOT_TELL, "The newest look was on another path, which does not count.", missing=missing
        )
    return Verdict(CANNOT_TELL, "The newest look gave no clear answer.", missing=missing)


def _rounds(proved: Sequence[Look]) -> list[Round]:
    """Looks grouped by moment. Where the way in is a recorded path, only looks on it count; a sight counts on any."""
    path = next((look.path_variant for look in reversed(proved) if look.path_variant != DIRECT), DIRECT)
    found: list[Round] = []
    for look in proved:
        if not found or not found[-1].holds(look):
            found.append(Round(look.at, look.number))
        if look.path_variant == path or look.meaning in signs.SIGHTS:
            found[-1].found.setdefault(look.meaning, set()).add(look.vantage)
    return found


def _since_seen(rounds: Sequence[Round]) -> list[Round]:
    """The rounds since anybody saw it."""
    run: list[Round] = []
    for one in reversed(rounds):
        if one.seen:
            break
        run.append(one)
    return run[::-1]


def _counted(run: Sequence[Round]) -> list[Round]:
    """Rounds that count towards "gone": missed from enough places, far enough apart."""
    counted: list[Round] = []
    for one in run:
        apart = not counted or one.at - counted[-1].at >= APART
        if apart and len(one.places(MISS)) >= PLACES:
            counted.append(one)
    return counted


def _silence(run: Sequence[Round], since: datetime | None) -> datetime | None:
    """Since when there has been nothing but silence (or misses) from enough places, up to the newest round."""
    start: datetime | None = None
    whole = True
    for one in reversed(run):
        quiet = one.places(signs.SILENT, MISS)
        known = start is None or _watched(one.at, start)
        if not known or len(quiet) < PLACES or set(one.found) - {signs.SILENT, MISS}:
            whole = False
            break
        start = one.at
    if start is None or not any(signs.SILENT in one.found for one in run):
        return None
    return min(since, start) if since is not None and whole else start


def _watched(before: datetime, after: datetime) -> bool:
    """Whether two looks lie so near that what lasted from one to the other was seen to last."""
    return timedelta(0) <= after - before <= UNWATCHED


def _missing(run: Sequence[Round], counted: Sequence[Round]) -> tuple[str, ...]:
    """What is not there yet for "gone"."""
    left = ROUNDS - len(counted)
    if left <= 0:
        return ("the newest look must miss it too",)
    what = [
        f"{left} more round{'s' if left > 1 else ''} of misses, each three minutes or more after the last"
    ]
    places = set().union(*(one.places(MISS) for one in run)) if run else set()
    if len(places) < PLACES:
        what.append(f"a miss from {'two places' if not places else 'another place'} in each of them")
    return tuple(what)
