"""What the cells of one row say, with all that spreadsheets do to numbers and moments."""

import time
from datetime import UTC, datetime

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tests.waybills.files.conftest import HEADER, ROW
from waybills.action_types import ActionType
from waybills.documents import Contact
from waybills.files.cells import guard, unguard
from waybills.files.columns import check_mapping, guess_mapping
from waybills.files.rows import BadRow, Row, RowReader
from waybills.ingest import PathItem, WaybillItem

AT = int(datetime(2026, 11, 24, 2, 30, tzinfo=UTC).timestamp())
"""10:30 in Shanghai."""
NO_CODE = (
    "A number of WeChat's table is expected, such as 300002. "
    "A column of words or codes of your own is to be mapped to the carrier's code."
)


def read(
    cells: list[str], header: tuple[str, ...] = HEADER
) -> tuple[WaybillItem | None, PathItem | None, BadRow | None]:
    reader = RowReader(header, guess_mapping(header), lambda code: {"派件": 300002}.get(code, ActionType.OTHER))
    with translation.override("en"):
        return reader.read(Row(7, cells))


def with_cell(name: str, cell: str) -> list[str]:
    return [cell if header == name else value for header, value in zip(HEADER, ROW, strict=True)]


def reason_of(cells: list[str], header: tuple[str, ...] = HEADER) -> str:
    waybill, path, bad = read(cells, header)
    assert (waybill, path) == (None, None)
    assert bad is not None
    assert (bad.row.line, bad.row.cells) == (7, cells)
    return bad.reason


def test_a_row_is_an_event_with_its_waybill() -> None:
    waybill, path, bad = read(list(ROW))

    assert bad is None
    assert waybill == WaybillItem("SF1", AT - 3600, Contact(), Contact("李四", "13800138000"))
    assert path is not None
    assert (path.no, path.action_time, path.action_type, path.document.action_msg) == ("SF1", AT, 200001, ROW[6])


def test_the_waybill_s_cells_may_be_empty() -> None:
    waybill, path, bad = read(["SF1", "", " ", "", *ROW[4:]])

    assert (waybill, bad) == (None, None)
    assert path is not None


def test_the_event_s_cells_may_be_empty_or_missing() -> None:
    for cells in ([*ROW[:4], "", "", ""], list(ROW[:4])):
        waybill, path, bad = read(cells)
        assert (path, bad) == (None, None)
        assert waybill is not None


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-24 10:30",
        "2026-11-24 10:30:00",
        "2026/11/24 10:30",
        "2026-11-24T10:30:00",
        "2026.11.24 10:30:00",
        "2026年11月24日 10:30",
        " 2026-11-24  10:30:00.000 ",
        str(AT),
        f"{AT}.0",
        f"'{AT}",
        f'="{AT}"',
    ],
)
def test_times_are_the_carrier_s_clock_in_any_notation(cell: str) -> None:
    path = read(with_cell("轨迹时间", cell))[1]

    assert path is not None
    assert path.action_time == AT


@pytest.mark.parametrize(
    "cell", ["13800138000.0", "13800138000.00", "'13800138000", '="13800138000"', "\t13800138000", "+86 138-0013-8000"]
)
def test_a_phone_survives_what_spreadsheets_do_to_it(cell: str) -> None:
    waybill = read(with_cell("收件人电话", cell))[0]

    assert waybill is not None
    assert waybill.receiver.phone == "13800138000"


@pytest.mark.parametrize(
    ("name", "cell"), [("运单号", "1.39009E+14"), ("收件人电话", "1.38e+10"), ("轨迹类型", "3E+05")]
)
def test_a_number_that_lost_digits_is_named(name: str, cell: str) -> None:
    assert reason_of(with_cell(name, cell)) == (
        f"{name}: {cell} is rounded: the spreadsheet lost digits. Format the column as text and enter it again."
    )


