"""The landing page's data, for WeChat's own page: JSONP, or JSON where no callback is named.

WeChat publishes neither the parameters' names nor the payload: they are agreed when a carrier joins, so the names are
settings and the payload is one function. docs/jsonp.md tells what is agreed.
"""

import logging
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone

from waybills import proofs
from waybills.cells import CellItem
from waybills.cleaning import clean_text
from waybills.database import fetch
from waybills.documents import Contact
from waybills.masking import Mask, mask_name, mask_of, mask_text
from waybills.proofs import Given
from waybills.revival import on_a_live_connection
from waybills.sealing import SealBroken
from waybills.source import client_address
from waybills.trail import Node, Trail, read_trail

logger = logging.getLogger(__name__)

_LONGEST_CALLBACK, _LONGEST_NO, _MOST_PARAMETERS = 64, 64, 32
_IDENTIFIERS = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:\.[A-Za-z_$][A-Za-z0-9_$]*)*")
_RESERVED = frozenset(
    """
    await break case catch class const continue debugger default delete do else enum export extends false finally
    for function if implements import in instanceof interface let new null package private protected public return
    static super switch this throw true try typeof var void while with yield eval arguments
    """.split()  # noqa: SIM905 - a list of one word a line says nothing more
)
_CELLS = "SELECT key, name, link FROM waybills_cell ORDER BY position, id"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-store",
}


class ResultCode(IntEnum):
    """What the landing page is told."""

    FOUND = 0
    NOT_SHOWN = 1001
    """No such waybill, or no proof that it may be seen: one answer for both."""
    TOO_MANY = 1004
    FAULT = 1005


