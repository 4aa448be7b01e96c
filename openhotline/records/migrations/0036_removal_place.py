"""The order of the desk's lists of removals, by index; see `web/desk/views.py`."""

from datetime import UTC, datetime

from django.db import migrations, models
from django.db.models.functions import Coalesce

_OPEN = [
    "traced",
    "unclear",
    "asked",
    "silent",
    "held",
    "cleared",
    "noticed",
    "acknowledged",
    "overdue",
    "referred",
    "referred to police",
    "unavailable there",
    "not illegal there",
    "gone?",
]


class Migration(migrations.Migration):
    dependencies = [("records", "0035_sweeps_by_index")]

    operations = [
        migrations.AddIndex(
            model_name="removal",
            index=models.Index(
                Coalesce("due_at", models.Value(datetime(9000, 1, 1, tzinfo=UTC))),
                models.F("id"),
                condition=models.Q(("status__in", _OPEN)),
                name="removal_place",
            ),
        ),
    ]
