"""WeChat's three calls without a socket: builds a request, reads a reply. `wechat.transports` has the sockets."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import orjson

from waybills.documents import Contact, PathDocument
from wechat.error_codes import SYSTEM_BUSY

LONGEST_ANSWER = 64 * 1024
"""Bytes of a body that are read: WeChat's answers have a few hundred."""
_SHOWN = 2000
_DIGITS = 6
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
"""PostgreSQL's text cannot hold NUL; a line break would forge a line of the log."""
_SECRET = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|[\w-]{40,}")
"""A mainland mobile; a run as long as tokens are and a rid is not."""
_PATHS = {
    "userquery": "/cgi-bin/express/delivery/userquery",
    "pathnotify": "/cgi-bin/express/delivery/pathnotify",
    "stable_token": "/cgi-bin/stable_token",
}


class Reading(Enum):
    """What can be said of a call from what came back."""

    ANSWERED = "WeChat answered with a code"
    NOT_SENT = "no connection: nothing was sent"
    LOST = "the request left, no usable answer came"


@dataclass(frozen=True, slots=True)
class Raw:
    """What a transport saw. status: None where no answer came; note: what happened instead, without secrets."""

    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    retry_after: str = ""
    note: str = ""
    was_sent: bool = True
    date: str = ""
    """The far side's clock, as its Date header has it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A call's outcome as read. exist: 1 bound, 0 not bound, None not said. retry_after: seconds or None."""

    reading: Reading
    errcode: int | None = None
    errmsg: str = ""
    exist: int | None = None
    retry_after: int | None = None
    seen: str = field(default="", repr=False)
    """The body as text, cut: what the attempt keeps (sealed)."""


def path_of(call: str) -> str:
    """Return the URL's path of a call.

    >>> path_of("userquery")
    '/cgi-bin/express/delivery/userquery'
    """
    return _PATHS[call]


def userquery_body(phone: str) -> str:
    """Return the body that asks whether a phone is bound."""
    return _dumps({"phone": phone})


def pathnotify_body(
    *,
    no: str,
    create_time: int,
    sender: Contact,
    receiver: Contact,
    action_time: int,
    action_type: int,
    document: PathDocument,
) -> str:
    """Return the body that pushes one path event.

    Raw UTF-8: parts of WeChat's API refuse \\u escapes (40033). What is empty is left out; create_time, which the
    specification's own sample lacks, is always there. Source: wechat-logistics-push.md, 5.3.
    """
    return _dumps(
        {
            "sender": _contact(sender),
            "receiver": _contact(receiver),
            "waybill_id": no,
            "path": {
                "action_time": action_time,
                "action_type": action_type,
                "action_msg": document.action_msg,
                **_set_only(
                    pickup_courier_name=document.pickup_courier_name,
                    pickup_courier_phone=document.pickup_courier_phone,
                    delivery_courier_name=document.delivery_courier_name,
                    delivery_courier_phone=document.delivery_courier_phone,
                ),
            },
            "create_time": create_time,
        }
    )


def stable_token_body(appid: str, secret: str) -> str:
    """Return the body that asks for the shared token, never for a forced new one."""
    return _dumps(
        {"grant_type": "client_credential", "appid": appid, "secret": secret, "force_refresh": False},
    )


def read_reply(raw: Raw) -> Reply:
    """Return what a call's answer says; never raises, whatever came.

    HTTP 5xx, -1, and whatever is not a JSON object with an errcode, count as no answer. Source: facts.md, the table.
    """
    seen = raw.body[:_SHOWN].decode("utf-8", "replace") if raw.body else ""
    retry_after = _seconds(raw.retry_after, raw.date) if raw.retry_after else None
    if raw.status is None:
        return Reply(Reading.LOST if raw.was_sent else Reading.NOT_SENT, errmsg=raw.note, seen=seen)
    answer = _json_object(raw.body) if raw.status < 500 else None
    errcode = _number(answer.get("errcode")) if answer else None
    if answer is None or errcode is None:
        note = raw.note or f"HTTP {raw.status}, not an answer of WeChat's"
        return Reply(Reading.LOST, errmsg=note, retry_after=retry_after, seen=seen)
    reading = Reading.LOST if errcode == SYSTEM_BUSY else Reading.ANSWERED
    errmsg = _told(answer.get("errmsg"))
    return Reply(reading, errcode, errmsg, _exist(answer.get("exist")), retry_after, seen)


@dataclass(frozen=True, slots=True)
class TokenReply:
    """The answer of `stable_token`: a token, or what was said instead."""

    token: str = field(default="", repr=False)
    expires_in: int = 0
    failure: Reply | None = None


def read_token_reply(raw: Raw) -> TokenReply:
    """Return the token of an answer; without one, why. `seen` is empty: an answer may hold a token."""
    answer = _json_object(raw.body) if raw.status is not None and raw.status < 500 else None
    if answer:
        token, expires_in = answer.get("access_token"), _number(answer.get("expires_in"))
        if isinstance(token, str) and 0 < len(token) <= 512 and expires_in and expires_in > 0:
            return TokenReply(token, min(expires_in, 7200))
    reply = read_reply(raw)
    return TokenReply(failure=Reply(reply.reading, reply.errcode, reply.errmsg, retry_after=reply.retry_after))


def _dumps(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _set_only(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _contact(contact: Contact) -> dict[str, str]:
    return _set_only(
        name=contact.name,
        phone=contact.phone,
        province=contact.province,
        city=contact.city,
        area=contact.area,
        street=contact.street,
        address=contact.address,
        id=contact.id,
    )


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _number(value: object) -> int | None:
    """Return a number that may arrive as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def _exist(value: object) -> int | None:
    number = int(value) if isinstance(value, bool) else _number(value)
    return number if number in {0, 1} else None


def _told(errmsg: object) -> str:
    """Return WeChat's words, fit for a column and a log: in one line, without what may be a phone or a token.

    The answer itself is kept sealed, as it came.

    >>> _told("invalid ip 1.2.3.4, 13800138000 rid: 65f0-1"), _told("a\\x00\\nb")
    ('invalid ip 1.2.3.4, *** rid: 65f0-1', 'a b')
    """
    text = errmsg if isinstance(errmsg, str) else ""
    return _SECRET.sub("***", _CONTROL.sub(" ", text[:_SHOWN]))[:512]


def _seconds(text: str, date: str) -> int | None:
    """Return how many seconds a Retry-After asks for, by a number or by a date; None where it says neither.

    Source: RFC 9110, 10.2.3. The caller has the longest wait.

    >>> _seconds("7", ""), _seconds("9" * 5000, ""), _seconds("-7", ""), _seconds("soon", "")
    (7, 1000000, None, None)
    >>> _seconds("Tue, 24 Nov 2026 10:00:30 GMT", "Tue, 24 Nov 2026 10:00:00 GMT")
    30
    """
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= _DIGITS else 10**_DIGITS
    until = _http_date(text)
    if until is None:
        return None
    # By the far side's clock where it tells it: its date is of that clock, which may differ from this one.
    return max(int((until - (_http_date(date) or datetime.now(UTC))).total_seconds()), 0)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
