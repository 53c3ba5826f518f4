"""Bodies: JSON in UTF-8, plain or gzip, with a limit before and after inflation.

Django's own limit does not reach a body that DRF streams, and nothing else sees what gzip inflates to.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import orjson
from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from waybills.api.errors import BodyRefused, BodyTooLarge, EncodingRefused

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes, of the body as it comes and of what it inflates to."""

_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BoundedJsonParser(BaseParser):
    """Reads one JSON value with orjson."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value of the body.

        Raise BodyTooLarge beyond LARGEST_BODY, EncodingRefused for an encoding other than gzip, and BodyRefused,
        with the reason, for anything that is not JSON.
        """
        request: Request = (parser_context or {})["request"]
        body = _read(stream)
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if encoding in {"gzip", "x-gzip"}:
            body = inflate(body)
        elif encoding not in {"identity", ""}:
            raise EncodingRefused(_("Content-Encoding: only gzip is understood."))
        return read_json(body)


class AlwaysJson(DefaultContentNegotiation):
    """Answers in JSON whatever `Accept` says: a client that sends another library's default is not turned away."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        renderer: BaseRenderer = renderers[0]
        return renderer, str(renderer.media_type)


def _read(stream: IO[Any]) -> bytes:
    try:
        body: bytes = stream.read(LARGEST_BODY + 1)
    except UnreadablePostError as error:
        raise BodyRefused("unreadable", _("The body ended early.")) from error
    return _bounded(body)


def read_over(request: HttpRequest) -> None:
    """Read what a refused request's body still holds, up to LARGEST_BODY.

    A server closes a connection on which an unread body stands: the client's next request would be lost, or this
    answer itself.
    """
    with suppress(UnreadablePostError):
        for _ in range(LARGEST_BODY // _CHUNK):
            if not request.read(_CHUNK):
                return


def inflate(body: bytes) -> bytes:
    """Return what a gzip body of one member holds, never inflating beyond the limit."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = _bounded(inflater.decompress(body, LARGEST_BODY + 1))
    except zlib.error as error:
        raise BodyRefused("broken_gzip", _("The body is not gzip, as its Content-Encoding says.")) from error
    if not inflater.eof or inflater.unused_data:
        raise BodyRefused("broken_gzip", _("The gzip body ends early or goes on after its end."))
    return plain


def _bounded(body: bytes) -> bytes:
    if len(body) > LARGEST_BODY:
        raise BodyTooLarge(_("The body is larger than %(limit)d bytes.") % {"limit": LARGEST_BODY})
    return body


def read_json(body: bytes) -> Any:
    """Return the JSON value of a body; raise BodyRefused with the reason where there is none."""
    try:
        return orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        if not _is_utf8(body):
            raise BodyRefused("not_utf8", _("The body is not UTF-8.")) from error
        raise BodyRefused("not_json", _("The body is not JSON: %(reason)s.") % {"reason": error}) from error


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