_MESSAGES = {
    ResultCode.FOUND: "OK",
    ResultCode.NOT_SHOWN: "no such waybill",
    ResultCode.TOO_MANY: "too many requests",
    ResultCode.FAULT: "try again later",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for. callback: empty where plain JSON is wanted."""

    no: str
    callback: str
    given: Given


def info(request: HttpRequest) -> HttpResponse:
    """Answer the landing page: always 200 where the callback's name is one, since a script sees no other status."""
    query = read_query(request.META.get("QUERY_STRING", ""))
    if query is None:
        return HttpResponseBadRequest("bad callback", content_type="text/plain", headers=_HEADERS)
    client = client_address(request.META, settings.TRUSTED_PROXIES)
    return _respond(query.callback, _answer(query, client))


def read_query(query_string: str) -> Query | None:
    """Return what a query string asks for; None where its callback is not one name, given once.

    >>> read_query("waybill_id=SF1&callback=app.show").callback
    'app.show'
    >>> read_query("waybill_id=SF1&callback=alert(1)") is None
    True
    """
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None
    names = [value for name, value in pairs if name == settings.JSONP.callback_param]
    if names and (len(names) > 1 or not is_callback_name(names[0])):
        return None
    values = dict(pairs)
    numbers = [value for name, value in pairs if name == settings.JSONP.waybill_param]
    return Query(
        _clean_no(numbers[0]) if len(numbers) == 1 else "",
        names[0] if names else "",
        Given(values.get("phone_tail", ""), values.get("expires", ""), values.get("signature", "")),
    )


def is_callback_name(name: str) -> bool:
    """Return whether this is one JavaScript identifier path of at most 64 characters.

    >>> is_callback_name("jsonp_1"), is_callback_name("a.b"), is_callback_name("a["), is_callback_name("this.x")
    (True, True, False, False)
    """
    if len(name) > _LONGEST_CALLBACK or not _IDENTIFIERS.fullmatch(name):
        return False
    return _RESERVED.isdisjoint(name.split("."))


def _clean_no(text: str) -> str:
    no = clean_text(text)
    return no if len(no) <= _LONGEST_NO else ""


def _answer(query: Query, client: str | None) -> dict[str, Any]:
    """Return the payload; a fault of ours is logged and answered as one."""
    try:
        return _look_up(query, client)
    except (SealBroken, DatabaseError, InterfaceError) as error:
        logger.error("landing page of %r: %s", query.no, error)
        return nothing(ResultCode.FAULT, query.no)


def _look_up(query: Query, client: str | None) -> dict[str, Any]:
    now = timezone.now()
    if proofs.is_over_rate(client, now):
        return nothing(ResultCode.TOO_MANY, query.no)
    is_guarded = settings.JSONP.proof != "none"
    if is_guarded and proofs.is_locked(client, query.no, now):
        return nothing(ResultCode.TOO_MANY, query.no)
    trail = read_trail(query.no) if query.no else None
    parties = trail.contacts() if trail else None
    if not proofs.holds(query.given, query.no, parties[1] if parties else None, now):
        proofs.count_wrong(client, query.no, now)
        return nothing(ResultCode.NOT_SHOWN, query.no)
    if trail is None or parties is None:
        return nothing(ResultCode.NOT_SHOWN, query.no)
    # Whoever has given a proof is the recipient: a number that is neither party's may be shown.
    mask = mask_of(parties, hides_all=settings.JSONP.mask == "all" and not is_guarded)
    return payload(trail, parties, read_cells(), mask)


def read_cells() -> list[CellItem]:
    """Return the published cells in their order, by hand: an ORM query costs as much as all the rest."""
    return [CellItem(*row) for row in on_a_live_connection(lambda: fetch(_CELLS))]


def payload(trail: Trail, parties: tuple[Contact, Contact], cells: list[CellItem], mask: Mask) -> dict[str, Any]:
    """Return what is agreed with WeChat of a waybill, masked."""
    sender, receiver = parties
    no = quote(trail.no, safe="")
    return {
        "ResultCode": ResultCode.FOUND,
        "ResultMsg": _MESSAGES[ResultCode.FOUND],
        "WaybillId": trail.no,
        "WaybillCreateTime": trail.create_time,
        "Sender": _party(sender),
        "Receiver": _party(receiver),
        "Path": [_node(node, mask) for node in trail.nodes()],
        "Cell": [{"Key": cell.key, "Name": cell.name, "Link": cell.link.replace("{waybill_id}", no)} for cell in cells],
    }


def nothing(code: ResultCode, no: str) -> dict[str, Any]:
    """Return the payload that says why there is nothing to show."""
    nobody = _party(Contact())
    return {
        "ResultCode": code,
        "ResultMsg": _MESSAGES[code],
        "WaybillId": no,
        "WaybillCreateTime": 0,
        "Sender": nobody,
        "Receiver": nobody,
        "Path": [],
        "Cell": [],
    }


def _party(contact: Contact) -> dict[str, str]:
    return {"Name": mask_name(contact.name), "Province": contact.province, "City": contact.city}


def _node(node: Node, mask: Mask) -> dict[str, Any]:
    """Return one node as in the back-query, its text masked. A courier's own fields are shown, where set."""
    document = node.document
    item: dict[str, Any] = {
        "ActionTime": node.action_time,
        "ActionType": node.action_type,
        "ActionMsg": mask_text(document.action_msg, mask, document),
    }
    couriers = {
        "PickupCourierName": document.pickup_courier_name,
        "PickupCourierPhone": document.pickup_courier_phone,
        "DeliveryCourierName": document.delivery_courier_name,
        "DeliveryCourierPhone": document.delivery_courier_phone,
    }
    item.update({name: value for name, value in couriers.items() if value})
    return item


def _respond(callback: str, answer: dict[str, Any]) -> HttpResponse:
    body = orjson.dumps(answer)
    if not callback:
        return HttpResponse(body, content_type="application/json; charset=utf-8", headers=_HEADERS)
    # The comment in front keeps an answer from being read as another format; the two line ends are no JavaScript text.
    body = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029").replace(b"<", b"\\u003c")
    script = b"/**/" + callback.encode() + b"(" + body + b");"
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=_HEADERS)
