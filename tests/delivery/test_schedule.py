"""Any number of processes keep the schedule: the sweep runs once a turn, and goes on when its holder dies."""

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.delivery.beat_worker import PERIOD, runs
from tests.delivery.processes import Processes, environment
from tests.live import eventually

pytestmark = pytest.mark.processes

BEATS = 5


def start(processes: Processes, folder: Path, seconds: float) -> dict[int, int]:
    """Start the beats; return their pids."""
    return processes.fork(
        "tests.delivery.beat_worker:beat", BEATS, environment(), beats=BEATS, seconds=seconds, folder=str(folder)
    ).pids()


def test_many_beats_are_one_sweep_a_period(processes: Processes, tmp_path: Path) -> None:
    start(processes, tmp_path, seconds=9)

    eventually(lambda: len(runs(tmp_path)) >= 4, "the sweep runs", within=30)

    moments = [moment for moment, _ in runs(tmp_path)]
    # Noted after the job: a little later than the lease was taken.
    assert all(PERIOD * 0.8 < later - earlier < PERIOD * 1.7 for earlier, later in pairwise(moments))


def test_when_the_holder_dies_another_sweeps_after_its_lease(processes: Processes, tmp_path: Path) -> None:
    pids = start(processes, tmp_path, seconds=30)
    eventually(lambda: runs(tmp_path), "the sweep runs")

    for _ in range(BEATS - 1):
        before = runs(tmp_path)
        last, holder = before[-1]
        if holder in pids:
            os.kill(pids.pop(holder), signal.SIGKILL)
        eventually(lambda before=before: len(runs(tmp_path)) > len(before), "another sweeps", within=30)
        assert runs(tmp_path)[len(before)][0] - last < 3 * PERIOD
    assert time.time() - runs(tmp_path)[-1][0] < 3 * PERIOD
