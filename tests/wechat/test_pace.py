"""How many calls at once: less while our own callback is slow or WeChat asks for it, and back by itself."""

import asyncio
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from aiohttp import web
from django.conf import settings
from django.utils import timezone

from tests.delivery.load import know_bindings, post
from tests.wechat.farside import FarSide, answer
from waybills.models import Push
from wechat.client import Reading, Reply
from wechat.models import Callback
from wechat.pace import LEAST, SLOW, WINDOW, Pace, callback_p95
from wechat.sender import Sender
from wechat.transports import AsyncTransport

NOW = datetime.fromisoformat("2026-08-01T10:00:00+08:00")
FINE = [Reply(Reading.ANSWERED, 0, exist=1)] * 50


@pytest.mark.parametrize("code", [932001, 45011])
def test_halves_when_wechat_asks_for_less_and_recovers_step_by_step(code: int) -> None:
    own = Pace(100)
    own.see_replies([*FINE, Reply(Reading.ANSWERED, code)], NOW)
    assert own.allowed == 50
    own.see_replies(FINE, NOW)
    assert 50 < own.allowed < 100
    for _ in range(20):
        own.see_replies(FINE, NOW)
    assert own.allowed == 100


def test_a_slow_callback_keeps_it_down_until_it_is_fast_again() -> None:
    own = Pace(100)
    own.see_callback(SLOW + timedelta(milliseconds=1), NOW)
    own.see_replies(FINE, NOW)
    assert own.allowed == 50
    own.see_callback(SLOW, NOW)
    own.see_replies(FINE, NOW)
    assert own.allowed > 50


def test_never_less_than_a_few() -> None:
    own = Pace(100)
    for _ in range(20):
        own.see_callback(timedelta(seconds=4), NOW)
    assert own.allowed == LEAST


def test_what_was_slow_before_it_slowed_down_does_not_count_against_it() -> None:
    own = Pace(100)
    assert own.judged_from(NOW) == NOW - WINDOW
    own.see_callback(timedelta(seconds=2), NOW)
    assert own.judged_from(NOW + timedelta(seconds=2)) == NOW + SLOW
    assert own.judged_from(NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=1) - WINDOW


def _answered(count: int, took: timedelta, **fields: Any) -> None:
    values = {"event": "waybill_notify_query", "outcome": "answered", "received_at": timezone.now(), **fields}
    microseconds = took // timedelta(microseconds=1)
    Callback.objects.bulk_create(Callback(duration_us=microseconds, **values) for _ in range(count))


@pytest.mark.django_db
def test_the_p95_is_of_recent_answered_back_queries() -> None:
    since = timezone.now() - timedelta(seconds=5)
    _answered(95, timedelta(milliseconds=3))
    _answered(5, timedelta(milliseconds=1500))
    _answered(100, timedelta(seconds=9), event="user_enter_tempsession")
    _answered(100, timedelta(seconds=9), outcome="fault")
    _answered(100, timedelta(seconds=9), received_at=since - timedelta(seconds=1))

    assert callback_p95(since) == timedelta(milliseconds=1500)


@pytest.mark.django_db
def test_a_handful_of_callbacks_says_nothing() -> None:
    _answered(19, timedelta(seconds=3))
    assert callback_p95(timezone.now() - timedelta(seconds=5)) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seconds", "most"), [(0.01, 40), (1.5, LEAST)])
def test_the_sender_has_fewer_calls_under_way_while_the_callback_is_slow(
    far: FarSide, monkeypatch: pytest.MonkeyPatch, seconds: float, most: int
) -> None:
    monkeypatch.setattr("wechat.sender.LOOK_AT_CALLBACK", 0.02)
    # As if each look found them anew: they are later than whatever the sender did about the ones before.
    _answered(30, timedelta(seconds=seconds), received_at=timezone.now() + timedelta(minutes=1))
    post(range(120))
    know_bindings(range(120))
    under_way, at_once = 0, []

    async def slowly(request: web.Request) -> web.Response:
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        response: web.Response = answer(exist=1)(request)
        return response

    far.next("pathnotify", *[slowly] * 120)

    async def send() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=40) as transport:
            await Sender(transport, rng=Random(1), concurrency=40).drain()

    asyncio.run(send())

    assert Push.objects.filter(state="sent").count() == 120
    assert most / 2 <= max(at_once[60:]) <= most
