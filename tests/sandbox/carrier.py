"""A carrier's callback, written for these tests alone: its own crypto, its own XML, good and bad answers."""

import asyncio
import base64
import hashlib
import json
import os
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

APPID, USERNAME, TOKEN, KEY = "wx1234567890abcdef", "gh_ea48699fb159", "AAAAA", bytes(range(32))
OPENID = "oHt_80DRclK4qjKfdYnPg6RxxsNI"


def sha1_of(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def seal(message: bytes, appid: str = APPID, key: bytes = KEY) -> str:
    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + appid.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad] * pad)) + encryptor.finalize()).decode()


def unseal(text: str, key: bytes = KEY) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
    (length,) = struct.unpack(">I", plain[16:20])
    assert plain[20 + length : -plain[-1]] == APPID.encode()
    return plain[20 : 20 + length]


def to_xml(fields: dict[str, Any]) -> bytes:
    root = ElementTree.Element("xml")
    _fill(root, fields)
    return ElementTree.tostring(root, encoding="utf-8")


def _fill(parent: ElementTree.Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            child = ElementTree.SubElement(parent, name)
            if isinstance(item, dict):
                _fill(child, item)
            else:
                child.text = str(item)


def from_xml(body: bytes) -> dict[str, Any]:
    root = ElementTree.fromstring(body)
    assert root.tag == "xml"
    return {child.tag: child.text or "" for child in root}


@dataclass
class Carrier:
    """Answers each back-query with what was pushed last, unless it is told otherwise."""

    mode: str = "safe"
    format: str = "xml"
    url: str = ""
    create_time: int = 1_600_000_000
    nodes: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the reply that differ; None leaves one out."""
    envelope_changes: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    statuses: deque[int] = field(default_factory=deque)
    delay: float = 0.0
    seals: bool = True
    appid: str = APPID
    key: bytes = KEY
    queries: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def render(self, fields: dict[str, Any]) -> bytes:
        return to_xml(fields) if self.format == "xml" else json.dumps(fields, ensure_ascii=False).encode()

    def parse(self, body: bytes) -> dict[str, Any]:
        return from_xml(body) if self.format == "xml" else json.loads(body)

    async def handle(self, request: web.Request) -> web.Response:
        raw, query = await request.read(), dict(request.query)
        self.seen.append((query, raw))
        received = self._verified(query, raw)
        self.queries.append(received)
        if self.delay:
            await asyncio.sleep(self.delay)
        status = self.statuses.popleft() if self.statuses else 200
        if self.raw is not None:
            return web.Response(body=self.raw, status=status)
        return web.Response(body=self._reply(received, query), status=status)

    def _verified(self, query: dict[str, str], raw: bytes) -> dict[str, Any]:
        outside = self.parse(raw)
        if self.mode == "plain":
            assert query["signature"] == sha1_of(TOKEN, query["timestamp"], query["nonce"])
            assert "msg_signature" not in query
            return outside
        sealed = outside["Encrypt"]
        assert query["encrypt_type"] == "aes"
        assert query["msg_signature"] == sha1_of(TOKEN, query["timestamp"], query["nonce"], sealed)
        inside = self.parse(unseal(sealed))
        expected_outside = {"ToUserName", "Encrypt"} if self.mode == "safe" else {*inside, "Encrypt"}
        assert set(outside) == expected_outside
        return inside

    def _reply(self, received: dict[str, Any], query: dict[str, str]) -> bytes:
        fields = {
            "ToUserName": received["FromUserName"],
            "FromUserName": USERNAME,
            "CreateTime": int(received["CreateTime"]),
            "MsgType": "event",
            "Event": "waybill_notify_query",
            "ResultCode": 0,
            "ResultMsg": "OK",
            "WaybillCreateTime": self.create_time,
            "Path": self.nodes,
        }
        changed = {name: value for name, value in (fields | self.changes).items() if value is not None}
        body = self.render(changed)
        if self.mode == "plain" or not self.seals:
            return body
        sealed, timestamp, nonce = seal(body, self.appid, self.key), query["timestamp"], query["nonce"]
        envelope: dict[str, Any] = {
            "Encrypt": sealed,
            "MsgSignature": sha1_of(TOKEN, timestamp, nonce, sealed),
            "TimeStamp": int(timestamp),
            "Nonce": nonce,
        }
        return self.render(envelope | self.envelope_changes)
