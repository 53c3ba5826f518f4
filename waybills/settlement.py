"""In which order pushes settled: numbers that a reader can follow while others write, losing and repeating nothing.

Neither a clock nor a sequence orders by commit: who settles first may commit last, and a reader that has gone by never
comes back. So a settled push carries the number of the transaction that settled it (`settled_in`), and a reader stops
short of the oldest one that still runs in this database: below that *horizon* every transaction has committed or is
dead. A push that a person sends again loses its number and gets a higher one when it settles again.

- PostgreSQL: the transaction's own 64-bit id above a base. The base is 0 until a dump is restored into a cluster whose
  ids are lower than what is stored (`align`).
- SQLite has one writer at a time, so that the highest number and one more is the order of the commits. The base keeps
  the numbers of pushes that went back to pending.

The database refuses a settled push without a number, whoever writes it (`push_settled_in_when_settled`).
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Func

from waybills.database import execute, fetch, is_postgresql
from waybills.models import Push

Position = tuple[int, int]
"""(settled_in, id): where a reader stands."""

_HIGHEST = """(SELECT settled_in FROM waybills_push WHERE settled_in IS NOT NULL
                ORDER BY settled_in DESC, id DESC LIMIT 1)"""
NUMBER = {
    # A subquery that depends on no row: worked out once a statement.
    True: "(SELECT coalesce(max(base), 0) + pg_current_xact_id()::text::bigint FROM waybills_feed)",
    False: f"(SELECT max(coalesce(max(base), 0), coalesce({_HIGHEST}, 0)) + 1 FROM waybills_feed)",  # noqa: S608 - a constant
}
"""The SQL of the number of what this statement settles, by `is_postgresql()`."""

_RUNS_ELSEWHERE = """EXISTS (SELECT 1 FROM pg_locks held JOIN pg_stat_activity backend USING (pid)
                             WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock'
                               AND held.transactionid = running.id::xid AND backend.datname <> current_database())"""
"""Ids are the whole cluster's: a long transaction of another database must not hold this one's feed."""
_HORIZON = {
    # What is no longer in progress is seen by the statement that reads, which comes after this one.
    True: f"""
        SELECT base + coalesce((SELECT min(id::text::bigint) FROM pg_snapshot_xip(snapshot) AS running (id)
                                 WHERE pg_xact_status(id) = 'in progress' AND NOT {_RUNS_ELSEWHERE}), following),
               coalesce({_HIGHEST} >= base + following, false)
          FROM (SELECT coalesce(max(base), 0) AS base, pg_current_snapshot() AS snapshot,
                       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS following
                  FROM waybills_feed) AS now
    """,  # noqa: S608 - constants
    False: f"SELECT {NUMBER[False]}, false",
}
_RENUMBERING = 40
"""Bits. Each base is a multiple of 2 to this power: above any position that was ever given to a reader before."""
_ALIGN = f"""
    INSERT INTO waybills_feed (id, base)
    SELECT 1, (({_HIGHEST} >> {_RENUMBERING}) + 1) << {_RENUMBERING}
     WHERE {_HIGHEST} >= coalesce((SELECT base FROM waybills_feed), 0)
                         + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ON CONFLICT (id) DO UPDATE SET base = excluded.base WHERE waybills_feed.base < excluded.base
"""  # noqa: S608 - constants
_KEEP = """
    INSERT INTO waybills_feed (id, base) VALUES (1, %(number)s)
    ON CONFLICT (id) DO UPDATE SET base = max(base, excluded.base)
"""

_SKEW = timedelta(minutes=10)
"""Twice what a worker's clock, and its way to the transaction, may be off when a feed begins at a moment."""


class SettledIn(Func):
    """The number of what this statement settles, for the ORM."""

    template = NUMBER[False]
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> Any:
        """Return PostgreSQL's expression."""
        return self.as_sql(compiler, connection, template=NUMBER[True], **options)


def horizon() -> int:
    """Return the number below which nothing changes any more but by settling anew."""
    ((number, is_restored),) = fetch(_HORIZON[is_postgresql()])
    if is_restored:
        align()
        return horizon()
    return int(number)


def align() -> None:
    """Raise the base where what is stored was numbered by another cluster of PostgreSQL; harmless otherwise.

    To be called before anything settles in a database that may have been restored from a dump.
    """
    if is_postgresql():
        execute(_ALIGN)


def keep(number: int | None) -> None:
    """Let no push get this number again: the one that had it goes back to pending."""
    if number is not None and not is_postgresql():
        execute(_KEEP, {"number": number})


def begin_at(since: datetime) -> Position:
    """Return a position before everything that settled at this moment or later."""
    earlier = Push.objects.filter(settled_at__lte=since - _SKEW).order_by("-settled_at", "-pk")
    number = earlier.values_list("settled_in", flat=True).first()
    return number or 0, 0


def last_position(horizon: int) -> Position | None:
    """Return the position of the last push below the horizon.

    Of a row that stands, never of the horizon itself: after a crash PostgreSQL gives the ids of transactions that
    left nothing behind once more.
    """
    below = Push.objects.filter(settled_in__lt=horizon).order_by("-settled_in", "-pk")
    return below.values_list("settled_in", "pk").first()  # type: ignore[return-value]
