"""The objects that the API answers with: field names of the specification, times in Unix seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from waybills.documents import Contact
from waybills.ingest import Report
from waybills.items import ItemError
from waybills.models import Push, PushAttempt
from waybills.services import CellItem, LineStatus
from waybills.trail import Node, Trail

Answer = dict[str, Any]


def report_answer(report: Report, errors: Sequence[ItemError]) -> Answer:
    """Return what became of a batch."""
    return {
        "waybills": {
            "created": report.waybills_created,
            "updated": report.waybills_updated,
            "unchanged": report.waybills_unchanged,
        },
        "paths": {
            "created": report.paths_created,
            "duplicates": report.paths_duplicate,
            "waiting": report.paths_waiting,
        },
        "errors": [_item_error_answer(error) for error in errors],
    }


def _item_error_answer(error: ItemError) -> Answer:
    return {
        "index": error.index,
        "path_index": error.path_index,
        "waybill_id": error.waybill_id,
        "field": error.field,
        "code": error.code,
        "detail": error.detail,
    }


def waybill_answer(trail: Trail, pushes: Iterable[Push]) -> Answer:
    """Return a waybill as it was posted, with its trail and its pushes; raise SealBroken where it does not open."""
    sender, receiver = trail.contacts()
    return {
        "waybill_id": trail.no,
        "create_time": trail.create_time,
        "sender": _known_fields(sender),
        "receiver": _known_fields(receiver),
        "paths": [_path_answer(node) for node in trail.nodes()],
        "pushes": [push_answer(push) for push in pushes],
    }


def _known_fields(contact: Contact) -> Answer:
    return {name: value for name, value in asdict(contact).items() if value}


def _path_answer(node: Node) -> Answer:
    document = {name: value for name, value in asdict(node.document).items() if value}
    return {"action_time": node.action_time, "action_type": node.action_type, **document}


def push_answer(push: Push) -> Answer:
    """Return a push with its attempts, in the order in which they were made."""
    return {
        "id": push.pk,
        "waybill_id": push.waybill.no,
        "action_type": push.action_type,
        "action_time": push.action_time,
        "state": push.state,
        "reason": push.reason,
        "notified": push.notified,
        "not_before": _seconds(push.not_before),
        "created_at": _seconds(push.created_at),
        "settled_at": _seconds(push.settled_at),
        "attempts": [_attempt_answer(attempt) for attempt in push.attempts.all()],
    }


def _attempt_answer(attempt: PushAttempt) -> Answer:
    return {
        "call": attempt.call,
        "started_at": _seconds(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "outcome": attempt.outcome,
        "errcode": attempt.errcode,
        "errmsg": attempt.errmsg,
        "exist": attempt.exist,
    }


def cells_answer(cells: Iterable[CellItem]) -> list[Answer]:
    """Return the published cells, in their order."""
    return [{"Key": cell.key, "Name": cell.name, "Link": cell.link} for cell in cells]


def line_answer(line: LineStatus) -> Answer:
    """Return whether anything is pushed, and if not, why and what to do."""
    return {
        "state": line.state,
        "code": line.code,
        "reason": line.reason,
        "remedy": line.remedy,
        "since": _seconds(line.since),
        "waiting": line.waiting,
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
