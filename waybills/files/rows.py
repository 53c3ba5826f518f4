"""One row of a file: what its cells say, as items of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from waybills.fields import Code, Problem
from waybills.files.cells import READERS, CellUnreadable
from waybills.files.columns import BY_FIELD, is_row_of_data
from waybills.ingest import PathItem, WaybillItem
from waybills.items import Translate, read_row

_LONGEST_NAME = 64
"""Characters of a header in a reason: a million bad rows repeat it."""


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """The cells of one row, as text; line: where it begins, counted from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True, repr=False)
class BadRow:
    """A row that was left out, and why."""

    row: Row
    reason: str


def has_text(row: Row) -> bool:
    """Return whether the row says anything."""
    return any(map(str.strip, row.cells))


class RowReader:
    """Reads the rows of one file."""

    def __init__(self, header: Sequence[str], mapping: Sequence[str], translate: Translate) -> None:
        """header: as the file has it. mapping: for each header its field, or the empty text."""
        self._width = len(header)
        self._cells = [_Cell.of(index, field) for index, field in enumerate(mapping) if field]
        names = [""] * len(header) if is_row_of_data(header) else [name[:_LONGEST_NAME] for name in header]
        self._names = {field: name for name, field in zip(names, mapping, strict=True) if field and name}
        self._translate = translate

    def read(self, row: Row) -> tuple[WaybillItem | None, PathItem | None, BadRow | None]:
        """Return (waybill, path, bad row): of a bad row neither item."""
        if len(row.cells) > self._width and any(map(str.strip, row.cells[self._width :])):
            return None, None, BadRow(row, _("The row has more cells than the header: is a quote missing?"))
        entry, problems = self._entry(row)
        if problems:
            return None, None, BadRow(row, self._reason(problems))
        waybill, path, problems = read_row(entry, self._translate)
        if not problems and waybill is None and path is None:
            problems = [Problem(None, Code.REQUIRED, _("The row holds a waybill number and nothing else."))]
        return waybill, path, BadRow(row, self._reason(problems)) if problems else None

    def _entry(self, row: Row) -> tuple[dict[str, Any], list[Problem]]:
        """Return the row as REST would have it; an empty cell is a field that is not there."""
        groups: dict[str, dict[str, Any]] = {"": {}, "sender": {}, "receiver": {}, "path": {}}
        problems = []
        cells = row.cells
        for cell in self._cells:
            text = cells[cell.index].strip() if cell.index < len(cells) else ""
            if text:
                try:
                    groups[cell.group][cell.name] = cell.read(text)
                except CellUnreadable as fault:
                    problems.append(Problem(cell.field, Code.MALFORMED, str(fault)))
        entry = groups.pop("")
        entry.update((name, group) for name, group in groups.items() if group)
        return entry, problems

    def _reason(self, problems: Sequence[Problem]) -> str:
        return " ".join(
            _("%(what)s: %(says)s") % {"what": self._name(problem.field), "says": problem.detail}
            if problem.field
            else problem.detail
            for problem in problems
        )

    def _name(self, field: str) -> str:
        """Return the field as the file calls it; one that the file has no name for, as the desk does."""
        return self._names.get(field) or (str(BY_FIELD[field].label) if field in BY_FIELD else field)


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a field stands in a row, and in an entry."""

    index: int
    field: str
    group: str
    name: str
    read: Callable[[str], str | int]

    @classmethod
    def of(cls, index: int, field: str) -> "_Cell":
        column = BY_FIELD[field]
        group, _dot, name = field.rpartition(".")
        return cls(index, field, "path" if column.is_of_path else group, name, READERS[column.kind])
