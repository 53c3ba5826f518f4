"""Counts that end by themselves, in the cache: one for all processes where they share it (`CACHE_URL`).

A shared cache that does not answer takes nothing with it: until it is back, each process counts for itself.
"""

import logging
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache

logger = logging.getLogger(__name__)

OWN = "own"
"""The cache of this process alone."""
REST = 5.0
"""Seconds for which a cache that did not answer is not asked again."""

_T = TypeVar("_T")
_ask_again_at = 0.0


def count_up(key: str, period: float) -> int:
    """Return how often this key was counted, with this time; period: in seconds, from the first time on."""
    return _ask(lambda cache: _count_up(cache, key, period))


def count_in_window(key: str, now: float, period: int) -> int:
    """Return how often this key was counted, with this time, in the present window of `period` seconds.

    now: Unix seconds. All windows of a period begin at the same moments.
    """
    return count_up(f"{key}:{int(now) // period}", period)


def counts(keys: Collection[str]) -> dict[str, int]:
    """Return how often each of these keys was counted, where it was."""
    return _ask(lambda cache: cache.get_many(keys))


def count_down(key: str) -> None:
    """Take one count back."""
    _ask(lambda cache: cache.decr(key) if cache.get(key) else None)


def forget(key: str) -> None:
    """Begin with this key from the start."""
    _ask(lambda cache: cache.delete(key))


def _count_up(cache: BaseCache, key: str, period: float) -> int:
    if cache.add(key, 1, period):
        return 1
    try:
        return cache.incr(key)
    except ValueError:
        # It ran out between the two.
        cache.set(key, 1, period)
        return 1


def _ask(question: Callable[[BaseCache], _T]) -> _T:
    global _ask_again_at
    if time.monotonic() >= _ask_again_at:
        try:
            return question(caches[DEFAULT_CACHE_ALIAS])
        except _no_answer() as error:
            _ask_again_at = time.monotonic() + REST
            logger.error("CACHE_URL does not answer, each process counts for itself: %s", error)
    return question(caches[OWN])


def _no_answer() -> type[Exception]:
    """Return what a cache raises that does not answer. Loaded when there is one: it takes 40 ms of a start."""
    from redis.exceptions import RedisError

    return RedisError
