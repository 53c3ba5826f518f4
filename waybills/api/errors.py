"""Errors of the API: one shape, `{"code", "detail"}`, with `fields` where a field is wrong.

    BodyRefused 400 · FieldsRefused 400 · BodyTooLarge 413 · EncodingRefused 415 · Conflict 409 · Busy, Unavailable 503

What Django, DRF and the services raise is answered in the same shape, as JSON whatever the view renders; what nothing
here knows stays an exception, which Django logs and `portal.faults` answers.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status

from waybills.cells import InvalidCells
from waybills.fields import Problem
from waybills.items import HopelessBatch
from waybills.sealing import SealBroken
from waybills.services import PushNotResendable

logger = logging.getLogger(__name__)

_RETRY_AFTER = 5
"""Seconds: a lock that was waited for in vain, or a database that restarts."""
_RETRY_WHEN_BUSY = 1
"""Seconds: several batches' time."""

_NOT_RESENDABLE = {
    "pending": _("This push is pending: it goes by itself."),
    "sent": _("This push was sent."),
    "overtaken": _("A newer event of the waybill was pushed; the trail carries this one."),
    "path_voided": _("The path event of this push was voided."),
    "waiting_for_waybill": _("The waybill of this push has not been posted yet."),
}


_CELL_PROBLEM = _("This cell cannot be published.")
_CELL_PROBLEMS = {
    "unknown_placeholder": _("The only placeholder is {waybill_id}: no other braces may stand here."),
}


class BodyRefused(exceptions.APIException):
    """The body holds nothing that can be read; the code says why."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)


class FieldsRefused(exceptions.APIException):
    """Fields are wrong; the answer names each."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid"
    default_detail = _("Some fields are wrong.")

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = problems


class BodyTooLarge(exceptions.APIException):
    """The body, or what it inflates to, is over the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class EncodingRefused(exceptions.APIException):
    """The body comes in an encoding that is not understood."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_encoding"


class Conflict(exceptions.APIException):
    """The state of the thing does not allow it; the code names the state."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)


class Unavailable(exceptions.APIException):
    """The database is locked or away. Nothing was half-written: the same request may be sent again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = _("The database does not answer. Nothing was stored: send the same request again.")
    wait = _RETRY_AFTER


class Busy(exceptions.APIException):
    """So much is at work, or the account has so much at work, that this request is not begun."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    default_detail = _("Too much is at work. Nothing was stored: send the same request again.")
    wait = _RETRY_WHEN_BUSY


class StoredDataUnreadable(exceptions.APIException):
    """A sealed document does not open: never an empty field in its stead."""

    status_code = status.HTTP_500_INTERNAL_SERVER_ERROR
    default_code = "seal_broken"
    default_detail = _("Stored data cannot be opened with the configured keys; the operators' log says which.")


def answer_exception(exception: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return the answer to what a view raised; None for what only a 500 can answer. DRF's EXCEPTION_HANDLER."""
    known = _as_api_exception(exception)
    if known is None:
        return None
    body: dict[str, Any] = {"code": str(known.get_codes()), "detail": force_str(known.detail)}
    if isinstance(known, FieldsRefused):
        body["fields"] = _fields(known.problems)
    return error_answer(known.status_code, body, _headers(known))


def error_answer(status_code: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an answer of the API's one shape."""
    return HttpResponse(orjson.dumps(body), "application/json", status_code, headers=dict(headers or {}))


def _as_api_exception(exception: Exception) -> exceptions.APIException | None:
    match exception:
        case exceptions.APIException():
            return exception
        case Http404():
            return exceptions.NotFound()
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case HopelessBatch():
            return BodyRefused("too_many_errors", force_str(_("More is wrong than can be named; nothing was stored.")))
        case PushNotResendable():
            return Conflict(exception.code, force_str(_NOT_RESENDABLE.get(exception.code, exception.code)))
        case InvalidCells():
            return FieldsRefused([_cell_problem(exception)])
        case OperationalError() | InterfaceError():
            logger.error("the database did not answer", exc_info=exception)
            return Unavailable()
        case SealBroken():
            logger.error("stored data cannot be opened", exc_info=exception)
            return StoredDataUnreadable()
        case _:
            return None


def _cell_problem(error: InvalidCells) -> Problem:
    return Problem(
        f"{error.index}.{error.field.capitalize()}",
        error.code,
        force_str(_CELL_PROBLEMS.get(error.code, _CELL_PROBLEM)),
    )


def _fields(problems: Sequence[Problem]) -> dict[str, dict[str, str]]:
    """Return the first problem of each field."""
    fields: dict[str, dict[str, str]] = {}
    for problem in problems:
        fields.setdefault(problem.field or "", {"code": problem.code, "detail": problem.detail})
    return fields


def _headers(known: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(known, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(known, "wait", None):
        headers["Retry-After"] = str(int(-(-wait // 1)))
    return headers
