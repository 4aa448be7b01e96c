"""How sure a country is, given what every source said: the arithmetic of the vote, nothing else.

True here: sources that copy from each other count once. A lie that several sources share is weighed as the one
lie it is, so more copies cannot make anybody surer than the chance of that lie allows. There are four: the registered
office of a parent company in both registrations; a block that moved since the files were built; a leased block, whose
registry some files copied; a block whose move nobody has noticed yet. Two things a registry says besides its country
tell them apart: when its record was last changed, and whether it names who announces the block. What is not here:
which answers have a say (`trace_voices.py`), and what they mean in words (`trace_vote.py`, `trace_reasons.py`).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from openhotline.rules.trace_voices import AUTONOMOUS, LOCATION, OTHERS, OWN, REGISTRY, WORST, Voice
from openhotline.rules.trace_weights import DAY_S, YEAR_S, Weights

Lies = Sequence[
    tuple[str, int]
]  # a country that may be the lie ("": one nobody named), and how many such there are
MOST_SURE = 0.9999  # unanimity is never certainty


class Trip(NamedTuple):
    """What one round trip speaks against: countries out of light's reach, and those out of nearly any path's."""

    impossible: frozenset[str]
    unlikely: frozenset[str] = frozenset()


class Belief(NamedTuple):
    """Every country that was named, with its chance. `ruled_out`: those a round trip excludes."""

    chances: tuple[tuple[str, float], ...]  # most likely first, then by code
    ruled_out: frozenset[str]

    @property
    def country(self) -> str:
        """The most likely one, or "" if none was named."""
        return self.chances[0][0] if self.chances else ""

    @property
    def score(self) -> float:
        """Its chance."""
        return self.chances[0][1] if self.chances else 0.0


def belief(said: Sequence[Voice], trips: Sequence[Trip], weights: Weights) -> Belief:
    """The chance of every named country. `trips`: what each vantage point's round trip speaks against."""
    named = sorted({voice.country for voice in said})
    excluded = frozenset().union(*(trip.impossible for trip in trips))
    if not named:
        return Belief((), excluded)
    others = max(weights.countries, len(named) + 2) - len(named)  # countries nobody named
    lies = [(country, 1) for country in named] + [("", others)]
    likely: dict[str, float] = {}
    for truth, count in lies:
        chance = _chance(said, truth, lies, others + len(named), weights)
        for trip in trips:
            if truth in trip.impossible:
                chance *= weights.round_trip
            elif truth in trip.unlikely:
                chance *= weights.round_trip_straight
        likely[truth] = chance * count
    total = sum(likely.values())
    chances = ((country, _calibrated(likely[country] / total, weights)) for country in named)
    return Belief(tuple(sorted(chances, key=lambda one: (-one[1], one[0]))), excluded)


def _chance(said: Sequence[Voice], truth: str, lies: Lies, countries: int, weights: Weights) -> float:
    """How likely these answers are if the server stands in `truth` ("": a country nobody named)."""
    wrong = countries - 1
    registry = [voice for voice in said if voice.family == REGISTRY]
    system = [voice for voice in said if voice.family == AUTONOMOUS]
    files = [voice for voice in said if voice.family == LOCATION]
    rest = [voice for voice in said if voice.family not in (REGISTRY, AUTONOMOUS, LOCATION)]
    escape, copied = weights.common_escape, weights.leased_copied
    spells = _spells(files, _written(registry, truth), weights)
    office = office_of_system = moved = leased = sold = 0.0  # by the lie that is shared
    for lie, count in lies:
        if lie == truth:
            count = count - 1 if lie == "" else 0  # "" is many countries, and another of them may be the lie
        if not count:
            continue
        share = count / wrong
        block = _together(registry, truth, lie, escape, wrong)
        of_system = _together(system, truth, lie, escape, wrong)
        office += share * block * of_system
        office_of_system += share * of_system
        moved += share * sum(
            chance * _apart(stale, lie, wrong) * _apart(fresh, truth, wrong)
            for chance, fresh, stale in spells
        )
        leased += share * block * _copied(files, truth, lie, copied, wrong)
        sold += share * block * _together(files, truth, lie, escape, wrong)
    shared = weights.common_registration
    registered = (1 - shared) * _apart([*registry, *system], truth, wrong) + shared * office
    of_system = (1 - shared) * _apart(system, truth, wrong) + shared * office_of_system
    still = max(0.0, 1 - sum(chance for chance, _, _ in spells))
    plain = registered * (still * _apart(files, truth, wrong) + moved)
    block_lies = of_system * (
        weights.leased * _of_lease(registry, weights) * leased + weights.common_all * sold
    )
    ordinary = max(0.0, 1 - weights.leased - weights.common_all)
    return (ordinary * plain + block_lies) * _apart(rest, truth, wrong)


