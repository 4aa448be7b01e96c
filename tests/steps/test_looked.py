"""Looks explained: the verdict, what each look meant, what counts and what is missing; and its JSON is as promised."""

import json

import pytest

from openhotline.commands.checks import plain
from openhotline.records.models import Check
from openhotline.steps import looked
from tests.house.test_docs import keys_of, promised
from tests.journeys.cast import Day, minutes


@pytest.fixture
def house(db: None) -> Day:
    return Day()


def test_a_run_of_misses_is_explained_look_by_look(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.looked(removals)
    for _ in range(2):
        house.later(minutes(4))
        removals = house.looked(removals, status=410)
    told = looked.explain(removals[0], Check.objects.all(), at=house.now, policy=house.policy)
    assert told.verdict.kind == "first miss"
    assert told.missing == ("1 more round of misses, each three minutes or more after the last",)
    assert [place.name for place in told.places] == ["north", "south"]
    north = told.places[0].looks
    assert [seen.words for seen in north] == ["not there", "not there", "still there"]
    assert [seen.counts for seen in north] == [True, True, False]
    assert "410" in north[0].look.why
    assert told.next_at == removals[0].next_check_at

    said = json.loads(json.dumps(plain(told)))
    known = promised()["check"]
    assert keys_of(said, known) == known
    assert said["rounds"] == 3
    assert said["rounds_counted"] == 2

    house.later(minutes(4))
    removals = house.looked(removals, status=410)
    told = looked.explain(removals[0], Check.objects.all(), at=house.now, policy=house.policy)
    assert (told.verdict.kind, told.missing) == ("gone", ())
    assert removals[0].status == "gone before notice"
