"""The statements of the bulk path in, for PostgreSQL and SQLite."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from waybills import arrays
from waybills.database import as_list, as_moment, execute, execute_each, fetch, is_postgresql
from waybills.lanes_sql import IDS
from waybills.models import PushReason, PushState
from waybills.settlement import NUMBER


@dataclass(frozen=True, slots=True)
class WaybillRow:
    """A posted waybill, sealed."""

    no: str
    digest: bytes
    create_time: int
    sealed: bytes
    receiver_phone_index: bytes
    sender_phone_index: bytes | None
    receiver_is_mobile: bool
    receiver_province: str
    receiver_city: str
    sender_province: str
    sender_city: str


@dataclass(slots=True)
class PathRow:
    """A path event, sealed. Not frozen: making one takes three times as long, and there are a thousand in a batch."""

    no: str
    digest: bytes
    action_time: int
    action_type: int
    sealed: bytes


@dataclass(slots=True)
class PathWithPush:
    """A path event with its waybill's id and the push that announces it. deadline: in Unix seconds."""

    waybill_id: int
    path: PathRow
    state: PushState
    reason: PushReason
    deadline: int


@dataclass(slots=True)
class KnownWaybill:
    """What the database says of a waybill; a stub is not posted."""

    id: int
    digest: bytes | None
    is_posted: bool
    receiver_is_mobile: bool | None


_FIND = """
    SELECT no, id, digest, posted_at IS NOT NULL, receiver_is_mobile FROM waybills_waybill WHERE no IN ({list})
"""
_LIST = {True: "SELECT unnest(%(nos)b::text[])", False: "SELECT value FROM json_each(%(nos)s)"}


def find_waybills(nos: Collection[str]) -> dict[str, KnownWaybill]:
    """Return what is known of the waybills with these numbers."""
    ordered = sorted(nos)
    wanted = arrays.texts(ordered) if is_postgresql() else as_list(ordered)
    rows = fetch(_FIND.format(list=_LIST[is_postgresql()]), {"nos": wanted})
    return {
        no: KnownWaybill(
            id_,
            bytes(digest) if digest is not None else None,
            bool(posted),
            None if mobile is None else bool(mobile),
        )
        for no, id_, digest, posted, mobile in rows
    }


_WAYBILL_COLUMNS = """no, digest, create_time, sealed, receiver_phone_index, sender_phone_index, receiver_is_mobile,
    receiver_province, receiver_city, sender_province, sender_city"""

_UPSERT = """
    ON CONFLICT (no) DO UPDATE SET
        digest = excluded.digest, create_time = excluded.create_time, sealed = excluded.sealed,
        receiver_phone_index = excluded.receiver_phone_index, sender_phone_index = excluded.sender_phone_index,
        receiver_is_mobile = excluded.receiver_is_mobile,
        receiver_province = excluded.receiver_province, receiver_city = excluded.receiver_city,
        sender_province = excluded.sender_province, sender_city = excluded.sender_city,
        posted_at = coalesce(waybills_waybill.posted_at, excluded.posted_at), updated_at = excluded.updated_at
    WHERE excluded.posted_at IS NOT NULL AND waybills_waybill.digest IS DISTINCT FROM excluded.digest
"""

_PUT_WAYBILLS = f"""
    INSERT INTO waybills_waybill ({_WAYBILL_COLUMNS}, posted_at, created_at, updated_at)
    SELECT {_WAYBILL_COLUMNS}, CASE WHEN digest IS NULL THEN NULL ELSE %(now)s::timestamptz END, %(now)s, %(now)s
      FROM unnest(%(no)b::text[], %(digest)b::bytea[], %(create_time)b::bigint[], %(sealed)b::bytea[],
                  %(receiver_phone_index)b::bytea[], %(sender_phone_index)b::bytea[],
                  %(receiver_is_mobile)b::bool[],
                  %(receiver_province)b::text[], %(receiver_city)b::text[],
                  %(sender_province)b::text[], %(sender_city)b::text[])
        AS given ({_WAYBILL_COLUMNS})
     ORDER BY no
    {_UPSERT}
    RETURNING no, id
"""  # noqa: S608 - the columns are constants of this module

