"""What a person does with an import: upload, map, start, cancel, download what was bad; each act is recorded."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from waybills.documents import ImportPlan, seal_plan, unseal_plan
from waybills.files import chunks
from waybills.files.columns import check_mapping
from waybills.files.refusals import LARGEST_FILE, FileRefused
from waybills.files.rows import BadRow, Row
from waybills.files.table import check_head
from waybills.files.templates import report_lines
from waybills.models import Act, ImportChunk, ImportJob
from waybills.models.import_job import KEPT

State = ImportJob.State
_PREVIEWED = 10


class ImportMovedOn(Exception):
    """The import is in no state for this: another person or a worker was faster."""


class MappingRefused(ValueError):
    """A mapping that cannot be used. code: of `waybills.files.columns.MAPPING_FAULTS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def may_import(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether the user may take in waybills and path events."""
    return isinstance(user, PermissionsMixin) and user.has_perms(("waybills.add_waybill", "waybills.add_path"))


def upload(*, actor: AbstractBaseUser, name: str, file: BinaryIO, size: int) -> ImportJob:
    """Keep a file, sealed, for a worker to read. Raise FileRefused for what can be seen at once."""
    if size > LARGEST_FILE:
        raise FileRefused("too_large")
    check_head(file)
    now = timezone.now()
    with transaction.atomic():
        job = ImportJob.objects.create(
            name=name[-128:],
            size=size,
            language=get_language() or "",
            created_at=now,
            created_by_id=actor.pk,
            erase_at=now + KEPT,
        )
        chunks.put_file(job, file)
    return job


def plan_of(job: ImportJob) -> ImportPlan:
    """Return the headers and what they mean; empty before the file was read. Raise SealBroken."""
    return ImportPlan((), ()) if job.plan is None else unseal_plan(job.pk, bytes(job.plan))


def first_rows(job: ImportJob) -> list[Row]:
    """Return the first rows, while the import has not been started. Raise SealBroken."""
    if job.state not in {State.CHECKING, State.PREVIEW} or not job.chunks:
        return []
    return chunks.read_rows(job, 0)[:_PREVIEWED]


def choose_mapping(*, job_id: UUID, mapping: Sequence[str]) -> None:
    """Say what the headers mean, and have the rows checked anew. Raise MappingRefused and ImportMovedOn."""
    fault = check_mapping(mapping)
    if fault:
        raise MappingRefused(fault)
    with transaction.atomic():
        job = _locked(job_id, State.CHECKING, State.PREVIEW)
        plan = plan_of(job)
        if len(mapping) != len(plan.header):
            raise ImportMovedOn
        job.plan = seal_plan(job.pk, ImportPlan(plan.header, tuple(mapping)))
        begin_check(job)
        # Whoever was checking the former mapping writes nothing any more.
        job.fence, job.leased_until = job.fence + 1, None
        job.save()


def begin_check(job: ImportJob) -> None:
    """Set a job back to the first row of its check."""
    job.state, job.past_deadline = State.CHECKING, 0
    _rewind(job)


def start(*, job_id: UUID, actor: AbstractBaseUser) -> None:
    """Let the workers store the rows. Raise MappingRefused and ImportMovedOn."""
    now = timezone.now()
    with transaction.atomic():
        job = _locked(job_id, State.PREVIEW)
        fault = check_mapping(plan_of(job).mapping)
        if fault:
            raise MappingRefused(fault)
        job.state, job.started_at, job.erase_at = State.WAITING, now, None
        _rewind(job)
        job.save()
        Act.objects.record(actor, Act.Verb.IMPORT, target=f"{job.pk}: {job.rows} rows")


def cancel(*, job_id: UUID, actor: AbstractBaseUser) -> None:
    """Stop an import: what is stored stays, what is left of the file is erased. Raise ImportMovedOn."""
    now = timezone.now()
    with transaction.atomic():
        job = _locked(job_id, State.READING, State.CHECKING, State.PREVIEW, State.WAITING, State.RUNNING)
        job.state, job.finished_at, job.leased_until = State.CANCELLED, now, None
        chunks.erase(job, ImportChunk.Kind.FILE, ImportChunk.Kind.ROWS)
        job.erase_at = now + KEPT if has_report(job) else None
        job.save()
        Act.objects.record(actor, Act.Verb.STOP_IMPORT, target=f"{job.pk}: {job.rows_done} of {job.rows} rows")


def has_report(job: ImportJob) -> bool:
    """Return whether there are bad rows to download."""
    return ImportChunk.objects.filter(job=job, kind=ImportChunk.Kind.BAD).exists()


def first_bad_rows(job: ImportJob) -> list[BadRow]:
    """Return the first bad rows. Raise SealBroken."""
    return list(islice(chunks.read_bad_rows(job), _PREVIEWED))


def export_bad_rows(*, job: ImportJob, actor: AbstractBaseUser) -> Iterator[bytes]:
    """Record that the person takes the bad rows, then return the report of them. Raise ImportMovedOn."""
    if not has_report(job):
        raise ImportMovedOn
    Act.objects.record(actor, Act.Verb.EXPORT, target=f"bad rows of import {job.pk}")
    return report_lines(plan_of(job).header, chunks.read_bad_rows(job))


def erase_old(now: datetime) -> None:
    """Erase what nobody came back for: files that were never started, reports of bad rows."""
    for job_id in list(ImportJob.objects.filter(erase_at__lte=now).values_list("pk", flat=True)):
        with transaction.atomic():
            job = ImportJob.objects.select_for_update().get(pk=job_id)
            if job.erase_at is None or job.erase_at > now:
                continue
            chunks.erase(job, *ImportChunk.Kind.values)
            if job.finished_at is None:
                job.state, job.finished_at, job.leased_until = State.CANCELLED, now, None
            job.erase_at = None
            job.save()


def _rewind(job: ImportJob) -> None:
    """Set a job back to its first row, with nothing counted yet."""
    job.position = job.rows_done = job.busy_ms = job.bad_rows = 0
    chunks.erase(job, ImportChunk.Kind.BAD)


def _locked(job_id: UUID, *states: str) -> ImportJob:
    """Lock an import that is in one of the states."""
    job = ImportJob.objects.select_for_update().filter(pk=job_id, state__in=states).first()
    if job is None:
        raise ImportMovedOn
    return job
