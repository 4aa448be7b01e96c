from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def told_when_asked(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("records", "Consultation").objects.update(told_at=models.F("asked_at"))


class Migration(migrations.Migration):
    dependencies = [("records", "0031_answers_want")]

    operations = [
        migrations.AddField(model_name="consultation", name="told_at", field=models.DateTimeField(null=True)),
        migrations.RunPython(told_when_asked, migrations.RunPython.noop),
    ]