def test_a_waybill_number_with_an_e_in_it_is_one() -> None:
    path = read(with_cell("运单号", "12E567890123"))[1]

    assert path is not None
    assert path.no == "12E567890123"


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        ("轨迹时间", "明天", "A time is expected: 2026-11-24 10:30:00, or Unix seconds."),
        ("轨迹时间", "2026-11-24", "A time is expected: 2026-11-24 10:30:00, or Unix seconds."),
        ("轨迹时间", "2026-02-30 10:30", "No calendar has this time: 2026-02-30 10:30."),
        ("轨迹时间", "1795487400000", "Unix seconds between 2000 and 2100 are expected."),
        ("轨迹时间", "46350.4375", "A time is expected: 2026-11-24 10:30:00, or Unix seconds."),
        ("收件人姓名", "#N/A", "The spreadsheet shows an error here: #N/A."),
        ("收件人姓名", "", "This field is required."),
        ("轨迹类型", "300001", "This action_type is not in WeChat's table."),
        ("轨迹类型", "派送", NO_CODE),
        ("轨迹描述", "长" * 513, "At most 512 characters."),
        ("运单号", "", "This field is required."),
    ],
)
def test_a_bad_cell_is_named_as_the_file_names_it(name: str, cell: str, reason: str) -> None:
    assert reason_of(with_cell(name, cell)) == f"{name}: {reason}"


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert reason_of(["SF1", "", "李四", "", *ROW[4:]]) == (
        "下单时间: This field is required. 收件人电话: This field is required."
    )


def test_a_field_that_the_file_has_not_is_named_by_the_desk_s_word() -> None:
    assert reason_of(["SF1", "李四"], ("运单号", "收件人姓名")) == (
        "created by the carrier at: This field is required. receiver's phone: This field is required."
    )


def test_a_cell_of_blanks_where_a_time_is_due_costs_no_time() -> None:
    began = time.process_time()

    assert reason_of(with_cell("轨迹时间", f"2026-11-24{' ' * 100_000}x")).startswith("轨迹时间: A time is expected")
    assert time.process_time() - began < 0.5


def test_a_row_with_more_cells_than_the_header_is_bad() -> None:
    assert reason_of([*ROW, "", "x"]).startswith("The row has more cells")
    assert read([*ROW, "", " "])[2] is None


def test_a_number_alone_is_bad() -> None:
    assert reason_of(["SF1"]) == "The row holds a waybill number and nothing else."


_POOLS = {
    "waybill": [
        list(ROW[:5]),
        ["SF2", *ROW[1:5]],
        ["SF1", "", "", "", ROW[4]],
        ["", *ROW[1:5]],
        ["SF1", *ROW[1:3], "", ROW[4]],
    ],
    "time": [ROW[4], "1795487400", "", "tomorrow", "99"],
    "type": ["200001", "300002", "", "12", "x"],
    "code": ["", "派件", "其他"],
    "text": ["快件到达", "派送中", "", "#N/A"],
}


@given(
    st.lists(
        st.tuples(*(st.sampled_from(_POOLS[name]) for name in ("waybill", "time", "type", "code", "text"))), max_size=12
    )
)
def test_a_row_says_the_same_whatever_stood_before_it(rows: list[tuple[list[str], str, str, str, str]]) -> None:
    header = (*HEADER[:6], "快递状态", "轨迹描述")
    cells = [[*waybill[:4], time, type_, code, text] for waybill, time, type_, code, text in rows]
    of_one: list[str] = []
    of_many: list[str] = []

    def reader(codes: list[str]) -> RowReader:
        def translate(code: str) -> int:
            codes.append(code)
            return 300002 if code == "派件" else ActionType.OTHER

        return RowReader(header, guess_mapping(header), translate)

    one = reader(of_one)
    together = [one.read(Row(1, row)) for row in cells]
    alone = [reader(of_many).read(Row(1, row)) for row in cells]

    assert together == alone
    assert of_one == of_many


def test_the_carrier_s_own_code_is_translated() -> None:
    header = (*HEADER[:5], "快递状态", "轨迹描述")

    for cell, action_type in (("派件", 300002), ("其他", 500001)):
        path = read([*ROW[:5], cell, ROW[6]], header)[1]
        assert path is not None
        assert path.action_type == action_type


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        (["waybill_id", "action_msg", ""], ""),
        (["waybill_id", "action_msg", "action_msg"], "twice"),
        (["", "action_msg"], "no_number"),
        (["waybill_id", ""], "nothing_else"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(mapping: list[str], fault: str) -> None:
    assert check_mapping(mapping) == fault


@pytest.mark.parametrize("text", ["=1+1", "＝1+1", "＋1", "－1", "＠A1", "\n=1", "\t=1"])
def test_a_cell_that_a_spreadsheet_may_run_is_guarded_and_comes_back(text: str) -> None:
    assert guard(text).startswith("'")
    assert unguard(guard(text)) == text
