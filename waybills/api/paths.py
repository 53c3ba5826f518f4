"""Path events in, in bulk, and scans made by mistake out again."""

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from waybills.api import schema
from waybills.api.answers import report_answer
from waybills.api.views import REASON_LENGTH, ApiView, caller, entries_of, fields_of, refuse_on
from waybills.carrier_codes import CarrierCodes
from waybills.ingest import ingest
from waybills.items import NO_LENGTH, read_paths
from waybills.services import void_path


class PathsView(ApiView):
    """The bulk door: a fixed number of statements whatever the batch's size."""

    needs = {"POST": "waybills.add_path"}

    @schema.post_paths
    def post(self, request: Request) -> Response:
        """Store path events; those whose waybill has not come yet are kept until it does."""
        codes = CarrierCodes()
        batch = read_paths(entries_of(request), codes.translate)
        report = ingest([], batch.paths)
        codes.record_unmapped()
        return Response(report_answer(report, batch.errors))


class VoidView(ApiView):
    """Scans made by mistake."""

    needs = {"POST": "waybills.void_path"}

    @schema.void_path
    def post(self, request: Request) -> Response:
        """Take the events of one waybill, time and type off the trail; the audit keeps them."""
        fields = fields_of(request)
        no = fields.text("waybill_id", NO_LENGTH, True)
        action_time, action_type = fields.moment("action_time"), fields.action_type("action_type")
        reason = fields.text("reason", REASON_LENGTH, True)
        refuse_on(fields.problems)
        voided = void_path(
            no=no, action_time=action_time, action_type=action_type, actor=caller(request), reason=reason
        )
        if not voided:
            raise Http404
        return Response({"voided": voided})
