"""WeChat's door: verify, decrypt, dispatch, answer."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from waybills.source import client_address
from wechat import audit, callbacks
from wechat.audit import Arrival
from wechat.body import read_body
from wechat.callbacks import Answer
from wechat.envelope import Received, close_envelope, open_envelope, verify_address
from wechat.exceptions import BadParameters, CallbackFault, CallbackRejected
from wechat.query import CallbackQuery, read_query, require_fresh
from wechat.relay import Original

_PLAIN_TEXT = "text/plain; charset=utf-8"
_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}

View = Callable[[HttpRequest, Arrival], HttpResponse]


def answers_errors(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Give a view the request's arrival, and answer its errors by their status: one body for every refusal."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        source = client_address(request.META, settings.TRUSTED_PROXIES)
        arrival = Arrival(datetime.now(UTC), time.perf_counter(), source)
        try:
            return view(request, arrival)
        except CallbackRejected as rejection:
            audit.refusals.count(rejection.reason, source, arrival.at)
            return HttpResponse("refused", _PLAIN_TEXT, rejection.status)
        except CallbackFault as fault:
            return HttpResponse("try again", _PLAIN_TEXT, fault.status)

    return answer


@csrf_exempt
@answers_errors
def callback(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    """Answer WeChat: GET proves that the address is the carrier's, POST brings a message.

    403, one body for all reasons, for what is not provably WeChat's; 503 for a fault of this side.
    """
    query = read_query(request.META.get("QUERY_STRING", ""))
    require_fresh(query, settings.WECHAT.callback_tolerance, arrival.at.timestamp())
    if request.method == "GET":
        return HttpResponse(verify_address(query, settings.WECHAT), _PLAIN_TEXT, headers=_NO_SNIFFING)
    if request.method != "POST":
        raise BadParameters("method")
    return _answer_message(request, query, arrival)


def _answer_message(request: HttpRequest, query: CallbackQuery, arrival: Arrival) -> HttpResponse:
    body = read_body(request.META)
    received = open_envelope(query, body, settings.WECHAT)
    original = Original(request.META.get("QUERY_STRING", ""), body, request.META.get("CONTENT_TYPE", ""))
    with audit.faults_recorded(arrival, received):
        answer = callbacks.answer(received, original)
        response = _response(answer, received, query)
        audit.record(arrival, received, answer)
    return response


def _response(answer: Answer, received: Received, query: CallbackQuery) -> HttpResponse:
    content = answer.content
    if answer.is_reply:
        content = close_envelope(content, received, query, settings.WECHAT, int(time.time()), os.urandom(16))
    return HttpResponse(content, answer.content_type, answer.status)
