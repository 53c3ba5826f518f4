"""The portal as it runs: web server, workers and the far side, each a process."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as own_settings

from tests.live import eventually
from tests.portal.conftest import Processes, run
from tests.portal.running import Running, served

pytestmark = pytest.mark.processes


@pytest.fixture
def running(production: dict[str, str], processes: Processes) -> Iterator[Running]:
    """Return a portal that `serve` runs, with the sandbox as its far side and an account's token."""
    with served(production, processes) as portal:
        yield portal


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def names_but(word: str, pid: int) -> list[str]:
    """Return the commands of the children that do not hold this word."""
    return [name for name in map(command, children(pid)) if word not in name]


def family(pid: int) -> list[int]:
    return [member for child in children(pid) for member in (child, *family(child))]


def test_a_posted_event_is_on_its_way_within_a_second_and_arrives(running: Running) -> None:
    numbers = ("FIRST", "SECOND", "THIRD")

    for no in numbers:
        running.post(no)
        eventually(lambda no=no: running.pushes(no)[0]["state"] == "sent")

    # The best of three: this machine may be busy with something else.
    assert min(running.latency(no) for no in numbers) < 1
    push = running.pushes("THIRD")[0]
    assert push["notified"] is True
    assert [(attempt["call"], attempt["outcome"]) for attempt in push["attempts"]][-1] == ("pathnotify", "ok")


def test_a_killed_web_server_is_started_again_and_nothing_is_left_of_it(running: Running) -> None:
    before = [pid for pid in children(running.supervisor.pid) if "granian" in command(pid)]
    its_workers = family(before[0])

    os.kill(before[0], signal.SIGKILL)

    eventually(
        lambda: [pid for pid in children(running.supervisor.pid) if "granian" in command(pid)] not in ([], before)
    )
    eventually(running.is_ready)
    assert not any(command(pid) for pid in its_workers)


def test_a_stop_leaves_no_process_and_a_free_port(running: Running) -> None:
    everything = family(running.supervisor.pid)
    asked = time.monotonic()

    running.supervisor.send_signal(signal.SIGINT)

    assert running.supervisor.wait(30) == 0
    assert time.monotonic() - asked < 15
    assert len(everything) >= 4
    assert not any(command(pid) for pid in everything)
    assert not running.is_ready()


def test_a_taken_port_is_named_with_the_variable_to_set(running: Running) -> None:
    result = run(running.environment, "manage.py", "serve", "web")

    port = running.environment["PORT"]
    assert result.returncode == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "PORT=" in result.stderr


def broker(production: dict[str, str]) -> str:
    """Return the broker that this run of the tests is for."""
    tested = own_settings.CELERY_BROKER_URL
    return production["CELERY_BROKER_URL"] if tested.startswith("filesystem") else tested


def test_celery_s_own_command_is_a_whole_worker_and_stops_in_ten_seconds(
    production: dict[str, str], processes: Processes
) -> None:
    production["CELERY_BROKER_URL"] = broker(production)
    assert run(production, "manage.py", "migrate", "-v0").returncode == 0
    worker = processes.start(production, "-m", "celery", "-A", "portal", "worker", "--beat")
    eventually(lambda: "ready." in processes.output())
    eventually(lambda: "sending from this process" in processes.output())
    everything = family(worker.pid)
    asked = time.monotonic()

    worker.terminate()

    worker.wait(30)
    assert time.monotonic() - asked < 10
    assert everything
    eventually(lambda: not any(command(pid) for pid in everything), within=5)


def catches_signals(pid: int) -> bool:
    """Return whether Celery has set its handlers: SIGQUIT's is the last of them, and nothing else sets one for it."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGQUIT - 1) & 1)


@pytest.mark.parametrize("later", [0, 0.05, 0.1, 0.2, 0.4])
def test_a_worker_that_is_told_to_stop_while_it_starts_stops(
    production: dict[str, str], processes: Processes, later: float
) -> None:
    assert run(production, "manage.py", "migrate", "-v0").returncode == 0
    worker = processes.start(production, "-m", "celery", "-A", "portal", "worker", "--beat", "-Q", "push")
    eventually(lambda: catches_signals(worker.pid), every=0.001)
    time.sleep(later)

    worker.terminate()

    assert worker.wait(20) == 0
    assert "raised" not in processes.output()


@pytest.mark.parametrize("later", [0, 0.1, 0.3])
def test_a_web_server_that_is_told_to_stop_while_it_starts_stops(
    production: dict[str, str], processes: Processes, later: float
) -> None:
    supervisor = processes.start(production, "manage.py", "serve", "web")
    eventually(lambda: any(map(children, children(supervisor.pid))), every=0.001)
    time.sleep(later)

    supervisor.terminate()

    assert supervisor.wait(20) == 0
    assert "killed" not in processes.output().lower()


def test_a_half_alone_runs_only_its_programs(production: dict[str, str], processes: Processes) -> None:
    supervisor = processes.start(production, "manage.py", "serve", "worker")

    # A child that was forked a moment ago still has its parent's name.
    eventually(lambda: len(children(supervisor.pid)) == 2 and not names_but("celery", supervisor.pid))

    time.sleep(1)
    assert names_but("celery", supervisor.pid) == []


def test_a_database_that_does_not_answer_is_named(production: dict[str, str]) -> None:
    production["DATABASE_URL"] = "postgres://nobody@127.0.0.1:9/portal"

    result = run(production, "manage.py", "serve")

    assert result.returncode == 1
    assert "DATABASE_URL does not answer" in result.stderr
