"""The landing page's cells, read and replaced as a whole."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from waybills.api import schema
from waybills.api.answers import cells_answer
from waybills.api.errors import BodyRefused
from waybills.api.views import ApiView, caller, refuse_on
from waybills.fields import Fields, Problem
from waybills.services import CellItem, publish_cells, published_cells

MOST_CELLS = 100
_ANY_LENGTH = 4096
"""The domain has its own limits and names them; this one only keeps its messages short."""


class CellsView(ApiView):
    """The published set."""

    needs = {"GET": "waybills.view_cell", "PUT": "waybills.change_cell"}

    @schema.get_cells
    def get(self, request: Request) -> Response:
        """Return the published cells in their order."""
        return Response(cells_answer(published_cells()))

    @schema.put_cells
    def put(self, request: Request) -> Response:
        """Publish another set, whole."""
        publish_cells(cells=_read_cells(request.data), actor=caller(request))
        return Response(cells_answer(published_cells()))


def _read_cells(data: Any) -> list[CellItem]:
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise BodyRefused("malformed", _("A list of objects is expected."))
    if len(data) > MOST_CELLS:
        raise BodyRefused("too_many", _("At most %(limit)d items in one body.") % {"limit": MOST_CELLS})
    problems: list[Problem] = []
    cells = [_read_cell(Fields(entry, f"{index}.", problems)) for index, entry in enumerate(data)]
    refuse_on(problems)
    return cells


def _read_cell(fields: Fields) -> CellItem:
    return CellItem(*(fields.text(name, _ANY_LENGTH, True) for name in ("Key", "Name", "Link")))
