"""Files as they are found: encodings, delimiters, workbooks, and what is refused."""

import io
import re
import time
import tracemalloc
import zipfile
from datetime import date, datetime

import pytest
from django.utils import translation

from tests.waybills.files.conftest import HEADER, ROW, csv_file, excel_file, xlsx_file
from waybills.files.columns import COLUMNS, guess_mapping
from waybills.files.refusals import FileRefused, refusal_text
from waybills.files.table import read_table
from waybills.files.templates import csv_template, xlsx_template

MAPPING = ["waybill_id", "create_time", "receiver.name", "receiver.phone", "action_time", "action_type", "action_msg"]
SHEET = "xl/worksheets/sheet1.xml"


def read(file: io.BytesIO) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    table = read_table(file)
    return table.shape, table.header, [(row.line, row.cells) for row in table.rows]


def refusal_of(content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        read(io.BytesIO(content))
    assert refusal_text(refused.value.code, refused.value.line) != refused.value.code
    return refused.value.code


@pytest.mark.parametrize("header", [HEADER, tuple(MAPPING), tuple(name.replace(".", "_") for name in MAPPING)], ids=str)
@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), ("\t", "tab"), (";", "semicolon")])
@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"), ("gbk", "GB18030"), ("utf-16", "UTF-16")],
)
def test_encoding_and_delimiter_are_found(
    encoding: str, said: str, delimiter: str, name: str, header: tuple[str, ...]
) -> None:
    shape, found, rows = read(csv_file(ROW, header=header, encoding=encoding, delimiter=delimiter))

    assert shape == f"{said} {name}"
    assert guess_mapping(found) == MAPPING
    assert rows == [(2, list(ROW))]


def test_a_character_of_four_bytes_is_read_from_gb18030() -> None:
    assert read(csv_file((*ROW[:2], "㐀𠮷", *ROW[3:]), encoding="gb18030"))[2][0][1][2] == "㐀𠮷"


def test_a_character_across_two_blocks_is_read() -> None:
    rows = [(f"SF{index}", *ROW[1:]) for index in range(9000)]

    for encoding in ("utf-8", "gb18030"):
        assert [cells[0] for _line, cells in read(csv_file(*rows, encoding=encoding))[2]] == [row[0] for row in rows]


def test_quotes_hold_delimiters_line_ends_and_quotes() -> None:
    content = '\r\n\r\n运单号,轨迹描述\r\nSF1,"a,""b""\r\nc"\r\n\r\nSF2,x\r\n'

    shape, header, rows = read(io.BytesIO(content.encode()))

    assert (shape, header) == ("UTF-8 comma", ["运单号", "轨迹描述"])
    assert rows == [(4, ["SF1", 'a,"b"\r\nc']), (7, ["SF2", "x"])]


def test_a_workbook_gives_the_texts_that_a_csv_file_would_have() -> None:
    row = (
        "SF1",
        datetime.fromisoformat("2026-11-24 09:30"),
        True,
        13800138000,
        date(2026, 11, 24),
        300002.0,
        1.39008877665512e17,
    )

    shape, header, rows = read(xlsx_file((), row, (None,) * 7, ("SF2",)))

    assert (shape, tuple(header)) == ("XLSX", HEADER)
    assert rows == [
        (
            3,
            [
                "SF1",
                "2026-11-24 09:30:00",
                "True",
                "13800138000",
                "2026-11-24 00:00:00",
                "300002",
                "1.39008877665512e+17",
            ],
        ),
        (5, ["SF2"]),
    ]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_template_is_understood_when_it_comes_back(language: str) -> None:
    with translation.override(language):
        templates = [csv_template(), xlsx_template()]

    for template in templates:
        table = read_table(io.BytesIO(template))
        assert guess_mapping(table.header) == [column.field for column in COLUMNS]
        assert list(table.rows) == []


def test_no_header_means_two_fields() -> None:
    for column in COLUMNS:
        for name in (column.field, column.header, *column.aliases):
            assert guess_mapping([name]) == [column.field], name


