"""A far side for the sender's tests: a real server on 127.0.0.1 that answers as it is told."""

import asyncio
import inspect
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Any]


def answer(errcode: int = 0, exist: int | None = None, **more: Any) -> Answer:
    """Answer with a code."""
    body = {"errcode": errcode, "errmsg": "ok" if errcode == 0 else f"no rid: {errcode}", **more}
    if exist is not None:
        body["exist"] = exist
    return lambda request: web.json_response(body)


def text(body: str, status: int = 200, **headers: str) -> Answer:
    """Answer with any body."""
    return lambda request: web.Response(text=body, status=status, headers=headers)


def after(seconds: float, then: Answer) -> Answer:
    """Answer so, after a while."""

    async def respond(request: web.Request) -> Any:
        await asyncio.sleep(seconds)
        return then(request)

    return respond


def hang_up(request: web.Request) -> Any:
    """Close the connection without an answer: the request was received."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@dataclass
class FarSide:
    """What it was asked, and what it answers next; without a script everybody is bound and all is well."""

    base: str = ""
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    """(call, body, access token)"""
    bodies: list[bytes] = field(default_factory=list)
    script: dict[str, deque[Answer]] = field(default_factory=dict)
    token: str = "token-1"

    def next(self, call: str, *answers: Answer) -> None:
        """Answer the next calls of this name so."""
        self.script.setdefault(call, deque()).extend(answers)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of the calls of this name."""
        return [body for call, body, _ in self.asked if call == name]

    async def handle(self, request: web.Request) -> Any:
        """Note the call and answer it."""
        call = request.path.rsplit("/", 1)[1]
        raw = await request.read()
        self.bodies.append(raw)
        self.asked.append((call, json.loads(raw), request.query.get("access_token", "")))
        if self.script.get(call):
            given = self.script[call].popleft()(request)
            return await given if inspect.isawaitable(given) else given
        if call == "stable_token":
            return web.json_response({"access_token": self.token, "expires_in": 7200})
        return web.json_response({"errcode": 0, "errmsg": "ok", "exist": 1})


@contextmanager
def far_side(side: FarSide | None = None) -> Iterator[FarSide]:
    """Run a far side in a thread of its own."""
    side, ready, loop = side or FarSide(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", side.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        side.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(serve())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield side
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