_PUT_WAYBILL = f"""
    INSERT INTO waybills_waybill ({_WAYBILL_COLUMNS}, posted_at, created_at, updated_at)
    VALUES (%(no)s, %(digest)s, %(create_time)s, %(sealed)s, %(receiver_phone_index)s, %(sender_phone_index)s,
            %(receiver_is_mobile)s, %(receiver_province)s, %(receiver_city)s, %(sender_province)s, %(sender_city)s,
            %(posted_at)s, %(now)s, %(now)s)
    {_UPSERT.replace("IS DISTINCT FROM", "IS NOT")}
"""  # noqa: S608 - the columns are constants of this module

_STUB: dict[str, Any] = {
    "digest": None,
    "create_time": None,
    "sealed": None,
    "receiver_phone_index": None,
    "sender_phone_index": None,
    "receiver_is_mobile": None,
    "receiver_province": "",
    "receiver_city": "",
    "sender_province": "",
    "sender_city": "",
}


def put_waybills(posted: Sequence[WaybillRow], missing: Sequence[str], now: datetime) -> dict[str, int]:
    """Write the posted waybills and a stub for each missing number, in one sorted pass.

    Return the ids by number of the rows that this call wrote: not those that another sender wrote first.
    """
    rows = [{"no": row.no, **{name: getattr(row, name) for name in _STUB}} for row in posted] + [
        {"no": no, **_STUB} for no in missing
    ]
    rows.sort(key=lambda row: row["no"])
    if is_postgresql():
        columns = {name: [row[name] for row in rows] for name in ("no", *_STUB)}
        return dict(fetch(_PUT_WAYBILLS, {**columns, "now": now}))
    moment = as_moment(now)
    execute_each(_PUT_WAYBILL, [{**row, "posted_at": moment if row["digest"] else None, "now": moment} for row in rows])
    return {no: known.id for no, known in find_waybills([row["no"] for row in rows]).items()}


_PUT_PATHS = f"""
    WITH ids AS MATERIALIZED (
        SELECT pg_get_serial_sequence('waybills_path', 'id')::regclass AS sequence
    ), given AS MATERIALIZED (
        SELECT nextval(ids.sequence) AS id, rows.*
          FROM ids, unnest(%(waybill_id)b::bigint[], %(digest)b::bytea[], %(action_time)b::bigint[],
                           %(action_type)b::int[], %(sealed)b::bytea[], %(state)b::text[], %(reason)b::text[],
                           %(deadline_at)b::timestamptz[])
            AS rows (waybill_id, digest, action_time, action_type, sealed, state, reason, deadline_at)
    ), new AS (
        INSERT INTO waybills_path (id, waybill_id, digest, action_time, action_type, sealed, created_at)
        SELECT id, waybill_id, digest, action_time, action_type, sealed, %(now)s FROM given ORDER BY waybill_id, digest
        ON CONFLICT (waybill_id, digest) DO NOTHING
        RETURNING id, waybill_id
    )
    INSERT INTO waybills_push (path_id, waybill_id, action_time, action_type, state, reason, not_before, settled_at,
                               settled_in, deadline_at, tries, refusals, by_hand, trigger, created_at)
    SELECT new.id, new.waybill_id, given.action_time, given.action_type, given.state, given.reason,
           CASE WHEN given.state = 'pending' THEN %(now)s::timestamptz END,
           CASE WHEN given.state <> 'pending' THEN %(now)s::timestamptz END,
           CASE WHEN given.state <> 'pending' THEN {NUMBER[True]} END,
           given.deadline_at, 0, 0, false, %(trigger)s, %(now)s
      FROM new JOIN given USING (id)
     ORDER BY new.id
    RETURNING waybill_id, state, action_type
"""  # noqa: S608 - a constant

