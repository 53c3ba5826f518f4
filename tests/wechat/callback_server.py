"""A real HTTP server on 127.0.0.1 over a WSGI application: the portal's own, or one that answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.db import connections

Application = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def always(status: str, body: bytes = b"", **headers: str) -> Application:
    """Return an application that answers everything so."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Length", str(len(body))), *headers.items()])
        return [body]

    return application


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """Serve in a thread; yield the callback's address."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)

    def serve() -> None:
        server.serve_forever(poll_interval=0.02)
        connections.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/wechat/callback/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
