"""The migration that gave rounds their numbers: looks filed before it are numbered by their moments."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from openhotline.records import migrations
from openhotline.records.models import Check, Removal
from tests.journeys.cast import Day

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
MIGRATION = next(Path(migrations.__path__[0]).glob("*_checks.py")).stem  # its number is not what is tested


@pytest.mark.django_db
def test_each_moment_of_a_removal_becomes_one_round() -> None:
    house = Day()
    one, other = house.traced(
        house.graded(house.public_report("http://one.example.org/a", "http://two.example.org/b"))
    )
    looks = [(one, minute, place) for minute in (0, 5, 9) for place in ("north", "south")] + [
        (other, 5, "north")
    ]
    for number, (removal, minute, place) in enumerate(looks):
        Check.objects.create(
            removal=removal,
            step=1000 + number,  # whatever stood there before
            at=NOON + timedelta(minutes=minute),
            vantage=place,
            path_variant="direct",
            meaning="up",
            outcome="answered",
            canary_up=True,
        )
    migration = import_module("openhotline.records.migrations." + MIGRATION)
    migration.number_rounds(apps, connection.schema_editor())
    assert list(
        Check.objects.filter(removal=one).order_by("at", "vantage").values_list("step", flat=True)
    ) == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]
    assert Check.objects.get(removal=other).step == 0
    assert dict(Removal.objects.values_list("pk", "look_step")) == {one.pk: 3, other.pk: 1}
