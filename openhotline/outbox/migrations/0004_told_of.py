from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_partners_exchange")]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="told_of",
            field=models.CharField(max_length=16, default="", db_default=""),
        ),
    ]
