"""The line: why nothing is pushed, and the switch."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from waybills.admin.person import person
from waybills.admin.read_only import ReadOnlyAdmin
from waybills.models import Line
from waybills.services import line_status, resume_line, stop_line

PERMISSION = "waybills.operate_line"


class StopForm(forms.Form):
    """Why the line is stopped: whoever comes next must be able to read it."""

    reason = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)


@admin.register(Line)
class LineAdmin(ReadOnlyAdmin):
    """One page instead of a list of one row."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may stop and resume the line."""
        return request.user.has_perm(PERMISSION)

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with those that stop and resume."""
        wrap = self.admin_site.admin_view
        return [
            path("stop/", wrap(self.stop_view), name="waybills_line_stop"),
            path("resume/", wrap(self.resume_view), name="waybills_line_resume"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the line."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, StopForm())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Lead to the line's page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:waybills_line_changelist"))

    def stop_view(self, request: HttpRequest) -> HttpResponse:
        """Stop the line, with a reason."""
        refusal = self._refusal(request)
        if refusal:
            return refusal
        form = StopForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        stop_line(actor=person(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("The line is stopped: nothing is pushed until it is resumed."))
        return HttpResponseRedirect(reverse("admin:waybills_line_changelist"))

    def resume_view(self, request: HttpRequest) -> HttpResponse:
        """Resume the line."""
        refusal = self._refusal(request)
        if refusal:
            return refusal
        resume_line(actor=person(request))
        messages.success(request, _("The line is running."))
        return HttpResponseRedirect(reverse("admin:waybills_line_changelist"))

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    def _page(self, request: HttpRequest, form: StopForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Line"),
            "line": line_status(),
            "form": form,
            "may_operate": self.has_operate_permission(request),
        }
        return TemplateResponse(request, "admin/waybills/line/page.html", context)
