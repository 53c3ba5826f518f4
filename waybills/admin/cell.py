"""The cells of the landing page."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from waybills.admin.person import person
from waybills.models import Act, Cell


@admin.register(Cell)
class CellAdmin(ModelAdmin):
    """What the landing page shows under the trail, in this order; dragged into another one by hand."""

    # Unfold makes the order editable at the first request: what it adds must stand here for the checks after that.
    list_display = ("name", "key", "link", "position")
    list_fullwidth = True
    ordering = ("position", "pk")
    ordering_field = "position"
    hide_ordering_field = True
    # Unfold hides only a column that could be sorted.
    sortable_by = ("position",)
    fields = ("key", "name", "link", "position")
    actions = None

    def save_model(self, request: HttpRequest, obj: Cell, form: "forms.ModelForm[Cell]", change: bool) -> None:
        """Save a cell with the act of who edited it."""
        super().save_model(request, obj, form, change)
        _record(request, obj)

    def delete_model(self, request: HttpRequest, obj: Cell) -> None:
        """Delete a cell with the act of who did."""
        _record(request, obj)
        super().delete_model(request, obj)


def _record(request: HttpRequest, cell: Cell) -> None:
    Act.objects.record(person(request), Act.Verb.EDIT_CELLS, target=f"{cell.key} {cell.name}")
