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
