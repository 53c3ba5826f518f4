"""What WeChat accepts in the bodies of its calls. Pure: bytes in, values out, `ApiError` for the rest.

Source: wechat-logistics-push.md, section 5.3, and facts.md, "The two calls".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wechat.sandbox.errors import BODY_EMPTY, INVALID_CHARACTERS, NOT_JSON, WRONG_PARAMETERS, ApiError

# The specification's table, section 4.1, written down a second time on purpose.
ACTION_TYPES = frozenset(
    {
        *(90001, 90002, 90003, 90010, 90011),
        *(100001, 100002, 200001),
        *(300002, 300003, 300004, 300005, 300006, 300007),
        *(400001, 400002, 400003, 400004, 400005, 500001),
    }
)
_MOBILE = re.compile(r"1[0-9]{10}")
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})")
_LATEST = 2**32
_CONTACT_TEXTS = ("province", "city", "area", "street", "address", "id")
_COURIER_TEXTS = ("pickup_courier_name", "pickup_courier_phone", "delivery_courier_name", "delivery_courier_phone")


@dataclass(frozen=True, slots=True)
class Node:
    """One event of a trail: what a back-query's answer must hold of the pushed one."""

    action_time: int
    action_type: int
    action_msg: str


@dataclass(frozen=True, slots=True)
class PathNotify:
    """A `pathnotify` as far as WeChat goes on to use it."""

    waybill_id: str
    create_time: int
    sender_phone: str
    receiver_phone: str
    node: Node


def is_mobile(text: str) -> bool:
    """Return whether a text is a mainland mobile number.

    >>> is_mobile("13800138000"), is_mobile("0571-8888")
    (True, False)
    """
    return _MOBILE.fullmatch(text) is not None


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    44002 for an empty body, 47001 for what is no object, 40033 for \\u escapes of non-ASCII characters.
    """
    if not raw:
        raise ApiError(BODY_EMPTY)
    if b"\\u" in raw and any(int(digits, 16) >= 0x80 for digits in _ESCAPE.findall(raw)):
        raise ApiError(INVALID_CHARACTERS, "\\u escapes in the body")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(NOT_JSON, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ApiError(NOT_JSON, "the body is not an object")
    return body


def read_userquery(raw: bytes) -> str:
    """Return the phone that is asked for."""
    return _mobile(read_object(raw), "phone")


def read_pathnotify(raw: bytes) -> PathNotify:
    """Return a push; 40097 where a required field is missing or any field has the wrong type."""
    body = read_object(raw)
    sender, receiver, path = (_object(body, name) for name in ("sender", "receiver", "path"))
    _text(receiver, "name", required=True)
    _text(sender, "name")
    _texts(sender, _CONTACT_TEXTS)
    _texts(receiver, _CONTACT_TEXTS)
    return PathNotify(
        waybill_id=_text(body, "waybill_id", required=True),
        create_time=_seconds(body, "create_time"),
        sender_phone=_text(sender, "phone"),
        receiver_phone=_mobile(receiver, "phone"),
        node=_node(path),
    )


def _node(path: Mapping[str, Any]) -> Node:
    action_type = path.get("action_type")
    if type(action_type) is not int or action_type not in ACTION_TYPES:
        raise ApiError(WRONG_PARAMETERS, "action_type is not in the table")
    _texts(path, _COURIER_TEXTS)
    return Node(_seconds(path, "action_time"), action_type, _text(path, "action_msg", required=True))


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise ApiError(WRONG_PARAMETERS, f"{name} is not an object")
    return value


def _text(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(WRONG_PARAMETERS, f"{name} is not a text")
    if required and not value:
        raise ApiError(WRONG_PARAMETERS, f"{name} is missing")
    return value


def _texts(body: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name in body:
            _text(body, name)


def _mobile(body: Mapping[str, Any], name: str) -> str:
    phone = _text(body, name, required=True)
    if not is_mobile(phone):
        raise ApiError(WRONG_PARAMETERS, f"{name} is not a phone")
    return phone


def _seconds(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or not 0 < value < _LATEST:
        raise ApiError(WRONG_PARAMETERS, f"{name} is not a time in Unix seconds")
    return value
