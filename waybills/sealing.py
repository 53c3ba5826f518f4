"""Sealed documents and blind indexes: the only place where personal data meets its keys.

A sealed document is one JSON array a row, its version first. The blob is

    key id (4 bytes) | nonce (12 bytes) | AES-256-GCM cipher text and tag

and is bound to its place, `table.column` and the row's natural key, as additional authenticated data: a blob moved
to another row or column does not open. The first of `PII_KEYS` seals; all of them open.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_KEY_ID = 4
_NONCE = 12
_SHORTEST = _KEY_ID + _NONCE + 16


class SealBroken(Exception):
    """A sealed document does not open: the key is missing or wrong, or the blob was changed or moved."""


@lru_cache(maxsize=8)
def _ciphers(keys: tuple[bytes, ...]) -> tuple[tuple[bytes, AESGCM], ...]:
    """Return (key id, cipher) of each key, newest first."""
    return tuple((hashlib.sha256(b"key id" + key).digest()[:_KEY_ID], AESGCM(key)) for key in keys)


class Sealer:
    """Seals and names what one batch holds: keys are read and nonces drawn for many at once.

    For one thread.
    """

    __slots__ = ("_cipher", "_drawn", "_index_key", "_key_id", "_nonces")

    def __init__(self, documents: int = 1) -> None:
        """documents: how many will be sealed, about: as many nonces are drawn at a time."""
        self._key_id, self._cipher = _ciphers(settings.SEAL.keys)[0]
        self._index_key = settings.SEAL.index_key
        self._drawn = max(1, documents) * _NONCE
        self._nonces: list[bytes] = []

    def seal(self, place: str, natural_key: bytes, document: Sequence[Any]) -> bytes:
        """Return the sealed form of a document.

        place: `table.column`. natural_key: what names the row. document: JSON values, the version first.
        """
        if not self._nonces:
            drawn = os.urandom(self._drawn)
            self._nonces = [drawn[begin : begin + _NONCE] for begin in range(0, len(drawn), _NONCE)]
        nonce = self._nonces.pop()
        sealed = self._cipher.encrypt(nonce, orjson.dumps(document), place.encode() + b"\0" + natural_key)
        return self._key_id + nonce + sealed

    def blind_index(self, phone: str) -> bytes:
        """Return the 32 bytes under which a (cleaned) phone is found: HMAC-SHA-256 under a key of its own."""
        return hmac.digest(self._index_key, b"phone\0" + phone.encode(), "sha256")

    def content_digest(self, kind: str, fields: Sequence[Any]) -> bytes:
        """Return the 32 bytes that name some content. Keyed: phones could be guessed from a plain hash."""
        return hmac.digest(self._index_key, kind.encode() + b"\0" + orjson.dumps(fields), "sha256")


def seal(place: str, natural_key: bytes, document: Sequence[Any]) -> bytes:
    """Return the sealed form of one document, as `Sealer.seal`."""
    return Sealer().seal(place, natural_key, document)


def unseal(place: str, natural_key: bytes, blob: bytes) -> list[Any]:
    """Return the document of a sealed blob.

    Raise SealBroken where it does not open: cipher text is never shown, nor an empty document in its stead.
    """
    blob = bytes(blob)
    if len(blob) < _SHORTEST:
        raise SealBroken(f"{place}: too short for a sealed document")
    key_id = blob[:_KEY_ID]
    for known, cipher in _ciphers(settings.SEAL.keys):
        if known == key_id:
            return _open(cipher, place, natural_key, blob)
    raise SealBroken(f"{place}: no key of PII_KEYS has the id {key_id.hex()}")


def _open(cipher: AESGCM, place: str, natural_key: bytes, blob: bytes) -> list[Any]:
    nonce, ciphertext = blob[_KEY_ID : _KEY_ID + _NONCE], blob[_KEY_ID + _NONCE :]
    try:
        plain = cipher.decrypt(nonce, ciphertext, place.encode() + b"\0" + natural_key)
    except InvalidTag:
        raise SealBroken(f"{place}: changed, moved to another row, or sealed with another key") from None
    document: list[Any] = orjson.loads(plain)
    return document


def blind_index(phone: str) -> bytes:
    """Return the index of one phone, as `Sealer.blind_index`."""
    return Sealer().blind_index(phone)


def content_digest(kind: str, fields: Sequence[Any]) -> bytes:
    """Return the digest of one content, as `Sealer.content_digest`."""
    return Sealer().content_digest(kind, fields)
