"""One refresh of an expired token, however many pushes of however many processes race for it."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.delivery.load import know_bindings, post
from tests.delivery.processes import Processes, environment
from tests.wechat.farside import FarSide, far_side
from waybills.models import Line, Push, PushAttempt
from wechat import tokens
from wechat.models import AccessToken

pytestmark = pytest.mark.processes

PUSHES, PROCESSES = 200, 4


@dataclass
class ExpiringSide(FarSide):
    """Refuses the first token, once all pushes have come with it; keeps the paths that were asked for."""

    paths: list[str] = field(default_factory=list)
    waiting: int = 0
    all_came: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> Any:
        self.paths.append(request.path)
        if request.query.get("access_token") == "token-1":
            self.waiting += 1
            if self.waiting == PUSHES:
                self.token = "token-2"
                self.all_came.set()
            await self.all_came.wait()
            return web.json_response({"errcode": 42001, "errmsg": "access_token expired rid: 1"})
        return await super().handle(request)


@pytest.fixture
def side(change: Any, transactional_db: None) -> Iterator[ExpiringSide]:
    with far_side(ExpiringSide()) as running:
        assert isinstance(running, ExpiringSide)
        change("WECHAT", api_base=running.base, appid="wxba5fad812f8e6fb9", secret="sandbox-secret")
        yield running


def test_200_pushes_of_4_processes_with_an_expired_token_refresh_it_once(
    side: ExpiringSide, processes: Processes
) -> None:
    know_bindings(range(PUSHES))
    post(range(PUSHES))
    assert tokens.obtain().value == "token-1"

    senders = processes.fork(
        "tests.delivery.token_worker:send",
        PROCESSES,
        environment(WECHAT_API_BASE=side.base),
        share=PUSHES // PROCESSES,
        start_at=time.time() + 3,
    )
    senders.process.wait(90)

    assert senders.codes() == dict.fromkeys(range(PROCESSES), 0), senders.output
    assert side.waiting == PUSHES
    refreshes = side.calls("stable_token")[1:]
    assert [body["force_refresh"] for body in refreshes] == [False]
    assert "/cgi-bin/token" not in side.paths
    assert AccessToken.objects.get().version == 2
    assert set(Push.objects.values_list("state", flat=True)) == {"sent"}
    assert PushAttempt.objects.filter(errcode=42001).count() == PUSHES
    assert len(side.calls("pathnotify")) == PUSHES
    assert Line.objects.get().state == "running"
