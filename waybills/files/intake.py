"""Rows into the database: a slice at a time, through the one way in (`waybills.ingest`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from django.conf import settings
from django.db import transaction

from waybills.carrier_codes import CarrierCodes
from waybills.files.rows import BadRow, Row, RowReader
from waybills.ingest import PathItem, Prepared, Report, WaybillItem, prepare, store

ROWS_A_SLICE = 1000
"""And a transaction."""
_CHARACTERS_A_SLICE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Survey:
    """What rows would be, without storing them."""

    rows: int = 0
    bad: int = 0
    past_deadline: int = 0
    """Events that will be stored and shown, and whose pushes expire at once."""


@dataclass(frozen=True, slots=True, repr=False)
class Slice:
    """What stands in some rows: the good items and the bad rows."""

    rows: int
    waybills: list[WaybillItem]
    paths: list[PathItem]
    bad: list[BadRow]
    codes: CarrierCodes

    def prepare(self) -> "PreparedSlice":
        """Return the slice as it is stored; needs no database."""
        return PreparedSlice(self.rows, prepare(self.waybills, self.paths), self.bad, self.codes)

    def store(self) -> Report:
        """Store the good items, whole or not at all."""
        return self.prepare().store()


@dataclass(frozen=True, slots=True, repr=False)
class PreparedSlice:
    """A slice as it is stored: the good items sealed, and the bad rows."""

    rows: int
    batch: Prepared
    bad: list[BadRow]
    codes: CarrierCodes

    def store(self) -> Report:
        """Store the good items, whole or not at all."""
        with transaction.atomic():
            report = store(self.batch)
            self.codes.record_unmapped()
        return report


def slices(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in slices of bounded size."""
    piece: list[Row] = []
    characters = 0
    for row in rows:
        piece.append(row)
        characters += len("".join(row.cells))
        if len(piece) >= ROWS_A_SLICE or characters > _CHARACTERS_A_SLICE:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def read_slice(
    rows: Sequence[Row], header: Sequence[str], mapping: Sequence[str], mapped: Mapping[str, int] | None = None
) -> Slice:
    """Return what stands in the rows; mapped: the carrier's own codes, where they were read already."""
    codes = CarrierCodes(mapped)
    reader = RowReader(header, mapping, codes.translate)
    result = Slice(len(rows), [], [], [], codes)
    for row in rows:
        waybill, path, fault = reader.read(row)
        if fault is not None:
            result.bad.append(fault)
        if waybill is not None:
            result.waybills.append(waybill)
        if path is not None:
            result.paths.append(path)
    return result


def survey(found: Slice, now: datetime) -> Survey:
    """Return how many of the rows are bad, and how many hold an event past its deadline."""
    return Survey(found.rows, len(found.bad), sum(is_past_deadline(path, now) for path in found.paths))


def is_past_deadline(path: PathItem, now: datetime) -> bool:
    """Return whether a push of this event would expire from the start (PUSH_DEADLINE)."""
    deadline: int = settings.PUSH.deadline(path.action_time, path.action_type)
    return deadline <= now.timestamp()


def add_reports(one: Report, other: Report) -> Report:
    """Return the sum of two reports."""
    return Report(*(getattr(one, entry.name) + getattr(other, entry.name) for entry in fields(Report)))
