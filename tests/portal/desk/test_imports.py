"""Importing a file at the desk: who may, what is shown, and what each button does."""

import io
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from tests.waybills.files.conftest import HEADER, csv_file, row_of, rows_of, work_until_still
from waybills.files import jobs, worker
from waybills.models import Act, ImportChunk, ImportJob, Path

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "admin:waybills_importjob_add"
INGEST = ("waybills.add_waybill", "waybills.add_path")


def url(name: str, job: ImportJob) -> str:
    return reverse(f"admin:waybills_importjob_{name}", args=[job.pk])


def send(client: Client, content: bytes, name: str = "events.csv") -> Any:
    return client.post(reverse(ADD), {"file": SimpleUploadedFile(name, content)})


def uploaded(client: Client, *rows: list[str], header: tuple[str, ...] = HEADER) -> ImportJob:
    """Return the job of a file that was uploaded, read and checked."""
    answer = send(client, csv_file(*rows, header=header).getvalue())
    work_until_still()
    job = ImportJob.objects.latest("pk")
    assert answer["Location"] == url("change", job)
    return job


def mapping_of(job: ImportJob) -> dict[str, str]:
    return {f"field-{index}": field for index, field in enumerate(jobs.plan_of(job).mapping)}


def page(client: Client, job: ImportJob) -> str:
    answer = client.get(url("change", job))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_file_is_uploaded_looked_at_started_and_stored(desk: Client) -> None:
    job = uploaded(desk, *rows_of(8))

    html = page(desk, job)
    assert "开始导入 8 行" in html
    assert "UTF-8, 逗号分隔" in html
    answer = desk.post(url("mapping", job), {**mapping_of(job), "start": ""})
    assert answer["Location"] == url("change", job)
    assert "即将开始导入" in page(desk, job)
    work_until_still()

    assert "文件已入库" in page(desk, job)
    assert Path.objects.count() == 8
    assert "events.csv" in desk.get(reverse("admin:waybills_importjob_changelist")).content.decode()


def test_the_preview_shows_no_personal_data(desk: Client) -> None:
    row = row_of(0, 收件人姓名="欧阳锋", 轨迹描述="【欧阳锋/13800138000】已签收")
    row += ["浙江绍兴纺都路137号", "13900139001", "A-17"]

    html = page(desk, uploaded(desk, row, header=(*HEADER, "备注", "备用电话", "网点")))

    for text in ("欧阳锋", "13800000000", "13800138000", "纺都路", "13900139001"):
        assert text not in html
    for text in ("欧**", "138****0000", "浙***", "A-17", "SF00000000"):
        assert text in html


def test_only_the_first_rows_are_shown(desk: Client) -> None:
    html = page(desk, uploaded(desk, *rows_of(50)))

    assert "SF00000002" in html
    assert "SF00000003" not in html


def test_other_columns_are_checked_before_they_are_started(desk: Client) -> None:
    job = uploaded(desk, *rows_of(4), header=("运单号", "下单时间", "谁", *HEADER[3:]))
    assert "4 行有误" in page(desk, job)

    desk.post(url("mapping", job), {**mapping_of(job), "field-2": "receiver.name", "start": ""})
    job.refresh_from_db()
    assert job.state == "checking"
    work_until_still()

    html = page(desk, job)
    assert "行有误" not in html
    assert not Path.objects.exists()


def test_a_mapping_that_cannot_be_used_is_explained(desk: Client) -> None:
    job = uploaded(desk, *rows_of(1), header=tuple("abcdefg"))
    assert "没有一列是运单号" in page(desk, job)
    assert 'name="start"' not in page(desk, job)

    answer = desk.post(
        url("mapping", job), {"field-0": "waybill_id", "field-1": "waybill_id", "start": ""}, follow=True
    )

    assert "有两列对应同一字段" in answer.content.decode()


def test_the_start_counts_what_would_be_stored_and_is_not_offered_for_nothing(desk: Client) -> None:
    some = page(desk, uploaded(desk, row_of(0, 轨迹类型="x"), row_of(1), row_of(2)))
    none = page(desk, uploaded(desk, row_of(0, 轨迹类型="x")))

    assert "开始导入 2 行" in some
    assert 'name="start"' not in none
    assert 'name="check"' in none


