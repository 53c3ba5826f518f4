"""PUSH_RATE: calls a minute, all processes together."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.wechat.farside import FarSide
from tests.wechat.test_sender import post
from waybills.models import Push
from wechat import budget
from wechat.models import CallBudget

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.django_db
def test_without_a_rate_everything_may_leave() -> None:
    assert budget.take(200, now=NOW) == 200
    assert not CallBudget.objects.exists()


@pytest.mark.django_db
def test_calls_are_spread_over_the_minute(change: Any) -> None:
    change("PUSH", calls_per_minute=600)

    taken = [budget.take(200, now=NOW + timedelta(seconds=second)) for second in range(61)]

    assert taken[0] == 20
    assert set(taken[1:]) == {10}


@pytest.mark.django_db
def test_a_call_that_follows_another_is_made_up_for(change: Any) -> None:
    change("PUSH", calls_per_minute=600)
    budget.take(20, now=NOW)

    budget.adjust(10)

    assert budget.take(20, now=NOW + timedelta(seconds=1)) == 0
    assert budget.take(20, now=NOW + timedelta(seconds=2)) == 10


@pytest.mark.django_db
def test_what_was_not_used_is_given_back(change: Any) -> None:
    change("PUSH", calls_per_minute=600)
    budget.take(20, now=NOW)

    budget.adjust(-20)

    assert budget.take(20, now=NOW) == 20


@pytest.mark.django_db
def test_a_clock_that_goes_back_gives_nothing(change: Any) -> None:
    change("PUSH", calls_per_minute=600)
    budget.take(20, now=NOW)

    assert budget.take(20, now=NOW - timedelta(hours=1)) == 0
    assert budget.take(20, now=NOW + timedelta(seconds=1)) == 10


def test_the_sender_leaves_what_the_minute_does_not_allow(far: FarSide, drain: Callable[[], None], change: Any) -> None:
    change("PUSH", calls_per_minute=60)
    for number in range(5):
        post(f"SF{number}")

    drain()

    assert len(far.calls("userquery")) <= 2
    assert Push.objects.filter(state="pending").count() >= 3
