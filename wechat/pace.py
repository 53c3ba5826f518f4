"""How many calls are under way at once: as many as our own callback keeps up with.

Each pathnotify brings a back-query to this same portal. A callback that cannot answer in time costs the messages
(932001); one that is slow for everyone will soon. So the sender's own haste must not be what drowns it: concurrency
halves, and comes back step by step.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from wechat.client import Reply
from wechat.error_codes import Reaction, reaction_to
from wechat.models import Callback, CallbackOutcome

logger = logging.getLogger(__name__)

LEAST = 4
SLOW = timedelta(seconds=1)
"""Of the callback's p95; WeChat waits 5 s."""
WINDOW = timedelta(seconds=10)
"""What counts as recent."""
_ENOUGH = 20
"""Callbacks without which a p95 says nothing."""
_MOST = 500
"""Callbacks that are looked at."""


class Pace:
    """The concurrency that is allowed now, between `LEAST` and `most`."""

    def __init__(self, most: int) -> None:
        self._most = self.allowed = most
        self._slowed_at: datetime | None = None
        self._is_callback_slow = False

    def see_replies(self, replies: Sequence[Reply], now: datetime) -> None:
        """Slow down for what WeChat says of our callback, or of its own minute; recover a little otherwise."""
        if any(_asks_to_slow_down(reply) for reply in replies):
            self._slow_down(now, "WeChat asks for it")
        elif not self._is_callback_slow:
            self.allowed = min(self._most, self.allowed + 1 + len(replies) // 10)

    def see_callback(self, p95: timedelta | None, now: datetime) -> None:
        """Slow down while the callback's recent p95 is slow. p95: None, too few to say."""
        self._is_callback_slow = p95 is not None and p95 > SLOW
        if self._is_callback_slow:
            self._slow_down(now, f"the callback's p95 is {p95}")

    def judged_from(self, now: datetime) -> datetime:
        """Return since when callbacks show what the present concurrency does to them."""
        recent = now - WINDOW
        return recent if self._slowed_at is None else max(recent, self._slowed_at + SLOW)

    def _slow_down(self, now: datetime, why: str) -> None:
        self._slowed_at = now
        slower = max(LEAST, self.allowed // 2)
        if slower < self.allowed:
            logger.warning("%d calls at once instead of %d: %s", slower, self.allowed, why)
        self.allowed = slower


def callback_p95(since: datetime) -> timedelta | None:
    """Return within which time 95 of 100 back-queries since then were answered; None where they are too few."""
    answered = Callback.objects.filter(
        received_at__gte=since, event="waybill_notify_query", outcome=CallbackOutcome.ANSWERED
    )
    durations = sorted(answered.order_by("-received_at").values_list("duration_us", flat=True)[:_MOST])
    if len(durations) < _ENOUGH:
        return None
    return timedelta(microseconds=durations[len(durations) * 95 // 100])


def _asks_to_slow_down(reply: Reply) -> bool:
    return reply.errcode is not None and reaction_to(reply.errcode) is Reaction.SLOW_DOWN
