"""Web processes killed while carriers post: a batch is there whole or not at all, and no path without its push."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as Folder
from random import Random
from typing import Any

import pytest

from tests.delivery.carrier import Batch, Carrier, is_listening, make_account, paths, stored_rows, trails, waybills
from tests.delivery.processes import IS_FULL, Processes, children, environment
from tests.live import eventually, free_port
from waybills.models import Lane, Path, Push, PushState

pytestmark = [pytest.mark.processes, pytest.mark.chaos]

INGESTS = 2000 if IS_FULL else 300
KILLS = 40 if IS_FULL else 8
SENDERS = 4
WAYBILLS = 40
"""A batch: long enough under way to be met by a kill."""
WHOLE_WEB = 5
"""Every so manieth kill takes the web server itself, not one of its processes."""


def batches(began: int) -> Iterator[Batch]:
    """Yield whole trails, waybills before their paths, and paths before their waybills."""
    for group in range(INGESTS):
        indexes = range(group * WAYBILLS, (group + 1) * WAYBILLS)
        if group % 3 == 0:
            yield trails(indexes, began)
        else:
            halves = [waybills(indexes, began), paths(indexes, began)]
            yield from halves if group % 3 == 1 else reversed(halves)


class Progress:
    """Hands out the batches, and counts them."""

    def __init__(self, began: int) -> None:
        self._batches = batches(began)
        self._lock = threading.Lock()
        self.begun = 0

    def next(self) -> Batch | None:
        with self._lock:
            self.begun += 1
            return next(self._batches) if self.begun <= INGESTS else None


def test_no_path_is_without_its_push_whenever_the_web_process_dies(
    processes: Processes, tmp_path: Folder, capsys: Any
) -> None:
    carrier = Carrier(port := free_port(), make_account())
    broker = f"filesystem://{tmp_path / 'broker'}"
    web = processes.manage(environment(PORT=str(port), PROCESSES="2", CELERY_BROKER_URL=broker), "serve", "web")
    eventually(lambda: is_listening(port), "the portal listens")
    progress = Progress(int(time.time()) - 100)

    with ThreadPoolExecutor(SENDERS) as senders:
        posting = [senders.submit(post_all, carrier, progress) for _ in range(SENDERS)]
        killed = kill_at_random(web.process.pid, progress)
        for sender in posting:
            sender.result()

    judge(carrier, killed, capsys)


def post_all(carrier: Carrier, progress: Progress) -> None:
    while batch := progress.next():
        carrier.post(batch)


def kill_at_random(supervisor: int, progress: Progress) -> int:
    """Kill a web process at random points of the posting; return how many were killed."""
    rng, step = Random(5), INGESTS / (KILLS + 1)
    for kill in range(KILLS):
        point = (kill + rng.random()) * step
        eventually(lambda point=point: progress.begun >= point, "the posting goes on", 120)
        (server,) = eventually(lambda: children(supervisor), "the web server")
        workers = eventually(lambda server=server: children(server), "a web process")
        os.kill(server if kill % WHOLE_WEB == WHOLE_WEB - 1 else rng.choice(workers), signal.SIGKILL)
    return KILLS


def judge(carrier: Carrier, killed: int, capsys: Any) -> None:
    stored = stored_rows()
    whole = [batch for batch in carrier.unanswered if batch.rows <= stored]
    absent = [batch for batch in carrier.unanswered if batch.rows.isdisjoint(stored)]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{killed} kills, {len(carrier.answered)} posts answered, {len(carrier.unanswered)} not:"
            f" of these {len(whole)} are there, {len(absent)} are not\n"
        )

    assert len(carrier.answered) + len(carrier.unanswered) == INGESTS
    assert all(batch.rows <= stored for batch in carrier.answered)
    assert len(whole) + len(absent) == len(carrier.unanswered)
    assert carrier.unanswered, "no kill met a post: nothing was proved"
    assert set(Path.objects.values_list("pk", flat=True)) == set(Push.objects.values_list("path_id", flat=True))
    assert Push.objects.count() == Path.objects.count()
    check_lanes()


def check_lanes() -> None:
    """Check that the lanes of posted waybills with pending pushes are awake, and no others."""
    pending = Push.objects.filter(state=PushState.PENDING, waybill__posted_at__isnull=False)
    awake = Lane.objects.filter(wake_at__isnull=False)
    assert set(awake.values_list("waybill_id", flat=True)) == set(pending.values_list("waybill_id", flat=True))
