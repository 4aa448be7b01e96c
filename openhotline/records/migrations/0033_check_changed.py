"""The index by which the desk lists what shows something else than at first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0032_told_at"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="check",
            index=models.Index(
                condition=models.Q(("meaning", "changed")), fields=["removal", "step"], name="check_changed"
            ),
        ),
    ]
