"""Items of a batch: what came as JSON objects, checked and cleaned once, whichever door they came through.

A bad item is named and left out; the good ones go on. Limits are in characters, after cleaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from waybills.documents import Contact, PathDocument
from waybills.fields import Code, Fields, Problem
from waybills.ingest import PathItem, WaybillItem

NO_LENGTH = 64
NAME_LENGTH = 64
REGION_LENGTH = 64
ADDRESS_LENGTH = 256
CONTACT_ID_LENGTH = 64
MESSAGE_LENGTH = 512
CARRIER_CODE_LENGTH = 64

MOST_ERRORS = 10_000
"""A body with more is no batch with bad items in it: naming them all would be an answer of any size."""

_NOBODY = Contact()

Translate = Callable[[str], int]
"""From a carrier's own code to an action_type."""


class HopelessBatch(ValueError):
    """More than MOST_ERRORS things are wrong."""


@dataclass(frozen=True, slots=True)
class ItemError:
    """One thing that is wrong with one item; path_index: its place in the waybill's paths."""

    index: int
    path_index: int | None
    waybill_id: str | None
    field: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read: the good items, and the errors of the others."""

    waybills: list[WaybillItem]
    paths: list[PathItem]
    errors: list[ItemError]

    def refuse(self, problems: list[Problem], index: int, path_index: int | None, no: str) -> None:
        """Note the problems of one item; raise HopelessBatch where there are too many."""
        self.errors.extend(
            ItemError(index, path_index, no or None, problem.field, problem.code, problem.detail)
            for problem in problems
        )
        if len(self.errors) > MOST_ERRORS:
            raise HopelessBatch(len(self.errors))


def read_waybills(entries: Sequence[Any], translate: Translate) -> Batch:
    """Return what stands in waybill objects and their `paths`.

    A waybill with a bad path is kept without it; the paths of a bad waybill are not kept.
    """
    batch = Batch([], [], [])
    for index, entry in enumerate(entries):
        if type(entry) is dict:
            _read_waybill(batch, index, Fields(entry), translate)
        else:
            batch.refuse([_not_an_object()], index, None, "")
    return batch


def read_paths(entries: Sequence[Any], translate: Translate) -> Batch:
    """Return what stands in path objects, each with the waybill_id of its waybill."""
    batch = Batch([], [], [])
    for index, entry in enumerate(entries):
        if type(entry) is not dict:
            batch.refuse([_not_an_object()], index, None, "")
            continue
        fields = Fields(entry)
        no = fields.text("waybill_id", NO_LENGTH, True)
        path = _path(fields, no, translate)
        if fields.problems:
            batch.refuse(fields.problems, index, None, no)
        else:
            batch.paths.append(path)
    return batch


def read_row(entry: dict[str, Any], translate: Translate) -> tuple[WaybillItem | None, PathItem | None, list[Problem]]:
    """Return (waybill, path, problems) of one row of a file: a waybill with at most one path, or the path alone.

    entry: a waybill object; without `create_time`, `sender` and `receiver` it names the waybill of its path, which
    stands under `path`. A row with problems has neither item: it is corrected and comes again as a whole.
    """
    fields = Fields(entry)
    no = fields.text("waybill_id", NO_LENGTH, True)
    waybill = path = None
    if entry.keys() & {"create_time", "sender", "receiver"}:
        waybill = _waybill(fields, no)
    if "path" in entry:
        path = _path(Fields(entry["path"], problems=fields.problems), no, translate)
    if fields.problems:
        return None, None, fields.problems
    return waybill, path, []


def read_path_of(no: str, entry: dict[str, Any], translate: Translate) -> tuple[PathItem | None, list[Problem]]:
    """Return (path, problems) of a path object; no: of its waybill, as it is stored."""
    fields = Fields(entry)
    path = _path(fields, no, translate)
    return (None, fields.problems) if fields.problems else (path, [])


def _read_waybill(batch: Batch, index: int, fields: Fields, translate: Translate) -> None:
    no = fields.text("waybill_id", NO_LENGTH, True)
    waybill = _waybill(fields, no)
    is_good = not fields.problems
    entries = fields.children("paths")
    if fields.problems:
        batch.refuse(fields.problems, index, None, no)
    if is_good:
        batch.waybills.append(waybill)
    if entries:
        _read_paths_of(batch, index, no, entries, translate, is_good)


def _read_paths_of(batch: Batch, index: int, no: str, entries: list[Any], translate: Translate, keep: bool) -> None:
    for path_index, entry in enumerate(entries):
        if type(entry) is not dict:
            batch.refuse([_not_an_object()], index, path_index, no)
            continue
        fields = Fields(entry)
        path = _path(fields, no, translate)
        if fields.problems:
            batch.refuse(fields.problems, index, path_index, no)
        elif keep:
            batch.paths.append(path)


def _waybill(fields: Fields, no: str) -> WaybillItem:
    return WaybillItem(
        no,
        fields.moment("create_time"),
        _contact(fields.child("sender"), False),
        _contact(fields.child("receiver"), True),
    )


def _contact(fields: Fields | None, required: bool) -> Contact:
    if fields is None or (not required and fields.is_empty):
        return _NOBODY
    return Contact(
        fields.text("name", NAME_LENGTH, required),
        fields.phone("phone", required),
        fields.text("province", REGION_LENGTH),
        fields.text("city", REGION_LENGTH),
        fields.text("area", REGION_LENGTH),
        fields.text("street", REGION_LENGTH),
        fields.text("address", ADDRESS_LENGTH),
        fields.text("id", CONTACT_ID_LENGTH),
    )


def _path(fields: Fields, no: str, translate: Translate) -> PathItem:
    action_time = fields.moment("action_time")
    document = PathDocument(
        fields.text("action_msg", MESSAGE_LENGTH, True),
        fields.text("pickup_courier_name", NAME_LENGTH),
        fields.phone("pickup_courier_phone"),
        fields.text("delivery_courier_name", NAME_LENGTH),
        fields.phone("delivery_courier_phone"),
    )
    return PathItem(no, action_time, _action_type(fields, translate), document)


def _action_type(fields: Fields, translate: Translate) -> int:
    if fields.has("action_type") or not fields.has("carrier_code"):
        return fields.action_type("action_type")
    code = fields.label("carrier_code", CARRIER_CODE_LENGTH)
    return translate(code) if code and not fields.problems else 0


def _not_an_object() -> Problem:
    return Problem(None, Code.MALFORMED, _("An object is expected."))
