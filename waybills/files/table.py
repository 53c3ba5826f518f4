"""A file as a table of texts: one reader, whatever the format; rows come one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from waybills.files import csv_table, xlsx_table
from waybills.files.refusals import MOST_COLUMNS, MOST_ROWS, FileRefused
from waybills.files.rows import Row, has_text

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Table:
    """The header of a file and its rows, without empty ones; the rows can be read once."""

    shape: str
    """How it was read: `XLSX`, or encoding and delimiter (`UTF-8 tab`)."""
    header: list[str]
    rows: Iterator[Row]


def read_table(file: BinaryIO) -> Table:
    """Return the table of a CSV file or an .xlsx workbook.

    file: can seek. Raise FileRefused, now or while the rows are read.
    """
    head = check_head(file)
    shape, rows = xlsx_table.read(file) if head.startswith(_ZIP) else csv_table.read(file)
    bounded = _bounded(rows)
    header = next(bounded, None)
    if header is None:
        raise FileRefused("empty")
    return Table(shape, [cell.strip() for cell in header.cells], bounded)


def check_head(file: BinaryIO) -> bytes:
    """Return the first bytes of a file. Raise FileRefused where they are enough to see that it cannot be read."""
    file.seek(0)
    head = file.read(len(_OLE))
    if not head:
        raise FileRefused("empty")
    if head == _OLE:
        raise FileRefused("old_excel")
    return head


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    count = 0
    for row in rows:
        if len(row.cells) > MOST_COLUMNS:
            raise FileRefused("too_many_columns", row.line)
        if has_text(row):
            yield row
            count += 1
            if count > MOST_ROWS + 1:
                raise FileRefused("too_many_rows")