@pytest.mark.parametrize("name", ["(" * 100_000, "(a" * 50_000, "\u0315\u0316" * 50_000])
def test_a_header_of_any_length_costs_no_time(name: str) -> None:
    began = time.process_time()

    assert guess_mapping([name, "运单号（必填）"]) == ["", "waybill_id"]
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\r\n \r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old_excel"),
        (b"a,b\r\n\0\0\0\1", "not_text"),
        (b"a,b\r\n\x81\x20\xff\xff", "encoding"),
        (b"\xef\xbb\xbfa\xff", "encoding"),
        (b'a,b\r\n1,"2', "broken_csv"),
        (b'a,b\r\n1,"2"3\r\n', "broken_csv"),
        (b"a,b\r\n" + b"x" * 200_000, "long_line"),
        (b'a,b\r\n"' + b'","\n' * 100_000, "long_line"),
        (b"," * 201 + b"a\r\n", "too_many_columns"),
        (b"PK\x03\x04" + b"\0" * 64, "broken_xlsx"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(content: bytes, code: str) -> None:
    assert refusal_of(content) == code


def test_nul_in_a_cell_is_no_reason_to_refuse_the_file() -> None:
    rows = [(f"SF{index}", *ROW[1:]) for index in range(9000)]
    file = csv_file(*rows, ("SF\0X", *ROW[1:]))

    assert read(file)[2][-1][1][0] == "SF\0X"


class Endless(io.RawIOBase):
    """A gigabyte of one line, made as it is read."""

    size = 1024**3

    def __init__(self) -> None:
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        size = max(0, min(size, self.size - self._at))
        self._at += size
        return b"x" * size


def test_a_line_of_a_gigabyte_costs_no_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused) as refused:
            read_table(Endless())  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert refused.value.code == "long_line"
    assert peak < 8 * 1024 * 1024


def rewritten(file: io.BytesIO, **parts: bytes) -> bytes:
    """Return a workbook with other contents in some of its parts."""
    result = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.pop(name, None) or old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return result.getvalue()


def swollen(part: str, mebibytes: int) -> bytes:
    """Return a workbook in which a part begins with so much nothing."""
    file, result = xlsx_file(ROW), io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in set(old.namelist()) - {part}:
            new.writestr(name, old.read(name))
        content = old.read(part) if part in old.namelist() else b"<sst></sst>"
        root = content.index(b">", content.index(b"<", 2)) + 1
        with new.open(part, "w", force_zip64=True) as entry:
            entry.write(content[:root])
            for _ in range(mebibytes):
                entry.write(b" " * 1024 * 1024)
            entry.write(content[root:])
    return result.getvalue()


@pytest.mark.parametrize(("part", "mebibytes"), [("xl/sharedStrings.xml", 65), ("xl/styles.xml", 65), (SHEET, 513)])
def test_a_workbook_that_swells_is_refused_before_it_is_unpacked(part: str, mebibytes: int) -> None:
    content = swollen(part, mebibytes)

    assert len(content) < 4 * 1024 * 1024
    began = time.process_time()
    assert refusal_of(content) == "swollen_xlsx"
    assert time.process_time() - began < 0.5


