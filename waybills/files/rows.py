"""One row of a file: what its cells say, as items of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from waybills.fields import Code, Fields, Problem
from waybills.files.cells import READERS, CellUnreadable
from waybills.files.columns import BY_FIELD, is_row_of_data
from waybills.ingest import PathItem, WaybillItem
from waybills.items import Translate, read_path_of, read_row

_MOMENT = "action_time"
_MOST_ALIKE = 1000
_LONGEST_NAME = 64
"""Characters of a header in a reason: a million bad rows repeat it."""


@dataclass(slots=True, repr=False)
class Row:
    """The cells of one row, as text; line: where it begins, counted from 1.

    Not frozen, as `waybills.ingest_sql.PathRow`.
    """

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
        self._own = [cell.index for cell in self._cells if cell.group != "path"]
        self._of_path = [cell for cell in self._cells if cell.group == "path"]
        self._moments = [cell for cell in self._of_path if cell.name == _MOMENT]
        self._repeated = [cell.index for cell in self._of_path if cell.name != _MOMENT]
        self._last = _Last([], "", None)
        self._alike: dict[tuple[str, ...], PathItem] = {}

    def read(self, row: Row) -> tuple[WaybillItem | None, PathItem | None, BadRow | None]:
        """Return (waybill, path, bad row): of a bad row neither item."""
        if len(row.cells) > self._width and any(map(str.strip, row.cells[self._width :])):
            return None, None, BadRow(row, _("The row has more cells than the header: is a quote missing?"))
        waybill, path, problems = self._items(row.cells)
        if not problems and waybill is None and path is None:
            problems = [Problem(None, Code.REQUIRED, _("The row holds a waybill number and nothing else."))]
        return (None, None, BadRow(row, self._reason(problems))) if problems else (waybill, path, None)

    def _items(self, cells: list[str]) -> tuple[WaybillItem | None, PathItem | None, list[Problem]]:
        """Return (waybill, path, problems). A file repeats a waybill in each row of its events: it is read once."""
        if len(cells) < self._width:
            cells = cells + [""] * (self._width - len(cells))
        own = [cells[index] for index in self._own]
        if own == self._last.cells:
            path, problems = self._path(self._last.no, cells)
            return (None if problems else self._last.waybill), path, problems
        entry, problems = _entry(self._cells, cells)
        if problems:
            return None, None, problems
        waybill, path, problems = read_row(entry, self._translate)
        item = waybill or path
        if item is not None:
            self._last = _Last(own, item.no, waybill)
        return waybill, path, problems

    def _path(self, no: str, cells: list[str]) -> tuple[PathItem | None, list[Problem]]:
        """Return (path, problems). A station's scans come in hundreds that are alike but for their moment."""
        repeated = tuple([cells[index] for index in self._repeated])
        alike = self._alike.get(repeated)
        if alike is not None:
            entry, problems = _path_entry(self._moments, cells)
            moment = Fields(entry, problems=problems).moment(_MOMENT)
            if not problems:
                return PathItem(no, moment, alike.action_type, alike.document), []
        entry, problems = _path_entry(self._of_path, cells)
        if problems or not entry:
            return None, problems
        path, problems = read_path_of(no, entry, self._translate)
        # A carrier's own code is translated, and counted, each time.
        if path is not None and "carrier_code" not in entry and len(self._alike) < _MOST_ALIKE:
            self._alike[repeated] = path
        return path, problems

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
class _Last:
    """The cells of the last good row that are of its waybill, and what they said."""

    cells: list[str]
    no: str
    waybill: WaybillItem | None


def _entry(readers: Sequence["_Cell"], cells: list[str]) -> tuple[dict[str, Any], list[Problem]]:
    """Return a row as REST would have it; an empty cell is a field that is not there."""
    groups: dict[str, dict[str, Any]] = {"": {}, "sender": {}, "receiver": {}, "path": {}}
    problems: list[Problem] = []
    for cell in readers:
        cell.put(groups[cell.group], cells, problems)
    entry = groups.pop("")
    entry.update((name, group) for name, group in groups.items() if group)
    return entry, problems


def _path_entry(readers: Sequence["_Cell"], cells: list[str]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the path of a row, whose cells these are."""
    entry: dict[str, Any] = {}
    problems: list[Problem] = []
    for cell in readers:
        cell.put(entry, cells, problems)
    return entry, problems


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a field stands in a row, and in an entry."""

    index: int
    field: str
    group: str
    name: str
    read: Callable[[str], str | int]

    def put(self, group: dict[str, Any], cells: list[str], problems: list[Problem]) -> None:
        """Put what the cell says into its group; nothing for an empty one."""
        text = cells[self.index].strip()
        if text:
            try:
                group[self.name] = self.read(text)
            except CellUnreadable as fault:
                problems.append(Problem(self.field, Code.MALFORMED, str(fault)))

    @classmethod
    def of(cls, index: int, field: str) -> "_Cell":
        column = BY_FIELD[field]
        group, _dot, name = field.rpartition(".")
        return cls(index, field, "path" if column.is_of_path else group, name, READERS[column.kind])
