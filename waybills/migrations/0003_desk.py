from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waybills', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='waybill',
            options={'ordering': ['-pk'], 'permissions': [('reveal_waybill', 'Can see personal data unmasked')], 'verbose_name': 'waybill', 'verbose_name_plural': 'waybills'},
        ),
        migrations.AddIndex(
            model_name='push',
            index=models.Index(condition=models.Q(('state__in', ['failed', 'unknown'])), fields=['settled_at', 'id'], name='push_went_wrong'),
        ),
    ]
