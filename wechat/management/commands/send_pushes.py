"""Sends what is due without Celery."""

import asyncio
import signal
from random import SystemRandom
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from wechat.sender import CONCURRENCY, Sender
from wechat.transports import AsyncTransport


class Command(BaseCommand):
    """`send_pushes`: once; `send_pushes --watch`: until SIGTERM or Ctrl-C."""

    help = "Send the pushes that are due now and exit; with --watch, stay and send as they fall due."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --watch."""
        parser.add_argument("--watch", action="store_true", help="stay until SIGTERM or Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send."""
        asyncio.run(_watch() if options["watch"] else _drain())


async def _drain() -> None:
    async with AsyncTransport(settings.WECHAT.api_base, connections=CONCURRENCY) as transport:
        await Sender(transport, rng=SystemRandom()).drain()


async def _watch() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncTransport(settings.WECHAT.api_base, connections=CONCURRENCY) as transport:
        await Sender(transport, rng=SystemRandom()).run(stop)