def changed(part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook with something else in one of its parts."""
    file = xlsx_file(ROW)
    with zipfile.ZipFile(file) as archive:
        content = archive.read(part)
    assert old in content
    return rewritten(file, **{part: content.replace(old, new, 1)})


@pytest.mark.parametrize(
    ("part", "end", "element"),
    [
        ("xl/styles.xml", b"</cellXfs>", b"<xf/>"),
        (SHEET, b"</row>", b"<c/>"),
        (SHEET, b"</sheetData>", b"<x/>"),
        (SHEET, b"</sheetData>", b'<row xmlns=""/>'),
    ],
)
def test_a_workbook_of_a_million_elements_in_one_piece_is_refused(part: str, end: bytes, element: bytes) -> None:
    content = changed(part, end, element * 1_000_000 + end)

    assert len(content) < 64 * 1024
    assert refusal_of(content) == "swollen_xlsx"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<sheetData>", b"<!--" + b"x" * 4_000_000 + b"--><sheetData>"),
        (b"</row>", b'<c t="inlineStr"><is><t>' + b"x" * 2_000_000 + b"</t></is></c></row>"),
    ],
    ids=["comment", "text"],
)
def test_a_workbook_of_one_long_piece_is_refused(old: bytes, new: bytes) -> None:
    assert refusal_of(changed(SHEET, old, new)) == "swollen_xlsx"


@pytest.mark.parametrize("name", ["xl/styles.xml", "xl/_rels/workbook.xml.rels"])
def test_no_part_but_a_sheet_grows_by_being_called_one(name: str) -> None:
    override = f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml'
    file = io.BytesIO(swollen(name, 65))
    with zipfile.ZipFile(file) as archive:
        types = archive.read("[Content_Types].xml").decode()
    kept = re.sub(f'<Override [^>]*"/{name}"[^>]*>', "", types)
    lying = kept.replace("</Types>", f'{override}.worksheet+xml"/></Types>').encode()

    assert refusal_of(rewritten(file, **{"[Content_Types].xml": lying})) == "swollen_xlsx"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_workbook_packed_as_none_is_is_refused(method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(xlsx_file(ROW)) as old, zipfile.ZipFile(file, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))

    assert refusal_of(file.getvalue()) == "broken_xlsx"


def test_a_sheet_may_be_larger_than_a_part_that_is_held_in_memory() -> None:
    assert len(read(io.BytesIO(swollen(SHEET, 65)))[2]) == 1


@pytest.mark.parametrize("name", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "[Content_Types].xml"])
def test_a_workbook_with_entities_is_refused(name: str) -> None:
    file = xlsx_file(ROW)
    with zipfile.ZipFile(file) as archive:
        part = archive.read(name) if name in archive.namelist() else b"<a/>"
    laughing = b'<!DOCTYPE a [<!ENTITY b "ha">]>' + part[part.find(b"<", 5) if part.startswith(b"<?xml") else 0 :]

    assert refusal_of(rewritten(file, **{name: laughing})) == "broken_xlsx"


@pytest.mark.parametrize(
    "change",
    [
        (b'<row r="2"', b'<row r="99999999999"'),
        (b"<sheetData>", b"<sheetData><broken"),
        (b"<v>3</v>", b"<v>77777</v>"),
        (b"<v>3</v>", b"<v>x</v>"),
        (b'r="B2"', b'r="B2" s="99999x"'),
    ],
    ids=str,
)
def test_a_damaged_workbook_is_refused_and_nothing_else(change: tuple[bytes, bytes]) -> None:
    file = excel_file(("运单号", "备注"), ("SF1", "轻放"))
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read(SHEET)
    assert change[0] in sheet

    assert refusal_of(rewritten(file, **{SHEET: sheet.replace(*change)})) == "broken_xlsx"


def test_a_workbook_as_excel_writes_it_is_read() -> None:
    rows = read(excel_file(("运单号", "备注"), ("SF1", "轻放"), ("SF2", "轻放")))

    assert rows == ("XLSX", ["运单号", "备注"], [(2, ["SF1", "轻放"]), (3, ["SF2", "轻放"])])


def test_a_workbook_without_its_strings_or_its_sheet_is_refused() -> None:
    for name in ("xl/workbook.xml", SHEET, "[Content_Types].xml"):
        result = io.BytesIO()
        with zipfile.ZipFile(xlsx_file(ROW)) as old, zipfile.ZipFile(result, "w") as new:
            for other in set(old.namelist()) - {name}:
                new.writestr(other, old.read(other))
        assert refusal_of(result.getvalue()) in {"broken_xlsx", "no_sheet"}
