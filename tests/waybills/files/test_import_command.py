"""`manage.py import_waybills FILE`."""

import io
import sys
from pathlib import Path as FilePath
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.waybills.files.conftest import HEADER, csv_file, row_of, rows_of, xlsx_file
from waybills.models import Path, Push, Waybill

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: FilePath) -> Any:
    """Return a function that imports a file; it returns (standard output, standard error)."""

    def apply(file: io.BytesIO, *words: str) -> tuple[str, str]:
        path = tmp_path / "events"
        path.write_bytes(file.getvalue())
        output, errors = io.StringIO(), io.StringIO()
        call_command("import_waybills", str(path), *words, stdout=output, stderr=errors)
        return output.getvalue(), errors.getvalue()

    return apply


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_file_is_stored_and_the_outcome_printed(run: Any, make: Any) -> None:
    output, errors = run(make(*rows_of(10), row_of(3)))

    assert output == "运单：新增 3，更新 0，未变 8。轨迹：新增 10，等待运单 0，重复 1。有误的行：0。\n"
    assert "收件人电话 → receiver.phone" in errors
    assert "已处理 11 行" in errors
    assert (Waybill.objects.count(), Path.objects.count()) == (3, 10)


def test_run_again_it_stores_nothing_twice(run: Any) -> None:
    run(csv_file(*rows_of(10)))

    assert "新增 0，等待运单 0，重复 10" in run(csv_file(*rows_of(10)))[0]


def test_a_check_names_the_bad_rows_and_writes_the_report(run: Any, tmp_path: FilePath) -> None:
    report = tmp_path / "bad.csv"

    _, errors = run(csv_file(*rows_of(2), row_of(3, 轨迹时间="明天")), "--check", "--report", str(report))

    assert "共 3 行，其中 1 行有误" in errors
    assert "第 4 行：" in errors
    assert "明天" in report.read_text("utf-8-sig")
    assert not Path.objects.exists()


def test_a_report_is_for_nobody_else_s_eyes_and_never_the_file_itself(run: Any, tmp_path: FilePath) -> None:
    file, report = csv_file(*rows_of(1), row_of(2, 轨迹时间="明天")), tmp_path / "bad.csv"

    run(file, "--report", str(report))
    with pytest.raises(CommandError, match="--report"):
        run(file, "--report", str(tmp_path / "events"))

    assert report.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "events").read_bytes() == file.getvalue()


def test_it_says_first_how_many_pushes_are_past_their_deadline(run: Any) -> None:
    file = csv_file(*[row_of(index, 轨迹时间="2026-01-05 08:00:00", 轨迹描述=f"{index}") for index in range(3)])

    output, errors = run(file, "--check")

    assert output == ""
    assert "共 3 行，其中 0 行有误。3 条轨迹已过推送时限" in errors
    assert not Path.objects.exists()
    run(file)
    assert set(Push.objects.values_list("state", "reason")) == {("expired", "past_deadline")}


@pytest.mark.parametrize(("answer", "stored"), [("y\n", 2), ("n\n", 0), ("\n", 0), ("", 0)])
def test_whoever_sits_at_the_terminal_is_asked(
    run: Any, monkeypatch: pytest.MonkeyPatch, answer: str, stored: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    errors = run(csv_file(*rows_of(2)))[1]

    assert "[y/N]" in errors
    assert Path.objects.count() == stored


def test_yes_asks_nobody(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))

    assert "[y/N]" not in run(csv_file(*rows_of(2)), "--yes")[1]
    assert Path.objects.count() == 2


def test_bad_rows_are_named_and_written_to_be_corrected(run: Any, tmp_path: FilePath) -> None:
    bad = [row_of(index, 轨迹类型="x") for index in range(30)]
    report = tmp_path / "bad.csv"

    output, errors = run(csv_file(*rows_of(3), *bad), "--report", str(report))

    assert "有误的行：30" in output
    assert errors.count("轨迹类型：应为微信的轨迹类型编码") == 20
    lines = report.read_text("utf-8-sig").splitlines()
    assert len(lines) == 31
    assert lines[0] == "行号,原因," + ",".join(HEADER)
    corrected = io.BytesIO(report.read_bytes().replace(b",x,", b",200001,"))
    assert "重复 3。有误的行：0" in run(corrected)[0]


def test_headers_of_the_carrier_s_own_are_mapped(run: Any) -> None:
    header = ("单", *HEADER[1:5], "备注", "描述")
    rows = [[*row[:5], "200001", row[6]] for row in rows_of(2)]

    output, _errors = run(csv_file(*rows, header=header), "--map", "单=waybill_id", "--map", "备注=action_type")

    assert "轨迹：新增 2" in output


@pytest.mark.parametrize("pair", ["没有=waybill_id", "运单号=no_field", "运单号=", "运单号", "下单时间=waybill_id"])
def test_a_mapping_that_cannot_be_is_refused(run: Any, pair: str) -> None:
    if pair == "下单时间=waybill_id":
        assert "下单时间 → waybill_id" in run(csv_file(*rows_of(1)), "--map", pair, "--check")[1]
        return
    with pytest.raises(CommandError):
        run(csv_file(*rows_of(1)), "--map", pair)


def test_what_cannot_be_read_is_refused_with_its_line(run: Any) -> None:
    with pytest.raises(CommandError, match="第 3 行：CSV 文件的引号不匹配"):
        run(io.BytesIO(csv_file(*rows_of(1)).getvalue() + b'SF,"x'))
    with pytest.raises(CommandError, match="没有数据行"):
        run(csv_file())
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_waybills", "/nowhere/at/all.csv")
