"""Workers killed every two seconds while they push to WeChat's sandbox, which asks back for each push."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from django.utils import timezone

from tests.delivery.chaos import WAITING, WINDOWS, judge, read_ledger, windows_hit
from tests.delivery.load import post
from tests.delivery.processes import IS_FULL, Processes, Started, environment, eventually, free_port
from waybills.models import Push

pytestmark = [pytest.mark.processes, pytest.mark.chaos]

SEEDS = (1, 2, 3) if IS_FULL else (1,)
WAYBILLS = 5000 if IS_FULL else 120
"""Every other of them with three events: two pushes a waybill."""
A_SECOND = 18 if IS_FULL else 5
WORKERS = 3
KILL_EVERY = 2.0
PATIENCE = 600 if IS_FULL else 150
MUST_HIT = set(WINDOWS) if IS_FULL else {WAITING}
"""So few kills as CI has time for hit by chance what takes milliseconds."""


class Workers:
    """Three senders; one that is killed is replaced."""

    def __init__(self, start: Callable[[], Started], rng: Random) -> None:
        self._start, self._rng = start, rng
        self._running = [start() for _ in range(WORKERS)]
        self.kills: list[float] = []

    def kill_one(self) -> None:
        # Every other time the one that has run longest: it has most in flight, where the youngest may not have begun.
        victim = self._running.pop(self._rng.choice([0, 0, *range(1, WORKERS)]))
        os.kill(victim.process.pid, signal.SIGKILL)
        self.kills.append(time.time())
        victim.process.wait()
        self._running.append(self._start())

    def stop(self) -> None:
        """End them as an operator does."""
        for worker in self._running:
            worker.process.terminate()
        for worker in self._running:
            assert worker.process.wait(30) == 0, worker.output


class Sandbox:
    """WeChat's side, and where it is asked what it got."""

    def __init__(self, base: str) -> None:
        self.base = base

    def answers(self) -> bool:
        return _answers(f"{self.base}/sandbox/api/state")

    def ledger(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.base}/sandbox/api/ledger?limit=1000000", timeout=60)
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("seed", SEEDS)
def test_every_push_ends_known_whatever_dies(processes: Processes, tmp_path: Path, seed: int, capsys: Any) -> None:
    port, sandbox = free_port(), Sandbox(f"http://127.0.0.1:{free_port()}")
    variables = environment(
        WECHAT_API_BASE=sandbox.base,
        CELERY_BROKER_URL=f"filesystem://{tmp_path / 'broker'}",
        PORT=str(port),
        PROCESSES="1",
        PUSH_LEASE="10",
        PUSH_RETRY_FIRST="1",
    )
    start_both_sides(processes, variables, port, sandbox)
    workers = Workers(lambda: processes.manage(variables, "send_pushes", "--watch"), Random(seed))

    feed_and_kill(workers)
    eventually(lambda: not Push.objects.pending().exists(), "every push ends", PATIENCE)
    workers.stop()

    ledger = read_ledger(sandbox.ledger())
    hit = windows_hit(workers.kills, ledger)
    report(capsys, seed, workers.kills, hit)
    judge(ledger)
    assert hit.keys() >= MUST_HIT


def start_both_sides(processes: Processes, variables: dict[str, str], port: int, sandbox: Sandbox) -> None:
    callback = f"http://127.0.0.1:{port}/wechat/callback/"
    words = ("--bind=all", "--latency-ms=300", "--ledger=1000000", f"--callback-url={callback}")
    processes.manage(variables, "serve", "web")
    processes.manage(variables, "sandbox", f"--port={sandbox.base.rsplit(':', 1)[1]}", *words)
    eventually(lambda: _answers(f"http://127.0.0.1:{port}/readyz") and sandbox.answers(), "both sides answer")


def feed_and_kill(workers: Workers) -> None:
    """Post waybills at a steady rate, and kill a worker now and then, until a while after the last."""
    post_waybills(range(1))
    eventually(lambda: Push.objects.filter(state="sent").exists(), "the workers send")
    began, fed = time.monotonic(), 1
    next_kill = KILL_EVERY
    while fed < WAYBILLS or len(workers.kills) < 3:
        passed = time.monotonic() - began
        due = min(WAYBILLS, int(passed * A_SECOND) + 1)
        if due > fed:
            post_waybills(range(fed, due))
            fed = due
        if passed >= next_kill:
            workers.kill_one()
            next_kill += KILL_EVERY
        time.sleep(0.1)


def post_waybills(indexes: range) -> None:
    """Post whole trails, and single messages: of those alone a back-query proves anything."""
    now = timezone.now()
    post([index for index in indexes if index % 2], 200001, 300002, 300003, now=now)
    post([index for index in indexes if not index % 2], 300002, now=now)


def report(capsys: Any, seed: int, kills: list[float], hit: Counter[str]) -> None:
    found = ", ".join(f"{window}: {hit[window]}" for window in WINDOWS)
    states = dict(Counter(Push.objects.values_list("state", flat=True)))
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: {len(kills)} kills ({found}); {states}\n")
