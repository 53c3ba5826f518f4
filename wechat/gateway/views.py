"""The gateway: WeChat's four calls, for a carrier that calls WeChat today. HTTP 200 with a code, as WeChat answers."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from waybills.api.errors import Busy
from waybills.api.throttling import wait_before
from waybills.api.views import PLACES
from waybills.api_tokens import find_token, may
from waybills.ingest import ingest
from waybills.models import ApiToken
from wechat.body import read_body
from wechat.exceptions import BadParameters, BodyTooLarge
from wechat.gateway import inquiry
from wechat.gateway.access import Granted, bearer_of, grant, grant_forced
from wechat.gateway.bodies import Credentials, read_pathnotify, read_stable_token, read_userquery
from wechat.gateway.errors import Errcode, GatewayRefused, new_rid, refusal_answer

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
Act = Callable[[HttpRequest], Answer]
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_WRONG_METHOD = {"GET": Errcode.GET_REQUIRED, "POST": Errcode.POST_REQUIRED}


def answers(method: str) -> Callable[[Act], Callable[[HttpRequest], HttpResponse]]:
    """Give a call its method, and its refusals their shape; the log names a refused call by its rid alone."""

    def decorate(act: Act) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @wraps(act)
        def view(request: HttpRequest) -> HttpResponse:
            try:
                if request.method != method:
                    raise GatewayRefused(_WRONG_METHOD[method])
                answer = act(request)
            except GatewayRefused as refusal:
                answer = _refusal(act.__name__, refusal)
            except Busy:
                answer = _refusal(act.__name__, GatewayRefused(Errcode.SYSTEM_BUSY))
            except (OperationalError, InterfaceError):
                logger.exception("the database did not answer")
                answer = _refusal(act.__name__, GatewayRefused(Errcode.SYSTEM_BUSY))
            return _respond(answer)

        return view

    return decorate


@answers("POST")
def stable_token(request: HttpRequest) -> Answer:
    """Return the account's access token; with force_refresh a new one, which voids it."""
    credentials = read_stable_token(_body(request))
    account = _account(credentials)
    now = time.time()
    if not credentials.force_refresh:
        return _granted(grant(account, now))
    with PLACES.place(account.user_id, is_write=True):
        return _granted(grant_forced(account, now))


@answers("GET")
def token(request: HttpRequest) -> Answer:
    """Return the same access token as `stable_token`: nothing that asks this way voids another's."""
    query = request.GET
    account = _account(Credentials(query.get("grant_type"), query.get("appid"), query.get("secret")))
    return _granted(grant(account, time.time()))


@answers("POST")
def userquery(request: HttpRequest) -> Answer:
    """Return whether a phone is bound."""
    account = _admit(request, "waybills.view_push")
    with PLACES.place(account, is_write=False):
        return inquiry.ask(read_userquery(_body(request)))


@answers("POST")
def pathnotify(request: HttpRequest) -> Answer:
    """Store a waybill and its event, and answer at once with what is known of the phone.

    A phone of which nothing is known is answered as not bound: whoever sends a text message then sends one too many,
    and not one too few.
    """
    account = _admit(request, "waybills.add_waybill", "waybills.add_path")
    with PLACES.place(account, is_write=True):
        waybill, path = read_pathnotify(_body(request))
        ingest([waybill], [path])
        return inquiry.accepted(inquiry.known_binding(waybill.receiver.phone) is True)


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Answer an address below /gateway/ that is none of WeChat's four, in the one shape."""
    return _respond(_refusal("unknown address", GatewayRefused(Errcode.INVALID_URL)))


def _admit(request: HttpRequest, *permissions: str) -> int:
    """Return the id of the account that calls.

    Raise GatewayRefused without a valid access token, for a permission or scope that is lacking, beyond `API_RATE`.
    """
    now = time.time()
    bearer = bearer_of(request.GET.get("access_token", ""), now)
    if not all(may(bearer, permission) for permission in permissions):
        raise GatewayRefused(Errcode.UNAUTHORIZED)
    if wait_before(bearer.user_id, now):
        raise GatewayRefused(Errcode.TOO_MANY_A_MINUTE)
    return bearer.user_id


def _account(credentials: Credentials) -> ApiToken:
    """Return the API token of the account that the credentials name. appid: the account's name; secret: its token.

    Raise GatewayRefused where they name none, and beyond `API_RATE`.
    """
    appid, secret = credentials.appid, credentials.secret
    if credentials.grant_type != "client_credential":
        raise GatewayRefused(Errcode.INVALID_GRANT_TYPE)
    if not appid:
        raise GatewayRefused(Errcode.APPID_MISSING)
    if not _is_account(appid):
        raise GatewayRefused(Errcode.INVALID_APPID)
    if not secret:
        raise GatewayRefused(Errcode.SECRET_MISSING)
    found = find_token(secret) if isinstance(secret, str) else None
    if found is None or found.user.get_username() != appid:
        raise GatewayRefused(Errcode.INVALID_SECRET)
    if wait_before(found.user_id, time.time()):
        raise GatewayRefused(Errcode.TOO_MANY_A_MINUTE)
    return found


def _is_account(name: object) -> bool:
    # PostgreSQL refuses a NUL in a text.
    return isinstance(name, str) and "\0" not in name and ApiToken.objects.filter(user__username=name).exists()


def _body(request: HttpRequest) -> bytes:
    try:
        return read_body(request.META)
    except BodyTooLarge:
        raise GatewayRefused(Errcode.BODY_TOO_LARGE) from None
    except BadParameters:
        raise GatewayRefused(Errcode.BODY_EMPTY) from None


def _granted(granted: Granted) -> Answer:
    return {"access_token": granted.access_token, "expires_in": granted.expires_in}


def _respond(answer: Answer) -> HttpResponse:
    return HttpResponse(orjson.dumps(answer), "application/json; charset=UTF-8", headers=_HEADERS)


def _refusal(call: str, refusal: GatewayRefused) -> Answer:
    rid = new_rid()
    logger.info("gateway: %s is answered %d %s, rid %s", call, refusal.errcode, refusal.detail, rid)
    return refusal_answer(refusal, rid)
