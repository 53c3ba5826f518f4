from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waybills', '0005_import_job'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='push',
            name='push_deadline',
        ),
        migrations.AddIndex(
            model_name='push',
            index=models.Index(condition=models.Q(('deadline_at__isnull', False), ('state', 'pending')), fields=['deadline_at'], name='push_deadline'),
        ),
    ]