def test_a_field_that_there_is_not_is_refused_and_stops_no_worker(desk: Client) -> None:
    job = uploaded(desk, *rows_of(1))

    answer = desk.post(url("mapping", job), {**mapping_of(job), "field-1": "evil"}, follow=True)
    work_until_still()

    assert "没有这样的字段" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == "preview"


@pytest.mark.parametrize("field", ["waybill_id", "sender.id", "action_time", "action_type"])
def test_a_column_that_is_called_something_else_shows_no_personal_data(desk: Client, field: str) -> None:
    row = ["欧阳锋", "纺都路9号", "13800138000", "0571-88886666", "SF1", "王"]
    job = uploaded(desk, row, header=tuple("abcdef"))
    for index in range(4):
        chosen = {"field-5": "receiver.name", "field-4": "waybill_id", f"field-{index}": field}
        desk.post(url("mapping", job), chosen | ({"field-4": ""} if field == "waybill_id" else {}))
        work_until_still()
        html = page(desk, job)
        for text in ("欧阳锋", "纺都路", "13800138000", "88886666"):
            assert text not in html


def test_a_file_without_a_header_shows_no_personal_data(desk: Client) -> None:
    job = uploaded(desk, ["SF2", "李四", ""], header=("SF1", "欧阳锋", "13800138000"))
    fields = {"field-0": "waybill_id", "field-1": "receiver.name", "field-2": "receiver.phone"}

    desk.post(url("mapping", job), fields)
    work_until_still()

    html = page(desk, job)
    assert "有误" in html
    assert "欧阳锋" not in html
    assert "13800138000" not in html


def test_reasons_repeat_no_number(desk: Client) -> None:
    assert "3800138000" not in page(desk, uploaded(desk, row_of(0, 收件人电话="1.3800138000E+10")))


def test_a_name_of_any_length_costs_the_page_no_time(desk: Client) -> None:
    job = uploaded(desk, row_of(0, 收件人姓名="a" * 30_000 + "b", 轨迹描述="a" * 60_000))

    began = time.process_time()
    page(desk, job)

    assert time.process_time() - began < 2


def test_a_long_header_is_not_repeated_with_every_bad_row(desk: Client) -> None:
    job = uploaded(desk, ["SF1", "x", ""], header=("运单号", "收件人姓名（" + "长" * 20_000 + "）", "收件人电话"))
    desk.post(url("mapping", job), {**mapping_of(job), "field-1": "create_time"})
    work_until_still()

    assert len(jobs.first_bad_rows(job)[0].reason) < 500


def test_what_the_columns_of_another_person_mean_needs_the_right_to_see_personal_data(
    desk: Client, desk_of: Callable[..., Client]
) -> None:
    job = uploaded(desk, *rows_of(1))
    changed = {**mapping_of(job), "field-2": "receiver.province"}

    assert desk_of(*INGEST).post(url("mapping", job), changed).status_code == 403
    assert desk_of(*INGEST).post(url("mapping", job), mapping_of(job)).status_code == 302
    assert desk_of(*INGEST, "waybills.reveal_waybill").post(url("mapping", job), changed).status_code == 302


def test_bad_rows_are_named_and_downloaded_and_that_is_recorded(desk: Client) -> None:
    job = uploaded(desk, row_of(0, 轨迹类型="x"), row_of(1))
    html = page(desk, job)
    assert "第 2 行" in html
    assert "轨迹类型：应为微信的轨迹类型编码" in html

    answer = desk.post(url("report", job))

    assert answer["Content-Disposition"] == 'attachment; filename="bad-rows.csv"'
    assert answer.getvalue().decode("utf-8-sig").splitlines()[0].startswith("行号,原因,运单号")
    assert Act.objects.get().verb == Act.Verb.EXPORT


