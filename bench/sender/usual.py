"""Runs the usual peer: a Celery worker of 16 prefork processes, for as long as it takes to know its rate."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from kombu import Connection, Queue

from bench.sender import world
from bench.sender.run import Bench, FarSide
from bench.system import ROOT, clean_environment, cpu_seconds, end
from bench.world import WAYBILLS

CONCURRENCY = 16
"""Processes, on two cores: most of their time is waiting. Celery's own default, one a core, would be slower."""
SECONDS = 8.0
START_WITHIN = 30.0


def usual_rate(bench: Bench, database: str, far_side: FarSide, *, is_tuned: bool = False) -> tuple[float, float]:
    """Return (pushes a second, seconds of CPU a push) of a worker that has begun to send."""
    queue = f"bench_usual_{os.getpid()}"
    environment = clean_environment(
        **world.environment(database, far_side.port, DJANGO_SETTINGS_MODULE="bench.usual.settings"),
        USUAL_BROKER=bench.broker,
        USUAL_QUEUE=queue,
        USUAL_TUNED=str(int(is_tuned)),
    )
    with (
        psycopg.connect(database, autocommit=True) as connection,
        filled(bench.broker, queue, environment),
        worker(environment, queue) as pid,
    ):
        until = time.monotonic() + START_WITHIN
        while sent(connection) < CONCURRENCY * 10:
            if time.monotonic() > until:
                raise SystemExit("the usual peer does not send: this is no measurement")
            time.sleep(0.1)
        before, cpu, began = sent(connection), cpu_seconds(pid), time.perf_counter()
        time.sleep(SECONDS)
        done, seconds = sent(connection) - before, time.perf_counter() - began
        cpu = cpu_seconds(pid) - cpu
    if before + done >= WAYBILLS or not done:
        raise SystemExit(f"the usual peer sent {before + done}: this is no measurement")
    return done / seconds, cpu / done


def sent(connection: psycopg.Connection) -> int:
    return connection.execute("SELECT count(*) FROM waybills_push WHERE state = 'sent'").fetchone()[0]


@contextmanager
def filled(broker: str, queue: str, environment: dict[str, str]) -> Iterator[None]:
    """Put a task for each push into a queue of our own, and delete the queue at the end."""
    try:
        subprocess.run([sys.executable, "-m", "bench.sender.enqueue"], cwd=ROOT, env=environment, check=True)
        yield
    finally:
        with Connection(broker) as connection:
            Queue(queue, channel=connection.channel()).delete()


@contextmanager
def worker(environment: dict[str, str], queue: str) -> Iterator[int]:
    words = ["-A", "bench.usual.sender", "worker", "-Q", queue, "-n", f"{queue}@%h", "-l", "warning"]
    command = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", *words, "-c", str(CONCURRENCY)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        end(process)
