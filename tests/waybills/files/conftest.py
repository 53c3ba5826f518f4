"""Files as carriers make them."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

import pytest
from django.contrib.auth.models import User
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from waybills.files import jobs
from waybills.files.worker import work
from waybills.models import ImportJob

HEADER = ("运单号", "下单时间", "收件人姓名", "收件人电话", "轨迹时间", "轨迹类型", "轨迹描述")
ROW = ("SF1", "2026-11-24 09:30:00", "李四", "13800138000", "2026-11-24 10:30", "200001", "快件到达【泉州】")


def csv_file(
    *rows: Sequence[str], header: Sequence[str] = HEADER, encoding: str = "utf-8", delimiter: str = ","
) -> io.BytesIO:
    """Return a CSV file; its cells hold no delimiter and no quote."""
    text = "\r\n".join(delimiter.join(row) for row in (header, *rows)) + "\r\n"
    return io.BytesIO(text.encode(encoding))


def xlsx_file(*rows: Sequence[Any], header: Sequence[str] = HEADER) -> io.BytesIO:
    """Return a workbook whose cells have Excel's own types."""
    book = Workbook()
    sheet: Any = book.active
    for row in (header, *rows):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPE}.sharedStrings+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
}


def excel_file(*rows: Sequence[str]) -> io.BytesIO:
    """Return a workbook as Excel writes it: every text once, in a table of its own. Openpyxl writes none of these."""
    strings: dict[str, int] = {}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for line, row in enumerate(rows, 1):
                indexes = [strings.setdefault(cell, len(strings)) for cell in row]
                cells = "".join(
                    f'<c r="{get_column_letter(column)}{line}" t="s"><v>{index}</v></c>'
                    for column, index in enumerate(indexes, 1)
                )
                sheet.write(f'<row r="{line}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w") as table:
            table.write(f'<sst xmlns="{_MAIN}">'.encode())
            for text in strings:
                table.write(f"<si><t>{escape(text)}</t></si>".encode())
            table.write(b"</sst>")
    return file


def row_of(index: int, **cells: str) -> list[str]:
    """Return one event of every fourth row's waybill."""
    waybill = index // 4
    values = dict(
        zip(
            HEADER,
            (
                f"SF{waybill:08d}",
                "2026-11-24 09:30:00",
                f"李四{waybill}",
                f"138{waybill:08d}",
                f"2026-11-24 1{index % 4}:30:00",
                "200001",
                f"快件到达第{index}站",
            ),
            strict=True,
        )
    )
    return list((values | cells).values())


def rows_of(count: int) -> Iterable[list[str]]:
    return (row_of(index) for index in range(count))


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_superuser("root", password="a long password of root")


@pytest.fixture
def upload(person: User) -> Callable[..., ImportJob]:
    """Return a function that uploads a file and has it read and checked."""

    def apply(file: io.BytesIO, name: str = "events.csv") -> ImportJob:
        job = jobs.upload(actor=person, name=name, file=file, size=len(file.getvalue()))
        work_until_still()
        return ImportJob.objects.get(pk=job.pk)

    return apply


def work_until_still() -> None:
    while work():
        pass
