"""What each event of WeChat is answered: a dict from its name to a function."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from waybills.sealing import blind_index
from waybills.trail import Trail, read_trail
from wechat.envelope import Received
from wechat.messages import WAYBILL_QUERY, BackQuery, Reply, ResultCode
from wechat.models import CallbackOutcome
from wechat.relay import Original, pass_on


@dataclass(frozen=True, slots=True)
class Answer:
    """What a callback is answered, and what the audit says of it."""

    content: bytes
    outcome: CallbackOutcome
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    is_reply: bool = False
    """A reply goes back in the mode of its message; `success` and a relay's answer as they are."""
    waybill_no: str = ""
    result_code: ResultCode | None = None
    sender_differs: bool = False


def answer_back_query(received: Received, original: Original) -> Answer:
    """Return the whole trail of the waybill that WeChat asks for, or why there is none.

    Every copy of a repeated query is answered in full: FromUserName is a constant here, and WeChat's general advice
    to drop what has the same FromUserName and CreateTime would drop other waybills' queries (facts.md).
    """
    query = BackQuery.of(received.message)
    trail = None if query.is_malformed else read_trail(query.waybill_no)
    result = _judge(query, trail)
    content = _reply(query, result, trail).render(received.message.format)
    return Answer(
        content,
        CallbackOutcome.ANSWERED,
        received.message.format.content_type,
        is_reply=True,
        waybill_no=query.waybill_no,
        result_code=result,
        sender_differs=trail is not None and _sender_differs(query, trail),
    )


def _judge(query: BackQuery, trail: Trail | None) -> ResultCode:
    if query.is_malformed:
        return ResultCode.MALFORMED
    if trail is None:
        return ResultCode.NO_SUCH_WAYBILL
    if not hmac.compare_digest(blind_index(query.receiver_phone), trail.receiver_phone_index):
        return ResultCode.RECEIVER_DIFFERS
    return ResultCode.FOUND


def _reply(query: BackQuery, result: ResultCode, trail: Trail | None) -> Reply:
    # The table of the specification swaps the two names, its sample does not; the table holds (facts.md).
    reply_to, reply_from = query.from_user, settings.WECHAT.username
    if trail is None or result is not ResultCode.FOUND:
        return Reply(reply_to, reply_from, query.create_time, result)
    return Reply(reply_to, reply_from, query.create_time, result, trail.create_time, trail.nodes())


def _sender_differs(query: BackQuery, trail: Trail) -> bool:
    """Return whether the query names a sender's phone that is not the waybill's. It is recorded, never refused."""
    if not query.sender_phone:
        return False
    return not hmac.compare_digest(blind_index(query.sender_phone), trail.sender_phone_index or b"")


def answer_other(received: Received, original: Original) -> Answer:
    """Return the relay's answer; `success`, which ends WeChat's retries, without a relay or an answer in time."""
    relayed = pass_on(original, settings.WECHAT.relay_url) if settings.WECHAT.relay_url else None
    if relayed is None:
        return Answer(b"success", CallbackOutcome.ACKNOWLEDGED)
    return Answer(relayed.content, CallbackOutcome.RELAYED, relayed.content_type, relayed.status)


CALLBACKS: Mapping[str, Callable[[Received, Original], Answer]] = {WAYBILL_QUERY: answer_back_query}


def answer(received: Received, original: Original) -> Answer:
    """Return the answer to any verified message."""
    return CALLBACKS.get(received.message.event, answer_other)(received, original)
