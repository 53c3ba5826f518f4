"""A file from the carrier's hand to its waybills, in a real browser, while a worker runs beside it."""

import threading
from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.portal.desk.test_desk_browser import log_in, page
from tests.waybills.files.conftest import HEADER, csv_file, row_of, rows_of
from waybills.files.worker import work
from waybills.models import ImportJob, Path

__all__ = ["page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def worker() -> Iterator[None]:
    """Work on imports in a thread, as a worker process does."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.1):
            work(spell=0.2)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_a_file_is_uploaded_mapped_watched_and_stored(
    page: Page, server: LiveServer, worker: None, tmp_path: FilePath
) -> None:
    User.objects.create_superuser("root", password="a long password of root")
    file = tmp_path / "十一月轨迹.csv"
    rows = [*rows_of(3000), row_of(3000, 轨迹类型="x")]
    file.write_bytes(csv_file(*rows, header=(*HEADER[:2], "谁", *HEADER[3:]), encoding="gb18030").getvalue())
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    log_in(page, server)
    page.goto(f"{server.url}/admin/waybills/importjob/add/")
    page.set_input_files("#id_file", file)
    expect(page.locator(".desk-upload-choice input[type=text]")).to_have_value(file.name)
    page.get_by_role("button", name="上传并预览").click()

    expect(page.get_by_text("3001 行有误")).to_be_visible(timeout=30_000)
    check, start = page.get_by_role("button", name="按新的列含义"), page.get_by_role("button", name="开始导入")
    expect(check).to_be_hidden()
    page.get_by_label("谁").select_option("receiver.name")
    expect(start).to_be_hidden()
    check.click()

    expect(page.get_by_text("1 行有误").first).to_be_visible(timeout=30_000)
    start.click()

    expect(page.get_by_text("文件已入库")).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="下载有误的行").click()
    assert len(FilePath(download.value.path()).read_text("utf-8-sig").splitlines()) == 2
    assert (ImportJob.objects.get().state, Path.objects.count()) == ("done", 3000)
    assert "1380000" not in page.content()
    assert faults == []


def test_progress_moves_without_a_reload(page: Page, server: LiveServer, tmp_path: FilePath) -> None:
    User.objects.create_superuser("root", password="a long password of root")
    file = tmp_path / "a.csv"
    file.write_bytes(csv_file(*rows_of(2500)).getvalue())
    log_in(page, server)
    page.goto(f"{server.url}/admin/waybills/importjob/add/")
    page.set_input_files("#id_file", file)
    page.get_by_role("button", name="上传并预览").click()
    expect(page.get_by_text("正在读取文件")).to_be_visible()
    for _ in range(2):
        work(spell=30)
    page.get_by_role("button", name="开始导入").click(timeout=30_000)
    expect(page.get_by_text("即将开始导入")).to_be_visible()
    page.evaluate("window.here = true")

    work(spell=0)

    expect(page.locator("[data-detail]")).to_contain_text("1000 / 2500 行", timeout=10_000)
    assert page.locator("progress").evaluate("bar => bar.value / bar.max") == 0.4
    assert page.evaluate("window.here")
