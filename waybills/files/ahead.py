"""Reading ahead: one slice of a file is read and checked while the one before it is being stored."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; while one is at work, a thread takes the next from its source, in the caller's language.

    What the source raises is raised here, in its place. The thread ends with this generator.
    """
    source, context = iter(items), copy_context()

    def take() -> Item | None:
        return context.run(next, source, None)

    with ThreadPoolExecutor(1, "read ahead") as reader:
        following = reader.submit(take)
        while (item := following.result()) is not None:
            following = reader.submit(take)
            yield item
