"""The codes that the gateway answers, in WeChat's own numbers and words.

Written down apart from the sandbox's, so that one mistake cannot hide in both. Source: wechat-logistics-push.md,
section 6, and WeChat's page on global return codes (全局返回码).
"""

import secrets
import time
from enum import IntEnum
from typing import Any

from wechat.exceptions import WechatError


class Errcode(IntEnum):
    """What a call of the gateway can be refused with."""

    SYSTEM_BUSY = -1
    INVALID_CREDENTIAL = 40001
    INVALID_GRANT_TYPE = 40002
    INVALID_APPID = 40013
    INVALID_URL = 40066
    INVALID_ARGUMENTS = 40097
    INVALID_SECRET = 40125
    ACCESS_TOKEN_MISSING = 41001
    APPID_MISSING = 41002
    SECRET_MISSING = 41004
    ACCESS_TOKEN_EXPIRED = 42001
    GET_REQUIRED = 43001
    POST_REQUIRED = 43002
    BODY_EMPTY = 44002
    BODY_TOO_LARGE = 45002
    TOO_MANY_A_MINUTE = 45011
    NOT_JSON = 47001
    UNAUTHORIZED = 48001


_TEXTS = {
    Errcode.SYSTEM_BUSY: "system error",
    Errcode.INVALID_CREDENTIAL: "invalid credential, access_token is invalid or not latest",
    Errcode.INVALID_GRANT_TYPE: "invalid grant_type",
    Errcode.INVALID_APPID: "invalid appid",
    Errcode.INVALID_URL: "invalid url",
    Errcode.INVALID_ARGUMENTS: "invalid args",
    Errcode.INVALID_SECRET: "invalid appsecret",
    Errcode.ACCESS_TOKEN_MISSING: "access_token missing",
    Errcode.APPID_MISSING: "appid missing",
    Errcode.SECRET_MISSING: "appsecret missing",
    Errcode.ACCESS_TOKEN_EXPIRED: "access_token expired",
    Errcode.GET_REQUIRED: "require GET method",
    Errcode.POST_REQUIRED: "require POST method",
    Errcode.BODY_EMPTY: "empty post data",
    Errcode.BODY_TOO_LARGE: "content size out of limit",
    Errcode.TOO_MANY_A_MINUTE: "api minute-quota reach limit, must slower, retry next minute",
    Errcode.NOT_JSON: "data format error",
    Errcode.UNAUTHORIZED: "api unauthorized",
}


class GatewayRefused(WechatError):
    """A call that is answered with a code. detail: of which field or why, without any value of the caller's."""

    def __init__(self, errcode: Errcode, detail: str = "") -> None:
        super().__init__(errcode, detail)
        self.errcode, self.detail = errcode, detail


def new_rid() -> str:
    """Return a number such as WeChat's, by which the log finds a refused call."""
    return f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def refusal_answer(refusal: GatewayRefused, rid: str) -> dict[str, Any]:
    """Return the answer to a refused call.

    >>> refusal_answer(GatewayRefused(Errcode.INVALID_ARGUMENTS, "receiver.phone"), "65-1-2")
    {'errcode': 40097, 'errmsg': 'invalid args: receiver.phone rid: 65-1-2'}
    """
    detail = f": {refusal.detail}" if refusal.detail else ""
    return {"errcode": int(refusal.errcode), "errmsg": f"{_TEXTS[refusal.errcode]}{detail} rid: {rid}"}
