"""Attempts: each call to WeChat, read only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.admin.body_page import Body, BodyPageAdmin
from waybills.admin.labels import OUTCOME_COLOURS, show_trigger
from waybills.admin.masking import mask_errmsg
from waybills.admin.push import page_of
from waybills.cleaning import clean_text
from waybills.documents import unseal_attempt
from waybills.models import Push, PushAttempt, Waybill


@admin.register(PushAttempt)
class PushAttemptAdmin(BodyPageAdmin):
    """Each call, newest first (its key is a UUID that sorts by time)."""

    list_display = ("started_at", "of_waybill", "call", "outcome_label", "errcode", "errmsg_masked", "took", "who")
    list_filter = ("outcome", "call")
    list_select_related = ("push__waybill",)
    search_fields = ("push__waybill__no__exact",)

    @display(description=_("waybill number"))
    def of_waybill(self, attempt: PushAttempt) -> str:
        """Return a link to the push in the waybill's timeline."""
        push = attempt.push
        return format_html('<a class="desk-link" href="{}">{}</a>', page_of(push), push.waybill.no)

    @display(description=_("outcome"), label=OUTCOME_COLOURS)
    def outcome_label(self, attempt: PushAttempt) -> tuple[str, str]:
        """Return how the call ended, coloured."""
        return attempt.outcome, attempt.get_outcome_display()

    @display(description=_("error message"))
    def errmsg_masked(self, attempt: PushAttempt) -> str:
        """Return WeChat's words; they may repeat what was sent."""
        return mask_errmsg(attempt.errmsg)

    @display(description=_("took"))
    def took(self, attempt: PushAttempt) -> str:
        """Return how long the call took."""
        return "—" if attempt.duration_ms is None else f"{attempt.duration_ms} ms"

    @display(description=_("triggered by"))
    def who(self, attempt: PushAttempt) -> str:
        """Return who or what made it happen."""
        return show_trigger(attempt.trigger)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PushAttempt], search_term: str
    ) -> tuple[QuerySet[PushAttempt], bool]:
        """Return the attempts for one waybill."""
        no = clean_text(search_term)
        if not no:
            return queryset, False
        of_waybill = Push.objects.filter(waybill_id__in=Waybill.objects.filter(no=no).values("pk"))
        return queryset.filter(push_id__in=of_waybill.values("pk")), False

    def columns(self, row: PushAttempt) -> Sequence[tuple[Any, Any]]:
        """Return what is not personal of an attempt."""
        return [
            (_("waybill number"), self.of_waybill(row)),
            (_("call"), row.call),
            (_("started at"), row.started_at),
            (_("took"), self.took(row)),
            (_("outcome"), row.get_outcome_display()),
            (_("error code"), row.errcode),
            (_("error message"), self.errmsg_masked(row)),
            (_("bound"), row.exist),
            (_("triggered by"), self.who(row)),
        ]

    def bodies(self, row: PushAttempt) -> Sequence[Body] | None:
        """Return what was sent and what was seen of the answer."""
        if row.sealed is None:
            return None
        document = unseal_attempt(row.pk, bytes(row.sealed))
        return Body(_("What was sent"), document.request), Body(_("WeChat's answer"), document.answer)

    def waybill_no(self, row: PushAttempt) -> str:
        """Return the number of the waybill that was pushed."""
        return row.push.waybill.no
