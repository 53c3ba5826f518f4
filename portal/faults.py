"""What is answered where no view does: the API's own shape under /api/, Django's plain pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from waybills.api.errors import error_answer

_API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses before any view: a host that is not ours, say."""
    if request.path.startswith(_API):
        return error_answer(400, {"code": "bad_request", "detail": _("The request is malformed.")})
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for what nobody foresaw; Django has logged it."""
    if request.path.startswith(_API):
        return error_answer(500, {"code": "error", "detail": _("An error of the portal's own; its log says which.")})
    return defaults.server_error(request)
