"""The encryption of WeChat's callbacks. Pure bytes and strings.

AES-256-CBC, the initial vector being the key's first 16 bytes, over

    random (16 bytes) | length of the message (4 bytes, network order) | message | appid

padded by PKCS#7 to blocks of 32 bytes (not AES's 16). Source: message-push.md, "Receiving an event".
"""

import base64
import binascii

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK = 32
_RANDOM = 16
_HEAD = _RANDOM + 4


class BadCiphertext(ValueError):
    """A text that WeChat could not have produced under this key."""


def encrypt(message: bytes, appid: str, key: bytes, random: bytes) -> str:
    """Return the Encrypt field that carries a message, as base64 text.

    key: 32 bytes. random: 16 fresh random bytes.

    >>> encrypt(b'{"demo_resp":"good luck"}', "wxba5fad812f8e6fb9", bytes(32), b"707722b803182950")[:24]
    'ELGduP2YcVatjqIS+eZbp80M'
    """
    plain = random + len(message).to_bytes(4, "big") + message + appid.encode()
    missing = _BLOCK - len(plain) % _BLOCK
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()).decode()


def decrypt(ciphertext: str, key: bytes) -> tuple[bytes, str]:
    """Return (message, appid) from the Encrypt field of one callback.

    ciphertext: base64 text. key: 32 bytes. message: UTF-8 XML or JSON.
    Raise BadCiphertext for anything that WeChat could not have produced.
    """
    blob = _decode(ciphertext)
    decryptor = _cipher(key).decryptor()
    plain = _without_padding(decryptor.update(blob) + decryptor.finalize())
    end = _HEAD + int.from_bytes(plain[_RANDOM:_HEAD], "big")
    if len(plain) < _HEAD or end > len(plain):
        raise BadCiphertext("the length is not the message's")
    try:
        return plain[_HEAD:end], plain[end:].decode()
    except UnicodeDecodeError:
        raise BadCiphertext("the appid is not text") from None


def _cipher(key: bytes) -> "Cipher[CBC]":
    return Cipher(AES(key), CBC(key[:16]))


def _decode(ciphertext: str) -> bytes:
    try:
        blob = base64.b64decode(ciphertext, validate=True)
    except (binascii.Error, ValueError):
        raise BadCiphertext("not base64") from None
    if not blob or len(blob) % _BLOCK:
        raise BadCiphertext("not whole blocks")
    return blob


def _without_padding(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != padded[-1:] * count:
        raise BadCiphertext("wrong padding")
    return padded[:-count]
