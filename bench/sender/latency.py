"""From due to sent at half of the sender's rate: the workers as in production, events fed at a constant rate."""

import psycopg

from bench.sender.rates import PORTAL
from bench.sender.run import Bench, drain, far_side
from bench.served import until, worker
from bench.system import judge, said, tell
from bench.world import WAYBILLS

SECONDS = 15
WARM_UP = 200
SLOWEST = 2.0
_QUANTILES = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM settled_at - created_at))
      FROM (SELECT settled_at, created_at FROM waybills_push ORDER BY id OFFSET %s) AS fed
"""


def latency(bench: Bench) -> None:
    """Measure the rate, then the time from an event's ingest to its push's record at half of that."""
    with far_side() as far:
        with bench.copy(bench.due) as database:
            rate = round(drain(PORTAL, database, far)[0].rate / 2)
        count = min(rate * SECONDS, WAYBILLS - WARM_UP)
        with (
            bench.copy(bench.idle) as database,
            worker(bench.folder, database, far.port) as feeder,
            psycopg.connect(database, autocommit=True) as connection,
        ):
            feed(feeder, connection, WARM_UP, 0)
            took = feed(feeder, connection, count, rate)
            p50, p99 = connection.execute(_QUANTILES, (WARM_UP,)).fetchone()[0]
            sent = connection.execute("SELECT count(*) FROM waybills_push WHERE state = 'sent'").fetchone()[0]
    if sent != WARM_UP + count:
        raise SystemExit(f"{sent} sent of {WARM_UP + count}: this is no measurement")
    print(
        f"\nsender-latency: {count} events at {count / took:.0f} a second (half of the rate: {rate}),"
        f" ingest and doorbell over files; due to sent p50 {p50:.2f} s"
    )
    judge("due to sent, p99, s", f"{p99:.2f}", "<= 2", p99 <= SLOWEST)


def feed(feeder, connection: psycopg.Connection, count: int, rate: int) -> float:
    """Feed events and wait until all are sent; return how long the feeding took."""
    tell(feeder, f"{count} {rate}")
    took = said(feeder)["seconds"]
    until(lambda: not is_pending(connection), "the workers send all that was fed")
    return took


def is_pending(connection: psycopg.Connection) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM waybills_push WHERE state = 'pending')"
    return connection.execute(query).fetchone()[0]
