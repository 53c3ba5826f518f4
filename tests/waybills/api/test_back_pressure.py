"""Who gets a place in a web process, who waits for one and who is refused."""

import threading
import time
from contextlib import ExitStack

import pytest

from tests.live import eventually
from waybills.api.back_pressure import PRESENT, BackPressure
from waybills.api.errors import Busy

A, B = 1, 2
PATIENCE = 0.2


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Crowd:
    """Requests at work."""

    def __init__(self, threads: int) -> None:
        self.clock = Clock()
        self.places = BackPressure(threads, PATIENCE, self.clock)
        self._at_work: list[ExitStack] = []

    def admits(self, account: int, is_write: bool = True) -> ExitStack | None:
        """Let a request in; return what ends it, None where it is refused."""
        request = ExitStack()
        try:
            request.enter_context(self.places.place(account, is_write))
        except Busy:
            return None
        self._at_work.append(request)
        return request

    def fill(self, account: int, is_write: bool = True) -> list[ExitStack]:
        """Return the requests of one account that are let in, as many as there are."""
        requests = []
        while request := self.admits(account, is_write):
            requests.append(request)
        return requests


@pytest.mark.parametrize(("threads", "writes", "in_all"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3), (8, 6, 7)])
def test_writes_leave_a_thread_to_reads_and_both_one_to_the_callback(threads: int, writes: int, in_all: int) -> None:
    crowd = Crowd(threads)

    written = crowd.fill(A)
    read = crowd.fill(A, is_write=False)

    assert (len(written), len(written) + len(read)) == (writes, in_all)


def test_reads_alone_leave_a_thread_too() -> None:
    assert len(Crowd(4).fill(A, is_write=False)) == 3


def test_a_request_that_ends_gives_its_place_back_even_when_it_fails() -> None:
    crowd = Crowd(4)
    first, *_ = crowd.fill(A)
    first.close()

    with pytest.raises(ZeroDivisionError), crowd.places.place(A, True):
        raise ZeroDivisionError

    assert crowd.admits(A) is not None


def test_an_account_cannot_hold_all_places_while_another_is_there() -> None:
    crowd = Crowd(4)
    (of_b,) = [crowd.admits(B)]

    of_a = crowd.fill(A)

    assert of_b is not None
    assert len(of_a) == 1
    of_b.close()
    assert crowd.admits(B) is not None


def test_an_account_that_held_all_places_gets_none_back_before_the_other() -> None:
    crowd = Crowd(4)
    first, second = crowd.fill(A)
    assert crowd.admits(B) is None

    first.close()

    assert crowd.admits(A) is None
    assert crowd.admits(B) is not None
    second.close()
    assert crowd.admits(A) is not None


def test_an_account_that_went_away_holds_nobody_back() -> None:
    crowd = Crowd(4)
    crowd.admits(B).close()  # type: ignore[union-attr]

    assert len(crowd.fill(A)) == 1
    crowd.clock.now += PRESENT + 0.1
    assert len(crowd.fill(A)) == 1


def seconds_to_be_refused(crowd: Crowd, account: int) -> float:
    started = time.monotonic()
    assert crowd.admits(account) is None
    return time.monotonic() - started


def test_a_place_that_comes_free_soon_is_waited_for() -> None:
    crowd = Crowd(3)
    (first,) = crowd.fill(A)
    # The one that found out that nothing moves.
    first.close()
    first = crowd.admits(A)  # type: ignore[assignment]
    timer = threading.Timer(PATIENCE / 5, first.close)
    timer.start()

    second = crowd.admits(A)

    timer.join()
    assert second is not None


def test_places_that_do_not_move_are_waited_for_once_and_then_refused_at_once() -> None:
    crowd = Crowd(3)
    place = crowd.admits(A)

    waited = seconds_to_be_refused(crowd, A)
    at_once = seconds_to_be_refused(crowd, A)

    assert waited >= PATIENCE > at_once
    place.close()  # type: ignore[union-attr]
    again = crowd.admits(A)
    assert again is not None
    assert seconds_to_be_refused(crowd, A) >= PATIENCE


def test_whoever_has_its_share_beside_others_does_not_wait_for_more() -> None:
    crowd = Crowd(4)
    crowd.admits(B)
    crowd.admits(A)

    assert seconds_to_be_refused(crowd, A) < PATIENCE


def test_nobody_waits_on_the_last_thread() -> None:
    crowd = Crowd(4)
    first, _ = crowd.admits(A), crowd.admits(A)
    waiting = threading.Thread(target=crowd.admits, args=[A])
    waiting.start()
    eventually(lambda: crowd.places._waiting)

    assert seconds_to_be_refused(crowd, A) < PATIENCE / 2

    first.close()  # type: ignore[union-attr]
    waiting.join()
    assert crowd.admits(A) is None
