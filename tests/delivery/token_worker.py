"""What the processes of `test_token_race` do: send, each with its own copy of the token."""

import asyncio
import time
from random import Random
from typing import Any

from django.conf import settings

from wechat.sender import Sender
from wechat.transports import AsyncTransport


def send(index: int, options: dict[str, Any]) -> None:
    """Send this process's share of what is due, together with the others."""
    time.sleep(max(options["start_at"] - time.time(), 0))

    async def drain() -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=options["share"]) as transport:
            await Sender(transport, rng=Random(index), concurrency=options["share"]).drain()

    asyncio.run(drain())
