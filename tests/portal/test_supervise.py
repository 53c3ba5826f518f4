"""The supervisor, with real programs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import eventually
from tests.portal.conftest import Processes

_SUPERVISE = """
import sys
from portal.supervise import Program, Supervisor

programs = [
    Program(str(number), [sys.executable, "-c", text], is_server='"server asked"' in text)
    for number, text in enumerate(sys.argv[2:])
]
Supervisor(programs, grace=float(sys.argv[1])).run()
"""
_NOTE_AND_SLEEP = """
import os, time
with open({file!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
time.sleep(600)
"""


def start(processes: Processes, *programs: str, grace: float = 10) -> subprocess.Popen[bytes]:
    return processes.start(dict(os.environ), "-c", _SUPERVISE, str(grace), *programs)


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_that_dies_is_started_again(processes: Processes, tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    start(processes, _NOTE_AND_SLEEP.format(file=str(notes)))
    first = eventually(lambda: pids(notes))[0]

    os.kill(first, signal.SIGKILL)

    second = eventually(lambda: pids(notes)[1:])[0]
    assert is_alive(second)
    assert not is_alive(first)


def test_a_stop_ends_every_program_and_the_supervisor(processes: Processes, tmp_path: Path) -> None:
    notes = [tmp_path / "one", tmp_path / "two"]
    supervisor = start(processes, *(_NOTE_AND_SLEEP.format(file=str(file)) for file in notes))
    running = [eventually(lambda file=file: pids(file))[0] for file in notes]

    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(10) == 0
    assert not any(is_alive(pid) for pid in running)


def test_a_server_stops_after_the_programs_that_may_need_it(processes: Processes, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    slow = """
import signal, sys, time
def finish(*_):
    note("{name} asked")
    time.sleep(0.3)
    note("{name} stopped")
    sys.exit(0)
def note(words):
    with open({file!r}, "a") as file:
        file.write(words + "\\n")
signal.signal(signal.SIGTERM, finish)
note("{name} started")
time.sleep(600)
"""
    supervisor = start(processes, *(slow.format(file=str(notes), name=name) for name in ("server", "worker")))
    eventually(lambda: notes.exists() and len(notes.read_text().splitlines()) == 2)

    supervisor.terminate()

    assert supervisor.wait(10) == 0
    words = ["worker asked", "worker stopped", "server asked", "server stopped"]
    assert notes.read_text().splitlines()[2:] == words


def test_a_program_has_time_to_finish(processes: Processes, tmp_path: Path) -> None:
    done = tmp_path / "done"
    polite = f"""
import signal, sys, time
def finish(*_):
    time.sleep(0.7)
    open({str(done)!r}, "w").write("finished")
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
open({str(tmp_path / "ready")!r}, "w").close()
time.sleep(600)
"""
    supervisor = start(processes, polite)
    eventually((tmp_path / "ready").exists)

    supervisor.terminate()

    assert supervisor.wait(10) == 0
    assert done.read_text() == "finished"


_STUBBORN = """
import os, signal, time
def note(*_):
    with open({file!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
signal.signal(signal.SIGTERM, note)
note()
while True:
    time.sleep(600)
"""
"""Notes its number when it starts, and again each time that it is asked to stop."""


def test_a_program_that_does_not_stop_is_killed(processes: Processes, tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    supervisor = start(processes, _STUBBORN.format(file=str(notes)), grace=0.5)
    stubborn = eventually(lambda: pids(notes))[0]

    supervisor.terminate()

    assert supervisor.wait(10) == 0
    assert not is_alive(stubborn)
    assert "did not stop in time" in processes.output()


def test_a_second_signal_ends_the_wait(processes: Processes, tmp_path: Path) -> None:
    notes = tmp_path / "pids"
    supervisor = start(processes, _STUBBORN.format(file=str(notes)), grace=600)
    eventually(lambda: pids(notes))

    supervisor.terminate()
    eventually(lambda: len(pids(notes)) == 2)
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(10) == 0


def test_the_children_of_a_killed_program_do_not_outlive_it(processes: Processes, tmp_path: Path) -> None:
    notes, child_notes = tmp_path / "pids", tmp_path / "children"
    child = _NOTE_AND_SLEEP.format(file=str(child_notes))
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])\n"
    start(processes, parent + _NOTE_AND_SLEEP.format(file=str(notes)))
    first = eventually(lambda: pids(notes))[0]
    orphan = eventually(lambda: pids(child_notes))[0]

    os.kill(first, signal.SIGKILL)

    eventually(lambda: not is_alive(orphan))
    eventually(lambda: len(pids(notes)) == 2)


def test_a_program_that_dies_at_once_is_tried_less_and_less_often(processes: Processes, tmp_path: Path) -> None:
    start(processes, "raise SystemExit(3)")

    eventually(lambda: "starting it again in 2 s" in processes.output())

    assert "ended with 3; starting it again in 1 s" in processes.output()


def test_a_program_waits_for_what_it_needs(processes: Processes, tmp_path: Path) -> None:
    there = tmp_path / "there"
    script = f"""
import os, sys
from portal.supervise import Program, Supervisor

is_there = lambda: os.path.exists({str(there)!r})
late = Program("late", [sys.executable, "-c", "print('started', flush=True)"], may_start=is_there)
early = Program("early", [sys.executable, "-c", "print('early', flush=True); import time; time.sleep(600)"])
Supervisor([late, early]).run()
"""
    processes.start(dict(os.environ), "-c", script)
    eventually(lambda: "early" in processes.output())
    assert "started" not in processes.output()

    there.touch()

    eventually(lambda: "started" in processes.output())


def test_programs_write_where_the_supervisor_writes(processes: Processes) -> None:
    start(processes, f"import sys; print('said by', {sys.executable!r}, flush=True); import time; time.sleep(600)")

    eventually(lambda: f"said by {sys.executable}" in processes.output())


@pytest.mark.parametrize(("is_ignored", "stops"), [(False, True), (True, False)])
def test_the_end_of_the_terminal_stops_all_but_under_nohup(
    processes: Processes, tmp_path: Path, is_ignored: bool, stops: bool
) -> None:
    notes = tmp_path / "pids"
    # Said in both cases: a suite that runs under nohup itself would hand its own way on.
    ignore = f"import signal; signal.signal(signal.SIGHUP, signal.{'SIG_IGN' if is_ignored else 'SIG_DFL'})\n"
    program = _NOTE_AND_SLEEP.format(file=str(notes))
    supervisor = processes.start(dict(os.environ), "-c", ignore + _SUPERVISE, "10", program)
    eventually(lambda: pids(notes))

    supervisor.send_signal(signal.SIGHUP)

    if stops:
        assert supervisor.wait(10) == 0
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            supervisor.wait(1)
