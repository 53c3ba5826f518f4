"""The page of one audit row that has stored bodies: its plain columns, and the bodies masked until revealed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise

from waybills.admin.body_masking import mask_body
from waybills.admin.read_only import ReadOnlyAdmin
from waybills.admin.reveal import may_reveal, record_reveal
from waybills.sealing import SealBroken

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Body:
    """One stored text with its heading."""

    heading: str | Promise
    text: str


class BodyPageAdmin(ReadOnlyAdmin):
    """Shows a row's columns and its sealed bodies; subclasses say which."""

    def columns(self, row: Any) -> Sequence[tuple[Any, Any]]:
        """Return (heading, value) of what is not personal."""
        raise NotImplementedError

    def bodies(self, row: Any) -> Sequence[Body] | None:
        """Return the stored texts, unmasked; None once retention has emptied them. Raise SealBroken."""
        raise NotImplementedError

    def waybill_no(self, row: Any) -> str:
        """Return the waybill that the row speaks of; the empty text where there is none."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with the one that reveals."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_reveal"
        reveal = path("<path:object_id>/reveal/", self.admin_site.admin_view(self.reveal_view), name=name)
        return [reveal, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the row with its bodies masked."""
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._page(request, row, revealed=False)

    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Record the act, then show the row with its bodies as they are."""
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        target = f"{self.opts.model_name} {row.pk}"
        refusal = record_reveal(request, waybill_no=self.waybill_no(row), target=target)
        return refusal or self._page(request, row, revealed=True)

    def _page(self, request: HttpRequest, row: Model, *, revealed: bool) -> HttpResponse:
        bodies, broken = self._readable(row, revealed=revealed)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_reveal"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name,
            "original": row,
            "columns": self.columns(row),
            "bodies": bodies,
            "seal_broken": broken,
            "revealed": revealed,
            "may_reveal": may_reveal(request) and not revealed and bool(bodies),
            "reveal_url": reverse(name, args=[row.pk]),
        }
        return TemplateResponse(request, "admin/body_page.html", context)

    def _readable(self, row: Model, *, revealed: bool) -> tuple[Sequence[Body], bool]:
        try:
            bodies = self.bodies(row) or ()
        except SealBroken:
            logger.exception("The document of %s %s does not open", self.opts.model_name, row.pk)
            return (), True
        if revealed:
            return bodies, False
        return [Body(body.heading, mask_body(body.text, self.waybill_no(row))) for body in bodies], False
