"""Sends what is due without Celery."""

import asyncio
import signal
from datetime import datetime
from random import SystemRandom
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from waybills.line import current_line
from waybills.models import Line, Push
from wechat.holdup import token_trouble
from wechat.sender import CONCURRENCY, Sender
from wechat.transports import AsyncTransport, run


class Command(BaseCommand):
    """`send_pushes`: once; `send_pushes --watch`: until SIGTERM or Ctrl-C."""

    help = "Send the pushes that are due now and exit; with --watch, stay and send as they fall due."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --watch."""
        parser.add_argument("--watch", action="store_true", help="stay until SIGTERM or Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send; raise CommandError where pushes stay due because nothing can go out."""
        if options["watch"]:
            run(_watch())
            return
        run(_drain())
        now = timezone.now()
        due = Push.objects.due(now).count()
        obstacle = _obstacle(now) if due else ""
        if obstacle:
            raise CommandError(
                _("Pushes that are due and were not sent: %(due)d. %(obstacle)s") % {"due": due, "obstacle": obstacle}
            )


def _obstacle(now: datetime) -> str:
    """Return why nothing can go out, with what to do; the empty text where nothing is in the way."""
    line = current_line()
    if line.state == Line.State.STOPPED:
        words = [_("The line is stopped:"), str(line.code or ""), line.reason, line.remedy]
        return " ".join(word for word in words if word)
    trouble = token_trouble(now)
    if trouble is None:
        return ""
    since = date_format(timezone.localtime(trouble.since), "Y-m-d H:i:s")
    return _("No access token from WeChat since %(since)s: %(failure)s. %(remedy)s") % {
        "since": since,
        "failure": trouble.failure.rstrip("."),
        "remedy": trouble.remedy,
    }


async def _drain() -> None:
    async with AsyncTransport(settings.WECHAT.api_base, connections=CONCURRENCY) as transport:
        await Sender(transport, rng=SystemRandom()).drain()


async def _watch() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncTransport(settings.WECHAT.api_base, connections=CONCURRENCY) as transport:
        await Sender(transport, rng=SystemRandom()).run(stop)
