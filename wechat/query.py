"""The query string of a callback: its parameters, each once, and how fresh they are.

Source: message-push.md, "URL verification" and "Receiving an event".
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from wechat.exceptions import BadParameters, StaleTimestamp

_MOST_PARAMETERS = 32
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class CallbackQuery:
    """What a callback's signature is made of. A signature that was not sent is the empty text."""

    timestamp: str
    nonce: str
    signature: str = ""
    """Of token, timestamp and nonce: it says nothing of the body."""
    msg_signature: str = ""
    """Of token, timestamp, nonce and Encrypt."""
    echostr: str = ""


def read_query(query_string: str) -> CallbackQuery:
    """Return the parameters of a query string.

    >>> read_query("signature=f4&timestamp=1714036504&nonce=15").nonce
    '15'

    Raise BadParameters where one is repeated, or timestamp or nonce is missing or of another shape than WeChat's.
    """
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise BadParameters("too many") from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise BadParameters("repeated")
    timestamp, nonce = values.get("timestamp", ""), values.get("nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise BadParameters("timestamp or nonce")
    return CallbackQuery(
        timestamp, nonce, values.get("signature", ""), values.get("msg_signature", ""), values.get("echostr", "")
    )


def require_fresh(query: CallbackQuery, tolerance: timedelta, now: float) -> None:
    """Raise StaleTimestamp where the query's timestamp is further from now than the tolerance; zero allows all."""
    if tolerance and abs(now - int(query.timestamp)) > tolerance.total_seconds():
        raise StaleTimestamp
