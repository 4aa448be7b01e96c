"""Five thousand simulated checks in every run: nothing that is there is called gone, nothing that is gone "up"."""

import pytest

from benchmarks import common, false_gone, lives

SEEDS = (11, 12, 13)


@pytest.mark.once
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_is_there_is_called_gone(seed: int) -> None:
    tally = false_gone.simulate(5_000, seed)
    assert tally.checks >= 5_000
    assert tally.false_gone == []
    assert tally.false_up == 0
    recognised = [late for group in tally.late.values() for late in group]
    assert recognised
    assert common.median(tally.late["with-host"]) <= 10
    assert all(late >= 6 for late in recognised), "three rounds take six minutes"


def test_the_same_seed_lives_the_same_lives() -> None:
    assert false_gone.simulate(600, 3) == false_gone.simulate(600, 3)


def test_every_disguise_and_every_trouble_is_among_the_lives() -> None:
    drawn = {lives.draw(number, 5).kind for number in range(2_000)}
    assert drawn == {*lives.ENDINGS, *lives.TROUBLES}


def test_a_rule_that_is_broken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same simulation finds a house that takes silence for gone, or one round for three."""
    from openhotline.rules import gone

    monkeypatch.setattr(gone, "ROUNDS", 1)
    monkeypatch.setattr(gone, "PLACES", 1)
    assert false_gone.simulate(20_000, 11).false_gone != []
