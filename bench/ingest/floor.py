"""The floor: rows that are sealed already by COPY into a staging table, and a merge; psycopg alone, four connections.

Each line "KIND FIRST COUNT" on standard input makes the rows of these batches; KIND: `scans` and `waybills` write the
rows that the portal writes, `paths` writes paths alone. It is answered, a line "go" awaited, and then how long it took.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator

import psycopg

from bench.ingest.client import SENDERS
from bench.ingest.events import Events

Rows = list[tuple]

_STAGE_PATHS = """
    CREATE TEMPORARY TABLE staged_path (no text, digest bytea, action_time bigint, action_type int, sealed bytea)
    ON COMMIT DELETE ROWS
"""
_PATH_TYPES = ["text", "bytea", "int8", "int4", "bytea"]
_WAYBILL_COLUMNS = """no, digest, create_time, sealed, receiver_phone_index, sender_phone_index, receiver_is_mobile,
    receiver_province, receiver_city, sender_province, sender_city"""
_STAGE_WAYBILLS = f"""
    CREATE TEMPORARY TABLE staged_waybill ON COMMIT DELETE ROWS AS
    SELECT {_WAYBILL_COLUMNS} FROM waybills_waybill LIMIT 0
"""
_WAYBILL_TYPES = ["text", "bytea", "int8", "bytea", "bytea", "bytea", "bool", "text", "text", "text", "text"]

_MERGE_WAYBILLS = f"""
    INSERT INTO waybills_waybill ({_WAYBILL_COLUMNS}, posted_at, created_at, updated_at)
    SELECT {_WAYBILL_COLUMNS}, now(), now(), now() FROM staged_waybill ORDER BY no
    ON CONFLICT (no) DO UPDATE SET digest = excluded.digest, sealed = excluded.sealed, updated_at = excluded.updated_at
    WHERE waybills_waybill.digest <> excluded.digest
"""
_MERGE_PATHS = """
    INSERT INTO waybills_path (waybill_id, digest, action_time, action_type, sealed, created_at)
    SELECT w.id, s.digest, s.action_time, s.action_type, s.sealed, now()
      FROM staged_path s JOIN waybills_waybill w USING (no) ORDER BY w.id, s.digest
    ON CONFLICT (waybill_id, digest) DO NOTHING
"""
_MERGE_ALL = f"""
    WITH new AS ({_MERGE_PATHS} RETURNING id, waybill_id, action_time, action_type),
    pushed AS (
        INSERT INTO waybills_push (path_id, waybill_id, action_time, action_type, state, reason, not_before,
                                   deadline_at, tries, refusals, by_hand, trigger, created_at)
        SELECT id, waybill_id, action_time, action_type, 'pending', '', now(),
               to_timestamp(action_time) + interval '24 hours', 0, 0, false, 'event', now() FROM new
    )
    INSERT INTO waybills_lane (waybill_id, wake_at, leased, fence, is_urgent, sent_through)
    SELECT waybill_id, now(), false, 0, bool_or(action_type IN (300002, 300003)), 0 FROM new
     GROUP BY waybill_id ORDER BY waybill_id
    ON CONFLICT (waybill_id) DO UPDATE SET wake_at = least(waybills_lane.wake_at, excluded.wake_at),
                                           is_urgent = waybills_lane.is_urgent OR excluded.is_urgent
"""


def batch_rows(kind: str, events: Events, batch: int) -> tuple[Rows, Rows]:
    """Return the sealed rows (waybills, paths) of one batch."""
    from waybills.ingest import prepare
    from waybills.items import read_paths, read_waybills

    is_new = kind == "waybills"
    read = read_waybills(events.waybills(batch), int) if is_new else read_paths(events.scans(batch), int)
    prepared = prepare(read.waybills, read.paths)
    return [_values(row) for row in prepared.waybills], [_values(row) for row in prepared.paths]


def _values(row: object) -> tuple:
    return tuple(getattr(row, name) for name in row.__slots__)


def merge(connection: psycopg.Connection, kind: str, waybills: Rows, paths: Rows) -> None:
    """Store one batch, in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        if waybills:
            stage(cursor, "staged_waybill", _WAYBILL_TYPES, waybills)
            cursor.execute(_MERGE_WAYBILLS)
        stage(cursor, "staged_path", _PATH_TYPES, paths)
        cursor.execute(_MERGE_PATHS if kind == "paths" else _MERGE_ALL)


def stage(cursor: psycopg.Cursor, table: str, types: list[str], rows: Rows) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def sender(connection: psycopg.Connection, kind: str, waiting: Iterator[tuple[Rows, Rows]]) -> None:
    for waybills, paths in waiting:
        merge(connection, kind, waybills, paths)


def take_turns(batches: list[tuple[Rows, Rows]]) -> list[Iterator[tuple[Rows, Rows]]]:
    return [iter(batches[place::SENDERS]) for place in range(SENDERS)]


def connect(address: str) -> psycopg.Connection:
    # A staging table has no statistics: let the known waybills be found by their key, however many there are.
    options = "-c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
    connection = psycopg.connect(address, autocommit=True, options=options, prepare_threshold=0)
    connection.execute(_STAGE_PATHS)
    connection.execute(_STAGE_WAYBILLS)
    return connection


def main() -> None:
    import django

    django.setup()
    events = Events(*map(int, sys.argv[1:]))
    connections = [connect(os.environ["DATABASE_URL"]) for _ in range(SENDERS)]
    for line in sys.stdin:
        kind, first, count = line.split()
        batches = [batch_rows(kind, events, int(first) + place) for place in range(int(count))]
        print(json.dumps({"ready": True}), flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        threads = [
            threading.Thread(target=sender, args=(connection, kind, own))
            for connection, own in zip(connections, take_turns(batches), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
