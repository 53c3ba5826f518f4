"""The usual peer's own app: it has a table of its own."""

from django.apps import AppConfig


class UsualConfig(AppConfig):
    name = "bench.usual"
    label = "usual"
    default_auto_field = "django.db.models.BigAutoField"
