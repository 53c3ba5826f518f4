"""The doorbell: a hint to the workers that something is due. The database row is the truth; a lost ring costs nothing.

A publish costs 0.5 ms, and 0.6 s to a broker that refuses: so a thread of its own rings, at most every 50 ms.
"""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

_REST = 0.05


class Doorbell:
    """Rings from a thread of its own; `ring` never waits and never raises."""

    def __init__(self, publish: Callable[[], None]) -> None:
        self._publish = publish
        self._pressed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Ask for a ring."""
        self._pressed.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        rest = threading.Event()
        while True:
            self._pressed.wait()
            self._pressed.clear()
            try:
                self._publish()
            except Exception:
                logger.warning("the doorbell did not ring; the sweep will find what is due", exc_info=True)
            rest.wait(_REST)


_doorbell: Doorbell | None = None


def connect(publish: Callable[[], None]) -> None:
    """Say how to ring: by Celery, from `portal.celery`. Until then rings are dropped and the sweep finds the work."""
    global _doorbell
    _doorbell = Doorbell(publish)


def ring() -> None:
    """Tell the workers that something is due; may be lost, never raises, never waits."""
    if _doorbell is not None:
        _doorbell.ring()
