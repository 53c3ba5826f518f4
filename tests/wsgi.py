"""A client that calls the web process's own entry, so that each request takes the handler it takes in production."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from portal.wsgi import application


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@contextmanager
def _open_connections() -> Iterator[None]:
    """Keep a request's end from closing the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def call(method: str, path: str, query: str = "", body: bytes = b"", **environ: Any) -> Response:
    """Send one request to `portal.wsgi.application`."""
    request: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "REMOTE_ADDR": "127.0.0.1",
        **environ,
    }
    setup_testing_defaults(request)
    seen: list[Any] = []
    with _open_connections():
        chunks = application(request, lambda status, headers, exc_info=None: seen.extend([status, headers]))
        content = b"".join(chunks)
    return Response(int(seen[0].split()[0]), dict(seen[1]), content)
