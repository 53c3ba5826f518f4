"""The waybill's page: one timeline from the event to the result, and what a person can do about it."""

import logging
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from waybills.admin.labels import show_wire_time
from waybills.admin.masking import mask_contact
from waybills.admin.person import person
from waybills.admin.push import page_of
from waybills.admin.push_operations import OPERATIONS, PERMISSION, operate, report
from waybills.admin.reveal import may_reveal, record_reveal
from waybills.admin.waybill import WaybillListAdmin
from waybills.cleaning import clean_text
from waybills.documents import Contact, unseal_waybill
from waybills.line import current_line
from waybills.models import Push, Waybill
from waybills.sealing import SealBroken
from wechat.admin.node_view import view_nodes
from wechat.holdup import holdup, token_trouble
from wechat.timeline import read_timeline

logger = logging.getLogger(__name__)


@admin.register(Waybill)
class WaybillAdmin(WaybillListAdmin):
    """The list, and the page."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with those that reveal and that act on a push."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/reveal/", wrap(self.reveal_view), name="waybills_waybill_reveal"),
            path("<int:pk>/pushes/<int:push_id>/<str:verb>/", wrap(self.operate_view), name="waybills_waybill_operate"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the waybill, personal data masked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        waybill = Waybill.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if waybill is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._page(request, waybill, revealed=False)

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record the act, then show the waybill with its personal data."""
        waybill = self._waybill(request, pk)
        refusal = record_reveal(request, waybill_no=waybill.no, target=f"waybill {waybill.pk}")
        return refusal or self._page(request, waybill, revealed=True)

    def operate_view(self, request: HttpRequest, pk: int, push_id: int, verb: str) -> HttpResponse:
        """Push now, resend or cancel one push of this waybill, and come back to it."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        waybill = self._waybill(request, pk)
        push = Push.objects.select_related("waybill").filter(pk=push_id, waybill=waybill).first()
        operation = OPERATIONS.get(verb)
        if push is None or operation is None:
            raise Http404
        reason = clean_text(request.POST.get("reason", ""))[:512]
        report(request, operation, operate(operation, [push], actor=person(request), reason=reason))
        return HttpResponseRedirect(page_of(push))

    def _waybill(self, request: HttpRequest, pk: int) -> Waybill:
        if not self.has_view_permission(request):
            raise PermissionDenied
        waybill = Waybill.objects.filter(pk=pk).first()
        if waybill is None:
            raise Http404
        return waybill

    def _page(self, request: HttpRequest, waybill: Waybill, *, revealed: bool) -> HttpResponse:
        timeline = read_timeline(waybill)
        line = current_line()
        trouble = token_trouble(timezone.now()) if timeline.is_waiting and line.code is None else None
        contacts = _contacts(waybill)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": waybill.no,
            "original": waybill,
            "waybill": waybill,
            "created": show_wire_time(waybill.create_time),
            "contacts": _shown(contacts, revealed=revealed),
            "timeline": timeline,
            "nodes": view_nodes(
                timeline,
                contacts or (),
                revealed=revealed,
                may_send=request.user.has_perm(PERMISSION),
                holdup=holdup(line, trouble),
            ),
            "seal_broken": not timeline.is_readable or (contacts is None and waybill.posted_at is not None),
            "line": line,
            "token_trouble": trouble,
            "revealed": revealed,
            "may_reveal": may_reveal(request) and not revealed,
        }
        return TemplateResponse(request, "admin/waybills/waybill/page.html", context)


def _contacts(waybill: Waybill) -> tuple[Contact, Contact] | None:
    """Return (sender, receiver); None where there are none yet or they do not open."""
    if waybill.sealed is None:
        return None
    try:
        return unseal_waybill(
            waybill.no,
            bytes(waybill.sealed),
            (waybill.sender_province, waybill.sender_city),
            (waybill.receiver_province, waybill.receiver_city),
        )
    except SealBroken:
        logger.exception("The document of waybill %s does not open", waybill.pk)
        return None


def _shown(contacts: tuple[Contact, Contact] | None, *, revealed: bool) -> list[tuple[Any, Contact]]:
    if contacts is None:
        return []
    sender, receiver = contacts if revealed else map(mask_contact, contacts)
    return [(_("receiver"), receiver), (_("sender"), sender)]
