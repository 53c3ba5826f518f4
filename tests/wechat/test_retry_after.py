"""`Retry-After` is obeyed within limits, whichever way the far side writes it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from django.utils import timezone

from tests.wechat.farside import FarSide, text
from tests.wechat.test_sender import Drain, attempts, post
from waybills.models import Push
from wechat.models import AccessToken

USUAL = (3.75, 5.0)
"""Seconds before the first retry, where nothing is asked for."""
JUDGED = (20.0, 20.0)
"""Seconds after which a pathnotify whose outcome is not known is judged."""
LONGEST = (600.0, 600.0)


def http_date(seconds: int) -> Callable[[web.Request], web.Response]:
    """Answer 503 with a date so many seconds after the answer's own, by a clock that is three hours fast."""
    clock = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    headers = {
        "Date": format_datetime(clock, usegmt=True),
        "Retry-After": format_datetime(clock + timedelta(seconds=seconds), usegmt=True),
    }
    return text("busy", 503, **headers)


def waited(push: Push) -> float:
    """Return how many seconds after its last call's end a push is due."""
    ended = push.attempts.latest("started_at").ended_at
    assert ended is not None
    assert push.not_before is not None
    return (push.not_before - ended).total_seconds()


def busy(value: str, status: int = 503) -> Callable[[web.Request], web.Response]:
    return text("busy", status, **{"Retry-After": value})


@pytest.mark.parametrize("call", ["userquery", "pathnotify"])
@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (busy("7"), (7, 7)),
        (busy("7", 429), (7, 7)),
        (busy("40"), (40, 40)),
        (http_date(40), (40, 40)),
        (busy("599"), (599, 599)),
        (busy("86400"), LONGEST),
        (busy("9" * 400), LONGEST),
        (http_date(86_400), LONGEST),
        (http_date(-40), None),
        (busy("-40"), None),
        (busy("4e1"), None),
        (busy("soon"), None),
        (busy("²"), None),
        (busy("Tue, 99 Nov 2026 99:99:99 GMT"), None),
        (busy("0"), None),
    ],
)
def test_a_busy_far_side_is_asked_again_when_it_says(
    far: FarSide, drain: Drain, call: str, given: object, asked: tuple[float, float] | None
) -> None:
    assert callable(given)
    far.next(call, given)
    post()

    drain()

    least, most = USUAL if call == "userquery" else JUDGED
    if asked is not None:
        least, most = max(least, asked[0]), max(most, asked[1])
    assert attempts()[-1][0] == call
    assert least <= waited(Push.objects.get()) <= most


def test_a_code_that_slows_down_may_say_for_how_long(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", text('{"errcode":45011,"errmsg":"too fast"}', 429, **{"Retry-After": "33"}))
    post()

    drain()

    push = Push.objects.get()
    assert (push.state, push.reason) == ("pending", "retrying")
    assert waited(push) == 33


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("86400", 60), ("soon", 1)])
def test_the_token_is_asked_for_again_when_the_far_side_says(
    far: FarSide, drain: Drain, value: str, seconds: int
) -> None:
    far.next("stable_token", busy(value))
    post()
    before = timezone.now()

    drain()

    retry_at = AccessToken.objects.get().retry_at
    assert retry_at is not None
    assert before + timedelta(seconds=seconds) <= retry_at <= timezone.now() + timedelta(seconds=seconds)
