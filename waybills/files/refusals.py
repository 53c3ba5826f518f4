"""Why a whole file is refused; a bad row alone is no reason."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes, on the desk; the command reads a CSV file of any size."""
MOST_ROWS = 1_000_000
MOST_COLUMNS = 200
LONGEST_ROW = 128 * 1024
"""Characters: of one line, and of one row that a quote holds together."""


class FileRefused(Exception):
    """A file that cannot be read at all. code: of FILE_REFUSALS; line: where, or 0."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(code)
        self.code, self.line = code, line


FILE_REFUSALS: Mapping[str, Any] = {
    "empty": _("The file is empty."),
    "no_rows": _("The file has a header but no row."),
    "too_large": _("The file is larger than 64 MB: split it, or use manage.py import_waybills."),
    "too_many_rows": _("The file has more than 1,000,000 rows: split it."),
    "too_many_columns": _("The file has more than 200 columns."),
    "old_excel": _("This is a workbook of old Excel (.xls), or one with a password: save it as .xlsx without one."),
    "not_text": _("This is neither a CSV file nor an .xlsx workbook."),
    "encoding": _("The text is neither UTF-8 nor GB18030."),
    "long_line": _("A line is longer than 131,072 characters: is a quote open?"),
    "broken_csv": _("The quotes of the CSV file do not match."),
    "broken_xlsx": _("The workbook is damaged: open it in Excel and save it anew."),
    "swollen_xlsx": _("Unpacked, the workbook is larger than what is read: split it, or save it as CSV."),
    "gave_up": _("Reading was begun three times and came to no end: split the file, or save it as CSV."),
    "no_sheet": _("The workbook has no sheet with cells."),
}


def refusal_text(code: str, line: int) -> str:
    """Return a refusal as a sentence, with the line where there is one."""
    text = str(FILE_REFUSALS.get(code, code))
    return _("Line %(line)d: %(text)s") % {"line": line, "text": text} if line else text
