"""How much of a web process the API may hold at once: a slow database makes the API refuse, and nothing falls over.

A process has few threads (`THREADS`), and a request that waits for the database holds one. So before a request is at
work it needs a place here; without one it is told 503 and `Retry-After`, before its body is read and with nothing
stored. Of T threads:

    T - 1  the API in all: the callback, which WeChat waits 5 s for, and the probes always find a thread
    T - 2  what writes: reads go on while writes wait for a lock
    one place less, while other accounts are there: nobody can hold them all

PostgreSQL itself ends what takes too long in a web process (`portal.settings`), as SQLite does: a place is given back.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from waybills.api.errors import Busy

PATIENCE = 1.0
"""Seconds that a request waits for a place: a batch of 1,000 takes a tenth to half of it, so a crowd is not refused."""
PRESENT = 5.0
"""Seconds for which an account counts as being there after its last request."""


class BackPressure:
    """The places of one process."""

    def __init__(self, threads: int, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = max(1, threads - 1)
        self.most_writes = max(1, threads - 2)
        self._patience = patience
        self._clock = clock
        self._changed = threading.Condition()
        self._held: Counter[tuple[int, bool]] = Counter()
        self._seen: dict[int, float] = {}
        self._waiting = 0
        self._is_stuck = False

    @contextmanager
    def place(self, account: int, is_write: bool) -> Iterator[None]:
        """Hold a place while a request is at work. Raise Busy where there is none."""
        self._take(account, is_write)
        try:
            yield
        finally:
            self._give_back(account, is_write)

    def _take(self, account: int, is_write: bool) -> None:
        with self._changed:
            self._seen[account] = self._clock()
            if not self._is_free(account, is_write) and not self._wait(account, is_write):
                raise Busy
            self._held[account, is_write] += 1

    def _wait(self, account: int, is_write: bool) -> bool:
        """Return whether a place came free.

        A wait holds a thread as well. Nobody waits where that thread would be the last one, nor for places that have
        not moved since another waited in vain, nor beyond an account's share.
        """
        is_last = self._held.total() + self._waiting >= self.most
        if is_last or self._is_stuck or not self._has_share(account, is_write):
            return False
        self._waiting += 1
        came_free = self._changed.wait_for(lambda: self._is_free(account, is_write), self._patience)
        self._waiting -= 1
        self._is_stuck = not came_free
        return came_free

    def _give_back(self, account: int, is_write: bool) -> None:
        with self._changed:
            self._held[account, is_write] -= 1
            self._is_stuck = False
            self._changed.notify_all()

    def _is_free(self, account: int, is_write: bool) -> bool:
        writes = sum(count for (_, writes), count in self._held.items() if writes)
        has_room = self._held.total() < self.most and not (is_write and writes >= self.most_writes)
        return has_room and self._has_share(account, is_write)

    def _has_share(self, account: int, is_write: bool) -> bool:
        """Return whether an account holds less than it may hold beside others."""
        if not self._has_company(account):
            return True
        writes = self._held[account, True]
        if is_write and writes >= max(1, self.most_writes - 1):
            return False
        return writes + self._held[account, False] < max(1, self.most - 1)

    def _has_company(self, account: int) -> bool:
        since = self._clock() - PRESENT
        self._seen = {seen: at for seen, at in self._seen.items() if at > since or seen == account}
        return len(self._seen) > 1
