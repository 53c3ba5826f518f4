"""The body of a callback, never read further than its limit."""

from collections.abc import Mapping
from typing import Any

from wechat.exceptions import BadParameters, BodyTooLarge

LARGEST = 64 * 1024


def read_body(environ: Mapping[str, Any]) -> bytes:
    """Return a request's body of at most 64 KiB, by Content-Length or chunked.

    Django's own stream reads nothing of a chunked body, and all of any other. Raise BodyTooLarge as soon as the limit
    is passed, without reading on; a body that ends early is what came of it, and its signature is wrong.
    """
    most = _most_to_read(environ)
    chunks: list[bytes] = []
    while most and (chunk := environ["wsgi.input"].read(most)):
        chunks.append(chunk)
        most -= len(chunk)
    body = b"".join(chunks)
    if len(body) > LARGEST:
        raise BodyTooLarge
    return body


def _most_to_read(environ: Mapping[str, Any]) -> int:
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return LARGEST + 1
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise BadParameters("Content-Length")
    if len(length) > 9 or int(length) > LARGEST:
        raise BodyTooLarge
    return int(length)
