"""WeChat's API: the four calls, each with its faults and its line in the ledger."""

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from wechat.sandbox.errors import (
    APPID_MISSING,
    BODY_TOO_LARGE,
    GET_REQUIRED,
    INVALID_APPID,
    INVALID_GRANT_TYPE,
    POST_REQUIRED,
    SECRET_MISSING,
    WRONG_PARAMETERS,
    WRONG_SECRET,
    ApiError,
    text_of,
)
from wechat.sandbox.faults import Fault, FaultKind, subject_of
from wechat.sandbox.inquiry import Inquirer
from wechat.sandbox.ledger import Entry
from wechat.sandbox.mishaps import answer_instead, hang_up
from wechat.sandbox.tokens import Issued
from wechat.sandbox.validation import Node, PathNotify, read_object, read_pathnotify, read_userquery
from wechat.sandbox.world import World

Act = Callable[[web.Request, bytes, Entry, Fault | None], Awaitable[dict[str, Any]]]
_JSON = {"Content-Type": "application/json; charset=UTF-8"}
_PREFIX = "/cgi-bin/express/delivery"


class Api:
    """The handlers. A call that fails is answered HTTP 200 with an errcode, as WeChat does."""

    def __init__(self, world: World, inquirer: Inquirer) -> None:
        self._world = world
        self._inquirer = inquirer

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the calls."""
        return [
            web.post(f"{_PREFIX}/pathnotify", self.serve_pathnotify),
            web.post(f"{_PREFIX}/userquery", self.serve_userquery),
            web.post("/cgi-bin/stable_token", self.serve_stable_token),
            web.get("/cgi-bin/token", self.serve_token),
            web.get(f"{_PREFIX}/pathnotify", _require_post),
            web.get(f"{_PREFIX}/userquery", _require_post),
            web.get("/cgi-bin/stable_token", _require_post),
            web.post("/cgi-bin/token", _require_get),
        ]

    async def serve_pathnotify(self, request: web.Request) -> web.Response:
        """Answer `pathnotify`."""
        return await self._serve(request, "pathnotify", self._pathnotify)

    async def serve_userquery(self, request: web.Request) -> web.Response:
        """Answer `userquery`."""
        return await self._serve(request, "userquery", self._userquery)

    async def serve_stable_token(self, request: web.Request) -> web.Response:
        """Answer `stable_token`."""
        return await self._serve(request, "stable_token", self._stable_token)

    async def serve_token(self, request: web.Request) -> web.Response:
        """Answer the older `token`."""
        return await self._serve(request, "token", self._token)

    async def _serve(self, request: web.Request, call: str, act: Act) -> web.Response:
        entry, started = self._world.ledger.open(call, self._world.now()), time.perf_counter()
        try:
            return await self._respond(request, call, act, entry)
        finally:
            entry.duration_ms = round((time.perf_counter() - started) * 1000, 1)
            self._world.close(entry)

    async def _respond(self, request: web.Request, call: str, act: Act, entry: Entry) -> web.Response:
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            entry.errcode = BODY_TOO_LARGE
            return web.Response(body=orjson.dumps(_refusal(BODY_TOO_LARGE)), headers=_JSON)
        fault = self._world.faults.take(call, raw)
        if self._world.config.latency:
            await asyncio.sleep(self._world.config.latency)
        if fault is not None:
            entry.fault = fault.kind.value
            entry.phone, entry.waybill_id = subject_of(raw)
            await asyncio.sleep(fault.delay_ms / 1000)
            instead = answer_instead(fault, request)
            if instead is not None:
                return instead
        answer = await self._answer(request, raw, act, entry, fault)
        if fault is not None and fault.kind is FaultKind.ANSWER_LOST:
            return hang_up(request)
        return web.Response(body=orjson.dumps(answer), headers=_JSON)

    async def _answer(
        self, request: web.Request, raw: bytes, act: Act, entry: Entry, fault: Fault | None
    ) -> dict[str, Any]:
        try:
            if fault is not None and fault.kind is FaultKind.ERRCODE:
                raise ApiError(fault.errcode)
            answer = await act(request, raw, entry, fault)
        except ApiError as error:
            answer = _refusal(error.errcode)
            entry.note = error.note
            entry.phone, entry.waybill_id = subject_of(raw)
        entry.errcode, entry.errmsg = answer.get("errcode", 0), answer.get("errmsg", "")
        entry.exist = answer.get("exist")
        return answer

    async def _pathnotify(self, request: web.Request, raw: bytes, entry: Entry, fault: Fault | None) -> dict[str, Any]:
        self._world.check_token(request.query.get("access_token", ""))
        push = read_pathnotify(raw)
        entry.phone, entry.waybill_id = push.receiver_phone, push.waybill_id
        entry.action_type, entry.action_time = push.node.action_type, push.node.action_time
        trail = await self._confirm(push, entry, fault)
        is_bound = self._world.phones.receive(push, trail, self._world.now())
        return _accepted(is_bound)

    async def _confirm(self, push: PathNotify, entry: Entry, fault: Fault | None) -> list[Node] | None:
        """Return what the back-query told; None where it is turned off."""
        kind = None if fault is None else fault.kind
        if not self._world.config.back_query or kind is FaultKind.NO_BACK_QUERY:
            return None
        copies = 2 if kind is FaultKind.DUPLICATE_BACK_QUERY else 1
        return await self._inquirer.ask(push, entry, self._world.now(), copies)

    async def _userquery(self, request: web.Request, raw: bytes, entry: Entry, fault: Fault | None) -> dict[str, Any]:
        self._world.check_token(request.query.get("access_token", ""))
        entry.phone = read_userquery(raw)
        self._world.phones.see(entry.phone)
        return _accepted(self._world.phones.is_bound(entry.phone))

    async def _stable_token(
        self, request: web.Request, raw: bytes, entry: Entry, fault: Fault | None
    ) -> dict[str, Any]:
        body = read_object(raw)
        self._check_secret(body.get("grant_type"), body.get("appid"), body.get("secret"))
        force = body.get("force_refresh", False)
        if not isinstance(force, bool):
            raise ApiError(WRONG_PARAMETERS, "force_refresh is not a boolean")
        tokens, now = self._world.stable_tokens, self._world.now()
        return _granted(tokens.force(now) if force else tokens.issue(now))

    async def _token(self, request: web.Request, raw: bytes, entry: Entry, fault: Fault | None) -> dict[str, Any]:
        query = request.query
        self._check_secret(query.get("grant_type"), query.get("appid"), query.get("secret"))
        return _granted(self._world.successive_tokens.issue(self._world.now()))

    def _check_secret(self, grant_type: object, appid: object, secret: object) -> None:
        if grant_type != "client_credential":
            raise ApiError(INVALID_GRANT_TYPE)
        if not appid:
            raise ApiError(APPID_MISSING)
        if appid != self._world.config.appid:
            raise ApiError(INVALID_APPID)
        if not secret:
            raise ApiError(SECRET_MISSING)
        if not hmac.compare_digest(str(secret).encode(errors="replace"), self._world.config.secret.encode()):
            raise ApiError(WRONG_SECRET)


async def _require_post(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(_refusal(POST_REQUIRED)), headers=_JSON)


async def _require_get(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(_refusal(GET_REQUIRED)), headers=_JSON)


def _accepted(is_bound: bool) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", "exist": int(is_bound)}


def _granted(token: Issued) -> dict[str, Any]:
    return {"access_token": token.access_token, "expires_in": token.expires_in}


def _refusal(errcode: int) -> dict[str, Any]:
    """Return an error as WeChat words it, ending in the number that its support asks for."""
    rid = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return {"errcode": errcode, "errmsg": f"{text_of(errcode)} rid: {rid}"}