_LAST_PATH = "SELECT coalesce(max(id), 0) FROM waybills_path"
_PUT_PATH = """
    INSERT INTO waybills_path (waybill_id, digest, action_time, action_type, sealed, created_at)
    VALUES (%(waybill_id)s, %(digest)s, %(action_time)s, %(action_type)s, %(sealed)s, %(now)s)
    ON CONFLICT (waybill_id, digest) DO NOTHING
"""
_NEW_PATHS = "SELECT id, waybill_id, digest FROM waybills_path WHERE id > %(last)s"
_PUT_PUSH = f"""
    INSERT INTO waybills_push (path_id, waybill_id, action_time, action_type, state, reason, not_before, settled_at,
                               settled_in, deadline_at, tries, refusals, by_hand, trigger, created_at)
    VALUES (%(path_id)s, %(waybill_id)s, %(action_time)s, %(action_type)s, %(state)s, %(reason)s, %(not_before)s,
            %(settled_at)s, CASE WHEN %(settled_at)s IS NOT NULL THEN {NUMBER[False]} END,
            %(deadline_at)s, 0, 0, false, %(trigger)s, %(now)s)
"""  # noqa: S608 - a constant


def put_paths(rows: Sequence[PathWithPush], now: datetime, trigger: str) -> list[tuple[int, str, int]]:
    """Write the paths that are new and a push for each, in one pass sorted by waybill and digest.

    rows: in order of arrival, which is the order of their ids: it decides between events of the same second. Return
    (the waybill's id, the push's state, action_type) of each new path.
    """
    if is_postgresql():
        columns = {
            "waybill_id": arrays.int8s([row.waybill_id for row in rows]),
            "digest": arrays.byteas([row.path.digest for row in rows]),
            "action_time": arrays.int8s([row.path.action_time for row in rows]),
            "action_type": arrays.int4s([row.path.action_type for row in rows]),
            "sealed": arrays.byteas([row.path.sealed for row in rows]),
            "state": arrays.texts([row.state for row in rows]),
            "reason": arrays.texts([row.reason for row in rows]),
            "deadline_at": arrays.moments([row.deadline for row in rows]),
        }
        return fetch(_PUT_PATHS, {**columns, "now": now, "trigger": trigger})
    return _put_paths_sqlite(rows, as_moment(now), trigger)


def _put_paths_sqlite(rows: Sequence[PathWithPush], now: str, trigger: str) -> list[tuple[int, str, int]]:
    ((last,),) = fetch(_LAST_PATH)
    execute_each(
        _PUT_PATH,
        [
            {
                "waybill_id": row.waybill_id,
                "digest": row.path.digest,
                "action_time": row.path.action_time,
                "action_type": row.path.action_type,
                "sealed": row.path.sealed,
                "now": now,
            }
            for row in rows
        ],
    )
    by_identity = {(row.waybill_id, row.path.digest): row for row in rows}
    new = fetch(_NEW_PATHS, {"last": last})
    pushes = [
        _push_row(path_id, by_identity[waybill_id, bytes(digest)], now, trigger) for path_id, waybill_id, digest in new
    ]
    execute_each(_PUT_PUSH, pushes)
    return [(push["waybill_id"], push["state"], push["action_type"]) for push in pushes]


def _push_row(path_id: int, row: PathWithPush, now: str, trigger: str) -> dict[str, Any]:
    is_pending = row.state == PushState.PENDING
    return {
        "path_id": path_id,
        "waybill_id": row.waybill_id,
        "action_time": row.path.action_time,
        "action_type": row.path.action_type,
        "state": row.state.value,
        "reason": row.reason.value,
        "not_before": now if is_pending else None,
        "settled_at": None if is_pending else now,
        "deadline_at": as_moment(datetime.fromtimestamp(row.deadline, UTC)),
        "trigger": trigger,
        "now": now,
    }


_SKIP = """
    UPDATE waybills_push SET state = 'skipped', reason = %(reason)s, settled_at = %(now)s, settled_in = {settled_in},
           not_before = NULL
     WHERE state = 'pending' AND waybill_id IN ({list})
"""


def skip_unreachable(waybill_ids: Sequence[int], now: datetime) -> None:
    """Settle what waited for waybills that came with a phone that cannot be pushed to."""
    if waybill_ids:
        execute(
            _SKIP.format(list=IDS[is_postgresql()], settled_in=NUMBER[is_postgresql()]),
            {
                "ids": as_list(waybill_ids),
                "now": as_moment(now),
                "reason": PushReason.PHONE_NOT_MOBILE.value,
            },
        )
