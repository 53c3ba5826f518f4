"""WeChat's side of a test: a carrier's mini program, signed requests, and the portal's own WSGI application."""

import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem, ingest
from wechat import audit
from wechat.crypto import decrypt, encrypt
from wechat.messages import Message, parse
from wechat.signature import sign

TOKEN = "AAAAA"
APPID = "wxba5fad812f8e6fb9"
USERNAME = "gh_97417a04a28d"
KEY = bytes(32)
OLD_KEY = b"\x01" * 32
TEAM = "oHt_80DRclK4qjKfdYnPg6RxxsNI"
RECEIVER, SENDER = "13763357711", "13800138001"
REFUSED = (403, b"refused")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def refusal(self) -> tuple[int, bytes]:
        return self.status, self.body


class CountingInput(io.BytesIO):
    """A body that tells how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@dataclass
class Portal:
    """Calls the WSGI application as a server does."""

    application: Callable[..., Any]
    last_input: CountingInput = field(default_factory=CountingInput)

    def request(
        self, method: str, path: str, query: str = "", body: bytes = b"", chunked: bool = False, **environ: Any
    ) -> Answer:
        started: dict[str, Any] = {}
        self.last_input = CountingInput(body)
        length = {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {"CONTENT_LENGTH": str(len(body))}
        answer = self.application(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "SCRIPT_NAME": "",
                "QUERY_STRING": query,
                "REMOTE_ADDR": "127.0.0.1",
                "SERVER_NAME": "testserver",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "wsgi.input": self.last_input,
                "wsgi.url_scheme": "http",
                **length,
                **environ,
            },
            lambda status, headers: started.update(status=int(status.split()[0]), headers=dict(headers)),
        )
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return Answer(started["status"], started["headers"], content)

    def get(self, query: dict[str, str]) -> Answer:
        return self.request("GET", "/wechat/callback/", urlencode(query))

    def post(self, query: dict[str, str] | str, body: bytes, **more: Any) -> Answer:
        text = query if isinstance(query, str) else urlencode(query)
        return self.request("POST", "/wechat/callback/", text, body, **more)


@pytest.fixture
def portal() -> Iterator[Portal]:
    """The application; as under Django's test client, a request leaves the test's own transaction open."""
    from portal.wsgi import application

    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield Portal(application)
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture(autouse=True)
def mini_program(change: Any) -> Iterator[None]:
    change(
        "WECHAT",
        appid=APPID,
        username=USERNAME,
        token=TOKEN,
        aes_keys=(KEY, OLD_KEY),
        message_mode="safe",
        callback_tolerance=timedelta(seconds=300),
        relay_url="",
    )
    # What a test elsewhere had counted in this process.
    forget_audit()
    yield
    forget_audit()


def forget_audit() -> None:
    audit.queue.waiting.clear()
    audit.refusals.take()


@dataclass
class Wechat:
    """Writes requests and reads answers as WeChat does, in one mode and format."""

    mode: str = "safe"
    data_format: str = "xml"
    key: bytes = KEY
    appid: str = APPID
    token: str = TOKEN
    nonce: str = "415670741"
    timestamp: str = field(default_factory=lambda: str(int(time.time())))

    def sign(self, message: bytes) -> tuple[dict[str, str], bytes]:
        """Return (query, body) of a request that carries a message."""
        query = {
            "signature": sign(self.token, self.timestamp, self.nonce),
            "timestamp": self.timestamp,
            "nonce": self.nonce,
        }
        if self.mode == "plain":
            return query, message
        ciphertext = encrypt(message, self.appid, self.key, os.urandom(16))
        msg_signature = sign(self.token, self.timestamp, self.nonce, ciphertext)
        query |= {"openid": "o9AgO5Kd5", "encrypt_type": "aes", "msg_signature": msg_signature}
        return query, self._envelope(message, ciphertext)

    def _envelope(self, message: bytes, ciphertext: str) -> bytes:
        plain = message if self.mode == "compat" else b""
        if self.data_format == "json":
            fields = orjson.loads(plain or b"{}") | {"ToUserName": USERNAME, "Encrypt": ciphertext}
            return orjson.dumps(fields)
        inner = plain.removeprefix(b"<xml>").removesuffix(b"</xml>")
        head = b"" if inner else f"<ToUserName><![CDATA[{USERNAME}]]></ToUserName>".encode()
        return b"<xml>" + head + inner + f"<Encrypt><![CDATA[{ciphertext}]]></Encrypt></xml>".encode()

    def query_message(self, no: str = "SF1", receiver: str = RECEIVER, sender: str = SENDER, **more: Any) -> bytes:
        """Return a back-query."""
        fields = {
            "ToUserName": USERNAME,
            "FromUserName": TEAM,
            "CreateTime": 1600152165,
            "MsgType": "event",
            "Event": "waybill_notify_query",
            "WaybillId": no,
            "SenderPhone": sender,
            "ReceiverPhone": receiver,
        } | more
        if self.data_format == "json":
            return orjson.dumps(fields)
        return f"<xml>{''.join(f'<{name}>{value}</{name}>' for name, value in fields.items())}</xml>".encode()

    def read(self, answer: Answer) -> tuple[Message, bytes]:
        """Return the message of an answer, decrypted and with its signature checked, and its bytes."""
        if self.mode == "plain":
            return parse(answer.body), answer.body
        envelope = parse(answer.body)
        ciphertext = envelope.text("Encrypt")
        signed = sign(self.token, envelope.text("TimeStamp"), envelope.text("Nonce"), ciphertext)
        assert envelope.text("MsgSignature") == signed
        assert envelope.text("Nonce") == self.nonce
        raw, appid = decrypt(ciphertext, self.key)
        assert appid == self.appid
        return parse(raw), raw


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
def post_waybill(db: None) -> Callable[..., None]:
    """Return a function that stores a waybill with a trail, through the carrier's door."""

    def post(no: str = "SF1", paths: tuple[tuple[int, int, PathDocument], ...] = (), sender: str = SENDER) -> None:
        receiver = Contact(name="李四", phone=RECEIVER, province="福建省", city="泉州市")
        waybill = WaybillItem(no, 1600000000, Contact(name="张三", phone=sender), receiver)
        items = [PathItem(no, at, action_type, document) for at, action_type, document in paths]
        ingest([waybill], items, now=datetime.now(UTC))

    return post
