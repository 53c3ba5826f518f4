"""The sealed document of a callback."""

from dataclasses import dataclass
from uuid import UUID

from waybills.sealing import seal, unseal

_PLACE = "callback.sealed"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class CallbackDocument:
    """What WeChat said and what it was answered, both as text and decrypted."""

    message: str
    answer: str


def seal_callback(callback_id: UUID, document: CallbackDocument) -> bytes:
    """Return the sealed document of a callback."""
    return seal(_PLACE, callback_id.bytes, (_VERSION, document.message, document.answer))


def unseal_callback(callback_id: UUID, blob: bytes) -> CallbackDocument:
    """Return the document of a callback; raise SealBroken where it does not open."""
    _, message, answer = unseal(_PLACE, callback_id.bytes, blob)
    return CallbackDocument(message, answer)
