"""Workers killed while they push to a sandbox that asks back for each push: in each window, then every two seconds."""

import os
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from portal.processes import worker_programs
from tests.delivery.aims import AIMS, Shot
from tests.delivery.carrier import Carrier, make_account, trails
from tests.delivery.chaos import IDLE, WINDOWS, Kill, judge, read_ledger, windows_hit
from tests.delivery.far_sandbox import Sandbox
from tests.delivery.gate import Gate, gate_to
from tests.delivery.load import number, post
from tests.delivery.processes import IS_FULL, Processes, Started, environment
from tests.live import answers, eventually, free_port
from waybills.models import Lane, Push

pytestmark = [pytest.mark.processes, pytest.mark.chaos, pytest.mark.broker]

SEEDS = (1, 2, 3) if IS_FULL else (1,)
WAYBILLS = int(os.environ.get("CHAOS_WAYBILLS") or 5000) if IS_FULL else 120
"""Every other of them with three events: two pushes a waybill. CHAOS_WAYBILLS: of a trial of the full run."""
A_SECOND = 18 if IS_FULL else 6
WORKERS = 3
KILL_EVERY = 2.0
PATIENCE = 600 if IS_FULL else 150
AIMED_AT_ONCE = 5
"""Waybills of an aimed kill."""
FIRST_AIMED = 900_000
"""Their numbers are apart from those that are fed."""


class Workers:
    """The push workers of `make worker`, each with its own scheduler; one that is killed may be replaced."""

    def __init__(self, processes: Processes, rng: Random) -> None:
        self._processes, self._rng = processes, rng
        self._running: list[Started] = []
        self.kills: list[Kill] = []

    def start(self, variables: dict[str, str], count: int = 1) -> None:
        (program,) = (one for one in worker_programs(lambda: True) if "push" in one.name)
        for _ in range(count):
            self._running.append(self._processes.start({**variables, **program.environment}, *program.command[1:]))

    def kill_one(self) -> None:
        # Every other time the one that has run longest: it has most in flight, where the youngest may not have begun.
        victim = self._running.pop(self._rng.choice([0, 0, *range(1, len(self._running))]))
        now = timezone.now()
        was_due = Lane.objects.filter(wake_at__lte=now).exists()
        # With it goes the scheduler that it forked.
        os.killpg(victim.process.pid, signal.SIGKILL)
        self.kills.append(Kill(time.time(), was_due))
        victim.process.wait()

    def stop(self) -> None:
        """End them as an operator does."""
        for worker in self._running:
            worker.process.terminate()
        for worker in self._running:
            assert worker.process.wait(40) == 0, worker.output
        self._running.clear()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_push_ends_known_whatever_dies(processes: Processes, tmp_path: Path, seed: int, capsys: Any) -> None:
    sandbox = Sandbox(port := free_port())
    variables = environment(
        WECHAT_API_BASE=sandbox.base,
        CELERY_BROKER_URL=os.environ.get("CELERY_BROKER_URL") or f"filesystem://{tmp_path / 'broker'}",
        PORT=str(port),
        PROCESSES="1",
        PUSH_LEASE="10",
        PUSH_RETRY_FIRST="1",
    )
    processes.manage(variables, "serve", "web")
    sandbox.start(processes, variables, latency_ms=300)
    eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the portal answers")
    workers = Workers(processes, Random(seed))

    began = time.monotonic()
    with gate_to(sandbox.base) as gate:
        kill_in_each_window(workers, gate, {**variables, "WECHAT_API_BASE": gate.base})
    workers.start(variables, WORKERS)
    feed_and_kill(workers, Carrier(port, make_account()), variables)
    eventually(lambda: not Push.objects.pending().exists(), "every push ends", PATIENCE)
    workers.stop()

    ledger = read_ledger(sandbox.ledger())
    hit = windows_hit(workers.kills, ledger)
    report(capsys, f"seed {seed}, {time.monotonic() - began:.0f} s", hit)
    judge(ledger)
    assert hit.keys() >= set(WINDOWS)


def kill_in_each_window(workers: Workers, gate: Gate, variables: dict[str, str]) -> None:
    """Kill a worker in each window in turn, amid calls of a few waybills."""
    for turn, aim in enumerate(AIMS.values()):
        first = FIRST_AIMED + turn * 100
        workers.start(variables)
        # The first push tells that the worker sends, and leaves the token in its row.
        post([first])
        eventually(partial(is_sent, first), "it sends")
        aim(Shot(gate, range(first + 1, first + 1 + AIMED_AT_ONCE), workers.kill_one))


def is_sent(index: int) -> bool:
    return Push.objects.filter(state="sent", waybill__no=number(index)).exists()


def feed_and_kill(workers: Workers, carrier: Carrier, variables: dict[str, str]) -> None:
    """Post waybills at a steady rate, and kill a worker now and then, until a while after the last."""
    aimed, fed = len(workers.kills), 1
    carrier.post_until_taken(trails(range(1), int(time.time()) - 100))
    eventually(partial(is_sent, 0), "the workers send")
    began, next_kill = time.monotonic(), KILL_EVERY
    while fed < WAYBILLS or len(workers.kills) < aimed + 3:
        passed = time.monotonic() - began
        due = min(WAYBILLS, int(passed * A_SECOND) + 1)
        if due > fed:
            carrier.post_until_taken(trails(range(fed, due), int(time.time()) - 100))
            fed = due
        if passed >= next_kill:
            workers.kill_one()
            workers.start(variables)
            next_kill += KILL_EVERY
        time.sleep(0.1)


def report(capsys: Any, run: str, hit: Counter[str]) -> None:
    """Print the table of the run."""
    states = Counter(Push.objects.order_by().values_list("state", flat=True))
    lines = [f"  {window:<26}{hit[window]:>5}" for window in (*WINDOWS, IDLE)]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", f"{run}: {dict(states)}; kills by the window they hit", *lines, ""]))
