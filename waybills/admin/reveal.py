"""Revealing personal data: recorded before it is shown, and never by following a link."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from waybills.admin.person import person
from waybills.models import Act

PERMISSION = "waybills.reveal_waybill"


def may_reveal(request: HttpRequest) -> bool:
    """Return whether the person may see personal data unmasked."""
    return request.user.has_perm(PERMISSION)


def record_reveal(request: HttpRequest, *, waybill_no: str, target: str) -> HttpResponse | None:
    """Record that the person sees this unmasked; return an answer only where it is refused.

    Raise PermissionDenied without the permission.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not may_reveal(request):
        raise PermissionDenied
    Act.objects.record(person(request), Act.Verb.REVEAL, waybill_no=waybill_no, target=target)
    return None
