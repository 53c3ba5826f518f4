"""The base of every list that staff read and nobody edits, a superuser included."""

from django.contrib.admin import ShowFacets
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator


class FastListAdmin(ModelAdmin):
    """A list that costs one page's rows, whatever the table's size: no count, the primary key's order, no sorting."""

    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = InfinitePaginator
    list_disable_select_all = True
    list_fullwidth = True
    actions: tuple[str, ...] | None = None
    empty_value_display = "—"


class ReadOnlyAdmin(FastListAdmin):
    """A list without add, change and delete."""

    search_help_text = _("The whole waybill number")
    search_miss: str | Promise = _("Only the whole waybill number matches: a part of it finds nothing.")
    """What an empty list says to whoever has searched."""
    before_search: str | Promise = ""
    """What it says before a search, where only a search fills it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: the portal alone writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: what happened stays as it was recorded."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: nothing that is audited is deleted by hand."""
        return False
