from django.db import migrations, models


def unnumber_pending(apps, schema_editor):
    apps.get_model("waybills", "Push").objects.filter(state="pending").update(settled_in=None)


class Migration(migrations.Migration):
    """No row that has settled is rewritten: a default of the column numbers all of them 0, before whatever follows."""

    dependencies = [("waybills", "0002_schedule_lease")]

    operations = [
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("base", models.BigIntegerField()),
            ],
            options={"constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="feed_is_one")]},
        ),
        migrations.AddField(
            model_name="push",
            name="settled_in",
            field=models.BigIntegerField(default=0, editable=False, null=True),
            preserve_default=False,
        ),
        migrations.RunPython(unnumber_pending, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="push",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("settled_in__isnull", True)),
                    models.Q(("settled_at__isnull", False), ("settled_in__isnull", False)),
                    _connector="OR",
                ),
                name="push_settled_in_when_settled",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(("settled_in__isnull", False)), fields=["settled_in", "id"], name="push_feed"
            ),
        ),
    ]
