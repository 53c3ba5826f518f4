"""Eight workers and four feeders on one database, some paused past their lease, some killed."""

import os
import signal
import time
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.delivery import lane_worker
from tests.delivery.lane_worker import Send, sends
from tests.delivery.load import post
from tests.delivery.processes import IS_FULL, Processes, Started, environment
from tests.live import eventually
from waybills import lanes
from waybills.lanes import Move, Result, Seen
from waybills.models import Lane, Outcome, Push, PushAttempt, PushReason, PushState

pytestmark = [pytest.mark.processes, pytest.mark.chaos]

WORKERS, FEEDERS = 8, 4
WAYBILLS = 10_000 if IS_FULL else 500
PUSHES = WAYBILLS * 5
LEASE = 3.0
KILLED = 3
PATIENCE = 1800 if IS_FULL else 150


def test_no_push_is_left_and_no_waybill_is_sent_twice_at_once(processes: Processes, tmp_path: Path) -> None:
    deadlocks = count_deadlocks()
    options: dict[str, Any] = {"folder": str(tmp_path), "lease": LEASE, "waybills": WAYBILLS, "feeders": FEEDERS}
    began = int(timezone.now().timestamp()) - 600
    target = "tests.delivery.lane_worker:"
    feeders = processes.fork(target + "feed", FEEDERS, environment(), began=began, **options)
    workers = processes.fork(target + "work", WORKERS, environment(), **options)

    killed = disturb(workers, feeders, tmp_path)
    feeders.process.wait(PATIENCE)
    (tmp_path / "fed").touch()
    workers.process.wait(PATIENCE)

    assert set(feeders.codes().values()) == {0}, feeders.output
    assert workers.codes() == {index: -9 if index in killed else 0 for index in range(WORKERS)}, workers.output
    assert Push.objects.count() == PUSHES
    assert set(Push.objects.values_list("state", "reason")) <= {("sent", ""), ("expired", "overtaken")}
    assert not Lane.objects.filter(wake_at__isnull=False).exists()
    assert not PushAttempt.objects.open().exists()
    assert count_deadlocks() == deadlocks
    check_sends(sends(tmp_path))


def disturb(workers: Started, feeders: Started, folder: Path) -> set[int]:
    """Pause workers past their lease and kill some, amid their sends, while all is fed; return which were killed."""
    rng, alive, killed = Random(3), workers.pids(), set[int]()
    while len(killed) < KILLED or feeders.process.poll() is None:
        caught: list[int] = []
        for _ in range(2):
            caught += catch_sending(rng, {index: alive[index] for index in alive.keys() - set(caught)}, folder)
        if caught and len(killed) < KILLED:
            killed.add(caught[0])
            os.kill(alive.pop(caught[0]), signal.SIGKILL)
        time.sleep(LEASE + 0.2)
        for index in alive:
            os.kill(alive[index], signal.SIGCONT)
        if not caught:
            break
    return killed


def catch_sending(rng: Random, pids: dict[int, int], folder: Path) -> list[int]:
    """Pause a worker amid a send and return it; none where all is sent before one is met."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        index = rng.choice(sorted(pids))
        os.kill(pids[index], signal.SIGSTOP)
        if lane_worker.is_sending(folder, index):
            return [index]
        os.kill(pids[index], signal.SIGCONT)
        time.sleep(0.01)
    return []


def check_sends(noted: list[Send]) -> None:
    """Check that the sends of a waybill go forward in time, and overlap only after a lost lease."""
    lost, by_waybill = 0, defaultdict[int, list[Send]](list)
    for send in noted:
        by_waybill[send.waybill_id].append(send)
    for of_one in by_waybill.values():
        for earlier, later in pairwise(sorted(of_one, key=lambda send: send.fence)):
            assert earlier.fence < later.fence
            if earlier.ended_at is None or later.began_at < earlier.ended_at:
                assert later.claimed_at >= earlier.leased_until
                lost += 1
        # What failed never reached the far side: an older event that came meanwhile goes before it.
        reached = [send.action_time for send in sorted(of_one, key=lambda send: send.fence) if send.has_reached]
        assert reached == sorted(reached)
    assert lost, "no lease was lost: nothing was proved"


def count_deadlocks() -> int:
    """Return how many deadlocks PostgreSQL has broken in this database; SQLite knows none."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("has_settled", [False, True])
def test_a_paused_worker_changes_no_row_that_another_took_over(
    processes: Processes, tmp_path: Path, has_settled: bool
) -> None:
    post([1])
    options = {"folder": str(tmp_path), "lease": 1.0}
    paused = processes.fork("tests.delivery.lane_worker:claim_and_wait", 1, environment(), **options)
    eventually((tmp_path / "claimed").exists, "the claim")
    os.kill(paused.pids()[0], signal.SIGSTOP)
    eventually(lambda: Lane.objects.filter(wake_at__lte=timezone.now()).exists(), "the lease's end")

    take_over(has_settled)
    taken_over = rows()
    (tmp_path / "go").touch()
    os.kill(paused.pids()[0], signal.SIGCONT)
    eventually((tmp_path / "settled").exists, "the late result")

    assert rows() == taken_over
    assert Push.objects.get().state == "pending"


def take_over(has_settled: bool) -> None:
    now = timezone.now()
    (attempt,) = lanes.claim(limit=1, now=now, decide=lane_worker.notify).attempts
    move = Move(PushState.PENDING, PushReason.RETRYING, now + timedelta(hours=1), tries=5)
    if has_settled:
        lanes.settle([Result(Seen(attempt, now, Outcome.FAILED, errcode=932001), move)], now=now)


def rows() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Push, Lane, PushAttempt)]