def _written(registry: Sequence[Voice], truth: str) -> float:
    """Years since a registry that names `truth` last changed its record, the newest; -1 where none says."""
    dated = [voice.changed for voice in registry if voice.country == truth and voice.changed >= 0]
    return min(dated, default=-1.0)


def _spells(
    files: Sequence[Voice], written: float, weights: Weights
) -> list[tuple[float, list[Voice], list[Voice]]]:
    """When the block may have moved: (chance, files that know of it, files that do not), for each file's build.

    Blocks move at an even rate; a file knows of a move that is older than itself and its supplier's delay. The
    registry wrote the new place down when the block moved, or after: its record is as old as the move or younger. So a
    record that has stood since before the files were built (`written`, years) speaks against a move that they missed,
    and one written since then speaks for it, the more the less often such records are changed for other reasons
    (`record_years`). In a few moves nothing had to be written (`moved_unwritten`), and then the date says nothing.
    """
    lag, found, since = weights.file_lag_days * DAY_S / YEAR_S, [], 0.0
    ordered = sorted(files, key=lambda voice: voice.years)
    for number, voice in enumerate(ordered):
        until = voice.years + lag
        spell = until - since
        if written >= 0:
            at_the_move = weights.record_years if since <= written < until else 0.0
            after_it = max(0.0, until - max(since, written))
            unwritten = weights.moved_unwritten
            spell = unwritten * spell + (1 - unwritten) * (at_the_move + after_it)
        found.append((min(WORST, weights.moved_year * spell), ordered[:number], ordered[number:]))
        since = until
    return found


def _of_lease(registry: Sequence[Voice], weights: Weights) -> float:
    """How much likelier what the registry says of the holder is on a leased block than on another.

    The registry names a leased block's owner, and another company announces it.
    """
    blocks = {voice.block for voice in registry}
    if OWN in blocks:
        return weights.leased_own / (1 - weights.operator_registry)
    return (1 - weights.leased_own) / weights.operator_registry if OTHERS in blocks else 1.0


def _apart(said: Sequence[Voice], truth: str, wrong: int) -> float:
    chance = 1.0
    for voice in said:
        chance *= (1 - voice.error if voice.country == truth else voice.error / wrong) ** voice.power
    return chance


def _together(said: Sequence[Voice], truth: str, lie: str, escape: float, wrong: int) -> float:
    """All carry one lie; now and then one does not, and then mostly tells the truth."""
    chance = 1.0
    for voice in said:
        if voice.country == lie:
            each = 1 - escape
        elif voice.country == truth:
            each = escape / 2
        else:
            each = escape / 2 / wrong
        chance *= each**voice.power
    return chance


def _copied(files: Sequence[Voice], truth: str, lie: str, copied: float, wrong: int) -> float:
    """Each file either copied the registry's lie or made itself a picture, which may be wrong by its own."""
    chance = 1.0
    for voice in files:
        own = 1 - voice.error if voice.country == truth else voice.error / wrong
        chance *= copied * (voice.country == lie) + (1 - copied) * own
    return chance


def _calibrated(chance: float, weights: Weights) -> float:
    bounded = min(max(chance, 1e-6), 1 - 1e-6)
    odds = weights.slope * math.log(bounded / (1 - bounded)) + weights.offset
    return round(min(max(1 / (1 + math.exp(-odds)), 0.001), MOST_SURE), 5)
