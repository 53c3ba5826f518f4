"""What WeChat last said of a phone: found by the whole phone only, since nothing else is stored."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.admin.read_only import ReadOnlyAdmin
from waybills.cleaning import normalise_phone
from waybills.models import Binding
from waybills.sealing import blind_index


@admin.register(Binding)
class BindingAdmin(ReadOnlyAdmin):
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
        """Return False: no column of it filters the list."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Binding], search_term: str
    ) -> tuple[QuerySet[Binding], bool]:
        """Return what is known of this phone."""
        phone = normalise_phone(search_term)
        return (queryset.filter(phone_index=blind_index(phone)) if phone else queryset.none()), False
