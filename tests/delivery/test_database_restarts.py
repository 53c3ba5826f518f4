"""PostgreSQL restarted and the broker flushed under load: nothing is lost, and web answers by itself."""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.delivery.carrier import Carrier, make_account, stored_rows, trails
from tests.delivery.chaos import judge, read_ledger
from tests.delivery.cluster import Cluster, cluster, connected_to
from tests.delivery.far_sandbox import Sandbox
from tests.delivery.probes import Probes
from tests.delivery.processes import IS_FULL, Processes, environment
from tests.live import eventually, free_port
from waybills.models import Push

pytestmark = [pytest.mark.processes, pytest.mark.chaos, pytest.mark.broker]

RESTARTS = 5 if IS_FULL else 2
MODES = ("immediate", "fast")
BETWEEN = 8.0
"""Seconds of load before each restart and after the last."""
ANSWERS_WITHIN = 5.0
FEEDERS = 2
WAYBILLS = 10
"""A batch of a feeder."""
REST = 0.25
"""Seconds between two batches of a feeder."""
PATIENCE = 150


@dataclass(frozen=True)
class Restart:
    """When the database was told to restart, and when it took connections again. Unix seconds."""

    mode: str
    began: float
    ready: float


@pytest.fixture
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    """Return a PostgreSQL of this test's own, migrated, which this process works on."""
    with cluster() as running, connected_to(running, django_db_blocker):
        call_command("migrate", verbosity=0)
        yield running


@pytest.fixture
def started(tmp_path: Path, server: Cluster) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.stop_all()


def test_nothing_is_lost_when_the_database_restarts_and_the_broker_is_flushed(
    server: Cluster, started: Processes, tmp_path: Path, capsys: Any
) -> None:
    sandbox = Sandbox(port := free_port())
    variables = environment(
        WECHAT_API_BASE=sandbox.base,
        CELERY_BROKER_URL=os.environ.get("CELERY_BROKER_URL") or f"filesystem://{tmp_path / 'broker'}",
        PORT=str(port),
        PROCESSES="2",
        PUSH_LEASE="10",
        PUSH_RETRY_FIRST="1",
    )
    serving = started.manage(variables, "serve")
    sandbox.start(started, variables, latency_ms=50)
    carrier = Carrier(port, make_account())
    carrier.post_until_taken(trails(range(1), int(time.time()) - 100))
    eventually(lambda: Push.objects.filter(state="sent").exists(), "the workers send")

    with Probes(f"http://127.0.0.1:{port}", carrier.token) as probes, feeding(carrier):
        restarts = [restart_under_load(server, mode, started, variables) for mode in islice(cycle(MODES), RESTARTS)]
        time.sleep(BETWEEN)
    eventually(lambda: not Push.objects.pending().exists(), "every push ends", PATIENCE)

    report(capsys, probes, restarts, carrier)
    check_answers(probes, restarts)
    assert set().union(*(batch.rows for batch in carrier.answered)) <= stored_rows()
    judge(read_ledger(sandbox.ledger()))
    assert serving.process.poll() is None
    assert "starting it again" not in serving.output


@contextmanager
def feeding(carrier: Carrier) -> Iterator[None]:
    """Let feeders post batch after batch, each until it is taken."""
    is_over = threading.Event()

    def feed(feeder: int) -> None:
        for turn in count(1):
            first = (feeder + 1) * 100_000 + turn * WAYBILLS
            carrier.post_until_taken(trails(range(first, first + WAYBILLS), int(time.time()) - 100))
            if is_over.wait(REST):
                return

    with ThreadPoolExecutor(FEEDERS) as feeders:
        posting = [feeders.submit(feed, feeder) for feeder in range(FEEDERS)]
        try:
            yield
        finally:
            is_over.set()
        for feeder in posting:
            feeder.result()


def restart_under_load(server: Cluster, mode: str, started: Processes, variables: dict[str, str]) -> Restart:
    """Flush the broker, restart the database, and return when it began and when it took connections again."""
    time.sleep(BETWEEN / 2)
    flush = started.start(variables, "-m", "celery", "-A", "portal", "purge", "--force")
    assert flush.process.wait(60) == 0, flush.output
    time.sleep(BETWEEN / 2)
    connection.close()
    began = time.time()
    server.restart(mode)
    return Restart(mode, began, time.time())


def check_answers(probes: Probes, restarts: Sequence[Restart]) -> None:
    """Check that within five seconds of each restart everything answers, and goes on to until the next."""
    ends = [*(restart.began for restart in restarts[1:]), float("inf")]
    for restart, end in zip(restarts, ends, strict=True):
        for name, seen in probes.seen.items():
            after = [one for one in seen if restart.ready < one.at < end]
            first = next((one.at for one in after if one.is_good), float("inf"))
            assert first - restart.ready <= ANSWERS_WITHIN, f"{name} after {restart.mode}"
            late = [one for one in after if not one.is_good and one.at > restart.ready + ANSWERS_WITHIN]
            assert not late, f"{name} failed late after {restart.mode}: {late[0]}"


def report(capsys: Any, probes: Probes, restarts: Sequence[Restart], carrier: Carrier) -> None:
    """Print how long each address took to answer again, and what failed meanwhile."""
    lines = [
        f"{len(carrier.answered)} posts taken, {dict(Counter(Push.objects.order_by().values_list('state', flat=True)))}"
    ]
    for restart in restarts:
        lines.append(f"  {restart.mode:<10} away {restart.ready - restart.began:.1f} s; first good answer after")
        for name, seen in probes.seen.items():
            first = next(one.at for one in seen if one.is_good and one.at > restart.ready) - restart.ready
            bad = sum(not one.is_good for one in seen if one.at > restart.ready and one.at < restart.ready + BETWEEN)
            lines.append(f"    {name:<10}{first:>6.2f} s, {bad} failed after it was ready")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
