"""From a request's body to the message in it, and back: the one place where a callback's signature is checked.

WECHAT_MESSAGE_MODE decides what is accepted, never the request's own word: in plain mode `signature` does not cover
the body, so whoever has seen one address could send any plain body to a server that let the request choose.
"""

from dataclasses import dataclass

import orjson

from wechat.conf import WechatSettings
from wechat.crypto import BadCiphertext, decrypt, encrypt
from wechat.exceptions import (
    BadParameters,
    BadSignature,
    BodyUnreadable,
    CiphertextRefused,
    ModeRefused,
    WrongAppid,
)
from wechat.flat_xml import escape
from wechat.messages import Format, Message, parse
from wechat.query import CallbackQuery
from wechat.signature import is_signed, sign


@dataclass(frozen=True, slots=True)
class Received:
    """A verified message."""

    raw: bytes
    """As it was signed, or as it was decrypted."""
    message: Message
    key: bytes | None
    """The key that opened it, under which the reply goes back; None in plain mode."""


def verify_address(query: CallbackQuery, wechat: WechatSettings) -> str:
    """Return the echostr of a URL verification; raise CallbackRejected where it is not WeChat's."""
    if not query.signature or not query.echostr:
        raise BadParameters("signature or echostr")
    _require_signed(wechat, query.signature, query)
    return query.echostr


def open_envelope(query: CallbackQuery, body: bytes, wechat: WechatSettings) -> Received:
    """Return the verified message of an event; raise CallbackRejected where it is not provably WeChat's."""
    if wechat.message_mode == "plain":
        return _open_plain(query, body, wechat)
    return _open_encrypted(query, body, wechat)


def _open_plain(query: CallbackQuery, body: bytes, wechat: WechatSettings) -> Received:
    if not query.signature:
        raise BadParameters("signature")
    _require_signed(wechat, query.signature, query)
    message = parse(body)
    if "Encrypt" in message.fields:
        raise ModeRefused("encrypted, in plain mode")
    return Received(body, message, None)


def _open_encrypted(query: CallbackQuery, body: bytes, wechat: WechatSettings) -> Received:
    if not query.signature and not query.msg_signature:
        raise BadParameters("no signature")
    envelope = parse(body)
    if "Encrypt" not in envelope.fields:
        # Staff are told of a mismatch: only who knows the token may raise that.
        _require_signed(wechat, query.signature, query)
        raise ModeRefused(f"plain, in {wechat.message_mode} mode")
    ciphertext = envelope.text("Encrypt")
    if not ciphertext:
        raise BodyUnreadable("Encrypt is repeated, empty or no text")
    if not query.msg_signature:
        raise BadParameters("msg_signature")
    _require_signed(wechat, query.msg_signature, query, ciphertext)
    raw, key = _decrypt(ciphertext, wechat)
    return Received(raw, parse(raw), key)


def _require_signed(wechat: WechatSettings, signature: str, query: CallbackQuery, *more: str) -> None:
    # Without a token anyone could sign.
    if not wechat.token or not is_signed(signature, wechat.token, query.timestamp, query.nonce, *more):
        raise BadSignature


def _decrypt(ciphertext: str, wechat: WechatSettings) -> tuple[bytes, bytes]:
    """Return (message, key): after a change of keys WeChat may use the previous one for a while."""
    is_opened = False
    for key in wechat.aes_keys:
        try:
            message, appid = decrypt(ciphertext, key)
        except BadCiphertext:
            continue
        if appid == wechat.appid:
            return message, key
        is_opened = True
    raise WrongAppid if is_opened else CiphertextRefused


def close_envelope(
    reply: bytes, received: Received, query: CallbackQuery, wechat: WechatSettings, now: int, random: bytes
) -> bytes:
    """Return the body that carries a reply, in the format and mode of what was received.

    now: Unix seconds. random: 16 fresh random bytes. Source: message-push.md, "Replying".
    """
    if received.key is None:
        return reply
    ciphertext = encrypt(reply, wechat.appid, received.key, random)
    signature = sign(wechat.token, str(now), query.nonce, ciphertext)
    if received.message.format is Format.JSON:
        return orjson.dumps({"Encrypt": ciphertext, "MsgSignature": signature, "TimeStamp": now, "Nonce": query.nonce})
    return (
        f"<xml><Encrypt>{ciphertext}</Encrypt><MsgSignature>{signature}</MsgSignature>"
        f"<TimeStamp>{now}</TimeStamp><Nonce>{escape(query.nonce)}</Nonce></xml>"
    ).encode()
