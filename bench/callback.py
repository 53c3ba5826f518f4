"""The callback's bench: back-queries in safe mode, XML, each of another waybill."""

import base64
import random
import time
from collections.abc import Iterable
from urllib.parse import urlencode

from bench.world import AES_KEY, APPID, TEAM, TOKEN, USERNAME, WAYBILLS, receiver_phone, sender_phone, waybill_no
from wechat.crypto import encrypt
from wechat.signature import sign


def prepare_random(count: int, seed: int) -> list[bytes]:
    """Return so many requests, each of another waybill."""
    rng = random.Random(seed)
    return prepare([rng.randrange(WAYBILLS) for _ in range(count)], seed)


def prepare(numbers: Iterable[int], seed: int) -> list[bytes]:
    """Return HTTP requests of back-queries in safe mode, XML, one for each of these waybills."""
    key = base64.b64decode(AES_KEY + "=")
    rng = random.Random(seed)
    timestamp = str(int(time.time()))
    requests = []
    for number in numbers:
        nonce = str(rng.randrange(10**9))
        message = (
            f"<xml><ToUserName>{USERNAME}</ToUserName><FromUserName>{TEAM}</FromUserName><MsgType>event</MsgType>"
            f"<Event>waybill_notify_query</Event><CreateTime>{timestamp}</CreateTime>"
            f"<WaybillId>{waybill_no(number)}</WaybillId><SenderPhone>{sender_phone(number)}</SenderPhone>"
            f"<ReceiverPhone>{receiver_phone(number)}</ReceiverPhone></xml>"
        )
        ciphertext = encrypt(message.encode(), APPID, key, rng.randbytes(16))
        query = urlencode(
            {
                "signature": sign(TOKEN, timestamp, nonce),
                "timestamp": timestamp,
                "nonce": nonce,
                "openid": TEAM,
                "encrypt_type": "aes",
                "msg_signature": sign(TOKEN, timestamp, nonce, ciphertext),
            }
        )
        body = (
            f"<xml><ToUserName><![CDATA[{USERNAME}]]></ToUserName><Encrypt><![CDATA[{ciphertext}]]></Encrypt></xml>"
        ).encode()
        head = (
            f"POST /wechat/callback/?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
            f"User-Agent: Mozilla/4.0\r\nAccept: */*\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests
