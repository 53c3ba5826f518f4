"""SIGTERM under load: what is in flight is finished, nothing is unknown, nothing goes twice."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.delivery.load import know_bindings, post
from tests.delivery.processes import Processes, environment
from tests.live import eventually
from tests.wechat.farside import FarSide, far_side
from waybills.models import Lane, Push, PushAttempt

pytestmark = pytest.mark.processes

PUSHES = 800


@dataclass
class SlowSide(FarSide):
    """Takes its time, as WeChat does while it asks back."""

    async def handle(self, request: web.Request) -> Any:
        answered = await super().handle(request)
        await asyncio.sleep(1.0)
        return answered


@pytest.fixture
def side(transactional_db: None) -> Iterator[FarSide]:
    with far_side(SlowSide()) as running:
        yield running


def test_a_stop_under_load_finishes_what_is_in_flight(side: FarSide, processes: Processes) -> None:
    know_bindings(range(0, PUSHES, 2))
    post(range(PUSHES))
    sender = processes.manage(environment(WECHAT_API_BASE=side.base), "send_pushes", "--watch")
    eventually(lambda: len(side.calls("pathnotify")) > 100, "the sender is under load")

    sender.process.terminate()
    stopped_at = time.monotonic()
    code = sender.process.wait(30)

    assert code == 0, sender.output
    assert time.monotonic() - stopped_at < 30
    assert "Traceback" not in sender.output
    pushed = Counter(body["waybill_id"] for body in side.calls("pathnotify"))
    sent = set(Push.objects.filter(state="sent").values_list("waybill__no", flat=True))
    assert set(pushed.values()) == {1}
    assert pushed.keys() == sent
    assert len(sent) < PUSHES
    assert not PushAttempt.objects.exclude(outcome="ok").exists()
    assert not Lane.objects.filter(leased=True).exists()
    assert set(Push.objects.exclude(state="sent").values_list("state", "reason", "tries")) == {("pending", "", 0)}
    assert Lane.objects.filter(wake_at__isnull=False).count() == PUSHES - len(sent)
