"""What arrives from WeChat and what leaves: the wire's spelling ends here.

Source: wechat-logistics-push.md, section 4.2, and facts.md, "The back-query": numbers come as texts, a list of one
comes as its item, unknown fields come, and an event's name comes in any case.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, cast

import orjson

from waybills.cleaning import Malformed, clean_text, normalise_phone
from waybills.trail import Node
from wechat.exceptions import BodyUnreadable
from wechat.flat_xml import escape, read_flat_xml

WAYBILL_QUERY = "waybill_notify_query"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_NUMBER = 64
"""No phone and no waybill number is longer; to normalise a text of 64 KiB could take a second."""
_DEEPEST = 8
_MOST_FIELDS = 64
_MOST_ATTRIBUTES = 16


class Format(StrEnum):
    """The console's data format: told by a body's first character, Content-Type says little."""

    XML = "xml"
    JSON = "json"

    @property
    def content_type(self) -> str:
        """Return the Content-Type of a reply."""
        return "text/xml; charset=utf-8" if self is Format.XML else "application/json; charset=utf-8"


class ResultCode(IntEnum):
    """What the reply to a back-query says. All but 0 are the carrier's own (design, section 6)."""

    FOUND = 0
    NO_SUCH_WAYBILL = 1001
    RECEIVER_DIFFERS = 1002
    MALFORMED = 1003

    @property
    def message(self) -> str:
        """Return the ResultMsg."""
        return _RESULT_MESSAGES[self]


