"""What a sender leaves undone: while the line is stopped, after its lease, and when it is told to stop."""

import asyncio
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from django.conf import settings
from django.utils import timezone

from tests.delivery.load import know_bindings, post
from tests.wechat.farside import FarSide, after, answer
from waybills import lanes
from waybills.models import Lane, Line, Push, PushAttempt
from wechat.decisions import decide
from wechat.sender import Sender
from wechat.transports import AsyncTransport


def drain(concurrency: int = 20) -> None:
    async def send() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            await Sender(transport, rng=Random(1), concurrency=concurrency).drain()

    asyncio.run(send())


def test_the_last_good_answers_beside_a_quota_used_up_do_not_let_the_line_run(far: FarSide) -> None:
    know_bindings([1, 2])
    post([1], 300002, seconds_ago=100)
    post([2], 300002, seconds_ago=50)
    far.next("pathnotify", answer(45009), after(0.5, answer(exist=1)))

    drain()

    line = Line.objects.get()
    assert (line.state, line.code) == ("stopped", 45009)
    assert sorted(Push.objects.values_list("state", flat=True)) == ["pending", "sent"]


def test_a_probe_that_is_answered_well_lets_the_line_run(far: FarSide) -> None:
    know_bindings([1])
    post([1])
    far.next("pathnotify", answer(45009))
    drain()
    Line.objects.update(probe_at=timezone.now())

    drain()

    assert Line.objects.get().state == "running"


def test_a_call_does_not_leave_after_its_lease(far: FarSide, change: Any) -> None:
    change("PUSH", lease=timedelta(seconds=1))
    earlier = timezone.now() - timedelta(seconds=5)
    post([1], now=earlier)
    know_bindings([1])
    (held_up,) = lanes.claim(limit=1, now=earlier, decide=partial(decide, now=earlier, rng=Random(1))).attempts
    # Nobody claims it anew meanwhile.
    Line.objects.update_or_create(pk=1, defaults={"state": Line.State.STOPPED, "since": earlier, "reason": "test"})

    async def go_on() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            sender = Sender(transport, rng=Random(1))
            sender._start(held_up, is_repeat=False)
            await sender.drain()

    asyncio.run(go_on())

    assert far.calls("pathnotify") == []
    attempt = PushAttempt.objects.get(call="pathnotify")
    assert (attempt.outcome, "lease" in attempt.errmsg) == ("failed", True)
    assert not Lane.objects.get().leased


def test_a_stop_during_userquery_begins_no_pathnotify_and_leaves_the_push_due(far: FarSide) -> None:
    post([1])
    far.next("userquery", after(1.0, answer(exist=1)))

    async def stop_meanwhile() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            stop = asyncio.Event()
            running = asyncio.create_task(Sender(transport, rng=Random(1)).run(stop))
            while not far.calls("userquery"):
                await asyncio.sleep(0.01)
            stop.set()
            await running

    asyncio.run(stop_meanwhile())

    assert far.calls("pathnotify") == []
    assert [one.outcome for one in PushAttempt.objects.all()] == ["ok"]
    push, lane = Push.objects.get(), Lane.objects.get()
    assert (push.state, push.tries, lane.leased) == ("pending", 0, False)
    assert lane.wake_at is not None
    assert lane.wake_at <= timezone.now()
    drain()
    assert Push.objects.get().state == "sent"
    assert len(far.calls("userquery")) == 1
