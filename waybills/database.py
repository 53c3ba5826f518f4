"""The hand-written SQL's door to both databases: PostgreSQL through psycopg's own cursor, SQLite through Django's.

psycopg's own cursor binds on the server; Django's interpolates every value into the text first, which costs more than
the statement itself where a batch carries a thousand sealed documents.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.utils.dateparse import parse_datetime

Rows = list[tuple[Any, ...]]


def is_postgresql() -> bool:
    """Return whether the database is PostgreSQL; the only other is SQLite."""
    return connection.vendor == "postgresql"


@contextmanager
def hand_cursor() -> Iterator[Any]:
    """Yield a cursor; the database's errors arrive as Django's."""
    if not is_postgresql():
        with connection.cursor() as cursor:
            yield cursor
        return
    import psycopg

    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def fetch(sql: str, parameters: dict[str, Any]) -> Rows:
    """Return all rows of one statement."""
    with hand_cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def fetch_prepared(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return all rows of a statement of a hot path, its `%s` filled in order.

    PostgreSQL parses and plans it once a connection, and answers in binary: a quarter of a callback's time.
    """
    return list(_run_prepared(sql, parameters).fetchall())


def execute_prepared(sql: str, parameters: Sequence[Any]) -> None:
    """Run a statement of a hot path that returns no rows."""
    _run_prepared(sql, parameters)


def _run_prepared(sql: str, parameters: Sequence[Any]) -> Any:
    # Asked for once: each look through the proxy costs a microsecond or two.
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        cursor = database.cursor()
        cursor.execute(sql, parameters)
        return cursor
    import psycopg

    database.ensure_connection()
    with database.wrap_database_errors:
        return psycopg.Cursor(database.connection).execute(sql, parameters, prepare=True, binary=True)


def execute(sql: str, parameters: dict[str, Any]) -> int:
    """Run one statement; return how many rows it touched."""
    with hand_cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def execute_each(sql: str, rows: Sequence[dict[str, Any]]) -> None:
    """Run one statement for each row inside SQLite's own process."""
    if not rows:
        return
    with hand_cursor() as cursor:
        cursor.executemany(sql, rows)


def as_list(values: Sequence[Any]) -> Any:
    """Return what a statement takes as a list: an array on PostgreSQL, JSON on SQLite."""
    return list(values) if is_postgresql() else json.dumps(list(values))


def as_moment(moment: datetime | None) -> Any:
    """Return a moment as the database compares it: SQLite holds UTC as text, as Django writes it."""
    if moment is None or is_postgresql():
        return moment
    # Always six digits: texts compare character by character, and strftime writes three.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def read_moment(value: Any) -> datetime | None:
    """Return the aware moment of a column read by hand."""
    if value is None:
        return None
    parsed = value if isinstance(value, datetime) else parse_datetime(value)
    if parsed is None:
        raise ValueError(f"not a moment: {value!r}")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
