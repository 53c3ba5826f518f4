"""The sweep: what must happen though nobody asks for it. Each turn is one process's, of all that keep the schedule."""

import time
from datetime import timedelta

from django.utils import timezone

from waybills import lanes, schedules

_LEASE = timedelta(seconds=1.8)
"""Of a schedule's 2 seconds, whose ticks come a little early or late: an early one must not wait for the next."""
_SPELL = 1.0
"""Seconds that one sweep may spend on deadlines: the sender's claims wait for it."""


def sweep() -> None:
    """End what is past its deadline and wake lanes that sleep with work to do."""
    until = time.monotonic() + _SPELL
    # After an outage thousands may pass their deadline in one moment: all are to end within half a minute.
    while lanes.expire(now=timezone.now()) and time.monotonic() < until:
        pass
    lanes.wake_sleepers()


def sweep_in_turn() -> bool:
    """Sweep, unless another process just has; return whether this one did."""
    if not schedules.take(schedules.SWEEP, _LEASE):
        return False
    sweep()
    return True