def test_a_report_that_is_no_longer_kept_says_so(desk: Client) -> None:
    job = uploaded(desk, row_of(0, 轨迹类型="x"))
    ImportChunk.objects.filter(kind="bad").delete()

    assert "报告已过保留期" in desk.post(url("report", job), follow=True).content.decode()
    assert not Act.objects.exists()


def test_an_import_is_cancelled(desk: Client) -> None:
    job = uploaded(desk, *rows_of(2))

    assert "导入已取消" in desk.post(url("cancel", job), follow=True).content.decode()
    assert "该导入已结束" in desk.post(url("cancel", job), follow=True).content.decode()
    assert (
        "该导入已进入下一步"
        in desk.post(url("mapping", job), {**mapping_of(job), "start": ""}, follow=True).content.decode()
    )
    assert not ImportChunk.objects.exists()


def test_progress_is_told_while_it_goes_on(desk: Client, person_at_work: Callable[..., ImportJob]) -> None:
    job = person_at_work(2500)
    before = desk.get(url("progress", job)).json()
    worker.work(spell=0)
    amid = desk.get(url("progress", job)).json()
    work_until_still()
    after = desk.get(url("progress", job)).json()

    assert (before["state"], before["done"], before["total"]) == ("waiting", 0, 2500)
    assert (amid["state"], amid["done"], amid["headline"]) == ("running", 1000, "正在入库")
    assert "每秒" in amid["detail"]
    assert "剩余约" in amid["detail"]
    assert (after["state"], after["done"]) == ("done", 2500)


@pytest.fixture
def person_at_work(desk: Client) -> Callable[..., ImportJob]:
    """Return a function that starts an import of so many rows."""

    def start(count: int) -> ImportJob:
        job = uploaded(desk, *rows_of(count))
        desk.post(url("mapping", job), {**mapping_of(job), "start": ""})
        return job

    return start


def test_minutes_are_told_as_minutes(desk: Client, person_at_work: Callable[..., ImportJob]) -> None:
    job = person_at_work(4)
    ImportJob.objects.filter(pk=job.pk).update(rows=100_000, rows_done=1000, busy_ms=3000, chunks=100)

    assert "剩余约 5 分钟" in desk.get(url("progress", job)).json()["detail"]


def test_where_no_worker_comes_the_page_says_so(desk: Client, person_at_work: Callable[..., ImportJob]) -> None:
    long_ago = timezone.now() - timedelta(minutes=1)
    waiting = person_at_work(4)
    send(desk, csv_file(*rows_of(1)).getvalue())
    reading = ImportJob.objects.latest("pk")

    assert "工作进程" not in desk.get(url("progress", reading)).json()["detail"]
    ImportJob.objects.update(created_at=long_ago, started_at=long_ago)

    for job in (waiting, reading):
        assert "请确认工作进程是否在运行" in desk.get(url("progress", job)).json()["detail"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "文件为空"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "旧版 Excel"),
        (b"a" * (64 * 1024 * 1024 + 1), "文件超过 64 MB"),
        (b"a" * (65 * 1024 * 1024), "文件超过 64 MB"),
    ],
    ids=["empty", "xls", "large", "larger than the form may be"],
)
def test_a_file_that_cannot_be_taken_is_refused_on_the_form(desk: Client, content: bytes, text: str) -> None:
    assert text in send(desk, content).content.decode()
    assert not ImportJob.objects.exists()


def test_a_form_without_a_file_is_refused(desk: Client) -> None:
    answer = desk.post(reverse(ADD), {})

    assert answer.status_code == 200
    assert answer.context_data["form"].errors


def test_a_file_that_cannot_be_read_says_why(desk: Client) -> None:
    send(desk, b'a,b\r\n1,"2')
    work_until_still()

    html = page(desk, ImportJob.objects.get())
    assert "第 2 行：CSV 文件的引号不匹配" in html
    assert "没有任何内容入库" in html


def test_an_uploaded_file_never_lies_on_the_disk(desk: Client) -> None:
    content = csv_file(*rows_of(60_000)).getvalue()
    assert len(content) > 2 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    file = send(desk, content).wsgi_request.FILES["file"]

    assert isinstance(file, InMemoryUploadedFile)
    assert file.size == len(content)


