"""The whole on one machine without a server: SQLite, the file broker, the workers as in production."""

import sqlite3
import time

from bench.sender.run import Bench, call, far_side
from bench.served import until, worker
from bench.system import judge, said, tell

WAYBILLS, WARM_UP = 3000, 100
LEAST = 200


def sqlite(bench: Bench) -> None:
    """Measure the rate from the first event's ingest to the last push's record."""
    file = bench.folder / "portal.sqlite3"
    database = f"sqlite:///{file}"
    call("bench.sender.world", "waybills", str(WAYBILLS), database=database)
    with far_side() as far, worker(bench.folder, database, far.port) as feeder:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        feed(feeder, connection, WARM_UP)
        began = time.perf_counter()
        feed(feeder, connection, WAYBILLS - WARM_UP)
        rate = (WAYBILLS - WARM_UP) / (time.perf_counter() - began)
        sent = connection.execute("SELECT count(*) FROM waybills_push WHERE state = 'sent'").fetchone()[0]
        calls = far.report()["calls"]
        connection.close()
    if (sent, calls) != (WAYBILLS, WAYBILLS):
        raise SystemExit(f"{sent} sent, {calls} calls of {WAYBILLS}: this is no measurement")
    print(f"\nsender-sqlite: {WAYBILLS} events, ingest, doorbell over files, one push worker")
    judge("pushes a second", f"{rate:.0f}", ">= 200", rate >= LEAST)


def feed(feeder, connection: sqlite3.Connection, count: int) -> None:
    tell(feeder, f"{count} 0")
    said(feeder)
    pending = "SELECT EXISTS (SELECT 1 FROM waybills_push WHERE state = 'pending')"
    until(lambda: not connection.execute(pending).fetchone()[0], "the worker sends all that was fed")
