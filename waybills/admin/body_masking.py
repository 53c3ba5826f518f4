"""Stored bodies (what was sent to WeChat, what it sent) as the desk shows them until somebody reveals them.

What may be read is listed; everything else is hidden, so that a field nobody thought of does not leak.
"""

from typing import Any
from xml.parsers.expat import ExpatError

import orjson
import xmltodict

from waybills.admin.masking import mask_phone
from waybills.masking import mask_name

HIDDEN = "***"

_PLAIN = frozenset(
    {
        "tousername", "fromusername", "createtime", "create_time", "msgtype", "event", "waybillid", "waybill_id",
        "resultcode", "resultmsg", "waybillcreatetime", "actiontime", "action_time", "actiontype", "action_type",
        "errcode", "errmsg", "exist", "province", "city",
    }
)  # fmt: skip


def mask_body(text: str) -> str:
    """Return a JSON or XML body as indented JSON with all but the technical fields masked.

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
    return orjson.dumps(_mask("", document), option=orjson.OPT_INDENT_2).decode()


def _mask(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _mask(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_mask(key, item) for item in value]
    return _mask_leaf(key.lower(), value)


def _mask_leaf(key: str, value: Any) -> Any:
    if value is None or value == "" or key in _PLAIN:
        return value
    if key.endswith("phone"):
        return mask_phone(str(value))
    if key.endswith("name"):
        return mask_name(str(value))
    return HIDDEN
