"""WeChat's signature of a callback: SHA-1 over the sorted parts. Pure strings.

Source: message-push.md, "URL verification" and "Receiving an event".
"""

import hashlib
import hmac


def sign(*parts: str) -> str:
    """Return the signature of the parts (token, timestamp, nonce, and Encrypt where there is one), in hex.

    >>> sign("AAAAA", "1714036504", "1514711492")
    'f464b24fc39322e44b38aa78f5edd27bd1441696'
    """
    return hashlib.sha1("".join(sorted(parts)).encode(errors="replace")).hexdigest()  # noqa: S324 - WeChat's choice


def is_signed(signature: str, *parts: str) -> bool:
    """Return whether the signature is that of the parts, in a time that does not tell how much of it is right.

    >>> is_signed("f464b24fc39322e44b38aa78f5edd27bd1441696", "AAAAA", "1714036504", "1514711492")
    True
    """
    # As bytes: compare_digest raises on text that is not ASCII.
    return hmac.compare_digest(signature.encode(errors="replace"), sign(*parts).encode())
