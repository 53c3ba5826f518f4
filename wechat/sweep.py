"""The sweep: what must happen though nobody asks for it. Each turn is one process's, of all that keep the schedule."""

from datetime import timedelta

from django.utils import timezone

from waybills import lanes, schedules

_LEASE = timedelta(seconds=1.8)
"""Of a schedule's 2 seconds, whose ticks come a little early or late: an early one must not wait for the next."""


def sweep() -> None:
    """End what is past its deadline and wake lanes that sleep with work to do."""
    lanes.expire(now=timezone.now())
    lanes.wake_sleepers()


def sweep_in_turn() -> bool:
    """Sweep, unless another process just has; return whether this one did."""
    if not schedules.take(schedules.SWEEP, _LEASE):
        return False
    sweep()
    return True
