"""Keeps other sites' pages away from the sandbox: it listens on the machine of someone who also browses the web."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def guarded(handler: Handler, own_host: str) -> Handler:
    """Return the handler, answering 403 or 415 to what another site's page could have sent."""

    async def check(request: web.Request) -> web.StreamResponse:
        _check_host(request, own_host)
        if request.method not in {"GET", "HEAD"}:
            _check_origin(request)
        return await handler(request)

    return check


def _check_host(request: web.Request, own_host: str) -> None:
    # A name of another site that resolves to 127.0.0.1 would make that site's pages ours.
    if _hostname(request.host) not in {*_LOOPBACK, own_host}:
        raise web.HTTPForbidden(text="Open the sandbox by its own address.")


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _check_origin(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="Another site's request.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden(text="Another site's request.")
    # A form cannot send this type, and a script of another origin would have to ask first.
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send application/json.")