_RESULT_MESSAGES = {
    ResultCode.FOUND: "OK",
    ResultCode.NO_SUCH_WAYBILL: "no such waybill",
    ResultCode.RECEIVER_DIFFERS: "the receiver's phone is not the waybill's",
    ResultCode.MALFORMED: "WaybillId or ReceiverPhone is missing, repeated or not a text",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in either format, as the texts of its fields."""

    format: Format
    fields: Mapping[str, Sequence[str | None]]
    """None stands for a value that is neither a text nor a number."""
    is_plain: bool
    """Whether it keeps within the structure that a back-query may have."""

    def text(self, name: str) -> str:
        """Return the one text of a field; empty where it is missing, repeated or no text."""
        values = self.fields.get(name, ())
        return (values[0] or "") if len(values) == 1 else ""

    @property
    def event(self) -> str:
        """Return the event's name in lower case; empty where the message is no event."""
        return self.text("Event").strip().lower()


def parse(body: bytes) -> Message:
    """Return the message of a body in UTF-8.

    >>> parse(b"<xml><Event>Debug_Demo</Event></xml>").event
    'debug_demo'
    >>> parse(b'{"Event": "debug_demo", "CreateTime": 1714037059}').text("CreateTime")
    '1714037059'

    Raise BodyUnreadable where it is neither XML nor JSON, DoctypeRefused where XML declares a document type.
    """
    stripped = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if stripped.startswith(b"<"):
        return _parse_xml(stripped)
    if stripped.startswith((b"{", b"[")):
        return _parse_json(stripped)
    raise BodyUnreadable("neither XML nor JSON")


def _parse_xml(body: bytes) -> Message:
    document = read_flat_xml(body)
    is_plain = (
        document.depth <= _DEEPEST
        and document.attributes <= _MOST_ATTRIBUTES
        and sum(map(len, document.fields.values())) <= _MOST_FIELDS
    )
    return Message(Format.XML, document.fields, is_plain)


class _Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object as it is written: a repeated name is seen, a dict would hide it."""

    __slots__ = ()


def _parse_json(body: bytes) -> Message:
    # The standard library's parser: it keeps all digits of a long number, and shows repeated names.
    try:
        document = json.loads(body.decode(), object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except RecursionError:
        # A thousand levels deep: no back-query, and as it came a relay can still read it.
        return Message(Format.JSON, {}, is_plain=False)
    except ValueError:
        raise BodyUnreadable("not JSON") from None
    pairs = document if isinstance(document, _Pairs) else _Pairs()
    fields: dict[str, list[str | None]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).extend(_texts(value))
    return Message(Format.JSON, fields, len(pairs) <= _MOST_FIELDS and _depth(document) <= _DEEPEST)


def _texts(value: object) -> Iterable[str | None]:
    # Two say all that is asked of a list: that it is none of one.
    items = value[:2] if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else None for item in items]


def _depth(document: object) -> int:
    """Return how deep lists and objects are nested; counts no further than what is refused."""
    level, depth = [document], 0
    while level and depth <= _DEEPEST:
        level = [child for item in level for child in _values(item) if isinstance(child, list | _Pairs)]
        depth += 1
    return depth


def _values(container: object) -> Iterable[object]:
    return [value for _, value in container] if isinstance(container, _Pairs) else cast("list[object]", container)


@dataclass(frozen=True, slots=True)
class BackQuery:
    """`waybill_notify_query`: what WeChat asks of a waybill before it shows the user anything."""

    from_user: str
    create_time: int
    """Unix seconds; 0 where it is no number."""
    waybill_no: str
    receiver_phone: str
    sender_phone: str
    is_malformed: bool

    @classmethod
    def of(cls, message: Message) -> "BackQuery":
        """Return the query that a message carries; `is_malformed` where it has no number or no phone to go by."""
        waybill_no = _number(message, "WaybillId", clean_text)
        receiver_phone = _number(message, "ReceiverPhone", normalise_phone)
        return cls(
            from_user=_encodable(message.text("FromUserName")),
            create_time=_seconds(message.text("CreateTime")),
            waybill_no=waybill_no,
            receiver_phone=receiver_phone,
            sender_phone=_number(message, "SenderPhone", normalise_phone),
            is_malformed=not (waybill_no and receiver_phone and message.is_plain),
        )


def _number(message: Message, name: str, clean: Any) -> str:
    """Return a cleaned waybill number or phone; empty where the field holds none."""
    text = message.text(name)
    if len(text) > _LONGEST_NUMBER:
        return _encodable(text)
    try:
        return str(clean(text))
    except Malformed:
        return ""


def _encodable(text: str) -> str:
    """Return text without lone surrogates, which neither UTF-8 nor a database can hold."""
    return text.encode(errors="replace").decode()


def _seconds(text: str) -> int:
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 19 else 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a back-query."""

    to_user: str
    from_user: str
    create_time: int
    result: ResultCode
    waybill_create_time: int = 0
    nodes: Sequence[Node] = ()
    """Newest first."""

    def render(self, data_format: Format) -> bytes:
        """Return the reply as WeChat reads it."""
        return self._xml().encode() if data_format is Format.XML else self._json()

    def _xml(self) -> str:
        # Repeated <Path> elements without a wrapper around them (specification, the example of section 4.2).
        return (
            f"<xml><ToUserName>{escape(self.to_user)}</ToUserName>"
            f"<FromUserName>{escape(self.from_user)}</FromUserName>"
            f"<CreateTime>{self.create_time}</CreateTime><MsgType>event</MsgType><Event>{WAYBILL_QUERY}</Event>"
            f"<ResultCode>{self.result.value}</ResultCode><ResultMsg>{escape(self.result.message)}</ResultMsg>"
            f"<WaybillCreateTime>{self.waybill_create_time}</WaybillCreateTime>"
            f"{''.join(map(_xml_node, self.nodes))}</xml>"
        )

    def _json(self) -> bytes:
        return orjson.dumps(
            {
                "ToUserName": self.to_user,
                "FromUserName": self.from_user,
                "CreateTime": self.create_time,
                "MsgType": "event",
                "Event": WAYBILL_QUERY,
                "ResultCode": self.result.value,
                "ResultMsg": self.result.message,
                "WaybillCreateTime": self.waybill_create_time,
                "Path": [path_fields(node) for node in self.nodes],
            }
        )


def _xml_node(node: Node) -> str:
    return (
        f"<Path><ActionTime>{node.action_time}</ActionTime><ActionType>{node.action_type}</ActionType>"
        f"<ActionMsg>{escape(node.document.action_msg)}</ActionMsg>"
        f"{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in _courier_fields(node))}</Path>"
    )


def path_fields(node: Node) -> dict[str, int | str]:
    """Return one item of Path as JSON has it."""
    return {
        "ActionTime": node.action_time,
        "ActionType": node.action_type,
        "ActionMsg": node.document.action_msg,
        **dict(_courier_fields(node)),
    }


def _courier_fields(node: Node) -> list[tuple[str, str]]:
    """Return the courier's fields that are set: WeChat wants them only then."""
    document = node.document
    fields = (
        ("PickupCourierName", document.pickup_courier_name),
        ("PickupCourierPhone", document.pickup_courier_phone),
        ("DeliveryCourierName", document.delivery_courier_name),
        ("DeliveryCourierPhone", document.delivery_courier_phone),
    )
    return [(name, text) for name, text in fields if text]
