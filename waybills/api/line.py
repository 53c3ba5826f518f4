"""The line: whether anything is pushed, and the switch."""

from rest_framework.request import Request
from rest_framework.response import Response

from waybills.api import schema
from waybills.api.answers import line_answer
from waybills.api.views import REASON_LENGTH, ApiView, caller, fields_of, refuse_on
from waybills.services import line_status, resume_line, stop_line


class LineView(ApiView):
    """Where the line stands."""

    needs = {"GET": "waybills.view_line"}

    @schema.get_line
    def get(self, request: Request) -> Response:
        """Return whether it runs; if not, why, what to do, since when and how many wait."""
        return Response(line_answer(line_status()))


class StopView(ApiView):
    """The switch, off."""

    needs = {"POST": "waybills.operate_line"}

    @schema.stop_line
    def post(self, request: Request) -> Response:
        """Stop all pushing until a person resumes it."""
        fields = fields_of(request)
        reason = fields.text("reason", REASON_LENGTH, True)
        refuse_on(fields.problems)
        stop_line(actor=caller(request), reason=reason)
        return Response(line_answer(line_status()))


class ResumeView(ApiView):
    """The switch, on."""

    needs = {"POST": "waybills.operate_line"}

    @schema.resume_line
    def post(self, request: Request) -> Response:
        """Let the line run, whoever or whatever stopped it."""
        fields = fields_of(request)
        reason = fields.text("reason", REASON_LENGTH)
        refuse_on(fields.problems)
        resume_line(actor=caller(request), reason=reason)
        return Response(line_answer(line_status()))
