"""The back-query on the wire: what WeChat posts in each mode and format, and how it reads the reply. Pure.

Written against the specification, not against `wechat.messages`. Source: message-push.md, "Receiving an event" and
"Replying"; wechat-logistics-push.md, section 4.2.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

import orjson
import xmltodict

from wechat.crypto import BadCiphertext, decrypt, encrypt
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.validation import PathNotify
from wechat.signature import is_signed, sign

WECHAT_OPENID = "oHt_80DRclK4qjKfdYnPg6RxxsNI"
"""FromUserName of every back-query: a constant (specification, the example of section 4.2)."""
_CONTENT_TYPES = {"xml": "text/xml", "json": "application/json"}


class ReplyUnreadable(Exception):
    """A reply that is none in this mode and format; the text says why."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One back-query, ready to be sent; a repetition sends the same again."""

    params: Mapping[str, str]
    body: bytes
    content_type: str

    @property
    def nonce(self) -> str:
        """Return the nonce, which an encrypted reply repeats."""
        return self.params["nonce"]


def back_query(config: SandboxConfig, push: PathNotify, now: int) -> Posted:
    """Return the `waybill_notify_query` that a push causes."""
    fields = {
        "ToUserName": config.username,
        "FromUserName": WECHAT_OPENID,
        "MsgType": "event",
        "Event": "waybill_notify_query",
        "CreateTime": now,
        "WaybillId": push.waybill_id,
        "SenderPhone": push.sender_phone,
        "ReceiverPhone": push.receiver_phone,
    }
    timestamp, nonce = str(now), str(secrets.randbelow(9 * 10**8) + 10**8)
    params = {
        "signature": sign(config.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": WECHAT_OPENID,
    }
    if config.mode == "plain":
        return Posted(params, render(fields, config.format), _CONTENT_TYPES[config.format])
    sealed = encrypt(render(fields, config.format), config.appid, config.aes_key, secrets.token_hex(8).encode())
    params |= {"encrypt_type": "aes", "msg_signature": sign(config.token, timestamp, nonce, sealed)}
    outside = fields if config.mode == "compat" else {"ToUserName": config.username}
    body = render({**outside, "Encrypt": sealed}, config.format)
    return Posted(params, body, _CONTENT_TYPES[config.format])


def render(fields: Mapping[str, Any], data_format: str) -> bytes:
    """Return a message in one of the console's two data formats."""
    if data_format == "xml":
        return xmltodict.unparse({"xml": fields}, full_document=False).encode()
    return orjson.dumps(fields)


def read_reply(config: SandboxConfig, posted: Posted, body: bytes) -> dict[str, Any]:
    """Return the fields of a reply, verified and decrypted as the mode asks.

    In safe mode only an encrypted one counts, in compat mode both do, in plain mode only a plain one.
    """
    if body.strip() in {b"", b"success"}:
        raise ReplyUnreadable("an empty answer or success: no reply to this event")
    fields = parse(body, config.format)
    if config.mode == "plain" or (config.mode == "compat" and "Encrypt" not in fields):
        return fields
    return parse(_opened(config, posted, fields), config.format)


def parse(body: bytes, data_format: str) -> dict[str, Any]:
    """Return the fields of a message; of XML all are text, None (empty), or lists and objects of these."""
    fields = _parse_xml(body) if data_format == "xml" else _parse_json(body)
    if not isinstance(fields, dict):
        raise ReplyUnreadable(f"not a message in {data_format.upper()}")
    return fields


def _parse_xml(body: bytes) -> object:
    try:
        # As it stands: a text must come back exactly as it was pushed, blanks at its ends included.
        return xmltodict.parse(body, strip_whitespace=False, disable_entities=True).get("xml")
    except (ExpatError, ValueError, RecursionError) as error:
        raise ReplyUnreadable(f"not XML: {type(error).__name__}") from error


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReplyUnreadable("not JSON") from error


def _opened(config: SandboxConfig, posted: Posted, envelope: Mapping[str, Any]) -> bytes:
    sealed, signature = envelope.get("Encrypt"), envelope.get("MsgSignature")
    timestamp, nonce = envelope.get("TimeStamp"), envelope.get("Nonce")
    if not isinstance(sealed, str) or not isinstance(signature, str):
        raise ReplyUnreadable("not encrypted, which this mode asks for")
    if str(nonce) != posted.nonce:
        raise ReplyUnreadable("the reply's Nonce is not the query's")
    if not is_signed(signature, config.token, str(timestamp), str(nonce), sealed):
        raise ReplyUnreadable("the reply's MsgSignature is wrong")
    try:
        message, appid = decrypt(sealed, config.aes_key)
    except BadCiphertext as error:
        raise ReplyUnreadable(f"the reply cannot be decrypted: {error}") from error
    if appid != config.appid:
        raise ReplyUnreadable("the reply is encrypted for another appid")
    return message
