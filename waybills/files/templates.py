"""Empty files to fill in, and the report of bad rows to correct: both read back as they are."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from waybills.files.cells import guard
from waybills.files.columns import COLUMNS, LINE_HEADER, REASON_HEADER, Column, Kind
from waybills.files.rows import BadRow

REQUIRED = {
    "waybill_id": _("always"),
    "create_time": _("with a waybill"),
    "receiver.name": _("with a waybill"),
    "receiver.phone": _("with a waybill"),
    "action_time": _("with an event"),
    "action_type": _("with an event, or the carrier's code"),
    "carrier_code": _("with an event, or the action type"),
    "action_msg": _("with an event"),
}


def template_header() -> list[str]:
    """Return the headers of a template, in the language at hand."""
    chinese = (get_language() or "").startswith("zh")
    return [column.header if chinese else column.field.replace(".", "_") for column in COLUMNS]


def csv_template() -> bytes:
    """Return a CSV template; its mark tells Excel that it is UTF-8."""
    return codecs.BOM_UTF8 + _csv_line(template_header()).encode()


def xlsx_template() -> bytes:
    """Return a workbook: the sheet to fill in, whose cells are text so that no digit is lost, and the fields."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = _("Rows")
    for index, (name, column) in enumerate(zip(template_header(), COLUMNS, strict=True), 1):
        letter = get_column_letter(index)
        sheet.column_dimensions[letter].width = 40 if column.kind == Kind.MESSAGE else 20
        sheet.column_dimensions[letter].number_format = "@"
        sheet.cell(1, index, name).font = Font(bold=True)
    sheet.freeze_panes = "A2"
    _add_fields(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _add_fields(book: Workbook) -> None:
    fields = book.create_sheet(_("Fields"))
    fields.append([_("header"), _("field"), _("meaning"), _("required"), _("example")])
    for name, column in zip(template_header(), COLUMNS, strict=True):
        fields.append(field_row(name, column))
    for letter, width in zip("ABCDE", (20, 26, 26, 30, 34), strict=True):
        fields.column_dimensions[letter].width = width


def field_row(header: str, column: Column) -> list[str]:
    """Return (header, field, meaning, when it is required, example) of a column."""
    return [header, column.field, str(column.label), str(REQUIRED.get(column.field, "")), column.example]


def report_lines(header: Sequence[str], bad: Iterable[BadRow]) -> Iterator[bytes]:
    """Return a report of bad rows: line and reason before the file's own columns, to be corrected and read again.

    No cell of it runs in a spreadsheet.
    """
    # The first line now, in the language at hand; the others while they are sent.
    first = codecs.BOM_UTF8 + _csv_line([str(LINE_HEADER), str(REASON_HEADER), *header]).encode()
    return chain([first], (_csv_line([str(row.row.line), row.reason, *row.row.cells]).encode() for row in bad))


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([guard(cell) for cell in cells])
    return line.getvalue()
