"""No body of 64 KiB keeps a thread busy: the worst that can be written costs less than 20 ms."""

import sys
import time
from collections.abc import Callable

import pytest

from tests.wechat.callback.conftest import Portal, Wechat
from wechat.body import LARGEST
from wechat.exceptions import CallbackRejected
from wechat.messages import BackQuery, parse

SECONDS = 0.02


def filled(head: bytes, piece: bytes, tail: bytes = b"", closing: bytes = b"") -> bytes:
    """Return a body of the greatest size: head, as many pieces as fit (each closed), tail."""
    count = (LARGEST - len(head) - len(tail)) // (len(piece) + len(closing))
    return head + piece * count + closing * count + tail


def numbered(head: bytes, template: str, tail: bytes) -> bytes:
    pieces, size, number = [], len(head) + len(tail), 0
    while size + len(piece := (template % number).encode()) <= LARGEST:
        pieces.append(piece)
        size, number = size + len(piece), number + 1
    return head + b"".join(pieces) + tail


QUERY = b"<Event>waybill_notify_query</Event><WaybillId>1</WaybillId>"
JSON_QUERY = b'{"Event":"waybill_notify_query","WaybillId":"1","ReceiverPhone":"1",'
BODIES = {
    "deep xml": filled(b"<xml>", b"<a>", b"</xml>", b"</a>"),
    "deep xml, open": filled(b"<xml>", b"<a>"),
    "many elements": filled(b"<xml>" + QUERY, b"<a/>", b"</xml>"),
    "many names": numbered(b"<xml>", "<a%x/>", b"</xml>"),
    "many attributes": numbered(b"<xml><a ", 'a%x="" ', b"/></xml>"),
    "many attributes in elements": filled(b"<xml>", b"<a b=''/>", b"</xml>"),
    "one long name": b"<xml><" + b"a" * (LARGEST - 20) + b"/></xml>",
    "one long attribute": filled(b"<xml><a b='", b"&lt;", b"'/></xml>"),
    "character references": filled(b"<xml><WaybillId>", b"&#49;", b"</WaybillId></xml>"),
    "lines": filled(b"<xml><WaybillId>", b"\r\n", b"</WaybillId></xml>"),
    "sections": filled(b"<xml><a>", b"<![CDATA[]]>", b"</a></xml>"),
    "comments": filled(b"<xml>", b"<!---->", b"</xml>"),
    "instructions": filled(b"<xml>", b"<?a?>", b"</xml>"),
    "namespaces": numbered(b"<xml ", "xmlns:a%x='b' ", b"/>"),
    "brackets": filled(b"<xml><a>", b"]]", b"</a></xml>"),
    "a document type": filled(b"<!DOCTYPE xml [", b"<!ENTITY a 'b'>", b"]><xml/>"),
    "billion laughs": b"<!DOCTYPE xml [<!ENTITY a 'ha'>"
    + b"".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>".encode() for n in range(1, 10))
    + b"]><xml><Event>&a9;</Event></xml>",
    "deep json": filled(b'{"a":', b"[", b"}", b"]"),
    "deep json, open": filled(b"", b'{"a":'),
    "deep json, mixed": filled(b"", b'[{"":', b"1", b"}]"),
    "many items": filled(JSON_QUERY + b'"a":[0', b",0", b"]}"),
    "many lists": filled(JSON_QUERY + b'"a":[0', b",[]", b"]}"),
    "many objects": filled(JSON_QUERY + b'"a":[0', b",{}", b"]}"),
    "many objects of one": filled(JSON_QUERY + b'"a":[0', b',{"":0}', b"]}"),
    "many names in json": numbered(b'{"a":0', ',"%x":0', b"}"),
    "one name in json": filled(b'{"a":0', b',"a":0', b"}"),
    "a huge number": JSON_QUERY + b'"CreateTime":' + b"9" * 60_000 + b"}",
    "a huge exponent": JSON_QUERY + b'"CreateTime":1e' + b"9" * 60_000 + b"}",
    "a huge fraction": JSON_QUERY + b'"CreateTime":0.' + b"9" * 60_000 + b"}",
    "a huge number of a waybill": filled(b'{"Event":"waybill_notify_query","WaybillId":', b"9", b"}"),
    "escapes": filled(JSON_QUERY + b'"a":"', b"\\u0041", b'"}'),
    "backslashes": filled(JSON_QUERY + b'"a":"', b"\\\\", b'"}'),
    "marks to sort in a phone": filled(JSON_QUERY + b'"SenderPhone":"', "\u0301\u0316".encode(), b'"}'),
    "marks to sort in a number": filled(
        b'{"Event":"waybill_notify_query","ReceiverPhone":"1","WaybillId":"', "\u0301\u0316".encode(), b'"}'
    ),
    "long compatibility forms": filled(JSON_QUERY + b'"SenderPhone":"', "\ufdfa".encode(), b'"}'),
    "spaces": b"{" + b" " * (LARGEST - 2) + b"}",
    "spaces around": b" " * (LARGEST - 2) + b"{}",
    "control characters in a number": filled(b'{"Event":"waybill_notify_query","WaybillId":"', b"\\u0000a", b'"}'),
}


def shortest(run: Callable[[], object]) -> float:
    """Return the shortest of five runs in seconds of this thread's own time, without what measures coverage."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return min(_seconds(run) for _ in range(5))
    finally:
        sys.settrace(tracer)


def _seconds(run: Callable[[], object]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began


def read(body: bytes) -> object:
    try:
        message = parse(body)
    except CallbackRejected as rejection:
        return rejection
    return message.event, BackQuery.of(message)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_worst_body_is_read_in_time(body: bytes) -> None:
    assert len(body) <= LARGEST

    assert shortest(lambda: read(body)) < SECONDS


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["deep json, mixed", "many elements", "many objects", "marks to sort in a number"])
def test_the_worst_body_is_answered_in_time(portal: Portal, change: Callable[..., None], name: str) -> None:
    change("WECHAT", message_mode="plain")
    request = Wechat("plain").sign(BODIES[name])

    assert portal.post(*request).status == 200
    assert shortest(lambda: portal.post(*request)) < SECONDS
