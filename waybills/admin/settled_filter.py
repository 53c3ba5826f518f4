"""The filter "settled today": an index range, unlike Django's filter by date, which offers whole years."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from waybills.models import Push


def midnight(now: datetime) -> datetime:
    """Return the start of the day in the desk's time zone."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


class SettledFilter(admin.SimpleListFilter):
    """Pushes that came to an end today."""

    title = _("settled")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the one choice."""
        return [("today", _("today"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Push]) -> QuerySet[Push]:
        """Return the pushes of the choice."""
        if self.value() != "today":
            return queryset
        return queryset.filter(settled_at__gte=midnight(timezone.now()))
