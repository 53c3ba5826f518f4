"""The published examples of WeChat's message push page, byte for byte (message-push.md, read 2026-11)."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from wechat.crypto import BadCiphertext, decrypt, encrypt
from wechat.signature import is_signed, sign

KEY = bytes(32)
APPID = "wxba5fad812f8e6fb9"
ENCRYPTED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8X"
    "GT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIj"
    "df8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
MESSAGE = (
    b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,'
    b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
REPLY_ENCRYPTED = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


@pytest.mark.parametrize(
    ("parts", "signature"),
    [
        (("AAAAA", "1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        (("AAAAA", "1714037059", "486452656"), "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        (("AAAAA", "1714112445", "415670741", ENCRYPTED), "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
        (("AAAAA", "1713424427", "415670741", REPLY_ENCRYPTED), "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"),
    ],
)
def test_signatures_are_the_published_ones(parts: tuple[str, ...], signature: str) -> None:
    assert sign(*parts) == signature
    assert is_signed(signature, *parts)
    assert is_signed(signature, *reversed(parts))


@pytest.mark.parametrize("signature", ["", "f464", "é" * 40, "\ud800", "F464B24FC39322E44B38AA78F5EDD27BD1441696"])
def test_any_other_signature_is_refused(signature: str) -> None:
    assert not is_signed(signature, "AAAAA", "1714036504", "1514711492")


def test_the_published_message_opens() -> None:
    assert decrypt(ENCRYPTED, KEY) == (MESSAGE, APPID)


def test_the_published_messages_are_made_byte_for_byte() -> None:
    assert encrypt(MESSAGE, APPID, KEY, b"a8eedb185eb2fecf") == ENCRYPTED
    assert encrypt(b'{"demo_resp":"good luck"}', APPID, KEY, b"707722b803182950") == REPLY_ENCRYPTED


@given(message=st.binary(max_size=400), appid=st.text(max_size=40), key=st.binary(min_size=32, max_size=32))
def test_what_is_encrypted_opens_again(message: bytes, appid: str, key: bytes) -> None:
    assert decrypt(encrypt(message, appid, key, b"r" * 16), key) == (message, appid)


@pytest.mark.parametrize(
    "ciphertext",
    ["", "=", "AAAA", "not base64!", "é", "QUFB" * 8, "A" * 44, ENCRYPTED[:-4], ENCRYPTED + "AAAA", f" {ENCRYPTED}"],
)
def test_what_wechat_could_not_have_produced_is_refused(ciphertext: str) -> None:
    with pytest.raises(BadCiphertext):
        decrypt(ciphertext, KEY)


def test_another_key_does_not_give_the_message() -> None:
    try:
        opened = decrypt(ENCRYPTED, b"\x01" * 32)
    except BadCiphertext:
        return

    assert opened != (MESSAGE, APPID)


def sealed(plain: bytes) -> str:
    """Return the cipher text of whole blocks, whatever is in them."""
    encryptor = Cipher(AES(KEY), CBC(KEY[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


@pytest.mark.parametrize("pad", [0, 33, 255])
def test_padding_of_more_than_a_block_is_refused(pad: int) -> None:
    plain = b"r" * 16 + bytes(4) + b"x" * 43 + bytes([pad])

    with pytest.raises(BadCiphertext, match="padding"):
        decrypt(sealed(plain), KEY)


@pytest.mark.parametrize("length", [25, 0xFFFFFFFF])
def test_a_length_beyond_the_end_is_refused(length: int) -> None:
    plain = b"r" * 16 + length.to_bytes(4, "big") + b"x" * 24 + bytes([20]) * 20

    with pytest.raises(BadCiphertext, match="length"):
        decrypt(sealed(plain), KEY)


def test_an_appid_that_is_no_text_is_refused() -> None:
    plain = b"r" * 16 + bytes(4) + b"\xff" * 12 + bytes([32]) * 32

    with pytest.raises(BadCiphertext, match="appid"):
        decrypt(sealed(plain), KEY)
