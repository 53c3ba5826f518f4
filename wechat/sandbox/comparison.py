"""Whether the carrier's answer to a back-query agrees with what it pushed. Pure.

Source: wechat-logistics-push.md, section 4.2; facts.md, "The two calls" for what each code stands for.
"""

import re
from collections.abc import Mapping
from typing import Any

from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.errors import BACK_QUERY_DIFFERS, BACK_QUERY_FAILED, BACK_QUERY_REFUSED, ApiError
from wechat.sandbox.validation import Node, PathNotify
from wechat.sandbox.wire import WECHAT_OPENID

_DIGITS = re.compile(r"-?[0-9]{1,19}")


def agreed_trail(config: SandboxConfig, push: PathNotify, reply: Mapping[str, Any]) -> list[Node]:
    """Return the reply's trail where the reply agrees with the push.

    Raise ApiError 932001 for a reply that is nonsense, 932002 for one that refuses, 932003 for one that differs.
    """
    _check_address(config, reply)
    if _number(config, reply, "ResultCode") != 0:
        raise ApiError(BACK_QUERY_REFUSED, f"ResultCode {reply['ResultCode']}: {reply.get('ResultMsg')}")
    trail = [_node(config, item) for item in _path(config, reply)]
    if _number(config, reply, "WaybillCreateTime") != push.create_time:
        raise ApiError(BACK_QUERY_DIFFERS, "WaybillCreateTime is not the pushed create_time")
    if push.node not in trail:
        raise ApiError(BACK_QUERY_DIFFERS, "Path lacks the pushed node (its time, type and text)")
    return trail


def _check_address(config: SandboxConfig, reply: Mapping[str, Any]) -> None:
    # Swapped against the query, as the specification's table has it (facts.md, "The back-query").
    expected = {
        "ToUserName": WECHAT_OPENID,
        "FromUserName": config.username,
        "MsgType": "event",
    }
    for name, value in expected.items():
        if reply.get(name) != value:
            raise _nonsense(f"{name} is not {value}")
    if str(reply.get("Event", "")).lower() != "waybill_notify_query":
        raise _nonsense("Event is not waybill_notify_query")
    if "ResultMsg" not in reply:
        raise _nonsense("ResultMsg is missing")
    _number(config, reply, "CreateTime")


def _number(config: SandboxConfig, fields: Mapping[str, Any], name: str) -> int:
    """Return a number: digits in XML, a number and nothing else in JSON."""
    value = fields.get(name)
    if config.format == "xml" and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if config.format == "json" and type(value) is int:
        return value
    raise _nonsense(f"{name} is not a number")


def _path(config: SandboxConfig, reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of Path: in XML elements that repeat, in JSON always a list."""
    path = reply.get("Path")
    if config.format == "xml":
        path = [] if path is None else path if isinstance(path, list) else [path]
    if not isinstance(path, list) or not all(isinstance(item, dict) for item in path):
        raise _nonsense("Path is not a list of nodes")
    return path


def _node(config: SandboxConfig, item: Mapping[str, Any]) -> Node:
    text = item.get("ActionMsg", "") or ""
    if not isinstance(text, str):
        raise _nonsense("ActionMsg is not a text")
    return Node(_number(config, item, "ActionTime"), _number(config, item, "ActionType"), text)


def _nonsense(note: str) -> ApiError:
    return ApiError(BACK_QUERY_FAILED, note)
