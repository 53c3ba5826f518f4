"""Who runs a scheduled job: every worker may keep the schedule (`--beat` on N machines is N beats), one runs a turn."""

from datetime import UTC, datetime, timedelta

from django.db.models.functions import Now

from waybills.models import ScheduleLease

SWEEP = "sweep"
"""The search for deadlines that have passed and for sleeping lanes."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def take(name: str, for_: timedelta) -> bool:
    """Return whether this process may run the job now; nobody else may for as long as `for_`.

    for_: a little less than the schedule's period, since no two ticks are exactly a period apart.
    """
    if _take(name, for_):
        return True
    if ScheduleLease.objects.filter(name=name).exists():
        return False
    ScheduleLease.objects.bulk_create([ScheduleLease(name=name, leased_until=_LONG_AGO)], ignore_conflicts=True)
    return _take(name, for_)


def _take(name: str, for_: timedelta) -> bool:
    """Take the lease where it is free: one statement, so that of all who try at once one succeeds."""
    free = ScheduleLease.objects.filter(name=name, leased_until__lte=Now())
    return bool(free.update(taken_at=Now(), leased_until=Now() + for_))


def last_run(name: str) -> datetime | None:
    """Return when the job last began, on whichever machine; None: never."""
    return ScheduleLease.objects.filter(name=name).values_list("taken_at", flat=True).first()
