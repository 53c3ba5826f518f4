"""An import's way: read, checked, shown, started, stored; and what stops it on the way."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.waybills.files.conftest import HEADER, csv_file, row_of, rows_of, work_until_still, xlsx_file
from waybills.documents import unseal_path
from waybills.files import chunks, jobs, worker
from waybills.files.refusals import FileRefused
from waybills.files.rows import Row
from waybills.files.worker import MOST_AT_ONCE, MOST_READINGS, has_work, work
from waybills.models import Act, CarrierCode, ImportChunk, ImportJob, Path, Push, Waybill

pytestmark = pytest.mark.django_db(transaction=True)

Upload = Callable[..., ImportJob]
LONG_AGO = "2026-01-05 08:00:00"


def started(job: ImportJob, person: User) -> ImportJob:
    jobs.start(job_id=job.pk, actor=person)
    work_until_still()
    return ImportJob.objects.get(pk=job.pk)


def report_of(job: ImportJob, person: User) -> list[list[str]]:
    content = b"".join(jobs.export_bad_rows(job=job, actor=person))
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_file_goes_through_to_waybills_events_and_pushes(upload: Upload, person: User, make: Any) -> None:
    job = upload(make(*rows_of(2500)))
    assert (job.state, job.rows, job.bad_rows) == ("preview", 2500, 0)
    assert not Waybill.objects.exists()

    done = started(job, person)

    assert (done.state, done.rows_done, done.paths_created, done.waybills_created) == ("done", 2500, 2500, 625)
    assert (Waybill.objects.count(), Path.objects.count(), Push.objects.count()) == (625, 2500, 2500)
    assert not ImportChunk.objects.exists()
    assert [(act.verb, act.target) for act in Act.objects.all()] == [("import", f"{job.pk}: 2500 rows")]


def test_events_past_their_deadline_are_counted_first_and_expire_from_the_start(upload: Upload, person: User) -> None:
    old = [row_of(index, 轨迹时间=LONG_AGO, 轨迹描述=f"旧{index}") for index in range(3)]
    job = upload(csv_file(*rows_of(5), *old))
    now = timezone.now()
    past = sum(push_time(row) + 86400 <= now.timestamp() for row in [*rows_of(5), *old])

    assert job.past_deadline == past >= 3
    started(job, person)

    assert Path.objects.count() == 8
    assert Push.objects.filter(state="expired", reason="past_deadline").count() == past


def push_time(row: list[str]) -> float:
    return datetime.fromisoformat(f"{row[4]}+08:00").timestamp()


def test_the_report_of_bad_rows_is_corrected_and_uploaded_again(upload: Upload, person: User) -> None:
    bad = row_of(8, 收件人电话="1.38E+10", 轨迹描述="=cmd|'/c calc'!A1")
    job = started(upload(csv_file(*rows_of(8), bad, row_of(9))), person)
    assert (job.state, job.bad_rows, Path.objects.count()) == ("done", 1, 9)

    header, row = report_of(job, person)

    assert header == ["行号", "原因", *HEADER]
    assert (row[0], row[-1]) == ("10", "'=cmd|'/c calc'!A1")
    assert "1.38E+10" in row[1]
    assert Act.objects.filter(verb="export", target=f"bad rows of import {job.pk}").exists()

    row[5] = "13800000002"
    again = started(upload(csv_file(row, header=header)), person)

    assert (again.bad_rows, again.paths_created) == (0, 1)
    assert Path.objects.count() == 10
    assert "=cmd|'/c calc'!A1" in {path_text(path) for path in Path.objects.all()}


def path_text(path: Path) -> str:
    return unseal_path(bytes(path.digest), bytes(path.sealed)).action_msg


def test_the_same_file_twice_stores_nothing_twice(upload: Upload, person: User) -> None:
    started(upload(csv_file(*rows_of(40))), person)

    again = started(upload(csv_file(*rows_of(40))), person)

    assert (again.paths_created, again.paths_duplicate, again.waybills_unchanged) == (0, 40, 40)


def test_nothing_of_a_file_lies_readable_in_the_database(upload: Upload, person: User) -> None:
    job = jobs.upload(actor=person, name="a.csv", file=csv_file(*rows_of(4)), size=1)
    raw = [bytes(piece.sealed) for piece in ImportChunk.objects.all()]
    work_until_still()
    raw += [bytes(piece.sealed) for piece in ImportChunk.objects.all()]
    job.refresh_from_db()
    raw.append(bytes(job.plan or b""))

    assert len(raw) == 3
    for piece in raw:
        for text in ("李四", "13800000000", "收件人"):
            assert text.encode() not in piece


def test_what_headers_mean_is_changed_and_counted_anew(upload: Upload, person: User) -> None:
    job = upload(csv_file(*rows_of(4), header=("运单号", "下单时间", "谁", "收件人电话", *HEADER[4:])))
    assert (job.state, job.bad_rows, jobs.plan_of(job).mapping[2]) == ("preview", 4, "")

    with pytest.raises(jobs.MappingRefused):
        jobs.choose_mapping(job_id=job.pk, mapping=[""] * 7)
    jobs.choose_mapping(
        job_id=job.pk, mapping=[*jobs.plan_of(job).mapping[:2], "receiver.name", *jobs.plan_of(job).mapping[3:]]
    )
    work_until_still()

    job.refresh_from_db()
    assert (job.state, job.bad_rows, jobs.has_report(job)) == ("preview", 0, False)


def test_a_file_whose_headers_say_nothing_waits_for_a_person(upload: Upload, person: User) -> None:
    job = upload(csv_file(*rows_of(4), header=tuple("abcdefg")))

    assert (job.state, job.rows, job.rows_done) == ("preview", 4, 0)
    with pytest.raises(jobs.MappingRefused):
        jobs.start(job_id=job.pk, actor=person)


@pytest.mark.parametrize(
    ("content", "code"), [(b'a,b\r\n1,"2', "broken_csv"), (b"a,b\r\n", "no_rows"), (b"\0", "not_text")]
)
def test_a_file_that_cannot_be_read_says_why_and_is_erased(upload: Upload, content: bytes, code: str) -> None:
    job = upload(io.BytesIO(content))

    assert (job.state, job.failure) == ("failed", code)
    assert not ImportChunk.objects.exists()
    assert not has_work()


def test_what_is_seen_at_once_is_refused_at_once(person: User) -> None:
    for content, size, code in ((b"", 0, "empty"), (b"a", 65 * 1024 * 1024, "too_large")):
        with pytest.raises(FileRefused, match=code):
            jobs.upload(actor=person, name="a", file=io.BytesIO(content), size=size)
    assert not ImportJob.objects.exists()


def test_a_cancelled_import_keeps_what_is_stored_and_erases_the_rest(upload: Upload, person: User) -> None:
    job = upload(csv_file(row_of(0, 轨迹类型="x"), *rows_of(2500)))
    jobs.start(job_id=job.pk, actor=person)
    work(spell=0)

    jobs.cancel(job_id=job.pk, actor=person)
    work_until_still()

    job.refresh_from_db()
    assert (job.state, job.rows_done, Path.objects.count()) == ("cancelled", 1000, 999)
    assert set(ImportChunk.objects.values_list("kind", flat=True)) == {"bad"}
    assert Act.objects.filter(verb="stop_import", target=f"{job.pk}: 1000 of 2501 rows").exists()
    for act in (jobs.cancel, jobs.start):
        with pytest.raises(jobs.ImportMovedOn):
            act(job_id=job.pk, actor=person)
    with pytest.raises(jobs.ImportMovedOn):
        jobs.choose_mapping(job_id=job.pk, mapping=jobs.plan_of(job).mapping)


def test_cancelled_while_a_worker_is_at_it_it_writes_nothing_more(upload: Upload, person: User) -> None:
    job = upload(csv_file(*rows_of(2500)))
    jobs.start(job_id=job.pk, actor=person)
    claimed = worker._claim()
    assert claimed is not None
    jobs.cancel(job_id=job.pk, actor=person)

    for stale in (claimed, ImportJob.objects.get(pk=job.pk)):
        with pytest.raises(worker.LeaseLost):
            worker._store_slice(stale)

    assert not Path.objects.exists()


def test_of_two_workers_on_one_import_the_slower_writes_nothing(upload: Upload, person: User) -> None:
    job = upload(csv_file(*rows_of(2500)))
    jobs.start(job_id=job.pk, actor=person)
    slow = worker._claim()
    ImportJob.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    fast = worker._claim()
    assert slow is not None
    assert fast is not None

    worker._store_slice(fast)
    with pytest.raises(worker.LeaseLost):
        worker._store_slice(slow)
    ImportJob.objects.update(leased_until=None)
    work_until_still()

    done = ImportJob.objects.get()
    assert (done.state, done.rows_done, done.paths_created, done.paths_duplicate) == ("done", 2500, 2500, 0)


def test_a_worker_that_died_is_missed_when_its_lease_runs_out(upload: Upload, person: User) -> None:
    job = upload(csv_file(*rows_of(4)))
    jobs.start(job_id=job.pk, actor=person)
    worker._claim()
    assert not has_work()
    assert not work()

    ImportJob.objects.update(leased_until=timezone.now())

    assert has_work()
    work_until_still()
    assert ImportJob.objects.get().state == "done"


def test_a_file_that_was_half_read_is_read_anew(upload: Upload, person: User) -> None:
    jobs.upload(actor=person, name="a.csv", file=csv_file(*rows_of(4)), size=1)
    claimed = worker._claim()
    assert claimed is not None
    chunks.put_rows(claimed, 0, [Row(2, ["x"])])
    ImportJob.objects.update(rows=1, chunks=1, leased_until=None)

    work_until_still()

    assert (ImportJob.objects.get().rows, len(jobs.first_rows(ImportJob.objects.get()))) == (4, 4)


def test_only_so_many_imports_are_under_way_at_once(person: User) -> None:
    for _ in range(MOST_AT_ONCE + 1):
        jobs.upload(actor=person, name="a.csv", file=csv_file(*rows_of(1)), size=1)

    claimed = [worker._claim() for _ in range(MOST_AT_ONCE + 1)]

    assert [job is None for job in claimed] == [False] * MOST_AT_ONCE + [True]
    assert not has_work()


def test_unmapped_codes_are_counted_for_staff(upload: Upload, person: User) -> None:
    rows = [[*row[:5], "派件", row[6]] for row in rows_of(3)]

    started(upload(csv_file(*rows, header=(*HEADER[:5], "状态码", HEADER[6]))), person)

    assert CarrierCode.objects.get(code="派件").seen == 3


def test_what_nobody_came_back_for_is_erased(upload: Upload, person: User) -> None:
    waiting = upload(csv_file(*rows_of(2)))
    done = started(upload(csv_file(row_of(0, 轨迹类型="x"), row_of(1))), person)
    assert jobs.has_report(done)

    jobs.erase_old(timezone.now() + timedelta(days=6))
    assert ImportChunk.objects.count() == 2
    jobs.erase_old(timezone.now() + timedelta(days=8))

    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.state, done.state, ImportChunk.objects.count()) == ("cancelled", "done", 0)
    with pytest.raises(jobs.ImportMovedOn):
        jobs.export_bad_rows(job=done, actor=person)


@pytest.mark.parametrize(
    "wrong", [{"state": "lost"}, {"state": "done"}, {"finished_at": timezone.now()}, {"position": 9}, {"rows_done": 9}]
)
def test_the_database_holds_no_impossible_import(upload: Upload, wrong: dict[str, Any]) -> None:
    job = upload(csv_file(*rows_of(2)))

    with pytest.raises(IntegrityError), transaction.atomic():
        ImportJob.objects.filter(pk=job.pk).update(**wrong)


def test_a_piece_is_kept_once(upload: Upload) -> None:
    piece = upload(csv_file(*rows_of(2))).pieces.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        ImportChunk.objects.create(job=piece.job, kind=piece.kind, number=piece.number, sealed=b"x")


def test_a_file_that_ends_its_readers_is_given_up(person: User) -> None:
    file = csv_file(*rows_of(1))
    job = jobs.upload(actor=person, name="events.csv", file=file, size=len(file.getvalue()))
    # Each claim that came to no end.
    ImportJob.objects.filter(pk=job.pk).update(fence=MOST_READINGS)

    work_until_still()

    job.refresh_from_db()
    assert (job.state, job.failure) == ("failed", "gave_up")
    assert not ImportChunk.objects.exists()
