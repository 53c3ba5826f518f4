"""The pages: the recipients' phones, and the landing page behind a message. Files as they are, no templates."""

from pathlib import Path

from aiohttp import web

from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.guard import Handler, guarded

_DIRECTORY = Path(__file__).parent / "pages"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ADDRESSES = {
    "/": "phones.html",
    "/sandbox/": "phones.html",
    "/sandbox/landing": "landing.html",
    "/sandbox/sandbox.css": "sandbox.css",
    "/sandbox/sandbox.js": "sandbox.js",
    "/sandbox/landing.js": "landing.js",
    "/sandbox/icon.svg": "icon.svg",
}


def routes(config: SandboxConfig) -> list[web.RouteDef]:
    """Return the routes of the pages."""
    own = [web.get(address, guarded(_serve(name, config), config.host)) for address, name in _ADDRESSES.items()]
    return [*own, web.get("/sandbox", _to_sandbox)]


def content_security_policy(config: SandboxConfig) -> str:
    """Return the policy of both pages: nothing from elsewhere but the landing page's JSONP script."""
    return (
        f"default-src 'none'; script-src 'self' {config.landing_origin}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )


def _serve(name: str, config: SandboxConfig) -> Handler:
    body = (_DIRECTORY / name).read_bytes()
    headers = {
        "Content-Type": _TYPES[Path(name).suffix],
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy(config),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return serve


async def _to_sandbox(request: web.Request) -> web.Response:
    raise web.HTTPFound("/sandbox/")
