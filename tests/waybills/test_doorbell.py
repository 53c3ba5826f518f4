"""The doorbell: a hint that may be lost, and that never holds its caller up."""

import threading
import time

import pytest

from waybills import doorbell
from waybills.doorbell import Doorbell


def test_a_ring_is_published_by_another_thread() -> None:
    published = threading.Event()
    publisher: list[str] = []

    def publish() -> None:
        publisher.append(threading.current_thread().name)
        published.set()

    Doorbell(publish).ring()

    assert published.wait(5)
    assert publisher == ["doorbell"]


def test_many_rings_are_few_messages() -> None:
    count = 0

    def publish() -> None:
        nonlocal count
        count += 1

    bell = Doorbell(publish)
    for _ in range(1000):
        bell.ring()
    time.sleep(0.3)

    assert 1 <= count <= 7


def test_a_slow_broker_does_not_hold_the_caller_up() -> None:
    release = threading.Event()
    bell = Doorbell(lambda: release.wait(5) and None)

    began = time.monotonic()
    bell.ring()
    bell.ring()

    assert time.monotonic() - began < 1
    release.set()


def test_a_broker_that_fails_costs_a_ring_and_not_the_next() -> None:
    second = threading.Event()
    calls = 0

    def publish() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("refused")
        second.set()

    bell = Doorbell(publish)
    bell.ring()
    while calls == 0:
        time.sleep(0.01)
    bell.ring()

    assert second.wait(5)


def test_before_it_is_connected_a_ring_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "_doorbell", None)
    published = threading.Event()
    doorbell.ring()

    doorbell.connect(published.set)

    assert not published.wait(0.2)
    doorbell.ring()
    assert published.wait(5)


def test_rings_of_many_threads_at_once_have_one_publisher() -> None:
    publishers: set[int] = set()
    bell = Doorbell(lambda: publishers.add(threading.get_ident()))
    ringers = [threading.Thread(target=bell.ring) for _ in range(8)]

    with bell._lock:
        for ringer in ringers:
            ringer.start()
        time.sleep(0.2)
    for ringer in ringers:
        ringer.join()
    for _ in range(3):
        time.sleep(0.1)
        bell.ring()
    time.sleep(0.1)

    assert len(publishers) == 1
