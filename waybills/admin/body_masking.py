"""Stored bodies (what was sent to WeChat, what it sent) as the desk shows them until somebody reveals them.

What may be read is listed; everything else is hidden, so that a field nobody thought of does not leak. Numbers are
masked in what is listed too, and in the fields' names: what is stored came from outside.
"""

from typing import Any
from xml.parsers.expat import ExpatError

import orjson
import xmltodict

from waybills.admin.masking import mask_errmsg, mask_numbers, mask_phone
from waybills.masking import mask_name

HIDDEN = "***"
_DEEPEST = 32
"""WeChat's and our own bodies nest three deep; a body may be made to exhaust the stack."""

_PLAIN = frozenset(
    {
        "tousername", "fromusername", "createtime", "create_time", "msgtype", "event", "waybillid", "waybill_id",
        "resultcode", "resultmsg", "waybillcreatetime", "actiontime", "action_time", "actiontype", "action_type",
        "errcode", "errmsg", "exist", "province", "city",
    }
)  # fmt: skip
_MOMENTS = frozenset({"createtime", "create_time", "waybillcreatetime", "actiontime", "action_time"})
_LONGEST_MOMENT = 10
"""Digits of Unix seconds, and one fewer than a mobile has."""


def mask_body(text: str, own: str = "") -> str:
    """Return a JSON or XML body as indented JSON with all but the technical fields masked.

    own: the number of the waybill that the body speaks of; it stays readable.

    >>> print(mask_body('{"phone":"13800138000","errcode":0}'))
    {
      "phone": "138****8000",
      "errcode": 0
    }
    >>> mask_body("neither"), mask_body("")
    ('***', '')
    """
    if not text:
        return ""
    try:
        document = xmltodict.parse(text) if text.lstrip().startswith("<") else orjson.loads(text)
    except (ExpatError, ValueError):
        return HIDDEN
    return orjson.dumps(_mask("", document, own, _DEEPEST), option=orjson.OPT_INDENT_2).decode()


def _mask(key: str, value: Any, own: str, levels: int) -> Any:
    if isinstance(value, dict | list) and not levels:
        return HIDDEN
    if isinstance(value, dict):
        return {mask_numbers(inner, own): _mask(inner, item, own, levels - 1) for inner, item in value.items()}
    if isinstance(value, list):
        return [_mask(key, item, own, levels - 1) for item in value]
    return _mask_leaf(key.lower(), value, own)


def _mask_leaf(key: str, value: Any, own: str) -> Any:
    if value is None or value == "":
        return value
    if key in _PLAIN:
        return _mask_plain(key, value, own)
    if key.endswith("phone"):
        return mask_phone(str(value))
    if key.endswith("name"):
        return mask_name(str(value))
    return HIDDEN


def _mask_plain(key: str, value: Any, own: str) -> Any:
    text = str(value)
    if key in _MOMENTS and text.isdecimal() and len(text) <= _LONGEST_MOMENT:
        return value
    masked = mask_errmsg(text) if key == "errmsg" else mask_numbers(text, own)
    return value if masked == text else masked
