"""Requests as WeChat writes them, and its reading of the reply: pure values, both formats, all modes.

Source: message-push.md, "Receiving an event" and "Replying"; wechat-logistics-push.md, 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from django.utils.translation import gettext as _

from wechat.conf import WechatSettings
from wechat.crypto import BadCiphertext, decrypt, encrypt
from wechat.exceptions import CallbackRejected
from wechat.flat_xml import escape
from wechat.messages import WAYBILL_QUERY, Format, Message, ResultCode, parse
from wechat.signature import is_signed, sign

Fields = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a request this one. timestamp: Unix seconds."""

    timestamp: int
    nonce: str

    def parts(self, wechat: WechatSettings) -> tuple[str, str, str]:
        """Return what `signature` covers."""
        return wechat.token, str(self.timestamp), self.nonce

    def query(self, wechat: WechatSettings) -> dict[str, str]:
        """Return the signed parameters of every request."""
        signature = sign(*self.parts(wechat))
        return {"signature": signature, "timestamp": str(self.timestamp), "nonce": self.nonce}


@dataclass(frozen=True, slots=True)
class Letter:
    """A request that brings a message."""

    query: Mapping[str, str]
    body: bytes


class BadReply(Exception):
    """A reply that WeChat would not take; the text says why."""


def back_query(no: str, phone: str, stamp: Stamp, wechat: WechatSettings) -> Fields:
    """Return the message by which WeChat asks for a waybill."""
    return {
        "ToUserName": wechat.username,
        "FromUserName": "o" + stamp.nonce,
        "CreateTime": stamp.timestamp,
        "MsgType": "event",
        "Event": WAYBILL_QUERY,
        "WaybillId": no,
        "SenderPhone": phone,
        "ReceiverPhone": phone,
    }


def write_letter(fields: Fields, form: Format, stamp: Stamp, wechat: WechatSettings, random: bytes) -> Letter:
    """Return the request that brings a message in the configured mode. random: 16 fresh random bytes."""
    message = _render(fields, form)
    query = stamp.query(wechat)
    if wechat.message_mode == "plain":
        return Letter(query, message)
    ciphertext = encrypt(message, wechat.appid, wechat.aes_keys[0], random)
    signature = sign(*stamp.parts(wechat), ciphertext)
    head = fields if wechat.message_mode == "compat" else {"ToUserName": wechat.username}
    return Letter(
        query | {"openid": "o" + stamp.nonce, "encrypt_type": "aes", "msg_signature": signature},
        _render({**head, "Encrypt": ciphertext}, form),
    )


def _render(fields: Fields, form: Format) -> bytes:
    if form is Format.JSON:
        return orjson.dumps(fields)
    return f"<xml>{''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in fields.items())}</xml>".encode()


def require_no_such_waybill(body: bytes, asked: Fields, form: Format, stamp: Stamp, wechat: WechatSettings) -> None:
    """Raise BadReply unless a body is the reply to this back-query, and says that there is no such waybill."""
    reply = _open_reply(body, form, stamp, wechat)
    if reply.text("ResultCode") != str(ResultCode.NO_SUCH_WAYBILL.value):
        raise BadReply(_("it has no ResultCode %(code)d") % {"code": ResultCode.NO_SUCH_WAYBILL})
    if reply.text("ToUserName") != asked["FromUserName"] or reply.text("FromUserName") != wechat.username:
        raise BadReply(_("its ToUserName or FromUserName is another's"))


def _open_reply(body: bytes, form: Format, stamp: Stamp, wechat: WechatSettings) -> Message:
    envelope = _parse(body, form)
    if wechat.message_mode == "plain":
        return envelope
    ciphertext = envelope.text("Encrypt")
    if not ciphertext and wechat.message_mode == "compat":
        # WeChat takes either there.
        return envelope
    if not ciphertext:
        raise BadReply(_("it is not encrypted"))
    parts = (wechat.token, envelope.text("TimeStamp"), envelope.text("Nonce"), ciphertext)
    if parts[2] != stamp.nonce or not is_signed(envelope.text("MsgSignature"), *parts):
        raise BadReply(_("its MsgSignature is wrong"))
    return _parse(_decrypt(ciphertext, wechat), form)


def _parse(body: bytes, form: Format) -> Message:
    try:
        message = parse(body)
    except CallbackRejected:
        raise BadReply(_("it is neither XML nor JSON")) from None
    if message.format is not form:
        raise BadReply(_("it is in another format than the query"))
    return message


def _decrypt(ciphertext: str, wechat: WechatSettings) -> bytes:
    try:
        message, appid = decrypt(ciphertext, wechat.aes_keys[0])
    except BadCiphertext:
        raise BadReply(_("the first of WECHAT_AES_KEYS does not open it")) from None
    if appid != wechat.appid:
        raise BadReply(_("it is of another appid"))
    return message
