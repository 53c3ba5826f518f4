"""Works on imports, for a few seconds at a time. A job's row is queue, lease and position in one.

Every step is one transaction that begins by locking the job's row and comparing the fence, so that of two workers on
one job the slower writes nothing; the position moves with the rows, so that a kill costs the step and no more.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone, translation

from waybills.documents import ImportPlan, seal_plan
from waybills.files import chunks
from waybills.files.columns import check_mapping, guess_mapping
from waybills.files.intake import is_past_deadline, read_slice, slices
from waybills.files.jobs import begin_check, plan_of
from waybills.files.refusals import FileRefused
from waybills.files.rows import Row
from waybills.files.table import read_table
from waybills.ingest import Report
from waybills.models import ImportChunk, ImportJob
from waybills.models.import_job import KEPT

State = ImportJob.State

SPELL = 10.0
"""Seconds that a worker stays with one job before others have their turn."""
MOST_AT_ONCE = 2
"""Imports under way, all machines together: the sweep and the pushes need the processors too."""
LEASE = timedelta(seconds=60)
"""Of a step; a worker that was killed is missed after it."""
READING_LEASE = timedelta(seconds=180)
"""A workbook says nothing until its texts are unpacked."""
MOST_READINGS = 3
"""A file that ends its readers, by an error or for lack of memory, is given up: two would keep all others waiting."""


class LeaseLost(Exception):
    """Another worker has the job, or it has come to its end."""


def has_work() -> bool:
    """Return whether an import waits for a worker."""
    now = timezone.now()
    return ImportJob.objects.free(now).exists() and _under_way() < MOST_AT_ONCE


def work(*, spell: float = SPELL) -> bool:
    """Work on one import until it waits for a person, has ended, or the spell is over; return whether there was one."""
    job = _claim()
    if job is None:
        return False
    until = time.monotonic() + spell
    try:
        while _step(job.pk, job.fence) and time.monotonic() < until:
            pass
    except LeaseLost:
        return True
    ImportJob.objects.filter(pk=job.pk, fence=job.fence).update(leased_until=None)
    return True


def _under_way() -> int:
    return ImportJob.objects.active().filter(leased_until__gt=timezone.now()).count()


def _claim() -> ImportJob | None:
    now = timezone.now()
    with transaction.atomic(durable=True):
        if _under_way() >= MOST_AT_ONCE:
            return None
        job = ImportJob.objects.free(now).select_for_update(skip_locked=True).order_by("pk").first()
        if job is None:
            return None
        job.fence += 1
        job.leased_until = now + _lease_of(job)
        if job.state == State.WAITING:
            job.state = State.RUNNING
        job.save(update_fields=["fence", "leased_until", "state"])
        return job


def _lease_of(job: ImportJob) -> timedelta:
    return READING_LEASE if job.state == State.READING else LEASE


def _step(job_id: UUID, fence: int) -> bool:
    """Do one step; return whether there is another. Raise LeaseLost."""
    job = ImportJob.objects.get(pk=job_id)
    _check_lease(job, fence)
    step: Callable[[ImportJob], None] = {
        State.READING: _read,
        State.CHECKING: _check_slice,
        State.WAITING: _store_slice,
        State.RUNNING: _store_slice,
    }[State(job.state)]
    with translation.override(job.language):
        step(job)
    return ImportJob.objects.active().filter(pk=job_id).exists()


def _check_lease(job: ImportJob, fence: int) -> None:
    if job.fence != fence or not job.is_active:
        raise LeaseLost


def _held(job: ImportJob) -> ImportJob:
    """Lock the job's row; return it as it is now, its lease renewed. Raise LeaseLost."""
    fresh = ImportJob.objects.select_for_update().get(pk=job.pk)
    _check_lease(fresh, job.fence)
    if fresh.position != job.position:
        raise LeaseLost
    fresh.leased_until = timezone.now() + _lease_of(fresh)
    return fresh


