"""Service accounts' tokens: that they exist, never what they are."""

from django.contrib import admin

from waybills.admin.read_only import ReadOnlyAdmin
from waybills.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Which service accounts there are. `manage.py service_account` makes and rotates tokens."""

    list_display = ("user", "created_at")
    list_display_links = None
    list_select_related = ("user",)
