"""Reading ahead of whoever stores."""

import threading
from collections.abc import Iterator

import pytest
from django.utils import translation

from waybills.files.ahead import ahead


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("read ahead")}


def test_all_items_come_in_their_order_from_another_thread() -> None:
    def source() -> Iterator[tuple[int, str]]:
        for number in range(5):
            yield number, threading.current_thread().name

    items = list(ahead(source()))

    assert [number for number, _ in items] == list(range(5))
    assert all(name.startswith("read ahead") for _, name in items)
    assert threads() == set()


def test_the_next_one_is_taken_while_one_is_at_work() -> None:
    taken = [threading.Event(), threading.Event(), threading.Event()]

    def source() -> Iterator[int]:
        for number, event in enumerate(taken):
            event.set()
            yield number

    items = ahead(source())

    assert next(items) == 0
    assert taken[1].wait(5)
    assert not taken[2].is_set()
    assert list(items) == [1, 2]


def test_an_error_of_the_source_comes_in_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    items = ahead(source())

    assert next(items) == 1
    with pytest.raises(ValueError, match="the second"):
        next(items)
    assert threads() == set()


def test_the_thread_ends_where_nobody_reads_on() -> None:
    items = ahead(iter(range(5)))
    next(items)

    items.close()

    assert threads() == set()


def test_the_source_speaks_the_caller_s_language() -> None:
    with translation.override("zh-hans"):
        assert list(ahead(translation.get_language() for _ in range(2))) == ["zh-hans", "zh-hans"]
