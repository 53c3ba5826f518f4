"""Counts refused requests in memory, and merges the counts into one row an hour and reason."""

import threading
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, connection, transaction

from wechat.deferred import DeferredWriter

_SECONDS = 1.0
_MERGE = """
    INSERT INTO wechat_callbackrefusal (hour, reason, count, last_at, last_source) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (hour, reason) DO UPDATE
       SET count = wechat_callbackrefusal.count + excluded.count,
           last_at = excluded.last_at, last_source = excluded.last_source
"""


@dataclass(slots=True)
class Tally:
    """How often, when last and from where."""

    count: int
    last_at: datetime
    last_source: str | None


Tallies = dict[tuple[datetime, str], Tally]


class RefusalCounter(DeferredWriter):
    """Holds one tally an hour and reason, so that no flood fills memory or disk."""

    def __init__(self, interval: float = _SECONDS) -> None:
        super().__init__(interval)
        self._tallies: Tallies = {}
        self._lock = threading.Lock()

    def count(self, reason: str, source: str | None, at: datetime) -> None:
        """Add one refused request."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            tally = self._tallies.setdefault((hour, reason), Tally(0, at, source))
            tally.count += 1
            tally.last_at, tally.last_source = at, source

    def take(self) -> Tallies:
        """Return the tallies by hour and reason, and begin anew."""
        with self._lock:
            tallies, self._tallies = self._tallies, {}
        return tallies

    def write(self) -> None:
        """Merge the tallies into the rows of their hours, in one transaction."""
        tallies = self.take()
        if not tallies:
            return
        try:
            self._merge(tallies)
        except Error:
            self.take_back(tallies)
            raise

    def _merge(self, tallies: Tallies) -> None:
        moment = connection.ops.adapt_datetimefield_value
        # Sorted: two processes that merge the same rows in other orders would lock each other out.
        rows = [
            (moment(hour), reason, tally.count, moment(tally.last_at), tally.last_source)
            for (hour, reason), tally in sorted(tallies.items())
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_MERGE, rows)

    def take_back(self, tallies: Tallies) -> None:
        """Add tallies that were taken and not written."""
        with self._lock:
            for key, tally in self._tallies.items():
                earlier = tallies.setdefault(key, Tally(0, tally.last_at, tally.last_source))
                earlier.count += tally.count
                earlier.last_at, earlier.last_source = tally.last_at, tally.last_source
            self._tallies = tallies
