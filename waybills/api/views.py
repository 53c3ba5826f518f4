"""What every view of the API shares."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from waybills.api.authentication import TokenAuthentication
from waybills.api.back_pressure import BackPressure
from waybills.api.errors import BodyRefused, FieldsRefused
from waybills.api.parsing import AlwaysJson, BoundedJsonParser, read_over
from waybills.api.permissions import HasNamedPermission
from waybills.api.throttling import AccountThrottle
from waybills.fields import Fields, Problem

MOST_ITEMS = 1000
PLACES = BackPressure(settings.API.threads)
REASON_LENGTH = 512


class ApiView(APIView):
    """JSON in, JSON out, for service accounts; `needs` names the permission of each method."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [HasNamedPermission]
    parser_classes = [BoundedJsonParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJson
    throttle_classes = [AccountThrottle]
    needs: Mapping[str, str] = {}
    _held: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; what the request holds of the process is given back at its end."""
        with ExitStack() as self._held:
            response = super().dispatch(request, *args, **kwargs)
        read_over(request)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let a request in that has a place to work at; refuse a body of unannounced length.

        WSGI would show such a body as an empty one.
        """
        super().initial(request, *args, **kwargs)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise BodyRefused("length_required", _("The body needs a Content-Length; chunks are not read."))
        # Who shows no token is on the way to a 405: a place is for those who are let in.
        if request.auth is not None:
            self._held.enter_context(PLACES.place(caller(request).pk, request.method not in SAFE_METHODS))


class UnknownAddress(ApiView):
    """Answers what no address of the API matches, in the API's own shape."""

    schema = None
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the method."""
        raise Http404


def caller(request: Request) -> AbstractBaseUser:
    """Return the account that calls: a view that needs a permission is reached by no one else."""
    return cast(AbstractBaseUser, request.user)


def entries_of(request: Request) -> list[Any]:
    """Return the items of a bulk body, one object or up to MOST_ITEMS in a list.

    Raise BodyRefused where not one of them is an object.
    """
    data = request.data
    entries = data if isinstance(data, list) else [data]
    if not data:
        raise BodyRefused("empty", _("The body holds no item."))
    if len(entries) > MOST_ITEMS:
        raise BodyRefused("too_many", _("At most %(limit)d items in one body.") % {"limit": MOST_ITEMS})
    if not any(isinstance(entry, dict) for entry in entries):
        raise BodyRefused("malformed", _("The items of the body are no objects."))
    return entries


def fields_of(request: Request) -> Fields:
    """Return the fields of a body that is one object; an empty body has none."""
    if not isinstance(request.data, dict):
        raise BodyRefused("malformed", _("An object is expected."))
    return Fields(request.data)


def refuse_on(problems: list[Problem]) -> None:
    """Raise FieldsRefused where there are problems."""
    if problems:
        raise FieldsRefused(problems)
