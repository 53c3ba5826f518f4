"""What goes wrong in the sender itself: it says so, goes on, and leaves no lane leased for good."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.db.models import F

from tests.wechat.farside import FarSide, answer
from tests.wechat.test_sender import Drain, attempts, make_due, post, result
from waybills.models import Lane
from wechat.sender import Sender
from wechat.transports import AsyncTransport

ALL_DAY = timedelta(days=1)


class Breakage:
    """Breaks a connection of the sender's at its first statement about a table, and none after it."""

    def __init__(self, table: str) -> None:
        self._table = table
        self.has_broken = False

    def install(self, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            connection.execute_wrappers.append(self._watch)

    def _watch(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self.has_broken and self._table in sql:
            self.has_broken = True
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)


@pytest.fixture
def broken(request: Any) -> Iterator[Breakage]:
    breakage = Breakage(request.param)
    connection_created.connect(breakage.install)
    yield breakage
    connection_created.disconnect(breakage.install)
    assert breakage.has_broken


def breaks_at(table: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("broken", [table], indirect=True, ids=[table])


def watch(far: FarSide, meanwhile: Callable[[Sender], Coroutine[Any, Any, None]]) -> None:
    """Let a sender run, do something meanwhile, and stop it when the far side has been asked for a pathnotify."""

    async def send() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            sender, stop = Sender(transport, rng=Random(1)), asyncio.Event()
            running = asyncio.create_task(sender.run(stop))
            async with asyncio.timeout(20):
                await meanwhile(sender)
                while not far.calls("pathnotify"):
                    await asyncio.sleep(0.02)
            stop.set()
            await running

    asyncio.run(send())


async def nothing(sender: Sender) -> None:
    """Do nothing meanwhile."""


def test_a_ring_wakes_a_sender_that_waits(far: FarSide, change: Any) -> None:
    change("PUSH", poll=ALL_DAY)

    async def post_and_ring(sender: Sender) -> None:
        await asyncio.sleep(0.5)
        await asyncio.to_thread(_in_a_connection_of_its_own, post)
        sender.ring()

    watch(far, post_and_ring)

    assert result() == ("sent", "")


def _in_a_connection_of_its_own(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


@breaks_at("waybills_schedule")
def test_a_database_that_does_not_answer_a_round_is_asked_again(
    far: FarSide, change: Any, caplog: Any, broken: Breakage
) -> None:
    change("PUSH", poll=timedelta(seconds=0.1))
    post()

    watch(far, nothing)

    assert result() == ("sent", "")
    assert "the database did not answer; trying again" in caplog.text


@breaks_at("wechat_accesstoken")
def test_a_database_that_does_not_answer_for_the_token_costs_no_try(
    far: FarSide, change: Any, caplog: Any, broken: Breakage
) -> None:
    change("PUSH", poll=timedelta(seconds=0.1))
    post()

    watch(far, nothing)

    assert result() == ("sent", "")
    assert {outcome for _, outcome, _, _ in attempts()} == {"ok"}
    assert "no access token from" in caplog.text
    assert "the database did not answer" in caplog.text


def test_a_round_that_fails_in_the_program_itself_does_not_end_the_sender(
    far: FarSide, change: Any, caplog: Any
) -> None:
    change("PUSH", poll=timedelta(seconds=0.1), lease=None)
    post()

    async def mend(sender: Sender) -> None:
        while "a round of the sender failed" not in caplog.text:
            await asyncio.sleep(0.02)
        change("PUSH", lease=timedelta(seconds=120))

    watch(far, mend)

    assert result() == ("sent", "")


def test_a_call_that_fails_in_the_program_itself_is_closed_and_its_lane_freed(
    far: FarSide, drain: Drain, caplog: Any
) -> None:
    post()

    async def send_through_a_closed_transport() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            pass
        await Sender(transport, rng=Random(1)).drain()

    asyncio.run(send_through_a_closed_transport())

    assert "failed in the program itself" in caplog.text
    assert result() == ("pending", "retrying")
    assert attempts() == [("userquery", "failed", None, None)]
    assert not Lane.objects.get().leased
    make_due()
    drain()
    assert result() == ("sent", "")


def test_results_that_cannot_be_recorded_fall_due_with_their_lease_and_end_nothing(
    far: FarSide, drain: Drain, change: Any, caplog: Any
) -> None:
    far.next("userquery", answer(45011))
    post()
    first = settings.PUSH.retry_first
    change("PUSH", retry_first=None)

    drain()

    assert "1 results could not be recorded" in caplog.text
    assert Lane.objects.get().leased
    change("PUSH", retry_first=first)
    Lane.objects.update(wake_at=F("wake_at") - settings.PUSH.lease)
    drain()
    assert result() == ("sent", "")
    assert [(call, outcome) for call, outcome, _, _ in attempts()] == [
        ("userquery", "failed"),
        ("userquery", "ok"),
        ("pathnotify", "ok"),
    ]
    assert not Lane.objects.get().leased
