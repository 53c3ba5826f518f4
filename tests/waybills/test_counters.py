"""Counts in the cache, and without it."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches

from tests.live import free_port
from waybills import counters


@pytest.fixture
def silent() -> Iterator[int]:
    """Return the port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_cache_that_refuses_leaves_each_process_to_count(
    use_cache: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    use_cache(f"redis://127.0.0.1:{free_port()}/1")

    assert [counters.count_up("key", 60) for _ in range(3)] == [1, 2, 3]
    assert counters.counts(["key", "other"]) == {"key": 3}
    counters.count_down("key")
    assert counters.counts(["key"]) == {"key": 2}
    counters.forget("key")
    assert counters.counts(["key"]) == {}
    # Once for all of these: a log that is full of it helps nobody.
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "CACHE_URL does not answer, each process counts for itself"
    ]


def test_a_cache_that_is_silent_costs_one_wait(use_cache: Callable[[str], None], silent: int) -> None:
    use_cache(f"redis://127.0.0.1:{silent}/1")
    began = time.monotonic()

    assert counters.count_up("key", 60) == 1
    waited = time.monotonic() - began
    assert [counters.count_up("key", 60) for _ in range(50)] == list(range(2, 52))

    # A second for the connection and one for the answer are allowed, and no more for the fifty that followed.
    assert 0.9 < waited < 5
    assert time.monotonic() - began - waited < 0.9


def test_a_cache_that_is_back_is_asked_again(
    settings: Any, use_cache: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings.CACHES
    use_cache(f"redis://127.0.0.1:{free_port()}/1")
    assert counters.count_up("key", 60) == 1
    settings.CACHES = before
    caches["default"].clear()

    assert counters.count_up("key", 60) == 2
    monkeypatch.setattr(counters, "_ask_again_at", time.monotonic())

    assert counters.count_up("key", 60) == 1


def test_a_count_that_runs_out_in_the_middle_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = caches["default"]
    cache.set("key", 5, 60)

    def runs_out(*args: Any) -> int:
        cache.delete("key")
        raise ValueError

    monkeypatch.setattr(type(cache), "incr", runs_out)

    assert counters.count_up("key", 60) == 1
