"""What persons did: read only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.admin.read_only import ReadOnlyAdmin
from waybills.cleaning import clean_text
from waybills.models import Act


@admin.register(Act)
class ActAdmin(ReadOnlyAdmin):
    """Who did what, when and why."""

    list_display = ("at", "actor", "verb_label", "waybill_no", "target", "reason")
    list_display_links = None
    list_filter = ("verb",)
    list_select_related = ("actor",)
    search_fields = ("waybill_no__exact",)

    @display(description=_("act"), label=True)
    def verb_label(self, act: Act) -> str:
        """Return the act's name."""
        return act.get_verb_display()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Act], search_term: str
    ) -> tuple[QuerySet[Act], bool]:
        """Return the acts on one waybill."""
        no = clean_text(search_term)
        return (queryset.filter(waybill_no=no) if no else queryset), False
