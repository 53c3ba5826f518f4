"""Whether a phone is bound: what is known of it, else what WeChat answers to a single `userquery`."""

import logging
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.utils import timezone

from waybills import line
from waybills.models import Line
from waybills.sealing import blind_index
from wechat import bindings, budget, tokens
from wechat.client import Raw, Reading, Reply, read_reply, userquery_body
from wechat.decisions import is_token_refused
from wechat.error_codes import OK, STOPS, explanation_of
from wechat.gateway.errors import Errcode, GatewayRefused
from wechat.recording import stop_line
from wechat.tokens import Token, TokenUnavailable
from wechat.transports import Timeouts, post

logger = logging.getLogger(__name__)

_TIMEOUTS = Timeouts(connect=3, read=5)
"""Seconds: a userquery has no back-query inside, and a thread of the web process waits for it."""
_free_threads = BoundedSemaphore(max(1, settings.API.threads // 2))
"""At most half of this process's threads wait for WeChat: its own back-queries need the others."""


def accepted(is_bound: bool) -> dict[str, Any]:
    """Return the answer to a call that was done."""
    return {"errcode": 0, "errmsg": "ok", "exist": int(is_bound)}


def known_binding(phone: str) -> bool | None:
    """Return what WeChat said of a phone, as far as it is still to be trusted; None where it is not known."""
    index = blind_index(phone)
    return bindings.remembered([index], timezone.now()).get(index)


def ask(phone: str) -> dict[str, Any]:
    """Return the answer to a `userquery`, WeChat's own code and words included.

    Raise GatewayRefused: -1 where WeChat cannot be asked now or gives no usable answer, 45011 beyond `PUSH_RATE`.
    """
    known = known_binding(phone)
    if known is not None:
        return accepted(known)
    if not _free_threads.acquire(blocking=False):
        raise _busy("too many questions to WeChat under way")
    try:
        reply = _ask_wechat(phone)
    finally:
        _free_threads.release()
    return _concluded(phone, reply)


def _ask_wechat(phone: str) -> Reply:
    now = timezone.now()
    if line.current_line().state != Line.State.RUNNING:
        raise _busy("the line is stopped")
    if not budget.take(1, now=now):
        raise GatewayRefused(Errcode.TOO_MANY_A_MINUTE)
    token = _obtain()
    reply = _send(phone, token)
    if is_token_refused(reply):
        budget.adjust(1)
        reply = _send(phone, _obtain(refused=token.version))
    return reply


def _obtain(refused: int | None = None) -> Token:
    try:
        return tokens.obtain(refused=refused)
    except TokenUnavailable as error:
        if error.cause_of_stop:
            stop_line(error.reply, error.cause_of_stop)
        raise _busy(str(error)) from error


def _send(phone: str, token: Token) -> Reply:
    raw: Raw = post(settings.WECHAT.api_base, "userquery", userquery_body(phone), token=token.value, timeouts=_TIMEOUTS)
    return read_reply(raw)


def _concluded(phone: str, reply: Reply) -> dict[str, Any]:
    """Keep what an answer tells, of the phone or of the line, and return it as the caller sees it."""
    if reply.reading is not Reading.ANSWERED or reply.errcode is None or is_token_refused(reply):
        # A refused token is the portal's: told so, the caller would renew its own for nothing.
        raise _busy(f"WeChat: {reply.errmsg}")
    if reply.errcode != OK:
        cause = explanation_of(reply.errcode)
        if cause.reaction in STOPS:
            stop_line(reply, cause)
        return {"errcode": reply.errcode, "errmsg": reply.errmsg}
    if reply.exist is None:
        raise _busy("WeChat said nothing of the phone")
    bindings.remember({blind_index(phone): reply.exist == 1}, timezone.now())
    return accepted(reply.exist == 1)


def _busy(why: str) -> GatewayRefused:
    """Return WeChat's "try again later"; why goes to the log alone."""
    logger.warning("gateway: userquery is put off: %s", why)
    return GatewayRefused(Errcode.SYSTEM_BUSY)
