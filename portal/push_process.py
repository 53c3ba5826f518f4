"""The sender inside a Celery worker: one thread with the event loop, the HTTP session and a stop event."""

import asyncio
import logging
import threading
from random import SystemRandom

from django.conf import settings

from wechat.sender import CONCURRENCY, Sender
from wechat.transports import AsyncTransport, run

logger = logging.getLogger(__name__)

FINISH_WITHIN = 30.0
"""Seconds that a stop leaves to what is in flight."""


class PushProcess:
    """Runs one sender in a thread of its own until it is stopped."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._sender: Sender | None = None

    def start(self) -> None:
        """Start sending; return when it can be rung and stopped."""
        self._thread.start()
        self._ready.wait()
        logger.info("sending from this process")

    def ring(self) -> None:
        """Say that something is due."""
        if self._loop is not None and self._sender is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._sender.ring)

    def stop(self) -> None:
        """Claim nothing more; finish what is in flight."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait until what was in flight has been recorded."""
        self._thread.join(FINISH_WITHIN)

    def _run(self) -> None:
        run(self._send())

    async def _send(self) -> None:
        async with AsyncTransport(settings.WECHAT.api_base, connections=CONCURRENCY) as transport:
            self._sender = Sender(transport, rng=SystemRandom())
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self._ready.set()
            await self._sender.run(self._stop)
