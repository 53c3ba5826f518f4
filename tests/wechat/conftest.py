"""The far side and a sender that talks to it."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from django.conf import settings

from tests.wechat.farside import FarSide, far_side
from wechat.sender import Sender
from wechat.transports import AsyncTransport, run


@pytest.fixture
def far(change: Any, transactional_db: None) -> Iterator[FarSide]:
    """Return a far side that the settings point to."""
    with far_side() as side:
        change("WECHAT", api_base=side.base, appid="wx1", secret="s3cret")
        yield side


@pytest.fixture
def drain() -> Callable[[], None]:
    """Return a function that sends what is due."""

    async def send() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=20) as transport:
            await Sender(transport, rng=Random(1), concurrency=20).drain()

    return lambda: run(send())
