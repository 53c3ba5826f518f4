"""The list of pushes, and what can be done to the selected ones."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from waybills.admin.labels import PUSH_STATE_COLOURS, show_trigger, show_wire_time
from waybills.admin.person import person
from waybills.admin.push_operations import (
    CANCEL,
    PERMISSION,
    PUSH_NOW,
    RESEND,
    Operation,
    operate,
    report,
)
from waybills.admin.read_only import ReadOnlyAdmin
from waybills.admin.settled_filter import SettledFilter
from waybills.cleaning import clean_text
from waybills.models import Push, Waybill


@admin.register(Push)
class PushAdmin(ReadOnlyAdmin):
    """Every push, newest first. A push has no page of its own: the waybill's page shows it in its place."""

    list_display = (
        "waybill_no", "type_name", "state_label", "reason_text", "happened", "tries", "settled_at", "who",
    )  # fmt: skip
    list_display_links = None
    list_filter = ("state", SettledFilter, "action_type")
    list_select_related = ("waybill",)
    search_fields = ("waybill__no__exact",)
    actions = ("push_now", "resend", "cancel")

    @display(description=_("waybill number"))
    def waybill_no(self, push: Push) -> str:
        """Return a link to the push in the waybill's timeline."""
        return format_html('<a class="desk-link" href="{}">{}</a>', page_of(push), push.waybill.no)

    @display(description=_("action type"))
    def type_name(self, push: Push) -> str:
        """Return the type's name; of an unknown one its code."""
        return str(push.get_action_type_display())

    @display(description=_("state"), label=PUSH_STATE_COLOURS)
    def state_label(self, push: Push) -> tuple[str, str]:
        """Return the state, coloured."""
        return push.state, push.get_state_display()

    @display(description=_("reason"))
    def reason_text(self, push: Push) -> str:
        """Return the reason's sentence."""
        return format_html('<span class="desk-wrap">{}</span>', push.get_reason_display() or "—")

    @display(description=_("action time"))
    def happened(self, push: Push) -> str:
        """Return when it happened to the parcel."""
        return show_wire_time(push.action_time)

    @display(description=_("triggered by"))
    def who(self, push: Push) -> str:
        """Return who or what made it happen."""
        return show_trigger(push.trigger)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Push], search_term: str
    ) -> tuple[QuerySet[Push], bool]:
        """Return the pushes of one waybill."""
        no = clean_text(search_term)
        if not no:
            return queryset, False
        return queryset.filter(waybill_id__in=Waybill.objects.filter(no=no).values("pk")), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Lead to the push in the waybill's timeline."""
        push = self.get_object(request, object_id)
        if not self.has_view_permission(request, push):
            raise PermissionDenied
        if push is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(page_of(push))

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may push, resend and cancel."""
        return request.user.has_perm(PERMISSION)

    @action(description=PUSH_NOW.label, permissions=["send"])
    def push_now(self, request: HttpRequest, queryset: QuerySet[Push]) -> HttpResponse | None:
        """Make the selected pending pushes due at once."""
        return self._operate(request, queryset, PUSH_NOW)

    @action(description=RESEND.label, permissions=["send"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Push]) -> HttpResponse | None:
        """Send the selected settled pushes again."""
        return self._operate(request, queryset, RESEND)

    @action(description=CANCEL.label, permissions=["send"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Push]) -> HttpResponse | None:
        """Cancel the selected pending pushes."""
        return self._operate(request, queryset, CANCEL)

    def _operate(self, request: HttpRequest, queryset: QuerySet[Push], operation: Operation) -> HttpResponse | None:
        selected = list(queryset.select_related("waybill"))
        if "confirmed" not in request.POST:
            return self._ask(request, selected, operation)
        reason = clean_text(request.POST.get("reason", ""))[:512]
        report(request, operation, operate(operation, selected, actor=person(request), reason=reason))
        return None

    def _ask(self, request: HttpRequest, selected: list[Push], operation: Operation) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": operation.label,
            "operation": operation,
            "pushes": selected,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/waybills/push/confirm.html", context)


def page_of(push: Push) -> str:
    """Return the address of a push in its waybill's timeline."""
    return f"{reverse('admin:waybills_waybill_change', args=[push.waybill_id])}#push-{push.pk}"
