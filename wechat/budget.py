"""Keeps `userquery` and `pathnotify` of all processes together under `PUSH_RATE` calls a minute."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from wechat.models import CallBudget

_BURST = 2.0
"""Seconds' worth of calls that may leave at once."""


def take(most: int, *, now: datetime) -> int:
    """Return how many calls may begin now, at most `most`, and count them as made."""
    if settings.PUSH.calls_per_minute is None:
        return most
    a_second = settings.PUSH.calls_per_minute / 60
    fullest = max(a_second * _BURST, 1.0)
    CallBudget.objects.get_or_create(pk=1, defaults={"permits": fullest, "counted_at": now})
    with transaction.atomic():
        budget = CallBudget.objects.select_for_update().get(pk=1)
        elapsed = max((now - budget.counted_at).total_seconds(), 0.0)
        permits = min(budget.permits + elapsed * a_second, fullest)
        taken = min(most, max(int(permits), 0))
        CallBudget.objects.filter(pk=1).update(permits=permits - taken, counted_at=max(now, budget.counted_at))
        return taken


def adjust(calls: int) -> None:
    """Count calls that follow another (a pathnotify its userquery) as made; a negative number gives some back."""
    if settings.PUSH.calls_per_minute is not None and calls:
        CallBudget.objects.filter(pk=1).update(permits=F("permits") - calls)
