"""Refused callbacks by hour and reason: read only."""

from django.contrib import admin

from waybills.admin.read_only import ReadOnlyAdmin
from wechat.models import CallbackRefusal


@admin.register(CallbackRefusal)
class CallbackRefusalAdmin(ReadOnlyAdmin):
    """How many requests were turned away, and why."""

    list_display = ("hour", "reason", "count", "last_at", "last_source")
    list_display_links = None
    list_filter = ("reason",)
