"""The first rows of a file as the desk shows them: masked, each column by the field that it has."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from waybills.admin.masking import mask_numbers, mask_path, mask_phone
from waybills.documents import Contact, PathDocument
from waybills.files.cells import is_moment
from waybills.files.columns import BY_FIELD, COLUMNS, Kind, is_row_of_data
from waybills.files.rows import BadRow, Row
from waybills.masking import mask_name

_LONGEST = 40
_LONGEST_READ = 512
"""Characters of a cell: of a name, every one becomes a step of a pattern."""
_PLAIN = re.compile(r"[A-Z0-9_./:\- ]{1,19}", re.ASCII)
"""Codes and moments of a column without a field are readable; a phone is not, nor anything in Chinese."""
_NUMBER = re.compile(r"[A-Za-z0-9_./-]{1,64}", re.ASCII)
_PHONE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:00)?86-?)?(?:1[3-9]\d-?\d{4}-?\d{4}|0\d{2,3}-?\d{7,8})(?![A-Za-z0-9])", re.ASCII
)
"""What stands alone in a column of numbers and is not shown: a number of a waybill seldom looks like it."""


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """One column of the file: its header, what it may mean, and its first cells."""

    index: int
    header: str
    field: str
    cells: list[str]


def preview(header: Sequence[str], mapping: Sequence[str], rows: Sequence[Row]) -> list[PreviewColumn]:
    """Return the columns of a file, masked, a header too: the first line may be a row of data.

    What a person says that a column means proves nothing of what stands in it.
    """
    mask_header = _mask_unknown if is_row_of_data(header) else mask_numbers
    columns = []
    for index, (name, field) in enumerate(zip(header, mapping, strict=True)):
        cells = [_mask(_cell(row, index), field, _names_of(row, mapping)) for row in rows]
        header_cell = mask_header(name[:_LONGEST_READ])
        columns.append(PreviewColumn(index, _short(header_cell), field, [_short(cell) for cell in cells]))
    return columns


def masked_reasons(bad: Iterable[BadRow]) -> list[BadRow]:
    """Return bad rows whose reasons repeat no number of the file."""
    return [replace(row, reason=mask_numbers(row.reason)) for row in bad]


def _mask(text: str, field: str, names: Sequence[Contact]) -> str:
    if not field:
        return _mask_unknown(text)
    kind = BY_FIELD[field].kind
    if kind == Kind.MESSAGE:
        return mask_path(PathDocument(text), names).action_msg
    return _MASKS[kind](text)


def _names_of(row: Row, mapping: Sequence[str]) -> list[Contact]:
    """Return the names of a row, which its text may repeat."""
    of_names = (index for index, field in enumerate(mapping) if field and BY_FIELD[field].kind == Kind.NAME)
    return [Contact(name=_cell(row, index)) for index in of_names]


def _cell(row: Row, index: int) -> str:
    return row.cells[index].strip()[:_LONGEST_READ] if index < len(row.cells) else ""


def field_choices() -> list[tuple[str, Any]]:
    """Return (field, label) of all that a column can mean."""
    return [(column.field, column.label) for column in COLUMNS]


def _mask_unknown(text: str) -> str:
    if _PLAIN.fullmatch(text) and mask_numbers(text) == text:
        return text
    return f"{text[:1]}***" if text else ""


def _mask_number(text: str) -> str:
    return text if _NUMBER.fullmatch(text) and not _PHONE.search(text) else _mask_unknown(text)


def _mask_moment(text: str) -> str:
    return text if is_moment(text) else _mask_unknown(text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _mask_address(text: str) -> str:
    return "***" if text else ""


_MASKS: Mapping[Kind, Callable[[str], str]] = {
    Kind.TEXT: mask_numbers,
    Kind.NUMBER: _mask_number,
    Kind.PHONE: mask_phone,
    Kind.NAME: mask_name,
    Kind.ADDRESS: _mask_address,
    Kind.MOMENT: _mask_moment,
    Kind.INTEGER: _mask_unknown,
}
