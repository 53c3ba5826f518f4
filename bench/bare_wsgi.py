"""The bare peer: a WSGI callable, psycopg, one SELECT and one INSERT, XML by hand; the same crypto, no framework.

It answers what is right and refuses what is not signed, and leaves out everything else that the portal does: limits,
modes, formats, tolerance, faults, counters.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from bench.world import AES_KEY, APPID, INDEX_KEY, PII_KEY, TOKEN, USERNAME

KEY = base64.b64decode(AES_KEY + "=")
GCM = AESGCM(PII_KEY)
KEY_ID = hashlib.sha256(b"key id" + PII_KEY).digest()[:4]
FIELD = re.compile(r"<(\w+)>([^<]*)</\1>")
ENCRYPT = re.compile(rb"<Encrypt><!\[CDATA\[(.*?)\]\]>")
SELECT = """
    SELECT w.create_time, w.receiver_phone_index, p.action_time, p.action_type, p.digest, p.sealed
      FROM waybills_waybill w LEFT JOIN waybills_path p ON p.waybill_id = w.id AND p.voided_at IS NULL
     WHERE w.no = %s AND w.posted_at IS NOT NULL ORDER BY p.action_time DESC, p.id DESC
"""
SELECT_PAGE = """
    SELECT w.create_time, w.sealed, w.sender_province, w.sender_city, w.receiver_province, w.receiver_city,
           p.action_time, p.action_type, p.digest, p.sealed
      FROM waybills_waybill w LEFT JOIN waybills_path p ON p.waybill_id = w.id AND p.voided_at IS NULL
     WHERE w.no = %s AND w.posted_at IS NOT NULL ORDER BY p.action_time DESC, p.id DESC
"""
SELECT_CELLS = "SELECT key, name, link FROM waybills_cell ORDER BY position"
INSERT = """
    INSERT INTO wechat_callback (id, received_at, duration_us, source, event, waybill_no, outcome, result_code,
                                 sender_differs, sealed)
    VALUES (%s, now(), %s, %s, 'waybill_notify_query', %s, 'answered', 0, false, %s)
"""
local = threading.local()


def connection() -> psycopg.Connection:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return local.connection


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def unseal(place: bytes, natural_key: bytes, blob: bytes) -> list:
    return json.loads(GCM.decrypt(blob[4:16], blob[16:], place + b"\0" + natural_key))


def decrypt(ciphertext: str) -> str:
    decryptor = Cipher(AES(KEY), CBC(KEY[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(ciphertext)) + decryptor.finalize()
    return plain[20 : 20 + int.from_bytes(plain[16:20], "big")].decode()


def encrypt(message: bytes) -> str:
    plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + APPID.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(AES(KEY), CBC(KEY[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def path_xml(action_time: int, action_type: int, digest: bytes, sealed: bytes) -> str:
    _, text, *couriers = unseal(b"path.sealed", digest, sealed)
    names = ("PickupCourierName", "PickupCourierPhone", "DeliveryCourierName", "DeliveryCourierPhone")
    fields = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in zip(names, couriers, strict=True) if v)
    return (
        f"<Path><ActionTime>{action_time}</ActionTime><ActionType>{action_type}</ActionType>"
        f"<ActionMsg>{escape(text)}</ActionMsg>{fields}</Path>"
    )


def callback(environ, start_response):
    began = time.perf_counter()
    query = parse_qs(environ["QUERY_STRING"])
    timestamp, nonce = query["timestamp"][0], query["nonce"][0]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    ciphertext = ENCRYPT.search(body)[1].decode()
    if not hmac.compare_digest(query["msg_signature"][0], signature(TOKEN, timestamp, nonce, ciphertext)):
        start_response("403 Forbidden", [])
        return [b""]
    message = decrypt(ciphertext)
    fields = dict(FIELD.findall(message.removeprefix("<xml>")))
    rows = connection().execute(SELECT, (fields["WaybillId"],)).fetchall()
    index = hmac.digest(INDEX_KEY, b"phone\0" + fields["ReceiverPhone"].encode(), "sha256")
    if not rows or not hmac.compare_digest(index, rows[0][1]):
        start_response("500 Not in this bench", [])
        return [b""]
    reply = (
        f"<xml><ToUserName>{fields['FromUserName']}</ToUserName><FromUserName>{USERNAME}</FromUserName>"
        f"<CreateTime>{fields['CreateTime']}</CreateTime><MsgType>event</MsgType><Event>waybill_notify_query</Event>"
        f"<ResultCode>0</ResultCode><ResultMsg>OK</ResultMsg><WaybillCreateTime>{rows[0][0]}</WaybillCreateTime>"
        f"{''.join(path_xml(*row[2:]) for row in rows)}</xml>"
    )
    sealed = encrypt(reply.encode())
    now = str(int(time.time()))
    row_id = os.urandom(16)
    nonce_of_seal = os.urandom(12)
    document = json.dumps([1, message, reply], ensure_ascii=False).encode()
    blob = KEY_ID + nonce_of_seal + GCM.encrypt(nonce_of_seal, document, b"callback.sealed\0" + row_id)
    duration = round((time.perf_counter() - began) * 1e6)
    connection().execute(INSERT, (UUID(bytes=row_id), duration, environ["REMOTE_ADDR"], fields["WaybillId"], blob))
    answer = (
        f"<xml><Encrypt>{sealed}</Encrypt><MsgSignature>{signature(TOKEN, now, nonce, sealed)}</MsgSignature>"
        f"<TimeStamp>{now}</TimeStamp><Nonce>{escape(nonce)}</Nonce></xml>"
    ).encode()
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(answer)))])
    return [answer]


def masked(text: str, phones: list[str]) -> str:
    for phone in phones:
        text = text.replace(phone, phone[:3] + "****" + phone[-4:])
    return text


def page(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    number, function = query["waybill_id"][0], query["callback"][0]
    rows = connection().execute(SELECT_PAGE, (number,)).fetchall()
    cells = connection().execute(SELECT_CELLS).fetchall()
    _, sender, receiver = unseal(b"waybill.sealed", number.encode(), rows[0][1])
    phones = [sender[1], receiver[1]]
    names = ("PickupCourierName", "PickupCourierPhone", "DeliveryCourierName", "DeliveryCourierPhone")
    paths = []
    for *_, action_time, action_type, digest, sealed in rows:
        _, text, *couriers = unseal(b"path.sealed", digest, sealed)
        node = {"ActionTime": action_time, "ActionType": action_type, "ActionMsg": masked(text, phones)}
        paths.append(node | {n: v for n, v in zip(names, couriers, strict=True) if v})
    document = {
        "ResultCode": 0,
        "ResultMsg": "OK",
        "WaybillId": number,
        "WaybillCreateTime": rows[0][0],
        "Sender": {"Name": sender[0][:1] + "*", "Province": rows[0][2], "City": rows[0][3]},
        "Receiver": {"Name": receiver[0][:1] + "*", "Province": rows[0][4], "City": rows[0][5]},
        "Path": paths,
        "Cell": [{"Key": k, "Name": n, "Link": link.replace("{waybill_id}", number)} for k, n, link in cells],
    }
    answer = f"/**/{function}({json.dumps(document, ensure_ascii=False)});".encode()
    start_response("200 OK", [("Content-Type", "text/javascript; charset=utf-8"), ("Content-Length", str(len(answer)))])
    return [answer]


def application(environ, start_response):
    return (callback if environ["PATH_INFO"] == "/wechat/callback/" else page)(environ, start_response)
