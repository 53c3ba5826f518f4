"""A waybill's trail in one hand-written query, for the back-query and the landing page.

ORM objects with prefetch reach 0.12 of a bare WSGI app here, one query and no model 0.5 (docs/architecture.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from waybills.database import fetch
from waybills.documents import Contact, PathDocument, unseal_path, unseal_waybill
from waybills.revival import on_a_live_connection

_TRAIL = """
    SELECT w.create_time, w.receiver_phone_index, w.sender_phone_index, w.sealed,
           w.sender_province, w.sender_city, w.receiver_province, w.receiver_city,
           p.action_time, p.action_type, p.digest, p.sealed
      FROM waybills_waybill w
      LEFT JOIN waybills_path p ON p.waybill_id = w.id AND p.voided_at IS NULL
     WHERE w.no = %s AND w.posted_at IS NOT NULL
     ORDER BY p.action_time DESC, p.id DESC
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One path of a trail."""

    action_time: int
    action_type: int
    document: PathDocument


@dataclass(frozen=True, slots=True)
class Trail:
    """A posted waybill with its nodes, newest first, ties in reverse order of arrival."""

    no: str
    create_time: int
    receiver_phone_index: bytes
    sender_phone_index: bytes | None
    _sealed: bytes
    _regions: tuple[tuple[str, str], tuple[str, str]]
    _rows: Sequence[tuple[Any, ...]]

    def nodes(self) -> tuple[Node, ...]:
        """Return the trail's nodes, opened now: nobody waits for them whose query is refused. Raise SealBroken."""
        return tuple(
            Node(action_time, action_type, unseal_path(digest, blob))
            for *_, action_time, action_type, digest, blob in self._rows
            if action_time is not None
        )

    def contacts(self) -> tuple[Contact, Contact]:
        """Return (sender, receiver); raise SealBroken where they do not open."""
        return unseal_waybill(self.no, self._sealed, *self._regions)


def read_trail(no: str) -> Trail | None:
    """Return the trail of a posted waybill; None where there is none.

    The read is repeated once on a fresh connection, so that a restarted
    database costs no failed answer.
    """
    rows = on_a_live_connection(lambda: fetch(_TRAIL, (no,)))
    return _trail(no, rows) if rows else None


def _trail(no: str, rows: Sequence[tuple[Any, ...]]) -> Trail:
    create_time, receiver_index, sender_index, sealed, *regions = rows[0][:8]
    return Trail(
        no,
        create_time,
        bytes(receiver_index),
        bytes(sender_index) if sender_index is not None else None,
        bytes(sealed),
        ((regions[0], regions[1]), (regions[2], regions[3])),
        rows,
    )
