"""Imports whose process is killed, stopped and doubled: what is stored in the end is the exact set."""

import random
import re
import signal
import time
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.delivery.conftest import processes
from tests.delivery.processes import IS_FULL, Processes, Started, environment
from tests.live import eventually
from tests.waybills.files.conftest import csv_file, rows_of, work_until_still
from waybills.action_types import ActionType
from waybills.files import jobs
from waybills.models import ImportChunk, ImportJob, Path, Push, Waybill

__all__ = ["processes"]

pytestmark = [pytest.mark.processes, pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

ROWS = 100_000 if IS_FULL else 20_000
MOST_MEMORY = 300 * 1024
"""KiB."""


def watch_memory(started: Started) -> int:
    """Return the most memory that a process had until it ended, in KiB.

    Not as wait4 tells it: that counts what this process had when it forked.
    """
    most = 0
    while started.process.poll() is None:
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", FilePath(f"/proc/{started.process.pid}/status").read_text())
            most = int(found[1]) if found else most
        time.sleep(0.02)
    return most


def check_exact_set() -> None:
    """Check that each event and each waybill of the file is there once, with its push."""
    assert Waybill.objects.posted().count() == ROWS // 4
    assert Path.objects.count() == Push.objects.count() == ROWS
    assert Path.objects.values("digest").distinct().count() == ROWS
    assert set(Path.objects.values_list("action_type", flat=True).distinct()) == {ActionType.IN_TRANSIT}


def test_the_command_killed_in_mid_file_and_run_again_stores_the_exact_set(
    processes: Processes, tmp_path: FilePath
) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(csv_file(*rows_of(ROWS), encoding="gb18030").getvalue())
    command = ("import_waybills", str(file), "--yes")

    first = processes.manage(environment(), *command)
    eventually(lambda: Path.objects.count() > ROWS // 4 or first.process.poll() is not None, "a part is stored")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    stored = Path.objects.count()
    assert 0 < stored < ROWS
    assert stored % 1000 == 0

    second = processes.manage(environment(), *command)
    memory = watch_memory(second)

    assert second.process.returncode == 0, second.output
    assert f"重复 {stored}" in second.output
    assert 0 < memory < MOST_MEMORY
    check_exact_set()


WORKER = """
import django
django.setup()
from waybills.files.worker import work
from waybills.models import ImportJob
while ImportJob.objects.active().exists():
    work(spell=1.0)
"""


def test_workers_killed_at_random_store_the_exact_set(processes: Processes) -> None:
    person = User.objects.create_superuser("root")
    file = csv_file(*rows_of(ROWS))
    job = jobs.upload(actor=person, name="events.csv", file=file, size=len(file.getvalue()))
    work_until_still()
    jobs.start(job_id=job.pk, actor=person)
    rng, kills = random.Random(7), 0

    until = time.monotonic() + (600 if IS_FULL else 120)
    while ImportJob.objects.active().exists():
        assert time.monotonic() < until
        pair = [start_worker(processes) for _ in range(2)]
        wait_for_progress(rng.uniform(0.0, 0.4))
        for worker in pair:
            if worker.process.poll() is None and kills < 6:
                kills += 1
                worker.process.send_signal(signal.SIGKILL)
        for worker in pair:
            worker.process.wait(300)
        # Nobody waits a minute here for the lease of a worker that is known to be dead.
        ImportJob.objects.update(leased_until=None)

    job.refresh_from_db()
    assert kills
    assert (job.state, job.rows_done, job.paths_created, job.paths_duplicate) == ("done", ROWS, ROWS, 0)
    assert (job.waybills_created, job.bad_rows) == (ROWS // 4, 0)
    assert not ImportChunk.objects.exists()
    check_exact_set()


def start_worker(processes: Processes) -> Any:
    return processes.start(environment(DJANGO_SETTINGS_MODULE="portal.settings"), "-c", WORKER)


def wait_for_progress(seconds: float) -> None:
    """Wait until a slice is stored, and somewhat longer: a kill during the start of Python proves little."""
    before = ImportJob.objects.get().rows_done
    eventually(
        lambda: ImportJob.objects.get().rows_done > before or not ImportJob.objects.active().exists(),
        "a slice is stored",
    )
    time.sleep(seconds)


def test_the_work_queue_s_sweep_finds_imports_and_finishes_them(processes: Processes, tmp_path: FilePath) -> None:
    person = User.objects.create_superuser("root")
    file = csv_file(*rows_of(ROWS))
    broker = environment(CELERY_BROKER_URL=f"filesystem://{tmp_path / 'broker'}")
    worker = processes.start(broker, "-m", "celery", "-A", "portal", "worker", "-Q", "work", "--beat")

    job = jobs.upload(actor=person, name="events.csv", file=file, size=len(file.getvalue()))
    eventually(lambda: ImportJob.objects.get().state == "preview", "it is read and checked")
    jobs.start(job_id=job.pk, actor=person)
    eventually(lambda: ImportJob.objects.get().state == "done", "it is stored", within=600)

    worker.process.terminate()
    assert worker.process.wait(30) == 0, worker.output
    check_exact_set()
