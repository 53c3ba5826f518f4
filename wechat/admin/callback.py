"""Callbacks: what WeChat sent and what it was answered, read only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.admin.body_page import Body, BodyPageAdmin
from waybills.cleaning import clean_text
from wechat.documents import unseal_callback
from wechat.models import Callback, CallbackOutcome

_OUTCOME_COLOURS = {
    CallbackOutcome.ANSWERED: "success",
    CallbackOutcome.RELAYED: "info",
    CallbackOutcome.ACKNOWLEDGED: "",
    CallbackOutcome.FAULT: "danger",
}


@admin.register(Callback)
class CallbackAdmin(BodyPageAdmin):
    """Each verified request, newest first (its key is a UUID that sorts by time)."""

    list_display = ("received_at", "event", "waybill_no", "outcome_label", "result_code", "took", "source")
    list_filter = ("outcome",)
    search_fields = ("waybill_no__exact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Callback]:
        """Return the rows; the list reads no bodies."""
        queryset: QuerySet[Callback] = super().get_queryset(request)
        return queryset.defer("sealed")

    @display(description=_("outcome"), label=_OUTCOME_COLOURS)
    def outcome_label(self, callback: Callback) -> tuple[str, str]:
        """Return what became of it, coloured."""
        return callback.outcome, callback.get_outcome_display()

    @display(description=_("took"))
    def took(self, callback: Callback) -> str:
        """Return how long the answer took."""
        return f"{callback.duration_us / 1000:.1f} ms"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Callback], search_term: str
    ) -> tuple[QuerySet[Callback], bool]:
        """Return the callbacks about one waybill."""
        no = clean_text(search_term)
        return (queryset.filter(waybill_no=no) if no else queryset), False

    def columns(self, row: Callback) -> Sequence[tuple[Any, Any]]:
        """Return what is not personal of a callback."""
        return [
            (_("received at"), row.received_at),
            (_("event"), row.event),
            (_("waybill number"), row.waybill_no),
            (_("outcome"), row.get_outcome_display()),
            (_("ResultCode"), row.result_code),
            (_("took"), self.took(row)),
            (_("from"), row.source),
            (_("sender's phone differs"), _("yes") if row.sender_differs else _("no")),
        ]

    def bodies(self, row: Callback) -> Sequence[Body] | None:
        """Return the message and our answer."""
        if row.sealed is None:
            return None
        document = unseal_callback(row.pk, bytes(row.sealed))
        return Body(_("WeChat's message"), document.message), Body(_("Our answer"), document.answer)

    def waybill_no(self, row: Callback) -> str:
        """Return the waybill that the message names."""
        return row.waybill_no