def test_files_of_those_who_may_not_import_are_dropped_as_they_come(
    client: Client, desk_of: Callable[..., Client]
) -> None:
    for stranger in (client, desk_of("waybills.add_waybill")):
        answer = stranger.post(reverse("admin:login"), {"file": SimpleUploadedFile("a.csv", b"a" * 100)})
        assert not answer.wsgi_request.FILES


@pytest.mark.parametrize("name", ["change", "progress", "mapping", "cancel", "report"])
@pytest.mark.parametrize("permissions", [(), INGEST[:1], INGEST[1:]], ids=str)
def test_who_may_not_take_in_waybills_and_events_imports_nothing(
    desk: Client, desk_of: Callable[..., Client], name: str, permissions: tuple[str, ...]
) -> None:
    job = uploaded(desk, *rows_of(1))
    person = desk_of(*permissions)

    method = person.post if name in {"mapping", "cancel", "report"} else person.get
    assert method(url(name, job)).status_code == 403
    assert person.get(reverse(ADD)).status_code == 403
    assert person.get(reverse("admin:waybills_importjob_changelist")).status_code == 403
    assert person.get(reverse("admin:waybills_importjob_template", args=["csv"])).status_code == 403
    assert reverse("admin:waybills_importjob_changelist") not in person.get(reverse("admin:index")).content.decode()


def test_who_may_ingest_imports(desk_of: Callable[..., Client]) -> None:
    person = desk_of(*INGEST)

    assert "events.csv" in page(person, uploaded(person, *rows_of(1)))
    assert reverse("admin:waybills_importjob_changelist") in person.get(reverse("admin:index")).content.decode()


def test_bad_rows_of_another_person_need_the_right_to_see_personal_data(
    desk: Client, desk_of: Callable[..., Client]
) -> None:
    job = uploaded(desk, row_of(0, 轨迹类型="x"))

    assert desk_of(*INGEST).post(url("report", job)).status_code == 403
    assert "下载有误的行" not in page(desk_of(*INGEST), job)
    assert desk_of(*INGEST, "waybills.reveal_waybill").post(url("report", job)).status_code == 200


@pytest.mark.parametrize("name", ["mapping", "cancel", "report"])
def test_nothing_happens_by_following_a_link(desk: Client, name: str) -> None:
    assert desk.get(url(name, uploaded(desk, *rows_of(1)))).status_code == 405


def test_templates_are_downloaded_in_the_language_of_the_desk(desk: Client, in_english: Client) -> None:
    csv_answer = in_english.get(reverse("admin:waybills_importjob_template", args=["csv"]))
    assert csv_answer.content.decode("utf-8-sig").startswith("waybill_id,create_time,receiver_name")

    desk.cookies["django_language"] = "zh-hans"
    book = load_workbook(io.BytesIO(desk.get(reverse("admin:waybills_importjob_template", args=["xlsx"])).content))
    assert book.sheetnames == ["数据", "字段说明"]
    assert book["数据"]["A1"].value == "运单号"
    assert book["数据"].column_dimensions["D"].number_format == "@"
    assert book["字段说明"].max_row == len(jobs.plan_of(uploaded(desk, *rows_of(1))).header) + 20
    assert desk.get(reverse("admin:waybills_importjob_template", args=["doc"]))["Location"] == reverse(ADD)


def test_a_document_that_does_not_open_is_said_so(desk: Client) -> None:
    job = uploaded(desk, *rows_of(1))
    ImportJob.objects.update(plan=b"x" * 64)

    html = page(desk, job)

    assert "加密数据打不开" in html
    assert "开始导入" not in html


def test_an_import_that_is_not_there_leads_back(desk: Client, superuser: User) -> None:
    answer = desk.get(reverse("admin:waybills_importjob_change", args=["0" * 32]))

    assert answer.status_code == 302
    missing = reverse("admin:waybills_importjob_progress", args=["00000000-0000-7000-8000-000000000000"])
    assert desk.get(missing).status_code == 404
