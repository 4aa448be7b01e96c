"""Indexes by which sweeps and lists of a large house find what is due, and nothing else."""

from django.db import migrations, models

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


def _index(model: str, name: str, fields: list[str], **condition: object) -> migrations.AddIndex:
    return migrations.AddIndex(
        model_name=model,
        index=models.Index(fields=fields, condition=models.Q(**condition), name=name),
    )


class Migration(migrations.Migration):
    dependencies = [("records", "0034_retrace_at")]

    operations = [
        _index("removal", "removal_trace_due", ["retrace_at"], status__in=_OPEN),
        _index(
            "removal",
            "removal_watch_over",
            ["id"],
            next_check_at=None,
            status__in=["removed", "gone before notice"],
        ),
        _index("consultation", "consultation_unanswered", ["due_at"], answered_at=None),
        _index(
            "item",
            "item_read_again",
            ["status", "due_at", "id"],
            status__in=["graded once", "disputed", "unreachable"],
        ),
    ]