def _read(job: ImportJob) -> None:
    """Turn the file into slices of rows; one that was begun is begun anew."""
    with transaction.atomic():
        fresh = _held(job)
        chunks.erase(fresh, ImportChunk.Kind.ROWS)
        fresh.rows = fresh.chunks = 0
        fresh.save()
    if job.fence > MOST_READINGS:
        _fail(job, FileRefused("gave_up"))
        return
    try:
        table = read_table(chunks.read_file(job))
        rows = 0
        for piece in slices(table.rows):
            _keep(job, piece)
            rows += len(piece)
        if not rows:
            raise FileRefused("no_rows")
    except FileRefused as refused:
        _fail(job, refused)
        return
    with transaction.atomic():
        fresh = _held(job)
        chunks.erase(fresh, ImportChunk.Kind.FILE)
        mapping = tuple(guess_mapping(table.header))
        fresh.shape, fresh.plan = table.shape, seal_plan(job.pk, ImportPlan(tuple(table.header), mapping))
        begin_check(fresh)
        if check_mapping(mapping):
            fresh.state, fresh.leased_until = State.PREVIEW, None
        fresh.save()


def _keep(job: ImportJob, piece: list[Row]) -> None:
    with transaction.atomic():
        fresh = _held(job)
        chunks.put_rows(fresh, fresh.chunks, piece)
        fresh.chunks += 1
        fresh.rows += len(piece)
        fresh.save(update_fields=["chunks", "rows", "leased_until"])


def _fail(job: ImportJob, refused: FileRefused) -> None:
    with transaction.atomic():
        fresh = _held(job)
        chunks.erase(fresh, *ImportChunk.Kind.values)
        fresh.state, fresh.finished_at, fresh.erase_at = State.FAILED, timezone.now(), None
        fresh.failure, fresh.failure_line = refused.code, refused.line
        fresh.save()


def _check_slice(job: ImportJob) -> None:
    """Count what the next slice would be, without storing it."""
    began, now = time.monotonic(), timezone.now()
    plan, rows = plan_of(job), _rows(job)
    found = read_slice(rows, plan.header, plan.mapping)
    with transaction.atomic():
        fresh = _held(job)
        fresh.bad_rows += len(found.bad)
        chunks.put_bad_rows(fresh, fresh.position, found.bad)
        fresh.past_deadline += sum(is_past_deadline(path, now) for path in found.paths)
        _move_on(fresh, len(rows), began)
        if fresh.position == fresh.chunks:
            fresh.state, fresh.leased_until = State.PREVIEW, None
        fresh.save()


def _store_slice(job: ImportJob) -> None:
    """Store the next slice, keep what was bad of it, and erase it."""
    began = time.monotonic()
    plan, rows = plan_of(job), _rows(job)
    found = read_slice(rows, plan.header, plan.mapping)
    with transaction.atomic():
        fresh = _held(job)
        _add_report(fresh, found.store())
        fresh.bad_rows += len(found.bad)
        chunks.put_bad_rows(fresh, fresh.position, found.bad)
        chunks.erase_rows(fresh, fresh.position)
        _move_on(fresh, len(rows), began)
        if fresh.position == fresh.chunks:
            _finish(fresh)
        fresh.save()


def _rows(job: ImportJob) -> list[Row]:
    try:
        return chunks.read_rows(job, job.position)
    except ImportChunk.DoesNotExist:
        raise LeaseLost from None


def _move_on(job: ImportJob, rows: int, began: float) -> None:
    job.position += 1
    job.rows_done += rows
    job.busy_ms += max(1, int((time.monotonic() - began) * 1000))


def _add_report(job: ImportJob, report: Report) -> None:
    job.waybills_created += report.waybills_created
    job.waybills_updated += report.waybills_updated
    job.waybills_unchanged += report.waybills_unchanged
    job.paths_created += report.paths_created
    job.paths_duplicate += report.paths_duplicate
    job.paths_waiting += report.paths_waiting


def _finish(job: ImportJob) -> None:
    now = timezone.now()
    job.state, job.finished_at, job.leased_until = State.DONE, now, None
    job.erase_at = now + KEPT if job.bad_rows else None
