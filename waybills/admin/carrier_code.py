"""The carrier's own codes: staff map them to action types; what is not mapped yet comes first."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from waybills.admin.person import person
from waybills.models import Act, CarrierCode


class MappedFilter(admin.SimpleListFilter):
    """Splits the list into what waits for a mapping and what has one."""

    title = _("mapping")
    parameter_name = "mapped"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two choices."""
        return [("no", _("not mapped yet")), ("yes", _("mapped"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CarrierCode]) -> QuerySet[CarrierCode]:
        """Return the codes of the choice."""
        if self.value() is None:
            return queryset
        return queryset.filter(action_type__isnull=self.value() == "no")


@admin.register(CarrierCode)
class CarrierCodeAdmin(ModelAdmin):
    """The mapping, edited in the list itself."""

    list_display = ("code", "action_type", "mapped", "seen", "first_seen_at", "last_seen_at")
    list_editable = ("action_type",)
    list_filter = (MappedFilter,)
    search_fields = ("code",)
    search_help_text = _("Carrier's code")
    readonly_fields = ("seen", "first_seen_at", "last_seen_at")
    ordering = (F("action_type").asc(nulls_first=True), "-seen", "code", "pk")
    sortable_by = ()
    list_fullwidth = True
    list_before_template = "admin/waybills/carriercode/note.html"
    actions = None
    empty_value_display = "—"

    @display(description=_("mapping"), label={"no": "danger", "yes": "success"})
    def mapped(self, code: CarrierCode) -> tuple[str, Any]:
        """Return whether an action type is set."""
        return ("no", _("not mapped yet")) if code.action_type is None else ("yes", _("mapped"))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Return what cannot be edited: of a known code, the code too."""
        return self.readonly_fields if obj is None else ("code", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: a code is unmapped, not deleted; how often it came stays known."""
        return False

    def save_model(
        self, request: HttpRequest, obj: CarrierCode, form: "forms.ModelForm[CarrierCode]", change: bool
    ) -> None:
        """Save the mapping with the act of who mapped it."""
        super().save_model(request, obj, form, change)
        Act.objects.record(person(request), Act.Verb.MAP_CODE, target=f"{obj.code} → {obj.action_type or '—'}")
