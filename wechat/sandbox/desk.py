"""What a person (or a test) does with the sandbox: sees its state, binds phones, orders faults."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from wechat.sandbox.faults import FaultMalformed
from wechat.sandbox.guard import guarded
from wechat.sandbox.phones import TooManyBindings, shown_nodes
from wechat.sandbox.validation import is_mobile
from wechat.sandbox.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_MOST_CALLS = 1_000_000
_PREFIX = "/sandbox/api"


class Desk:
    """The handlers below /sandbox/api."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, each of them guarded."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "state", self.show_state),
            ("GET", "config", self.show_config),
            ("GET", "ledger", self.show_ledger),
            ("GET", "trail", self.show_trail),
            ("GET", "faults", self.show_faults),
            ("POST", "faults", self.add_fault),
            ("DELETE", "faults", self.clear_faults),
            ("POST", "bind", self.bind),
            ("POST", "unbind", self.unbind),
            ("POST", "tokens/expire", self.expire_tokens),
        ]
        host = self._world.config.host
        return [web.route(method, f"{_PREFIX}/{name}", guarded(handler, host)) for method, name, handler in table]

    async def show_state(self, request: web.Request) -> web.Response:
        """Answer with everything that the page shows: ?phone= (digits) finds; 204 where ?since= is still the newest."""
        if request.query.get("since") == str(self._world.version):
            return web.Response(status=204, headers={"Cache-Control": "no-store"})
        return _json(self._world.described(request.query.get("phone", "")))

    async def show_config(self, request: web.Request) -> web.Response:
        """Answer with where the landing page's data comes from."""
        config = self._world.config
        names = ("landing_url", "waybill_param", "callback_param", "mode", "format")
        return _json({name: getattr(config, name) for name in names})

    async def show_ledger(self, request: web.Request) -> web.Response:
        """Answer with the calls, newest first: ?call= &waybill_id= &after= (an id) &limit= (200)."""
        query = request.query
        calls = self._world.ledger.newest(
            _number(query.get("limit"), 200, _MOST_CALLS),
            call=query.get("call", ""),
            waybill_id=query.get("waybill_id", ""),
            after=_number(query.get("after"), 0, 2**63),
        )
        return _json({"calls": calls, "counts": self._world.ledger.counts()})

    async def show_trail(self, request: web.Request) -> web.Response:
        """Answer with the trail that WeChat knows of ?waybill_id=."""
        waybill_id = request.query.get("waybill_id", "")
        return _json({"waybill_id": waybill_id, "trail": shown_nodes(self._world.phones.trail(waybill_id))})

    async def show_faults(self, request: web.Request) -> web.Response:
        """Answer with the faults that are still to come."""
        return _json({"faults": self._world.faults.described()})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Order a fault."""
        try:
            fault = self._world.faults.add(await _object(request))
        except FaultMalformed as error:
            raise _bad(str(error)) from error
        self._world.touch()
        return _json(fault.described(), status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Forget the fault ?id=, or all."""
        number = request.query.get("id")
        cleared = self._world.faults.clear(None if number is None else _number(number, 0, 2**63))
        self._world.touch()
        return _json({"cleared": cleared})

    async def bind(self, request: web.Request) -> web.Response:
        """Bind a phone."""
        return await self._bind(request, bound=True)

    async def unbind(self, request: web.Request) -> web.Response:
        """Unbind a phone."""
        return await self._bind(request, bound=False)

    async def _bind(self, request: web.Request, *, bound: bool) -> web.Response:
        phone = (await _object(request)).get("phone")
        if not isinstance(phone, str) or not is_mobile(phone):
            raise _bad("phone is not a mobile number of 11 digits")
        try:
            self._world.phones.bind(phone, bound=bound)
        except TooManyBindings as error:
            raise _bad("too many phones") from error
        self._world.touch()
        return _json({"phone": phone, "bound": bound})

    async def expire_tokens(self, request: web.Request) -> web.Response:
        """End all access tokens now."""
        self._world.expire_tokens()
        return _json({"expired": True})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise _bad("the body is not JSON") from error
    if not isinstance(body, dict):
        raise _bad("the body is not an object")
    return body


def _number(text: str | None, default: int, most: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise _bad("not a whole number")
    return min(int(text), most)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers=_HEADERS)


def _bad(detail: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"detail": detail}).decode(), content_type="application/json")
