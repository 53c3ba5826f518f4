"""A sandbox on a real port, a carrier that it back-queries, and a clock that the test turns."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web

from tests.sandbox.carrier import APPID, KEY, TOKEN, USERNAME, Carrier
from wechat.sandbox.app import serving
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.world import World

RECEIVER = "13800138000"
API = "/cgi-bin/express/delivery/"


@dataclass
class Clock:
    """Unix seconds that pass only when told."""

    moment: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += seconds


def push(**changes: Any) -> dict[str, Any]:
    """Return the body of a pathnotify, changed at dotted places: push(path__action_type=300002)."""
    body: dict[str, Any] = {
        "sender": {"name": "张三", "phone": "13800138001", "province": "浙江省", "city": "绍兴市"},
        "receiver": {"name": "李四", "phone": RECEIVER, "province": "福建省", "city": "泉州市"},
        "waybill_id": "SF100200300",
        "path": {"action_time": 1_600_000_100, "action_type": 300002, "action_msg": "快件正在派送 <请&留意>"},
        "create_time": 1_600_000_000,
    }
    for name, value in changes.items():
        *places, last = name.split("__")
        target = body
        for place in places:
            target = target[place]
        if value is ...:
            target.pop(last)
        else:
            target[last] = value
    return body


def node_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the node of a push as the back-query's reply spells it."""
    path = body["path"]
    return {
        "ActionTime": path["action_time"],
        "ActionType": path["action_type"],
        "ActionMsg": path["action_msg"],
    }


@dataclass
class Far:
    """A running sandbox as a carrier's test sees it."""

    base: str
    world: World
    carrier: Carrier
    clock: Clock
    http: ClientSession
    access_token: str = field(default="")

    async def get(self, path: str, **options: Any) -> Any:
        async with self.http.get(self.base + path, **options) as response:
            return await response.json() if response.status == 200 else response.status

    async def post(self, path: str, **options: Any) -> Any:
        async with self.http.post(self.base + path, **options) as response:
            return await response.json(content_type=None)

    async def status(self, method: str, path: str, **options: Any) -> int:
        async with self.http.request(method, self.base + path, **options) as response:
            return response.status

    async def stable_token(self, **changes: Any) -> Any:
        body = {"grant_type": "client_credential", "appid": APPID, "secret": "s3cret"} | changes
        return await self.post("/cgi-bin/stable_token", json=body)

    async def call(self, name: str, body: Any = None, *, raw: bytes | None = None) -> Any:
        if not self.access_token:
            self.access_token = (await self.stable_token())["access_token"]
        data = raw if raw is not None else orjson.dumps(body)
        return await self.post(f"{API}{name}", params={"access_token": self.access_token}, data=data)

    async def notify(self, **changes: Any) -> Any:
        """Push, the carrier knowing the pushed node, and return the answer."""
        body = push(**changes)
        self.carrier.nodes = [node_of(body)]
        return await self.call("pathnotify", body)

    async def order_fault(self, **order: Any) -> Any:
        return await self.post("/sandbox/api/faults", json={"call": "pathnotify"} | order)

    async def bind(self, phone: str = RECEIVER) -> None:
        await self.post("/sandbox/api/bind", json={"phone": phone})

    async def newest_call(self) -> dict[str, Any]:
        return (await self.get("/sandbox/api/ledger?limit=1"))["calls"][0]


@asynccontextmanager
async def _carrier(carrier: Carrier) -> AsyncIterator[Carrier]:
    app = web.Application()
    app.router.add_post("/wechat/callback/", carrier.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    carrier.url = f"http://127.0.0.1:{runner.addresses[0][1]}/wechat/callback/"
    try:
        yield carrier
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _far(mode: str = "safe", data_format: str = "xml", **options: Any) -> AsyncIterator[Far]:
    async with _carrier(Carrier(mode, data_format)) as carrier:
        config = SandboxConfig(
            **{
                "appid": APPID,
                "secret": "s3cret",
                "username": USERNAME,
                "token": TOKEN,
                "aes_key": KEY,
                "mode": mode,
                "format": data_format,
                "callback_url": carrier.url,
                "landing_url": "http://127.0.0.1:8000/waybills/info/",
                **options,
            }
        )
        clock = Clock()
        async with serving(config, 0, clock) as (world, port), ClientSession() as http:
            yield Far(f"http://127.0.0.1:{port}", world, carrier, clock, http)


@pytest.fixture
def sandbox() -> Callable[..., AbstractAsyncContextManager[Far]]:
    """Return a context manager that runs a sandbox: `async with sandbox("safe", "xml", bind_all=True) as far:`."""
    return _far
