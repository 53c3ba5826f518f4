"""What WeChat last said of a phone: found by the whole phone only, since nothing else is stored."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.admin.phone_search import PARAMETER, PhoneSearchAdmin
from waybills.models import Binding


@admin.register(Binding)
class BindingAdmin(PhoneSearchAdmin):
    """Empty until a phone is searched: a list of indexes tells nobody anything."""

    list_display = ("bound", "checked_at")
    list_display_links = None
    search_fields = ("phone_index",)
    search_help_text = _("The whole phone")
    search_miss = _(
        "WeChat has not been asked about this phone. Only a whole number matches: a part of it finds nothing."
    )
    before_search = _("Enter a whole phone to see what WeChat said of it.")

    @display(description=_("bound"), boolean=True)
    def bound(self, binding: Binding) -> bool:
        """Return whether the phone was bound."""
        return binding.exist

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Return whether the list is filtered by this: by a searched phone only."""
        return lookup == PARAMETER

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Binding], search_term: str
    ) -> tuple[QuerySet[Binding], bool]:
        """Return what is known of the searched phone; without one, nothing."""
        return (queryset if PARAMETER in request.GET else queryset.none()), False

    def of_phone(self, queryset: QuerySet[Any], index: bytes) -> QuerySet[Any]:
        """Return what is known of this phone."""
        return queryset.filter(phone_index=index)
