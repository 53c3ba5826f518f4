"""Rows that are written a moment later, by a thread of their own.

With SQLite's one writer busy, an INSERT inside a callback took 530 ms at the 99th percentile, through this queue 8 ms
(docs/architecture.md). And a flood of refused requests becomes a few counters instead of rows.
"""

import logging
import threading
from abc import ABC, abstractmethod

from django.db import Error, connection

logger = logging.getLogger(__name__)


class DeferredWriter(ABC):
    """Collects what callbacks have to write, and writes it every `interval` seconds once it is started.

    The thread is not a daemon and ends with the main thread, so that a server which stops still writes what is left:
    granian runs no `atexit` on SIGTERM, but the interpreter joins its threads.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)

    @abstractmethod
    def write(self) -> None:
        """Write what has been collected; keep it where the database raises an Error."""

    def start(self) -> None:
        """Start the thread: in the process that serves, not in one that forks it."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and join the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval) and threading.main_thread().is_alive():
            self._try_to_write()
        self._try_to_write()
        connection.close()

    def _try_to_write(self) -> None:
        try:
            self.write()
        except Error as error:
            connection.close()
            logger.warning("callbacks are not recorded yet, the next try follows: %s", type(error).__name__)
