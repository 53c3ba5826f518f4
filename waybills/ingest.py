"""The bulk path in: one set-based write for REST, files and gateway alike.

One transaction, one sorted pass over each table, a fixed number of statements whatever the batch's size:

1. what is known of the waybills named;
2. one upsert of those posted, and of stubs for paths whose waybill has not come yet;
3. the paths and, in the same statement, a push for each new one;
4. lock the lanes, in order, and wake those that new pushes came to, making what is missing;
5. look through those of which that does not say enough: stubs that are posted now, waybills that are not, those
   without a new push to send, and lanes that are due later.

Two senders that post the same events meet in the same order, so they wait instead of deadlocking; should one deadlock
all the same, the whole transaction is repeated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from waybills import ingest_sql, lanes
from waybills.action_types import MESSAGE_TYPES
from waybills.cleaning import is_mainland_mobile
from waybills.database import plan_by_keys
from waybills.documents import (
    Contact,
    PathDocument,
    contact_fields,
    path_fields,
    seal_path,
    seal_waybill,
)
from waybills.doorbell import ring
from waybills.ingest_sql import KnownWaybill, PathRow, PathWithPush, WaybillRow
from waybills.models import PushReason, PushState
from waybills.sealing import Sealer

_DEADLOCK = "40P01"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class WaybillItem:
    """One posted waybill, cleaned."""

    no: str
    create_time: int
    sender: Contact
    receiver: Contact


@dataclass(slots=True)
class PathItem:
    """One path event, cleaned. Frozen in use, as its document is."""

    no: str
    action_time: int
    action_type: int
    document: PathDocument


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch. New paths are either created or, for want of their waybill, waiting."""

    waybills_created: int = 0
    waybills_updated: int = 0
    waybills_unchanged: int = 0
    paths_created: int = 0
    paths_duplicate: int = 0
    paths_waiting: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch as it is stored: sealed, and each thing once; waybills sorted, paths in order of arrival."""

    waybills: list[WaybillRow]
    paths: list[PathRow]
    repeated_waybills: int
    repeated_paths: int


def ingest(
    waybills: Sequence[WaybillItem],
    paths: Sequence[PathItem],
    *,
    now: datetime | None = None,
    trigger: str = "event",
) -> Report:
    """Store a batch, whole or not at all, and tell the workers.

    Of a waybill posted twice in one batch the later one counts; the same event twice is stored once.
    """
    return store(prepare(waybills, paths), now=now, trigger=trigger)


def prepare(waybills: Sequence[WaybillItem], paths: Sequence[PathItem]) -> Prepared:
    """Return a batch as `store` takes it: the half that needs no database."""
    sealer = Sealer(len(waybills) + len(paths))
    rows, path_rows = _waybill_rows(waybills, sealer), _path_rows(paths, sealer)
    return Prepared(rows, path_rows, len(waybills) - len(rows), len(paths) - len(path_rows))


def store(batch: Prepared, *, now: datetime | None = None, trigger: str = "event") -> Report:
    """Store a prepared batch, as `ingest`."""
    report, has_work = _repeat_on_deadlock(batch.waybills, batch.paths, now or timezone.now(), trigger)
    if has_work:
        # At once, but for a caller whose own transaction is still open.
        transaction.on_commit(ring)
    return Report(
        report.waybills_created,
        report.waybills_updated,
        report.waybills_unchanged + batch.repeated_waybills,
        report.paths_created,
        report.paths_duplicate + batch.repeated_paths,
        report.paths_waiting,
    )


def _repeat_on_deadlock(
    waybills: list[WaybillRow], paths: list[PathRow], now: datetime, trigger: str
) -> tuple[Report, bool]:
    for _ in range(_TRIES - 1):
        try:
            return _store(waybills, paths, now, trigger)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _DEADLOCK:
                raise
    return _store(waybills, paths, now, trigger)


def _waybill_rows(items: Iterable[WaybillItem], sealer: Sealer) -> list[WaybillRow]:
    """Return the rows sorted by number, the last of each."""
    latest = {item.no: item for item in items}
    return [_waybill_row(latest[no], sealer) for no in sorted(latest)]


def _waybill_row(item: WaybillItem, sealer: Sealer) -> WaybillRow:
    sender, receiver = item.sender, item.receiver
    content = (item.no, item.create_time, contact_fields(sender), contact_fields(receiver))
    return WaybillRow(
        no=item.no,
        digest=sealer.content_digest("waybill", content),
        create_time=item.create_time,
        sealed=seal_waybill(item.no, sender, receiver, sealer),
        receiver_phone_index=sealer.blind_index(receiver.phone),
        sender_phone_index=sealer.blind_index(sender.phone) if sender.phone else None,
        receiver_is_mobile=is_mainland_mobile(receiver.phone),
        receiver_province=receiver.province,
        receiver_city=receiver.city,
        sender_province=sender.province,
        sender_city=sender.city,
    )


def _path_rows(items: Iterable[PathItem], sealer: Sealer) -> list[PathRow]:
    """Return one row an event, in order of arrival."""
    unique = {path_digest(item, sealer): item for item in items}
    return [
        PathRow(item.no, digest, item.action_time, item.action_type, seal_path(digest, item.document, sealer))
        for digest, item in unique.items()
    ]


def path_digest(item: PathItem, sealer: Sealer | None = None) -> bytes:
    """Return the identity of an event: of its fields, after cleaning. sealer: of its batch."""
    fields = (item.no, item.action_time, item.action_type, *path_fields(item.document))
    return (sealer or Sealer()).content_digest("path", fields)


def _store(waybills: list[WaybillRow], paths: list[PathRow], now: datetime, trigger: str) -> tuple[Report, bool]:
    with transaction.atomic():
        known = ingest_sql.find_waybills({row.no for row in waybills} | {row.no for row in paths})
        changed = [row for row in waybills if row.no not in known or known[row.no].digest != row.digest]
        posted = {row.no for row in waybills}
        missing = sorted({row.no for row in paths} - posted - known.keys())
        written = ingest_sql.put_waybills(changed, missing, now) if changed or missing else {}
        known_now = _with_ids(known, written, waybills, missing)
        created = ingest_sql.put_paths(_with_pushes(paths, known_now, now), now, trigger) if paths else []
        touched = sorted({*(row[0] for row in created), *(known_now[row.no].id for row in changed)})
        if touched:
            unreachable = [known_now[row.no].id for row in changed if not row.receiver_is_mobile]
            _wake(touched, _arrivals(created, known, known_now), unreachable, now)
        return _report(waybills, paths, known, written, known_now, created), bool(touched)


def _arrivals(
    created: Iterable[tuple[int, str, int]], before: dict[str, KnownWaybill], known: dict[str, KnownWaybill]
) -> dict[int, bool]:
    """Return the posted waybills with new pending pushes; true where a message is among these.

    Not those that were stubs before: other pushes wait for them already.
    """
    stubs = {waybill.id for waybill in before.values() if not waybill.is_posted}
    posted = {waybill.id for waybill in known.values() if waybill.is_posted} - stubs
    arrivals: dict[int, bool] = {}
    for waybill_id, state, action_type in created:
        if state == PushState.PENDING and waybill_id in posted:
            arrivals[waybill_id] = arrivals.get(waybill_id, False) or action_type in MESSAGE_TYPES
    return arrivals


def _wake(touched: list[int], arrivals: dict[int, bool], unreachable: list[int], now: datetime) -> None:
    """Lock the lanes, and let each say when it is due."""
    unsure = lanes.take_in(touched, arrivals, now)
    if unsure or unreachable:
        plan_by_keys()
        ingest_sql.skip_unreachable(unreachable, now)
        lanes.wake(unsure)


def _with_ids(
    known: dict[str, KnownWaybill], written: dict[str, int], waybills: list[WaybillRow], missing: list[str]
) -> dict[str, KnownWaybill]:
    """Return what holds after the upsert; a row that another sender wrote first is read again."""
    result = dict(known)
    result.update({no: KnownWaybill(written[no], None, False, None) for no in missing if no in written})
    for row in waybills:
        id_ = written.get(row.no) or (known[row.no].id if row.no in known else None)
        if id_ is not None:
            result[row.no] = KnownWaybill(id_, row.digest, True, row.receiver_is_mobile)
    unseen = {row.no for row in waybills if row.no not in result} | {no for no in missing if no not in result}
    if unseen:
        result.update(ingest_sql.find_waybills(unseen))
    return result


def _with_pushes(paths: list[PathRow], known: dict[str, KnownWaybill], now: datetime) -> list[PathWithPush]:
    begin = _Beginning(now)
    rows = []
    for row in paths:
        waybill = known[row.no]
        state, reason, deadline = begin(row.action_time, row.action_type, waybill.receiver_is_mobile)
        rows.append(PathWithPush(waybill.id, row, state, reason, deadline))
    return rows


class _Beginning:
    """How the pushes of one batch begin; the settings are read once."""

    def __init__(self, now: datetime) -> None:
        self._now = now.timestamp()
        self._push = settings.PUSH

    def __call__(
        self, action_time: int, action_type: int, receiver_is_mobile: bool | None
    ) -> tuple[PushState, PushReason, int]:
        """Return (state, reason, deadline in Unix seconds).

        receiver_is_mobile: None before the waybill has come.
        """
        deadline = self._push.deadline(action_time, action_type)
        allowed = self._push.action_types
        if allowed is not None and action_type not in allowed:
            return PushState.SKIPPED, PushReason.TYPE_EXCLUDED, deadline
        # Before the phone, which may not be known yet: what comes too late expires whether its waybill came first or
        # not.
        if deadline <= self._now:
            return PushState.EXPIRED, PushReason.PAST_DEADLINE, deadline
        if receiver_is_mobile is False:
            return PushState.SKIPPED, PushReason.PHONE_NOT_MOBILE, deadline
        return PushState.PENDING, PushReason.NONE, deadline


def _report(
    waybills: list[WaybillRow],
    paths: list[PathRow],
    known: dict[str, KnownWaybill],
    written: dict[str, int],
    known_now: dict[str, KnownWaybill],
    created: list[tuple[int, str, int]],
) -> Report:
    stubs = {waybill.id for waybill in known_now.values() if not waybill.is_posted}
    waiting = sum(waybill_id in stubs for waybill_id, _, _ in created)
    fresh = [row for row in waybills if row.no in written]
    new = sum(row.no not in known or not known[row.no].is_posted for row in fresh)
    return Report(
        waybills_created=new,
        waybills_updated=len(fresh) - new,
        waybills_unchanged=len(waybills) - len(fresh),
        paths_created=len(created) - waiting,
        paths_duplicate=len(paths) - len(created),
        paths_waiting=waiting,
    )


def deadline_after(now: datetime, action_type: int) -> datetime:
    """Return until when a push that a person asks for now is worth sending."""
    window: timedelta = settings.PUSH.deadline_of(action_type)
    return now + window
