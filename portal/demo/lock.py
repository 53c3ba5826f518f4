"""One demo a folder: two would share a database and a token, and each would take the other's phones."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DemoRuns(Exception):
    """Another demo runs in this folder. who: what it wrote of itself."""

    def __init__(self, who: str) -> None:
        super().__init__(who)
        self.who = who


@contextmanager
def only_demo(path: Path, address: str) -> Iterator[None]:
    """Hold the lock file for as long as the context is open; raise DemoRuns where another process does.

    The lock ends with its process, however that dies: a file that is left over stops nobody.
    """
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DemoRuns(lock.read().strip()) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {address}\n")
        lock.flush()
        yield
