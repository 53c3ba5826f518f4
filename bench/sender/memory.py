"""The sender's memory over 100,000 pushes: one `send_pushes --watch`, whose pushes fall due again and again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench.sender import world
from bench.sender.latency import is_pending
from bench.sender.run import Bench, far_side
from bench.system import ROOT, clean_environment, end, judge

WARM_UP, MEASURED = 10_000, 100_000
MOST_GROWTH = 50.0
"""MiB."""
GIVE_UP = 600.0
_DUE_AGAIN = (
    "UPDATE waybills_push SET state = 'pending', settled_at = NULL, settled_in = NULL, not_before = now()",
    "UPDATE waybills_lane SET wake_at = now(), is_urgent = true",
)


def memory(bench: Bench) -> None:
    """Measure the resident memory after the warm-up, and the most of it until the end."""
    with far_side() as far, bench.copy(bench.due) as database:
        environment = clean_environment(**world.environment(database, far.port))
        process = subprocess.Popen([sys.executable, "manage.py", "send_pushes", "--watch"], cwd=ROOT, env=environment)
        try:
            with psycopg.connect(database, autocommit=True) as connection:
                samples = sample(process.pid, connection, lambda: far.report()["calls"])
        finally:
            end(process)
    warm = next(size for sent, size in samples if sent >= WARM_UP)
    growth = max(size for sent, size in samples if sent >= WARM_UP) - warm
    print(f"\nsender-memory: {samples[-1][0]:.0f} pushes by one process, {warm:.0f} MiB after the first {WARM_UP}")
    judge("growth, MiB", f"{growth:.1f}", "<= 50", growth <= MOST_GROWTH)


def sample(pid: int, connection: psycopg.Connection, newly_sent) -> list[tuple[float, float]]:
    """Return (pushes sent, MiB resident) every fifth of a second, until enough are sent."""
    samples: list[tuple[float, float]] = []
    sent, until = 0.0, time.monotonic() + GIVE_UP
    while sent < WARM_UP + MEASURED:
        if time.monotonic() > until:
            raise SystemExit(f"{sent:.0f} pushes in {GIVE_UP:.0f} s: this is no measurement")
        time.sleep(0.2)
        sent += newly_sent()
        samples.append((sent, resident(pid)))
        if not is_pending(connection):
            with connection.transaction():
                for statement in _DUE_AGAIN:
                    connection.execute(statement)
    return samples


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
