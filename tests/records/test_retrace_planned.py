"""The migration that stores when an open removal is traced again: as `freshness.plan` would have it."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from openhotline.records import migrations
from openhotline.records.models import ListEntry, Removal
from openhotline.steps import freshness
from tests.journeys.cast import CANAL_HOST, Day

MIGRATION = next(
    Path(migrations.__path__[0]).glob("*_retrace_at.py")
).stem  # its number is not what is tested


@pytest.mark.django_db
def test_what_is_open_is_traced_again_when_its_newest_trace_ends_and_sooner_on_the_list() -> None:
    house = Day()
    items = house.graded(house.public_report("http://one.example.org/a", "http://two.example.org/b"))
    house.traced(items, CANAL_HOST)
    house.later(timedelta(hours=1))
    house.traced(items, CANAL_HOST)
    _, listed = Removal.objects.order_by("pk")
    ListEntry.objects.create(removal=listed, listed_at=house.now)
    freshness.plan([item.pk for item in items])
    planned = list(Removal.objects.order_by("pk").values_list("retrace_at", flat=True))
    ends = house.now + house.policy.clocks.trace_valid
    assert planned == [ends, ends - timedelta(minutes=30)]
    Removal.objects.update(retrace_at=None)
    import_module("openhotline.records.migrations." + MIGRATION).newest_traces(
        apps, connection.schema_editor()
    )
    assert list(Removal.objects.order_by("pk").values_list("retrace_at", flat=True)) == planned
