"""Counts that end by themselves, in the cache: one for all processes where they share it (`CACHE_URL`)."""

from django.core.cache import cache


def count_up(key: str, period: float) -> int:
    """Return how often this key was counted, with this time; period: in seconds, from the first time on."""
    if cache.add(key, 1, period):
        return 1
    try:
        return cache.incr(key)
    except ValueError:
        # It ran out between the two.
        cache.set(key, 1, period)
        return 1


def count_in_window(key: str, now: float, period: int) -> int:
    """Return how often this key was counted, with this time, in the present window of `period` seconds.

    now: Unix seconds. All windows of a period begin at the same moments.
    """
    return count_up(f"{key}:{int(now) // period}", period)
