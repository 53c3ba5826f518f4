"""The doorbell: rings from a thread of its own, and never troubles whoever presses it."""

import threading

import pytest

from waybills import doorbell
from waybills.doorbell import Doorbell

WAIT = 10.0


def test_a_press_rings_from_another_thread() -> None:
    rung = threading.Event()
    rang_from: list[str] = []

    def publish() -> None:
        rang_from.append(threading.current_thread().name)
        rung.set()

    Doorbell(publish).ring()

    assert rung.wait(WAIT)
    assert rang_from == ["doorbell"]


def test_many_presses_at_once_ring_once_or_twice() -> None:
    rings: list[float] = []
    quiet = threading.Event()
    bell = Doorbell(lambda: rings.append(0))

    for _ in range(1000):
        bell.ring()

    quiet.wait(0.5)
    assert 1 <= len(rings) < 10


def test_a_broker_that_refuses_costs_the_ring_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    answered = threading.Event()
    tries: list[int] = []

    def publish() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("refused")
        answered.set()

    bell = Doorbell(publish)
    bell.ring()
    while not tries:
        threading.Event().wait(0.01)

    bell.ring()

    assert answered.wait(WAIT)
    assert "the doorbell did not ring" in caplog.text


def test_whoever_presses_does_not_wait_for_the_broker() -> None:
    let_go = threading.Event()
    bell = Doorbell(lambda: let_go.wait(WAIT) and None)

    bell.ring()
    bell.ring()

    let_go.set()


def test_a_ring_before_anyone_is_connected_is_dropped() -> None:
    doorbell.ring()
