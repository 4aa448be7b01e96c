"""Rules and outbox alone, in many orders; and every guard that is taken away is missed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from openhotline.rules import departure, letter_path, removal_path
from openhotline.simulation import rows
from openhotline.simulation.duel import Duel, play
from openhotline.simulation.rows import Contact, Letter, Removal
from openhotline.simulation.schedule import DEADLOCK, Actor, Steps

ORDERS = 20_000


def test_no_promise_is_broken_in_many_orders() -> None:
    assert play(1, ORDERS) == {}


@pytest.mark.release
def test_no_promise_is_broken_in_a_million_orders() -> None:
    assert play(1_000_000, 1_000_000) == {}


def test_a_seed_is_one_order() -> None:
    class Told(Duel):
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            self.told: list[object] = []

        def arrives(self, letter: Letter) -> None:
            self.told.append((letter.pk, self.now))
            super().arrives(letter)

        def hold(self, scope: Sequence[Removal]) -> None:
            self.told.append([one.pk for one in scope])
            super().hold(scope)

    for seed in (7, 8, 9, 10):
        first, second = Told(seed), Told(seed)
        first.run(), second.run()
        assert first.told == second.told
        assert [one.state for one in first.letters] == [one.state for one in second.letters]


class HoldNotAsked(Duel):
    def line(self, removal: Removal, at: datetime) -> departure.Line:
        line = super().line(removal, at)
        status = removal_path.CLEARED if removal.held else removal.stands
        return replace(line, held=False, covered=True, status=status)


class ConsentNotAsked(Duel):
    def line(self, removal: Removal, at: datetime) -> departure.Line:
        return replace(super().line(removal, at), covered=True)


class TraceNotAsked(Duel):
    def line(self, removal: Removal, at: datetime) -> departure.Line:
        return replace(super().line(removal, at), traced_at=at, agreed=True)


class ContactNotAsked(Duel):
    def may_write(self) -> bool:
        return True


class CaseNotLocked(Duel):
    """The hold is placed without waiting for a claim that has read already."""

    def officer(self, me: Actor) -> Steps:
        yield None
        yield None
        self.hold(self.removals)


class ContactNotLocked(Duel):
    def keeper(self, me: Actor) -> Steps:
        yield None
        yield None
        self.contact.usable = False


class UnderWayNotSeen(Duel):
    """A second notice is drafted for what may have arrived."""

    def draft(self, removals: Sequence[Removal]) -> None:
        if removals:
            self.letters.append(Letter(len(self.letters) + 1, list(removals), due_at=self.now))


class RecallForgotten(Duel):
    def recall(self, moving: Sequence[Removal]) -> None:
        for letter in self.letters:
            letter.lines = [one for one in letter.lines if one not in moving]


class LateAnswerBelieved(Duel):
    def same(self, letter: Letter, attempt: int) -> bool:
        return True


class SleptAndSent(Duel):
    def in_time(self, claimed: datetime) -> bool:
        return True


class LettersBeforeTheCase(Duel):
    """Locks in another order than a hold takes them."""

    def claim(self, me: Actor, letter: Letter, state: str) -> Steps:
        yield letter
        yield from super().claim(me, letter, state)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (HoldNotAsked, rows.HELD),
        (ConsentNotAsked, rows.NO_CONSENT),
        (TraceNotAsked, rows.STALE),
        (ContactNotAsked, rows.WITHDRAWN_CONTACT),
        (CaseNotLocked, rows.HELD),
        (ContactNotLocked, rows.WITHDRAWN_CONTACT),
        (UnderWayNotSeen, rows.NOTICED_TWICE),
        (LateAnswerBelieved, rows.TWICE),
        (SleptAndSent, rows.TWICE),
        (LettersBeforeTheCase, DEADLOCK),
    ],
)
def test_a_guard_that_is_taken_away_is_missed(kind: type[Duel], promise: str) -> None:
    for start in range(1, 120_000, 3_000):
        found = play(start, 3_000, kind)
        if promise in found:
            (seed, *_) = found[promise]
            assert promise in kind(seed).run(), "and its seed shows it again"
            assert promise not in Duel(seed).run()
            return
    raise AssertionError(f"{kind.__name__} was never missed")


@pytest.mark.parametrize(
    ("name", "value", "promise"),
    [
        ("next_of", lambda way, said="": "again", rows.TWICE),
        ("read_log", lambda said: letter_path.NOT_TAKEN, rows.TWICE),
        ("lost", lambda until, at: True, rows.TWICE),
        ("leased_until", lambda at: at + timedelta(days=9), rows.STUCK),
    ],
)
def test_a_rule_that_is_wrong_is_missed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, promise: str
) -> None:
    monkeypatch.setattr(letter_path, name, value)
    assert promise in play(1, 6_000)


def test_the_rows_start_as_the_story_says() -> None:
    fresh = Duel(1)
    assert [one.stands for one in fresh.removals] == [removal_path.CLEARED] * 2
    assert fresh.contact.usable is Contact().usable is True
