"""The error codes that the sandbox answers with, and their texts.

Source: wechat-logistics-push.md, section 6, and WeChat's page on global return codes.
"""

SYSTEM_BUSY = -1
INVALID_CREDENTIAL = 40001
INVALID_GRANT_TYPE = 40002
INVALID_APPID = 40013
INVALID_CHARACTERS = 40033
WRONG_PARAMETERS = 40097
WRONG_SECRET = 40125
TOKEN_MISSING = 41001
APPID_MISSING = 41002
SECRET_MISSING = 41004
TOKEN_EXPIRED = 42001
GET_REQUIRED = 43001
POST_REQUIRED = 43002
BODY_EMPTY = 44002
BODY_TOO_LARGE = 45002
DAY_QUOTA_USED_UP = 45009
NOT_JSON = 47001
BACK_QUERY_FAILED = 932001
BACK_QUERY_REFUSED = 932002
BACK_QUERY_DIFFERS = 932003

TEXTS = {
    SYSTEM_BUSY: "system error",
    INVALID_CREDENTIAL: "invalid credential, access_token is invalid or not latest",
    INVALID_GRANT_TYPE: "invalid grant_type",
    INVALID_APPID: "invalid appid",
    40014: "invalid access_token",
    INVALID_CHARACTERS: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    WRONG_PARAMETERS: "invalid args",
    WRONG_SECRET: "invalid appsecret",
    40164: "invalid ip 127.0.0.1, not in whitelist",
    40243: "appsecret is frozen",
    TOKEN_MISSING: "access_token missing",
    APPID_MISSING: "appid missing",
    SECRET_MISSING: "appsecret missing",
    TOKEN_EXPIRED: "access_token expired",
    GET_REQUIRED: "require GET method",
    POST_REQUIRED: "require POST method",
    BODY_EMPTY: "empty post data",
    BODY_TOO_LARGE: "content size out of limit",
    DAY_QUOTA_USED_UP: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    NOT_JSON: "data format error",
    48001: "api unauthorized",
    89503: "this ip needs to be confirmed by the administrator",
    150004: "delivery config not exist",
    BACK_QUERY_FAILED: "query waybill system error",
    BACK_QUERY_REFUSED: "query waybill logic error",
    BACK_QUERY_DIFFERS: "query waybill data error",
}


class ApiError(Exception):
    """A call that is answered with an error code. note: why, for the ledger; WeChat does not say it."""

    def __init__(self, errcode: int, note: str = "") -> None:
        super().__init__(errcode, note)
        self.errcode = errcode
        self.note = note


def text_of(errcode: int) -> str:
    """Return WeChat's text of a code.

    >>> text_of(41001)
    'access_token missing'
    """
    return TEXTS.get(errcode, "unknown error")
