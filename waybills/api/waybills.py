"""Waybills in, in bulk, and one of them out."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from waybills.api import schema
from waybills.api.answers import report_answer, waybill_answer
from waybills.api.pushes import pushes_with_attempts
from waybills.api.views import ApiView, entries_of
from waybills.carrier_codes import CarrierCodes
from waybills.cleaning import clean_text
from waybills.ingest import ingest
from waybills.items import read_waybills
from waybills.trail import read_trail


class WaybillsView(ApiView):
    """The bulk door: a fixed number of statements whatever the batch's size."""

    needs = {"POST": "waybills.add_waybill"}

    @schema.post_waybills
    def post(self, request: Request) -> Response:
        """Store waybills, and the paths that they carry."""
        codes = CarrierCodes()
        batch = read_waybills(entries_of(request), codes.translate)
        if batch.paths and not request.user.has_perm("waybills.add_path"):
            raise PermissionDenied
        report = ingest(batch.waybills, batch.paths)
        codes.record_unmapped()
        return Response(report_answer(report, batch.errors))


class WaybillView(ApiView):
    """One waybill."""

    needs = {"GET": "waybills.view_waybill"}

    @schema.get_waybill
    def get(self, request: Request, waybill_id: str) -> Response:
        """Return what was posted, with the trail and the pushes."""
        trail = read_trail(clean_text(waybill_id))
        if trail is None:
            raise Http404
        pushes = pushes_with_attempts().filter(waybill__no=trail.no).order_by("-action_time", "-pk")
        return Response(waybill_answer(trail, pushes))
