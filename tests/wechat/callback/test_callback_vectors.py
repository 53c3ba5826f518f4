"""The published examples through the whole portal (message-push.md, read 2026-11)."""

from typing import Any

import pytest

from tests.wechat.callback.conftest import REFUSED, Portal
from tests.wechat.callback.test_signature_and_crypto import ENCRYPTED, MESSAGE, REPLY_ENCRYPTED
from wechat.envelope import Received, close_envelope
from wechat.messages import Format, parse
from wechat.query import CallbackQuery, require_fresh


@pytest.fixture
def at_the_time_of_the_examples(change: Any) -> None:
    from datetime import timedelta

    change("WECHAT", callback_tolerance=timedelta(0))


VERIFICATION = {
    "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
    "timestamp": "1714036504",
    "nonce": "1514711492",
    "echostr": "4375120948345356249",
}
SAFE_QUERY = {
    "signature": "wrong on purpose: it is not used in safe mode",
    "timestamp": "1714112445",
    "nonce": "415670741",
    "openid": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "encrypt_type": "aes",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
SAFE_BODY = f'{{"ToUserName":"gh_97417a04a28d","Encrypt":"{ENCRYPTED}"}}'.encode()
PLAIN_QUERY = {
    "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
    "timestamp": "1714037059",
    "nonce": "486452656",
}
PLAIN_BODY = (
    b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714037059,'
    b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)


@pytest.mark.usefixtures("at_the_time_of_the_examples")
def test_the_address_is_verified_with_the_echostr_alone(portal: Portal) -> None:
    answer = portal.get(VERIFICATION)

    assert (answer.status, answer.body) == (200, b"4375120948345356249")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_verification_from_long_ago_is_refused(portal: Portal) -> None:
    assert portal.get(VERIFICATION).refusal == REFUSED


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_time_of_the_examples")
def test_the_safe_example_is_answered(portal: Portal) -> None:
    answer = portal.post(SAFE_QUERY, SAFE_BODY)

    assert (answer.status, answer.body) == (200, b"success")


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_time_of_the_examples")
def test_the_plain_example_is_answered(portal: Portal, change: Any) -> None:
    change("WECHAT", message_mode="plain")

    answer = portal.post(PLAIN_QUERY, PLAIN_BODY)

    assert (answer.status, answer.body) == (200, b"success")


def test_the_examples_are_fresh_at_their_own_time(settings: Any) -> None:
    query = CallbackQuery("1714112445", "415670741")

    require_fresh(query, settings.WECHAT.callback_tolerance, 1714112445 + 300)
    require_fresh(query, settings.WECHAT.callback_tolerance, 1714112445 - 300)


def test_the_published_reply_is_made_byte_for_byte(settings: Any) -> None:
    received = Received(MESSAGE, parse(MESSAGE), bytes(32))
    query = CallbackQuery("1714112445", "415670741")

    body = close_envelope(
        b'{"demo_resp":"good luck"}', received, query, settings.WECHAT, 1713424427, b"707722b803182950"
    )

    assert (
        body
        == (
            f'{{"Encrypt":"{REPLY_ENCRYPTED}","MsgSignature":"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",'
            '"TimeStamp":1713424427,"Nonce":"415670741"}'
        ).encode()
    )
    assert received.message.format is Format.JSON


@pytest.mark.usefixtures("at_the_time_of_the_examples")
def test_one_changed_byte_of_the_body_is_refused(portal: Portal) -> None:
    for place in range(SAFE_BODY.index(b',"Encrypt"'), len(SAFE_BODY)):
        tampered = bytearray(SAFE_BODY)
        tampered[place] ^= 0x01

        assert portal.post(SAFE_QUERY, bytes(tampered)).refusal == REFUSED


@pytest.mark.usefixtures("at_the_time_of_the_examples")
@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature"])
def test_one_changed_character_of_the_query_is_refused(portal: Portal, name: str) -> None:
    text = SAFE_QUERY[name]
    for place in range(len(text)):
        tampered = text[:place] + chr(ord(text[place]) ^ 0x01) + text[place + 1 :]

        assert portal.post(SAFE_QUERY | {name: tampered}, SAFE_BODY).refusal == REFUSED
